"""Searching: many worlds, one seed each, and the shortest plan that still fails for one that does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.simulation.observer import Violation
from tests.simulation.plan import Event, Plan, plan_of
from tests.simulation.world import World

SHRINK_RUNS_MOST = 400


@dataclass(slots=True)
class Found:
    """What a search came to: worlds, hand-overs by how they ended, faults, and what failed, by seed."""

    worlds: int = 0
    handovers: int = 0
    done: int = 0
    cancelled: int = 0
    stuck: int = 0
    faults: int = 0
    failed: dict[int, Violation] | None = None

    def add(self, world: World) -> None:
        """Count one world."""
        self.worlds += 1
        self.faults += len(world.plan.events)
        self.handovers += world.observer.handovers
        done, cancelled, stuck = world.observer.ended.values()
        self.done += done
        self.cancelled += cancelled
        self.stuck += stuck

    def __str__(self) -> str:
        return (
            f"{self.handovers} hand-overs ({self.done} done, {self.cancelled} cancelled, {self.stuck} stuck)"
            f" in {self.worlds} worlds with {self.faults} faults, {len(self.failed or ())} violations"
        )


def fails(plan: Plan) -> Violation | None:
    """The violation that the plan leads to, None when there is none."""
    try:
        World(plan).run()
    except Violation as violation:
        return violation
    return None


def search(seeds: Iterable[int], goes_on: Callable[[Found], bool]) -> Found:
    """Run one world for each seed for as long as ``goes_on`` says so, and keep what fails."""
    found = Found(failed={})
    for seed in seeds:
        if not goes_on(found):
            break
        world = World(plan_of(seed))
        try:
            world.run()
        except Violation as violation:
            if found.failed is not None:
                found.failed[seed] = violation
        except KeyboardInterrupt:
            break
        found.add(world)
    return found


def shrink(plan: Plan, fails: Callable[[Plan], Violation | None] = fails) -> Plan:
    """The plan with as few of its faults as still lead to a violation of the same invariant.

    Zeller and Hildebrandt's ddmin ("Simplifying and Isolating Failure-Inducing Input", 2002), within a bound of runs.
    """
    first = fails(plan)
    if first is None:
        return plan
    runs, parts = 0, 2
    while len(plan.events) >= 2 and runs < SHRINK_RUNS_MOST:
        for without in _complements(plan.events, parts):
            runs += 1
            violation = fails(plan.only(without))
            if violation is not None and violation.invariant == first.invariant:
                plan, parts = plan.only(without), max(2, parts - 1)
                break
        else:
            if parts >= len(plan.events):
                break
            parts = min(len(plan.events), 2 * parts)
    nothing = plan.only(())
    violation = fails(nothing)
    return nothing if violation is not None and violation.invariant == first.invariant else plan


def _complements(events: tuple[Event, ...], parts: int) -> Iterable[tuple[Event, ...]]:
    size = -(-len(events) // parts)
    for start in range(0, len(events), size):
        yield events[:start] + events[start + size :]
