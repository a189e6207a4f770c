"""What jobs insist on, and which pools have it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.slurm import constraints, wire
from connectors.slurm.constraints import Kind, could_have, kinds_of, wish_of
from models.errors import BadInput
from tests.connectors.slurm.makers import job, node, one

A100, H100 = "gpu:a100:4(S:0-1)", "gpu:h100:8,shard:16"
KINDS = (
    Kind(frozenset({"a100", "ib", "rack1"}), A100, frozenset({"a1", "a2"})),
    Kind(frozenset({"h100", "ib", "rack2"}), H100, frozenset({"h1"})),
    Kind(frozenset({"rack1"}), "", frozenset({"c1", "c2", "c3"})),
    Kind(frozenset({"rack2"}), "", frozenset({"d1"})),
)


def could(needed: int = 1, excluded: tuple[str, ...] = (), kinds: tuple[Kind, ...] = KINDS, **told: Any) -> bool:
    return could_have(one(job(**told)), excluded, needed, kinds)


@pytest.mark.parametrize(
    ("features", "most"),
    [
        ("a100", 2),
        ("A100", 0),
        ("rack1", 5),
        ("ib", 3),
        ("v100", 0),
        ("a100&ib", 2),
        ("a100,ib", 2),
        ("a100&", 2),
        ("a100&rack2", 0),
        ("a100|h100", 3),
        ("a100|v100", 2),
        ("(a100&ib)|rack2", 4),
        ("rack2|(ib&a100)", 4),
        ("rack2|ib&a100", 2),
        ("rack2&ib|a100", 3),
        ("[rack1|rack2]", 5),
        ("[rack2|h100]", 2),
        ("ib&[rack1|rack2]", 2),
        ("[(rack1&ib)|rack2]", 2),
        ("rack1*2", 7),
        ("h100*2", 0),
        ("[rack1*5&rack2*2]", 7),
        ("[rack1*6&rack2*2]", 0),
        ("[(rack1|rack2)*1&(ib&a100)*2]", 7),
        ("[(rack1|rack2)*1&(ib&a100)*3]", 0),
        ("ib&[a100*2&h100*1]", 3),
        ("ib&[a100*2&rack2*2]", 0),
        ("((a100|h100)&ib)", 3),
    ],
)
def test_of_how_many_nodes_at_most_a_job_finds_its_features(features: str, most: int):
    """Where a pool has unlike nodes: ``most`` of its seven."""
    assert [needed for needed in range(1, 8) if could(needed, features=features)] == list(range(1, most + 1))


@pytest.mark.parametrize(
    "features",
    [
        *("!a100", "-a100", "a100&&", "&a100", "|", "a100||ib", "a100*", "*2", "a100*x", "a100*2*3", "a100\n"),
        *("(a100", "a100)", "[a100", "a100]", "[a100)", "()", "[]", "a100(ib)", "(" * 20 + "a100" + ")" * 20),
        *("[a100&ib]", "[a100|ib&rack1]", "[a100*2|ib*3]", "[rack1|rack2]*2", "a100 & ib", "|".join(("a100",) * 999)),
        "&".join(f"(a100|b{index})" for index in range(12)),
        "&".join(f"[a100|b{index}]" for index in range(12)),
    ],
)  # fmt: skip
def test_a_job_whose_features_cannot_be_understood_or_that_no_node_has_is_none_of_the_pool(features: str):
    assert not could(features=features)


def test_where_every_node_fits_a_job_may_be_larger_than_the_pool():
    """It is oversize then, which is told."""
    assert could(20, features="rack1", kinds=KINDS[:1])
    assert not could(20, features="rack1")
    assert could(20)


@pytest.mark.parametrize(
    ("told", "excluded", "needed", "has"),
    [
        ({}, ("a1",), 6, True),
        ({}, ("a1",), 7, False),
        ({}, ("elsewhere",), 7, True),
        ({}, ("a1", "a2", "h1", "c1", "c2", "c3", "d1"), 1, False),
        ({"features": "a100"}, ("a1",), 1, True),
        ({"features": "a100"}, ("a1",), 2, False),
        ({"features": "a100"}, ("a1", "a2"), 1, False),
        ({"features": "a100*2"}, ("a1",), 2, False),
    ],
)
def test_nodes_that_a_job_excludes_are_not_there_for_it(
    told: dict[str, Any], excluded: tuple[str, ...], needed: int, has: bool
):
    assert could(needed, excluded, **told) is has


@pytest.mark.parametrize(
    ("told", "most"),
    [
        ({"tres_per_node": "gres/gpu:a100:4"}, 2),
        ({"tres_per_node": "gres/gpu:a100:5"}, 0),
        ({"tres_per_node": "gres/gpu:A100:1"}, 0),
        ({"tres_per_node": "gres/gpu:4"}, 3),
        ({"tres_per_node": "gres/gpu:8"}, 1),
        ({"tres_per_node": "gres/gpu"}, 3),
        ({"tres_per_node": "gres/gpu:v100:1"}, 0),
        ({"tres_per_node": "gres:gpu:h100:2"}, 1),
        ({"tres_per_node": "gpu:h100:2"}, 1),
        ({"tres_per_node": "gres/shard:16"}, 1),
        ({"tres_per_node": "gres/gpu:h100:2,gres/shard:17"}, 0),
        ({"tres_per_job": "gres/gpu:a100:8"}, 2),
        ({"tres_per_job": "gres/gpu:v100:1"}, 0),
        ({"tres_per_task": "gres/gpu:a100=1"}, 2),
        ({"tres_per_task": "cpu=4,gres/gpu:h100=1"}, 1),
        ({"tres_per_node": "gres/gpu:a100:1", "features": "rack2"}, 0),
    ],
)
def test_of_how_many_nodes_at_most_a_job_finds_its_gpus(told: dict[str, str], most: int):
    assert [needed for needed in range(1, 8) if could(needed, **told)] == list(range(1, most + 1))


def test_nodes_are_of_one_kind_by_their_features_and_gres_in_whatever_order_they_come():
    told = [node("n2", features=["ib", "a100"]), node("n1", features="a100,ib"), node("n3", features="", gres="")]
    nodes = wire.decode(b'{"nodes": %s}' % str(told).replace("'", '"').encode(), wire.Nodes).nodes or ()
    kinds = kinds_of(nodes)
    assert kinds == kinds_of(reversed(nodes))
    assert [(sorted(kind.features), sorted(kind.nodes)) for kind in kinds] == [
        ([], ["n3"]), (["a100", "ib"], ["n1"]), (["a100", "ib"], ["n2"]),
    ]  # fmt: skip


# ---- any expression ----

NAMES = st.sampled_from(["a", "b-2.x", "c_3", "d:4", "e=5"])


@st.composite
def expressions(draw: st.DrawFn, depth: int = 2) -> tuple[str, Any]:
    """An expression without counts, and what it says of a node with these features."""

    def item() -> tuple[str, Any]:
        if depth and draw(st.booleans()):
            text, says = draw(expressions(depth - 1))
            return f"({text})", says
        name = draw(NAMES)
        return name, lambda features: name in features

    text, says = item()
    for operator in draw(st.lists(st.sampled_from("&|,"), max_size=3)):
        more, also = item()
        text += operator + more
        says = _joined(operator, says, also)
    return text, says


def _joined(operator: str, one: Any, other: Any) -> Any:
    if operator == "|":
        return lambda features: one(features) or other(features)
    return lambda features: one(features) and other(features)


@given(expressions(), st.frozensets(NAMES))
def test_an_expression_is_read_from_left_to_right(told: tuple[str, Any], features: frozenset[str]):
    text, says = told
    assert could(features=text, kinds=(Kind(features, "", frozenset({"n1"})),)) is says(features)


@given(st.text(alphabet="ab&|,()[]*2 ", max_size=30))
def test_whatever_is_written_is_understood_or_refused(text: str):
    try:
        wish = wish_of(text)
    except BadInput:
        assert not text or not could(features=text)
    else:
        assert wish.options
        assert len(wish.options) <= constraints.CLAUSES_MOST
