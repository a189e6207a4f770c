"""Records that are taken over: only what can be is believed, and nothing opens on the word of a record."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.handover.adoption import EPOCHS_AHEAD_MOST, LOANED_MOST_S, believed, beyond_bounds, seen_again
from controller.handover.record import encode
from models.errors import BadInput
from models.handovers import Direction, Handover, Stage, Why
from models.nodes import HpcNode, KubernetesNode, Node, Side
from tests.controller.play import DEADLINE_S, DOWN, RULES, STAGES, UP

S = Stage
NOW_S, EPOCH = 10_000, 4


def handover(direction: Direction = UP, **facts: Any) -> Handover:
    plain = Handover("h1", "p1", "n1", direction, S.PLANNED, NOW_S - 60, NOW_S - 30, NOW_S + 500, epoch=3)
    return replace(plain, **facts)


def node(
    drain: str | None, closed: str | None, *, busy: bool = False, name: str = "n1", frees: int | None = None
) -> Node:
    return Node(name, HpcNode(name, "", drain, busy, frees), KubernetesNode(name, closed, False, 0))


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"node": "n2"}, "of node n2"),
        ({"epoch": EPOCH + EPOCHS_AHEAD_MOST + 1}, "of epoch 100005"),
        ({"epoch": 2**31 - 1}, "of epoch 2147483647"),
    ],
    ids=str,
)
def test_what_cannot_be_is_not_believed(facts: dict[str, Any], told: str):
    with pytest.raises(BadInput, match=told):
        believed(encode(handover(**facts)), "n1", EPOCH, NOW_S, RULES)


def test_an_epoch_that_may_be_is_believed_and_can_be_risen_above():
    text = encode(handover(epoch=EPOCH + EPOCHS_AHEAD_MOST))
    assert believed(text, "n1", EPOCH, NOW_S, RULES).epoch == EPOCH + EPOCHS_AHEAD_MOST


any_time = st.integers(-(2**53), 2**53)


@given(any_time, any_time, any_time, st.none() | any_time, st.sampled_from(STAGES), st.booleans())
def test_whatever_times_a_record_has_nothing_waits_longer_than_it_can(
    started_s: int, since_s: int, deadline_s: int, reserve_s: int | None, what: tuple[Direction, Stage], loan: bool
):
    direction, stage = what
    forged = handover(
        direction,
        stage=stage,
        started_s=started_s,
        stage_since_s=since_s,
        deadline_s=deadline_s,
        reserve_from_s=reserve_s,
        loan=loan,
    )
    found = believed(encode(forged), "n1", EPOCH, NOW_S, RULES)
    assert max(found.started_s, found.stage_since_s) <= NOW_S
    again = seen_again(found, node(None, "x", frees=NOW_S + 50), NOW_S, RULES)
    longest_s = LOANED_MOST_S if loan else 50
    assert again.deadline_s <= NOW_S + longest_s + DEADLINE_S
    assert again.reserve_from_s is None or again.reserve_from_s <= NOW_S + longest_s


CLOSED, HPC_HAS, KUBERNETES_HAS = node("m", "m"), node(None, "m"), node("m", None)


@pytest.mark.parametrize(
    ("direction", "stage", "shown", "expected"),
    [
        (UP, S.PLANNED, HPC_HAS, S.PLANNED),
        (UP, S.DRAINING, CLOSED, S.DRAINING),
        (UP, S.DRAINED, CLOSED, S.DRAINING),
        (UP, S.SETTLED, CLOSED, S.DRAINING),
        (UP, S.OPENING, CLOSED, S.DRAINING),
        (UP, S.CANCELLING, CLOSED, S.CANCELLING),
        (UP, S.OPENING, KUBERNETES_HAS, S.OPENING),
        (UP, S.DRAINING, KUBERNETES_HAS, S.OPENING),
        (UP, S.CANCELLING, KUBERNETES_HAS, S.OPENING),
        (UP, S.CANCELLING, node("m", None, busy=True), S.CANCELLING),
        (DOWN, S.DISCOURAGED, KUBERNETES_HAS, S.DISCOURAGED),
        (DOWN, S.EMPTYING, CLOSED, S.CLOSED),
        (DOWN, S.EMPTY, CLOSED, S.CLOSED),
        (DOWN, S.SETTLED, CLOSED, S.CLOSED),
        (DOWN, S.OPENING, CLOSED, S.CLOSED),
        (DOWN, S.OPENING, KUBERNETES_HAS, S.CLOSED),
        (DOWN, S.OPENING, HPC_HAS, S.OPENING),
        (DOWN, S.CANCELLING, KUBERNETES_HAS, S.CANCELLING),
    ],
)
def test_what_a_stage_says_was_seen_is_seen_again(direction: Direction, stage: Stage, shown: Node, expected: Stage):
    again = seen_again(handover(direction, stage=stage), shown, NOW_S, RULES)
    assert again.stage is expected
    assert again.stage_since_s == (NOW_S - 30 if expected is stage else NOW_S)


def leaves(moving: Handover | None, side: Side) -> bool:
    """Whether a node that neither side has comes from this one, and is still to go on."""
    return moving is not None and moving.direction.source is side and moving.why is None


@given(
    st.lists(st.sampled_from(["hpc", "kubernetes", "nobody"]), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 11), st.sampled_from(Direction), st.booleans()), max_size=12),
    st.integers(0, 6),
    st.integers(0, 6),
)
def test_no_side_is_taken_below_its_floor(
    owners: list[str], moves: list[tuple[int, Direction, bool]], hpc_floor: int, kubernetes_floor: int
):
    shown = {"hpc": (None, "m"), "kubernetes": ("m", None), "nobody": ("m", "m")}
    nodes = [node(*shown[owner], name=f"n{number}") for number, owner in enumerate(owners)]
    found = {
        f"n{number}": handover(direction, id=f"h{number}", node=f"n{number}", why=Why.LATE if turned else None)
        for number, direction, turned in moves
    }
    beyond = set(beyond_bounds(found.values(), nodes, (kubernetes_floor, len(nodes) - hpc_floor)))
    for side, floor in ((Side.HPC, hpc_floor), (Side.KUBERNETES, kubernetes_floor)):
        had = [
            one.name for one in nodes if one.owner is side or (one.owner is None and leaves(found.get(one.name), side))
        ]
        kept = [
            name
            for name in had
            if name not in found
            or found[name].direction.source is not side
            or found[name].id in beyond
            or found[name].why is not None
        ]
        assert len(kept) >= min(floor, len(had))
        assert not beyond & {found[name].id for name in had if name in found} or len(kept) <= floor


def test_of_several_that_leave_one_side_the_oldest_go_on_and_those_that_turn_back_anyway_count_for_nothing():
    nodes = [node("m", None, name=f"n{number}") for number in range(3)] + [node("m", "m", name="n3")]
    found = [handover(DOWN, id=f"h{at}", node=f"n{at}", started_s=NOW_S - at) for at in range(4)]
    assert beyond_bounds(found, nodes, (4, 4)) == ["h3", "h2", "h1", "h0"]
    assert beyond_bounds(found, nodes, (2, 4)) == ["h1", "h0"]
    turning = [replace(found[3], why=Why.LATE), replace(found[2], stage=S.CANCELLING), *found[:2]]
    assert beyond_bounds(turning, nodes, (1, 4)) == []
    assert beyond_bounds(turning, nodes, (2, 4)) == ["h0"]
    assert beyond_bounds([replace(found[1], why=Why.LATE), found[0]], nodes, (2, 4)) == []
