"""What is announced: from when to when it counts, and how much of it there may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.announced import AHEAD_MOST_S, ANNOUNCED_MOST, STEP_S, Announced, nodes_by, soonest
from models.demand import Demand
from models.nodes import Side

NOW_S = 1_000_000


def one(in_s: int, nodes: float = 4.0, lasts_s: int | None = None, side: Side = Side.HPC) -> Announced:
    return Announced(NOW_S + in_s, side, nodes, "a", lasts_s)


@pytest.mark.parametrize(
    ("announced", "in_s", "nodes"),
    [
        ((), 900, 0.0),
        ((one(900),), 899, 0.0),
        ((one(900),), 900, 4.0),
        ((one(900),), 90_000, 4.0),
        ((one(900, lasts_s=600),), 1499, 4.0),
        ((one(900, lasts_s=600),), 1500, 0.0),
        ((one(0),), 900, 0.0),
        ((one(-60),), 900, 0.0),
        ((one(900), one(1800, 2.0)), 1800, 6.0),
        ((one(900, lasts_s=300), one(1800, 2.0)), 1800, 2.0),
    ],
    ids=[
        "nothing is announced",
        "before it begins",
        "as it begins",
        "long after",
        "until it must have ended",
        "not after that",
        "what begins now is demand",
        "what has begun is demand",
        "both of two",
        "the second when the first has ended",
    ],
)
def test_what_runs_by_an_hour(announced, in_s, nodes):
    assert nodes_by(announced, NOW_S, NOW_S + in_s) == nodes


@pytest.mark.parametrize(
    ("nodes", "lasts_s"), [(0.0, None), (-1.0, None), (float("inf"), None), (float("nan"), None), (1.0, -1)]
)
def test_what_cannot_be_is_refused(nodes, lasts_s):
    with pytest.raises(ValueError, match="what is announced"):
        Announced(900, Side.HPC, nodes, "a CronJob", lasts_s)


def test_demand_announces_a_bounded_number_of_things_of_its_own_side():
    assert Demand(Side.HPC, NOW_S, 1.0, 0.0, (one(9),) * ANNOUNCED_MOST).nodes == 1.0
    for wrong in ((one(9),) * (ANNOUNCED_MOST + 1), (one(9, side=Side.KUBERNETES),)):
        with pytest.raises(ValueError, match="announces at most"):
            Demand(Side.HPC, NOW_S, 1.0, 0.0, wrong)


def test_only_what_comes_within_a_day_is_told_the_soonest_first():
    late, next_, gone = one(AHEAD_MOST_S), one(60), one(0)
    assert soonest([late, one(AHEAD_MOST_S + 1), gone, next_], NOW_S) == (next_, late)


def test_of_very_many_those_of_five_minutes_are_one():
    many = [one(n, 1.0, n) for n in range(1, 2 * ANNOUNCED_MOST)]
    told = soonest(many, NOW_S)
    assert sum(part.nodes for part in told) == len(many)
    assert len(told) <= 2 + len(many) // STEP_S
    assert told[0].at_s == NOW_S + 1
    assert told[0].lasts_s == len(many)
    assert told[0].why == f"a and {len(many) - 1} more"


@given(st.lists(st.builds(one, st.integers(-9, 90_000), st.floats(0.1, 50), st.none() | st.integers(0, 9000))))
def test_however_many_there_are_few_are_told_and_none_is_made_up(announced):
    told = soonest(announced * 3, NOW_S)
    assert len(told) <= ANNOUNCED_MOST
    assert [part.at_s for part in told] == sorted(part.at_s for part in told)
    assert sum(part.nodes for part in told) <= 3 * sum(part.nodes for part in announced) + 1e-6
