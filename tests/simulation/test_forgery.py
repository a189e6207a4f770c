"""Records that nobody of ours wrote, and pods that come late: a thousand of each, seeded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.handovers import Stage
from tests.simulation.mutants import RULES, plan_for
from tests.simulation.plan import Fault, Plan
from tests.simulation.world import World

WORLDS = 13  # of 80 faults each: more than a thousand
ALL = [seed if seed < 3 else pytest.param(seed, marks=pytest.mark.full) for seed in range(WORLDS)]


def plan_of(fault: Fault, seed: int, **facts: object) -> Plan:
    return replace(plan_for(replace(RULES["settle"], faults=(fault,)), seed), **facts)


@pytest.mark.parametrize("seed", ALL)
def test_forged_records_open_nothing_end_nothing_and_take_no_side_below_its_floor(seed: int):
    world = World(plan_of(Fault.FORGED_RECORD, seed, floor=1 + seed % 2))

    def again() -> None:
        world.observer.below_floor()
        world.after(15, again)

    world.at(1, again)
    world.run()
    for process in world.processes:
        assert process.controller is None or not process.leads or process.controller.unreadable == {}
    assert world.observer.ended[Stage.DONE] > 0


@pytest.mark.parametrize("seed", ALL)
def test_pods_that_come_late_meet_no_job(seed: int):
    world = World(plan_of(Fault.LATE_BIND, seed))
    world.run()
    assert world.observer.ended[Stage.DONE] > 0


@pytest.mark.full
@pytest.mark.parametrize("seed", range(WORLDS))
def test_without_a_fence_what_comes_after_settling_is_found_and_closed(seed: int):
    """The observer sees to it that the HPC side does not stay open where pods came late; that it is told: the sweep's
    tests."""
    World(plan_of(Fault.LATE_BIND, seed, fence="none")).run()


def test_without_a_fence_there_is_something_to_find():
    world = World(plan_of(Fault.LATE_BIND, 1, fence="none"))
    world.run()
    assert world.observer.late_pods > 0
