"""Names of pools: short enough for a mark, and never the same for two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.identity import SCOPE_MOST, PoolId

SITES = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?", fullmatch=True)
POOLS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", fullmatch=True)
IDS = st.builds(PoolId, SITES, POOLS)


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
