"""A process ends at every crash point, in both directions, and starts again or is followed by another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache
from unittest.mock import patch

import pytest

from controller.handover.crash_points import CRASH_POINTS
from models.handovers import Direction, Stage
from models.plans import Move, Plan, Reason
from models.policies import MovesPolicy, PoolPolicy
from models.snapshot import Snapshot
from tests.simulation.plan import Event, Fault
from tests.simulation.plan import Plan as WorldPlan
from tests.simulation.world import World

OCCURRENCES = (1, 2, 4)  # the first and second time that it passes the point, and once in a later hand-over
GOES_ON = {"the same process starts again": 1, "another process takes over": 2}
MOVES_UNTIL_S = 300


def world(processes: int) -> WorldPlan:
    """A short world in which hand-overs of every kind of act happen: booked, evicted, turned back, with a hook."""
    events = (
        Event(70, Fault.LONG_POD, 1, 0),
        Event(72, Fault.PERSON_PAUSES, 1, 20),
        Event(130, Fault.PERSON_PAUSES, 1, 20),
    )
    return WorldPlan(
        seed=7,
        nodes=8,
        processes=processes,
        span_s=420,
        every_s=30,
        at_once=8,
        per_hour=5000,
        floor=0,
        evict=True,
        hook=True,
        reserve_ahead=True,
        deadline_s=120,
        events=events,
        settle_s=6,
    )


def everything(direction: Direction) -> Callable[[Snapshot, PoolPolicy, MovesPolicy], Plan]:
    """A decision to move every node of one side, busy or not."""

    def decide(snapshot: Snapshot, pool: PoolPolicy, moves: MovesPolicy) -> Plan:
        busy = {handover.node for handover in snapshot.open_handovers}
        chosen = [
            Move(node.name, direction, Reason.DEMAND, "", 0.0, 0.0)
            for node in snapshot.nodes
            if node.owner is direction.source and node.name not in busy and snapshot.now_s < MOVES_UNTIL_S
        ]
        return Plan(snapshot.now_s, 0, 0, tuple(chosen), (), ())

    return decide


def run(world: World, direction: Direction) -> None:
    with patch("controller.controller.decide", everything(direction)):
        world.run()


@cache
def passed(direction: Direction, processes: int) -> Counter[str]:
    """How often the first process passes each crash point when it is let live."""
    whole = World(world(processes))
    run(whole, direction)
    assert whole.observer.ended[Stage.DONE] > 0
    return Counter(whole.processes[0].passed)


def test_every_crash_point_is_passed():
    reached = {point for direction in Direction for point in passed(direction, 1)}
    assert reached == set(CRASH_POINTS)


@pytest.mark.parametrize("goes_on", GOES_ON)
@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("point", CRASH_POINTS)
def test_whoever_goes_on_after_a_crash_ends_every_handover_safely(point: str, direction: Direction, goes_on: str):
    processes = GOES_ON[goes_on]
    for occurrence in OCCURRENCES:
        if passed(direction, processes)[point] < occurrence:
            continue
        crashing = World(world(processes))
        first = crashing.processes[0]
        first.crash_at, first.restarts = (point, occurrence), processes == 1
        run(crashing, direction)
        assert first.passed[point] >= occurrence
        assert (first.controller is None) is (processes == 2)
        assert crashing.observer.ended[Stage.DONE] > 0
