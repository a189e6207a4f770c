"""Only a perfect forecast may know what comes: whatever the trace holds after t, every plan up to t stays the same."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import pytest

from models.forecasts import Forecast
from models.nodes import Side
from models.plans import Plan
from simulator.forecasters import forecaster_for
from simulator.machine import Workload
from simulator.replay import Replay
from simulator.world import World
from tests.simulator.small_worlds import DAY_S, small_world


def emptied(work: Workload, cut_s: int) -> Workload:
    return replace(
        work,
        jobs=tuple(job for job in work.jobs if job.submit_s <= cut_s),
        gangs=tuple(gang for gang in work.gangs if gang[0].create_s <= cut_s),
        rate_steps=tuple(step for step in work.rate_steps if step[0] <= cut_s),
    )


def swollen(work: Workload, cut_s: int) -> Workload:
    """Every later job is four times as long, every later pod comes at once, every later rate is three times as high."""
    jobs = [replace(j, run_s=4 * j.run_s, limit_s=4 * j.limit_s) if j.submit_s > cut_s else j for j in work.jobs]
    gangs = [
        tuple(replace(pod, create_s=cut_s + 1) for pod in gang) if gang[0].create_s > cut_s else gang
        for gang in work.gangs
    ]
    steps = [(at_s, 3 * per_s if at_s > cut_s else per_s) for at_s, per_s in work.rate_steps]
    return replace(work, jobs=tuple(jobs), gangs=tuple(gangs), rate_steps=tuple(steps))


def slower(work: Workload, cut_s: int) -> Workload:
    """Jobs that have not ended by then run on to their limits: how long they run is the future, too."""
    jobs = []
    for job in work.jobs:
        reaches = job.submit_s + min(job.run_s, job.limit_s) > cut_s
        jobs.append(replace(job, run_s=max(job.run_s, job.limit_s)) if reaches else job)
    return replace(work, jobs=tuple(jobs))


CHANGES = {"nothing more comes": emptied, "much more comes": swollen, "what runs goes on": slower}


class Enough(Exception):
    """What is to be seen has been seen."""


def plans(world: World, name: str, until_s: int) -> list[Plan]:
    replay = Replay(world, name, lambda machine: forecaster_for(name, world, machine))
    found: list[Plan] = []
    turn = replay.controller.turn

    def noted(forecasts: Mapping[Side, Forecast]) -> Plan | None:
        if replay.machine.now_s > until_s:
            raise Enough
        plan = turn(forecasts)
        assert plan is not None, replay.controller.holds
        found.append(plan)
        return plan

    replay.controller.turn = noted  # type: ignore[method-assign]
    with suppress(Enough):
        replay.run()
    return found


@pytest.mark.parametrize(
    ("name", "days", "cut_days"), [("reactive", 1.5, 1.0), ("persistence", 1.5, 1.0), ("predictive", 1.6, 1.4)]
)
def test_plans_do_not_depend_on_what_comes_later(name: str, days: float, cut_days: float):
    world = small_world(5, nodes=12, days=days, pods=6)
    cut_s = round(cut_days * DAY_S)
    expected = plans(world, name, cut_s)
    assert len(expected) > 200
    assert any(plan.moves for plan in expected)
    for what, change in CHANGES.items():
        changed = replace(world, workload=change(world.workload, cut_s))
        assert changed.workload != world.workload
        assert plans(changed, name, cut_s) == expected, what


def test_a_perfect_forecast_does_look_ahead_so_the_test_above_can_fail():
    world = small_world(5, nodes=12, days=1.5, pods=6)
    changed = replace(world, workload=swollen(world.workload, DAY_S))
    assert plans(changed, "perfect", DAY_S) != plans(world, "perfect", DAY_S)
