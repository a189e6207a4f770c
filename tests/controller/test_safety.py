"""The safety switches, each as a table: when it holds moves back, and what it tells a person to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.safety import (
    WAITING_ENOUGH,
    SideSeen,
    Vanishing,
    breaker_holds,
    failed,
    is_ready,
    pause_holds,
    stale_holds,
    unready_holds,
    vanished,
)
from models.handovers import Direction, Handover, Stage, Why
from models.leadership import Ordered, Orders, Pause
from models.nodes import HpcNode, KubernetesNode, Node, Side
from models.plans import Switch
from models.policies import SafetyPolicy

SAFETY = SafetyPolicy(unready_max=3, failures_to_pause=3, stale_after="2m", vanished_hold="30m")
HOLD_S = 1800
HPC, KUBERNETES = Side.HPC, Side.KUBERNETES
RESUME = "tidegate resume lock"
OURS, FOREIGN = "tidegate:p1", "maintenance"


# ---- a side that has lost its work ----


def seen(nodes: int = 10, demand: float = 20.0, waiting: int = 8, busy: int = 10, booted: str = "1") -> SideSeen:
    return SideSeen(nodes, demand, waiting, busy, booted)


FEW = WAITING_ENOUGH - 1
# side, before, now -> what is said, None for nothing
VANISHED: dict[str, tuple[Side, SideSeen, SideSeen, str | None]] = {
    "nothing changed": (HPC, seen(), seen(), None),
    "half the nodes are left": (HPC, seen(nodes=10), seen(nodes=5), None),
    "less than half the nodes are left": (HPC, seen(nodes=10), seen(nodes=4), "showed 10 nodes and now shows 4"),
    "no node is left": (KUBERNETES, seen(nodes=1), seen(nodes=0), "showed 1 nodes and now shows 0"),
    "there were no nodes before": (HPC, seen(nodes=0), seen(nodes=9), None),
    "demand fell without a restart": (HPC, seen(demand=20), seen(demand=3), None),
    "it restarted with its work": (HPC, seen(booted="1"), seen(booted="2"), None),
    "it restarted with half its work": (HPC, seen(demand=20), seen(demand=10, booted="2"), None),
    "it restarted with less than half": (HPC, seen(demand=20), seen(demand=9, booted="2"), "restarted, and of 20"),
    "it restarted empty": (HPC, seen(demand=2, waiting=0), seen(10, 0, 0, 0, "2"), "of 2 nodes of work 0 are left"),
    "it restarted and had nothing before": (HPC, seen(demand=0, waiting=0), seen(demand=0, booted="2"), None),
    "many jobs waited, and now there is none": (
        HPC,
        seen(demand=9, waiting=WAITING_ENOUGH),
        seen(demand=0, waiting=0, busy=0),
        f"had {WAITING_ENOUGH} waiting and now has no work at all",
    ),
    "few jobs waited, and now there is none": (
        HPC,
        seen(demand=4, waiting=FEW),
        seen(demand=0, waiting=0, busy=0),
        None,
    ),
    "many jobs waited, and now some run": (HPC, seen(waiting=50), seen(demand=2, waiting=0), None),
    "all replicas were given up": (KUBERNETES, seen(waiting=50), seen(demand=0, waiting=0, busy=0), None),
    "the last jobs ended": (HPC, seen(demand=2, waiting=0), seen(demand=0, waiting=0, busy=0), None),
    "it tells of no work, and nodes are busy": (
        HPC,
        seen(demand=2, waiting=0),
        seen(demand=0, waiting=0, busy=2),
        "tells of no work, and shows 2 busy nodes",
    ),
    "nothing was known, and nodes are busy": (HPC, seen(demand=0, waiting=0), seen(demand=0, busy=2), None),
}


@pytest.mark.parametrize(("side", "before", "now", "text"), VANISHED.values(), ids=VANISHED.keys())
def test_what_counts_as_vanished(side: Side, before: SideSeen, now: SideSeen, text: str | None):
    said = vanished(side, before, now)
    if text is None:
        assert said is None
    else:
        assert said is not None
        assert said.startswith(str(side))
        assert text in said


def lost(at_s: int = 100) -> Vanishing:
    """A scheduler that had 20 nodes of work and restarted with 1."""
    vanishing = Vanishing()
    vanishing.read(HPC, seen(), 0, HOLD_S)
    vanishing.read(HPC, seen(demand=1, waiting=0, booted="2"), at_s, HOLD_S)
    assert vanishing.since_s == {HPC: at_s}
    return vanishing


def test_the_first_reading_is_the_measure():
    vanishing = Vanishing()
    nothing = seen(demand=0, waiting=0, busy=0)
    vanishing.read(HPC, nothing, 0, HOLD_S)
    assert vanishing.holds() == []
    assert vanishing.before == {HPC: nothing}


def test_what_is_missing_holds_moves_and_says_what_to_do():
    (hold,) = lost().holds(RESUME)
    assert hold.switch is Switch.VANISHED
    assert "hpc restarted, and of 20 nodes of work 1 are left" in hold.text
    assert hold.text.endswith(f"; then run: {RESUME}")


def test_where_nobody_would_hear_it_no_command_is_named():
    (hold,) = lost().holds()
    assert hold.text.endswith("; see whether its scheduler lost its state")


def later(demand: float, at_s: int, **facts: object) -> Vanishing:
    vanishing = lost()
    vanishing.read(HPC, replace(seen(demand=demand, waiting=0, booted="2"), **facts), at_s, HOLD_S)
    return vanishing


def test_the_next_leader_holds_as_long_by_its_own_clock():
    vanishing = lost(at_s=100)
    vanishing.begin_again(5000)
    for at_s, held in ((5000 + HOLD_S - 1, True), (5000 + HOLD_S, False)):
        vanishing.read(HPC, seen(demand=1, waiting=0, booted="2"), at_s, HOLD_S)
        assert bool(vanishing.holds()) is held


def test_a_person_speaks_of_what_was_last_read_and_not_of_what_vanishes_after():
    vanishing = later(8.0, 60)
    vanishing.believe()
    assert vanishing.holds() == []
    vanishing.read(HPC, seen(demand=0, waiting=0, booted="3"), 90, HOLD_S)
    assert "of 8 nodes of work 0 are left" in vanishing.holds()[0].text


# demand then, seconds after it vanished -> still held
LATER = {
    "still missing": (1.0, 60, True),
    "some came back": (9.0, 60, True),
    "half came back": (10.0, 60, False),
    "all came back": (20.0, 60, False),
    "the hold is nearly over": (1.0, HOLD_S - 1, True),
    "the hold is over": (1.0, HOLD_S, False),
}


@pytest.mark.parametrize(("demand", "after_s", "held"), LATER.values(), ids=LATER.keys())
def test_how_long_what_is_missing_holds_moves(demand: float, after_s: int, held: bool):
    assert bool(later(demand, 100 + after_s).holds()) is held


def test_nodes_that_are_still_missing_keep_it_from_counting_as_back():
    assert later(20.0, 160, nodes=4).holds()


def test_while_something_is_missing_the_measure_is_what_was_there_before():
    """Else the loss of the rest would look small, and its coming back large."""
    vanishing = lost()
    for at_s in range(110, 400, 10):
        vanishing.read(HPC, seen(demand=1, waiting=0, booted="2"), at_s, HOLD_S)
    assert vanishing.before[HPC].demand == 20
    assert vanishing.holds()


def test_a_scheduler_that_restarts_again_while_its_work_is_missing_is_held_from_then_on():
    vanishing = lost(100)
    vanishing.read(HPC, seen(demand=1, waiting=0, booted="3"), 1000, HOLD_S)
    vanishing.read(HPC, seen(demand=1, waiting=0, booted="3"), 100 + HOLD_S, HOLD_S)
    assert vanishing.holds()
    vanishing.read(HPC, seen(demand=1, waiting=0, booted="3"), 1000 + HOLD_S, HOLD_S)
    assert vanishing.holds() == []


def test_once_it_is_over_what_is_there_now_is_the_measure():
    vanishing = later(1.0, 100 + HOLD_S)
    assert vanishing.before[HPC].demand == 1
    vanishing.read(HPC, seen(demand=1, waiting=0, booted="2"), 5000, HOLD_S)
    assert vanishing.holds() == []


def test_a_person_who_says_to_go_on_ends_it_and_the_next_reading_is_the_measure():
    vanishing = lost()
    vanishing.believe()
    assert vanishing.holds() == []
    vanishing.read(HPC, seen(demand=1, waiting=0, booted="2"), 110, HOLD_S)
    assert (vanishing.holds(), vanishing.before[HPC].demand) == ([], 1)


def test_to_go_on_forgets_nothing_of_a_side_from_which_nothing_is_missing():
    vanishing = lost()
    vanishing.read(KUBERNETES, seen(nodes=10), 100, HOLD_S)
    vanishing.believe()
    vanishing.read(KUBERNETES, seen(nodes=2), 110, HOLD_S)
    assert [hold.switch for hold in vanishing.holds()] == [Switch.VANISHED]


def test_each_side_is_judged_by_itself():
    vanishing = lost()
    vanishing.read(KUBERNETES, seen(nodes=10), 100, HOLD_S)
    vanishing.read(KUBERNETES, seen(nodes=2), 110, HOLD_S)
    assert len(vanishing.holds()) == 2


# ---- a pause, and failures in a row ----


@pytest.mark.parametrize(
    ("orders", "switches"),
    [
        (Orders(), []),
        (Orders(resumes=4), []),
        (Orders(paused=Pause.FINISH), [Switch.PAUSED]),
        (Orders(paused=Pause.REVERT), [Switch.PAUSED]),
        (Orders(paused=Pause.REVERT, ordered=Ordered("ana@login1", 1000, "repairs")), [Switch.PAUSED]),
    ],
)
def test_a_pause_holds_until_a_person_says_to_go_on(orders: Orders, switches: list[Switch]):
    holds = pause_holds(orders, RESUME)
    assert [hold.switch for hold in holds] == switches
    assert all(hold.text.endswith(f"; then run: {RESUME}") and str(orders.paused) in hold.text for hold in holds)
    assert all(str(orders.ordered or "by a person") in hold.text for hold in holds)


@pytest.mark.parametrize(("failures", "held"), [(0, False), (2, False), (3, True), (9, True)])
def test_so_many_failures_in_a_row_hold_moves(failures: int, held: bool):
    holds = breaker_holds(failures, SAFETY, RESUME)
    assert bool(holds) is held
    assert all(hold.switch is Switch.BREAKER and f"{failures} hand-overs" in hold.text for hold in holds)
    assert all(hold.text.endswith(f"; then run: {RESUME}") for hold in holds)


# stage, why -> whether the next is likely to meet it as well
FAILED = {
    "done": (Stage.DONE, None, False),
    "done although no longer wanted": (Stage.DONE, Why.NOT_WANTED, False),
    "stuck": (Stage.STUCK, Why.LATE, True),
    "not wanted": (Stage.CANCELLED, Why.NOT_WANTED, False),
    "late": (Stage.CANCELLED, Why.LATE, False),
    "someone else": (Stage.CANCELLED, Why.FOREIGN, False),
    "a pause": (Stage.CANCELLED, Why.PAUSED, False),
    "a person": (Stage.CANCELLED, Why.PERSON, False),
    "unhealthy": (Stage.CANCELLED, Why.UNHEALTHY, True),
    "the hook": (Stage.CANCELLED, Why.HOOK, True),
    "refused": (Stage.CANCELLED, Why.REFUSED, True),
}


@pytest.mark.parametrize(("stage", "why", "expected"), FAILED.values(), ids=FAILED.keys())
def test_what_counts_as_a_failure(stage: Stage, why: Why | None, expected: bool):
    assert failed(Handover("h1", "p1", "n1", Direction.TO_HPC, stage, 0, 0, 100, why=why)) is expected


# ---- old readings ----

STALE = {
    "fresh": ({HPC: 0.0, KUBERNETES: 3.0}, []),
    "just in time": ({HPC: 120.0, KUBERNETES: 120.0}, []),
    "one is too old": ({HPC: 120.1, KUBERNETES: 0.0}, ["hpc"]),
    "the other": ({HPC: 0.0, KUBERNETES: 500.0}, ["kubernetes"]),
    "both": ({HPC: 9999.0, KUBERNETES: 500.0}, ["hpc", "kubernetes"]),
    "of no age that is known": ({HPC: float("inf")}, ["hpc"]),
    "nothing was read": ({}, []),
}


@pytest.mark.parametrize(("ages_s", "sides"), STALE.values(), ids=STALE.keys())
def test_a_reading_that_is_too_old_holds_moves(ages_s: dict[Side, float], sides: list[str]):
    holds = stale_holds(ages_s, SAFETY)
    assert [hold.text.split(" ")[0] for hold in holds] == sides
    assert all(hold.switch is Switch.STALE and "staleAfter of 120 s" in hold.text for hold in holds)


# ---- nodes that are not ready ----


def node(
    name: str = "n1",
    drain: str | None = None,
    closed: str | None = None,
    *,
    hpc_ready: bool = True,
    kubernetes_ready: bool = True,
) -> Node:
    hpc = HpcNode(name, "", drain, False, None, hpc_ready)
    return Node(name, hpc, KubernetesNode(name, closed, False, 0, kubernetes_ready))


READY = {
    "HPC has it": (node(closed=OURS), True),
    "HPC has it and cannot use it": (node(closed=OURS, hpc_ready=False), False),
    "HPC has it, and it is not Ready in Kubernetes": (node(closed=OURS, kubernetes_ready=False), True),
    "Kubernetes has it": (node(drain=OURS), True),
    "Kubernetes has it, and it is not Ready": (node(drain=OURS, kubernetes_ready=False), False),
    "Kubernetes has it, and HPC could not use it": (node(drain=OURS, hpc_ready=False), True),
    "nobody has it": (node(drain=OURS, closed=OURS, hpc_ready=False, kubernetes_ready=False), True),
    "someone else drained it": (node(drain=FOREIGN, closed=OURS, hpc_ready=False), True),
}


@pytest.mark.parametrize(("one", "expected"), READY.values(), ids=READY.keys())
def test_which_nodes_count_as_ready(one: Node, expected: bool):
    assert is_ready(one) is expected


def broken(count: int) -> list[Node]:
    return [node(f"b{number}", closed=OURS, hpc_ready=False) for number in range(count)]


@pytest.mark.parametrize(("count", "moving", "held"), [(3, 0, False), (4, 0, True), (4, 1, False), (9, 5, True)])
def test_more_unready_nodes_than_allowed_hold_moves_those_in_hand_over_left_out(count: int, moving: int, held: bool):
    names = [f"b{number}" for number in range(moving)]
    holds = unready_holds([node("n1", closed=OURS), *broken(count)], names, SAFETY)
    assert bool(holds) is held
    assert all(hold.switch is Switch.UNREADY and f"{count - moving} nodes" in hold.text for hold in holds)


def test_only_some_of_many_unready_nodes_are_named():
    (hold,) = unready_holds(broken(50), (), SAFETY)
    assert all((f"b{number}," in hold.text) is (number < 5) for number in range(50))
    assert "50 nodes" in hold.text
    assert "..." in hold.text
