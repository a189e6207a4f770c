"""Whole worlds with everything going wrong: fixed seeds and fresh ones, each fault alone, and the search itself."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from models.acts import Verb
from models.handovers import Stage
from tests.simulation.__main__ import main
from tests.simulation.mutants import RULES, plan_for
from tests.simulation.observer import Observer, Violation
from tests.simulation.plan import Event, Fault, Plan, plan_of
from tests.simulation.search import fails, search, shrink
from tests.simulation.story import Story
from tests.simulation.world import World

FRESH = 8


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_worlds_of_fixed_seeds_are_safe(first: int):
    found = search(range(first, first + 10), lambda _: True)
    assert not found.failed
    assert found.done > 500
    assert found.faults > 20


def test_fresh_worlds_are_safe():
    first = random.SystemRandom().randrange(10**9)
    found = search(range(first, first + FRESH), lambda _: True)
    assert not found.failed, f"seeds from {first} on: {found.failed}"


@pytest.mark.parametrize("fault", Fault)
def test_each_fault_happens_and_alone_does_no_harm(fault: Fault):
    """Thirty of one kind, one after another, with every option of the policy switched on."""
    plan = plan_for(replace(RULES["settle"], faults=(fault,)), 5)
    world = World(replace(plan, evict=True, hook=True, reserve_ahead=True, span_s=1800, events=plan.events[:30]))
    world.run()
    assert world.observer.ended[Stage.DONE] > 0


@pytest.mark.parametrize(
    "fault", [Fault.CRASH, Fault.PODS_STAY, Fault.PERSON_PAUSES, Fault.ADMIN_DRAIN, Fault.LEASE_CUT]
)
def test_takeovers_do_no_harm_whatever_goes_wrong(fault: Fault):
    plan = plan_for(replace(RULES["settle"], faults=(fault,)), 7)
    plan = replace(plan, evict=True, span_s=1800, events=plan.events[:20], takeovers=True)
    told = [World(replace(plan, seed=seed)) for seed in range(2)]
    for world in told:
        world.run()
    assert any(world.observer.taken_over for world in told), "some takeover has all nodes"


def test_one_seed_is_one_world():
    stories = []
    for _ in range(2):
        story = Story()
        World(plan_of(11), story).run()
        stories.append(story.lines)
    assert stories[0] == stories[1]
    assert len(stories[0]) > 100


def test_a_failing_plan_is_cut_down_to_the_faults_that_matter():
    """A stand-in for a world that fails when two certain faults both happen."""
    plan = plan_of(3).only(tuple(Event(second, Fault.WAKE, second, 1) for second in range(40)))

    def failing(plan: Plan) -> Violation | None:
        return Violation("I1", "", 0) if {7, 23} <= {event.at_s for event in plan.events} else None

    assert [event.at_s for event in shrink(plan, failing).events] == [7, 23]


def test_the_shortest_plan_of_a_real_failure_still_fails():
    rule = RULES["settle"]
    with rule.off():
        plan = next(plan for plan in (plan_for(rule, seed) for seed in range(12)) if fails(plan))
        short = shrink(plan)
        violation = fails(short)
    assert len(short.events) < len(plan.events) / 4
    assert violation is not None
    assert violation.invariant in rule.breaks


def test_the_command_replays_a_seed_and_tells_its_story(capsys: pytest.CaptureFixture[str]):
    assert main(["3"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("World 3: ")
    assert "moves n" in told
    assert "nothing went wrong" in told


def test_the_command_searches_and_prints_its_seeds(capsys: pytest.CaptureFixture[str]):
    assert main(["--handovers", "500", "--from", "40"]) == 0
    told = capsys.readouterr().out
    assert "seeds 40 to" in told
    assert "0 violations" in told


def test_the_command_tells_what_failed_and_ends_with_1(capsys: pytest.CaptureFixture[str], monkeypatch):
    def wrong(self: Observer, told: int) -> None:
        self.fail("I3", "a test says so")

    monkeypatch.setattr(Observer, "at_the_end", wrong)
    assert main(["--handovers", "10", "--from", "3"]) == 1
    told = capsys.readouterr().out
    assert "VIOLATION: I3" in told
    assert "has 0 faults" in told


class TestTheObserver:
    """The observer sees what it is there for, shown to it directly."""

    def world(self) -> World:
        world = World(plan_of(3).only(()))
        world.machine.split(world.plan.nodes // 2)
        return world

    def test_a_node_open_to_both(self):
        world = self.world()
        world.machine.kube.set_closed(0, None)
        with pytest.raises(Violation, match="I1"):
            world.observer.look()

    def test_a_foreign_drain_undone(self):
        world = self.world()
        world.machine.hpc.drain(0, "broken fan")
        with pytest.raises(Violation, match="I4"):
            world.before_write("A1", 1, Verb.UNDRAIN, world.machine.names[0], "broken fan", "")

    def test_a_stuck_handover_that_nobody_was_told_of(self):
        world = self.world()
        world.observer.ended[Stage.STUCK] = 1
        with pytest.raises(Violation, match="I3"):
            world.observer.at_the_end(0)
