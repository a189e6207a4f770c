"""Names of pools: short enough for a mark, and never the same for two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.handovers import MARK_PREFIX, of_tidegate, ours
from models.identity import SCOPE_MOST, PoolId, scope_of, split_name

SITES = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?", fullmatch=True)
POOLS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", fullmatch=True)
IDS = st.builds(PoolId, SITES, POOLS)
LOCAL = st.from_regex(r"[1-9][0-9]{0,8}\.[mp]?[1-9][0-9]{0,8}", fullmatch=True)


def test_names_as_ids_keys_and_sources_carry_them():
    one = PoolId("campus", "a100")
    assert (one.scope, one.key, one.source("connector")) == (
        "campus_a100",
        "campus/a100",
        "/tidegate/campus/a100/connector",
    )


@given(IDS)
def test_a_source_names_its_pool(one: PoolId):
    assert PoolId.of_source(one.source("connector")) == one
    assert PoolId.of_source(one.old_source("connector")) is None


@pytest.mark.parametrize(
    "source", ["", "/forger", "/tidegate/a/b", "/tidegate//a/connector", "/tidegate/a/b/c/d", "x/tidegate/a/b/c"]
)
def test_a_source_that_names_no_pool(source: str):
    assert PoolId.of_source(source) is None


@given(IDS, IDS)
def test_two_pools_are_never_called_the_same(one: PoolId, other: PoolId):
    assert len(one.scope) <= SCOPE_MOST
    assert (one.scope == other.scope) is (one == other)


def test_a_dot_moves_no_pool_to_another_site():
    assert PoolId("a.b", "c").scope != PoolId("a", "b.c").scope


@given(IDS, LOCAL)
def test_whose_an_id_is_can_be_told_from_it(pool: PoolId, local: str):
    name = f"{pool.scope}.{local}"
    assert (scope_of(name), split_name(name)) == (pool.scope, (pool.scope, local))
    assert (scope_of(local), split_name(local)) == ("", ("", local))


@given(IDS, IDS, LOCAL)
def test_a_mark_is_ours_where_it_bears_our_name_or_none(one: PoolId, other: PoolId, local: str):
    mark = f"{MARK_PREFIX}{one.scope}.{local}"
    assert ours(mark, one.scope)
    assert ours(mark, other.scope) is (one == other)
    assert ours(MARK_PREFIX + local, one.scope)


@pytest.mark.parametrize(
    ("mark", "is_ours"),
    [
        (None, False), ("", False), ("maintenance", False), ("tidegate", False),
        ("tidegate:1.p3", True), ("tidegate:1.m4", True), ("tidegate:initial", True),
        ("tidegate:campus_a100.1.p3", True), ("tidegate:campus_a100.1.m4", True),
        ("tidegate:campus_h100.1.p3", False), ("tidegate:there_a100.1.p3", False),
        ("tidegate:campus_a100.1.1.p3", False), ("tidegate:campus_a100.1.p3 says bob", False),
        ("tidegate:campus_a100", True), ("tidegate:1.2", True), ("tidegate:a.b", False),
    ],
)  # fmt: skip
def test_marks_of_ours_of_others_and_of_persons(mark: str | None, is_ours: bool):
    assert ours(mark, "campus_a100") is is_ours
    assert of_tidegate(mark) is (mark is not None and mark.startswith("tidegate:"))
