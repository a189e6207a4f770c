"""Lead times: what the policy expects until enough has been seen, then what was seen lately, by direction."""

from __future__ import annotations

import pytest

from controller.lead_times import ENOUGH, REMEMBERED, LeadTimes
from models.handovers import Direction
from models.snapshot import LeadTime

UP, DOWN = Direction.TO_KUBERNETES, Direction.TO_HPC


def learned(*seconds: int, expected_s: int = 600) -> LeadTime:
    lead = LeadTimes(expected_s)
    for took_s in seconds:
        lead.learn(UP, took_s)
    assert lead.current()[DOWN] == LeadTime(expected_s, expected_s), "each direction learns by itself"
    return lead.current()[UP]


# what was seen -> median, 90th percentile, when 600 s are expected
CASES = {
    "nothing yet": ((), 600, 600),
    "one fast one": ((10,), 600, 600),
    "one slow one": ((9000,), 600, 9000),
    "three fast ones outweigh what is expected": ((10, 10, 10), 10, 600),
    "enough": ((10,) * ENOUGH, 10, 10),
    "one in ten is slow": ((10,) * 9 + (900,), 10, 900),
    "one in twenty is slow": ((10,) * 19 + (900,), 10, 10),
    "none of any length": ((0,) * ENOUGH, 0, 0),
}


@pytest.mark.parametrize(("seconds", "median_s", "p90_s"), CASES.values(), ids=CASES.keys())
def test_what_is_learned(seconds: tuple[int, ...], median_s: int, p90_s: int):
    assert learned(*seconds) == LeadTime(median_s, p90_s)


def test_what_lies_long_back_is_forgotten():
    assert learned(*[9000] * 500, *[10] * REMEMBERED) == LeadTime(10, 10)


def test_what_was_handed_out_does_not_change_afterwards():
    lead = LeadTimes(600)
    before = lead.current()
    lead.learn(UP, 9000)
    assert before[UP] == LeadTime(600, 600)
