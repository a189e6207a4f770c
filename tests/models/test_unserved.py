"""Work that nobody can serve: what is said of it, and how it is summed up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.nodes import Side
from models.unserved import Unserved, UnservedReason, by_reason, too_large_jobs
from models.work import WaitingWork

SOME = st.builds(
    Unserved,
    side=st.sampled_from(Side),
    why=st.sampled_from(UnservedReason),
    count=st.integers(1, 5),
    nodes=st.integers(1, 100).map(float),
    example=st.sampled_from(("", "a", "b")),
    largest=st.integers(0, 50).map(float),
)


@pytest.mark.parametrize(
    ("side", "why", "count", "example", "text"),
    [
        pytest.param(
            *(Side.KUBERNETES, UnservedReason.NODE, 41, "96 cpus, a node has 64"),
            "41 pods ask for more than a node of this pool has (largest: 96 cpus, a node has 64)",
            id="larger than a node",
        ),
        pytest.param(
            *(Side.HPC, UnservedReason.POOL, 1, "200 nodes, HPC can have 95"),
            "1 job asks for more than HPC can ever have of this pool (largest: 200 nodes, HPC can have 95)",
            id="one larger than the pool",
        ),
        pytest.param(
            *(Side.KUBERNETES, UnservedReason.MATCH, 1, ""), "1 pod fits no node of this pool", id="one that fits none"
        ),
        pytest.param(*(Side.KUBERNETES, UnservedReason.QUOTA, 2000, ""), "2,000 pods are held by quota", id="quota"),
        pytest.param(
            *(Side.KUBERNETES, UnservedReason.RESOURCE, 1, "\x1b[2Ja.b/c"),
            "1 pod asks for what no node of this pool has (largest: ?[2Ja.b/c)",
            id="what strangers wrote is safe to print",
        ),
    ],
)
def test_what_is_said(side: Side, why: UnservedReason, count: int, example: str, text: str):
    assert Unserved(side, why, count, 1.0, example).text == text


@pytest.mark.parametrize("why", UnservedReason)
def test_each_reason_has_its_words(why: UnservedReason):
    texts = {Unserved(Side.KUBERNETES, one, 2, 1.0).text for one in UnservedReason}
    assert len(texts) == len(UnservedReason)
    assert Unserved(Side.KUBERNETES, why, 2, 1.0).text.startswith("2 pods ")


def test_what_no_policy_changes_is_told_from_what_is_only_held():
    good = {why for why in UnservedReason if why.for_good}
    assert good == {UnservedReason.NODE, UnservedReason.POOL, UnservedReason.RESOURCE, UnservedReason.MATCH}


@given(st.lists(SOME))
def test_sums_lose_nothing_and_keep_the_largest_example(found: list[Unserved]):
    summed = by_reason(found)
    assert len({(one.side, one.why) for one in summed}) == len(summed)
    for one in summed:
        alike = [other for other in found if (other.side, other.why) == (one.side, one.why)]
        assert one.count == sum(other.count for other in alike)
        assert one.nodes == sum(other.nodes for other in alike)
        largest = max(alike, key=lambda other: other.largest)
        assert (one.example, one.largest) == (largest.example, largest.largest)
    assert sum(one.count for one in summed) == sum(one.count for one in found)
    assert by_reason(summed) == summed


def test_oversize_is_what_is_larger_than_the_pool():
    held = Unserved(Side.HPC, UnservedReason.PERSON, 7, 7.0)
    assert WaitingWork(Side.HPC, (), (too_large_jobs(20.0, 10, 3), held)).oversize == 3
