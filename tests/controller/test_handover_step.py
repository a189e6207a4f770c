"""Whole life cycles of a hand-over, step by step, against a node that can be told to misbehave."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.handover.adoption import adopted
from controller.handover.carry_out import Ports, carry_out
from controller.handover.look import REFUSALS_MOST, Rules
from controller.handover.step import learn, step
from controller.lease import Alone
from models.acts import Act, Outcome, Verb
from models.handovers import Direction, Handover, Stage, Why
from models.nodes import HpcNode, KubernetesNode, Node, NodeShape, Side
from tests.controller.fleet import OLD_MARK, SHAPE, FakeHook, Fault, Fleet, Machine
from tests.controller.play import (
    BOOK_FROM_S,
    DEADLINE_S,
    DOWN,
    FIT_S,
    FOREIGN,
    LANDS_S,
    MARK,
    OPENER,
    READY_S,
    RULES,
    SETTLE_S,
    STAGES,
    UNFINISHED,
    UP,
    Play,
    ask,
    at,
    down,
    up,
)

S, V = Stage, Verb
BOTH = pytest.mark.parametrize("make", [up, down])
SMALLER = NodeShape(cpu_milli=8000, memory_mib=64_000, gpu_milli=3000)
LATE_STAGES = (S.OPENING, S.CANCELLING)


def early(direction: Direction) -> tuple[Stage, ...]:
    """The stages from which a hand-over turns back as a matter of course."""
    return tuple(stage for stage in UNFINISHED[direction] if stage not in LATE_STAGES)


def each_early(direction: Direction) -> list[tuple[Direction, Stage]]:
    return [(direction, stage) for stage in early(direction)]


# ---- all goes well ----


def test_hpc_to_kubernetes():
    play = up(busy=True)
    assert play.through(0, 50) is S.DRAINING
    play.set(busy=False)
    assert play.to(100) is S.DRAINED
    assert play.to(100 + SETTLE_S - 1) is S.DRAINED
    play.set(opens_slowly=True)
    assert play.to(100 + SETTLE_S) is S.OPENING
    assert play.to(300) is S.OPENING
    play.set(kubernetes_ready=True)
    assert play.to(400) is S.DONE
    assert play.stages == [S.PLANNED, S.DRAINING, S.DRAINED, S.SETTLED, S.OPENING, S.DONE]
    assert play.acts == [(V.DRAIN, MARK), (V.OPEN, OLD_MARK)]
    assert (play.machine.drain, play.machine.closed, play.handover.emptied_s) == (MARK, None, 100)


def test_kubernetes_to_hpc():
    play = down(pods=1)
    assert play.to(0) is S.EMPTYING
    play.set(pods=0)
    assert play.to(100) is S.EMPTY
    play.set(opens_slowly=True)
    assert play.to(100 + SETTLE_S) is S.OPENING
    play.set(hpc_ready=True)
    assert play.to(200) is S.DONE
    assert play.stages == [
        S.PLANNED, S.DISCOURAGED, S.CLOSED, S.EMPTYING, S.EMPTY, S.SETTLED, S.OPENING, S.DONE,
    ]  # fmt: skip
    assert play.acts == [(V.DISCOURAGE, ""), (V.CLOSE, MARK), (V.UNDRAIN, OLD_MARK)]
    assert (play.machine.closed, play.machine.drain, play.handover.emptied_s) == (MARK, None, 100)


FENCED = replace(RULES, fence=True)


def test_kubernetes_is_fenced_off_before_the_hpc_side_is_opened():
    play = down(FENCED)
    assert play.through(0, SETTLE_S) is S.DONE
    assert play.acts[-2:] == [(V.FENCE, MARK), (V.UNDRAIN, OLD_MARK)]


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.TIMED_OUT, Fault.CUT])
def test_the_hpc_side_is_not_opened_while_kubernetes_is_not_seen_fenced_off(fault: Fault):
    play = down(FENCED).fail(V.FENCE, *[fault] * 3)
    assert play.through(0, SETTLE_S, SETTLE_S + 1, SETTLE_S + 2) is S.OPENING
    assert V.UNDRAIN not in play.verbs
    assert play.to(SETTLE_S + 3) is S.DONE


def test_a_pod_that_comes_with_the_fence_is_waited_for_until_it_has_ended():
    play = down(FENCED).fail(V.UNDRAIN, Fault.TIMED_OUT)
    assert play.through(0, SETTLE_S) is S.OPENING
    play.set(pods=1)
    asked = len(play.acts)
    assert play.through(SETTLE_S + 1, SETTLE_S + 5) is S.OPENING
    assert len(play.acts) == asked
    play.set(pods=0)
    assert play.to(SETTLE_S + LANDS_S) is S.DONE


def test_what_somebody_else_closed_is_not_fenced_off_by_us():
    play = at(UP, S.DRAINED, FENCED).cancel().set(closed=FOREIGN)
    assert play.to(50) is S.CANCELLED
    assert V.FENCE not in play.verbs


def test_one_that_turns_back_to_hpc_is_fenced_off_first_as_well():
    play = at(UP, S.DRAINED, FENCED).cancel()
    assert play.to(50) is S.CANCELLED
    assert play.acts[-2:] == [(V.FENCE, OLD_MARK), (V.UNDRAIN, MARK)]


@BOTH
def test_the_new_side_is_opened_only_after_the_second_look(make):
    play = make()
    play.to(0)
    assert play.handover.emptied_s == 0
    opening = OPENER[play.handover.direction]
    assert play.to(SETTLE_S - 1) is not S.DONE
    assert opening not in play.verbs
    assert play.to(SETTLE_S) is S.DONE
    assert opening in play.verbs


@BOTH
def test_a_step_is_repeated_only_for_as_long_as_its_effect_is_not_seen(make):
    play = make(**({"busy": True} if make is up else {"pods": 1}))
    play.to(0)
    play.fleet.asked.clear()
    play.through(*range(1, 20))
    assert play.fleet.asked == []


@pytest.mark.parametrize(("direction", "stage"), STAGES)
def test_an_act_on_the_hpc_side_stands_behind_a_note_of_its_stage(direction: Direction, stage: Stage):
    """Nothing else would tell a new leader of it; what is asked of Kubernetes carries the record with it."""
    play = at(direction, stage).set(busy=False, pods=0, hpc_ready=True, kubernetes_ready=True, record=None)
    play.through(BOOK_FROM_S, BOOK_FROM_S + SETTLE_S)
    asked = [act.verb for act in play.fleet.asked]
    for number, verb in enumerate(asked):
        if verb in (V.DRAIN, V.UNDRAIN, V.RESERVE):
            assert asked[:number].count(V.NOTE) >= 1, asked


# ---- reserve-ahead ----


def ahead() -> Play:
    return up(busy=True).change(reserve_from_s=BOOK_FROM_S)


def test_a_booked_node_is_drained_when_its_hour_comes_and_freed_of_the_booking_once_it_is_empty():
    play = ahead()
    assert play.through(0, 100, BOOK_FROM_S - 1) is S.RESERVED
    assert play.acts == [(V.RESERVE, MARK)]
    assert play.open_sides == (True, False)
    assert play.to(BOOK_FROM_S) is S.DRAINING
    assert (play.acts[-1], play.machine.booked) == ((V.DRAIN, MARK), MARK)
    play.set(busy=False)
    assert play.to(250) is S.DRAINED
    assert (play.acts[-1], play.machine.booked) == ((V.RELEASE, MARK), None)
    assert play.to(250 + SETTLE_S) is S.DONE
    assert play.stages == [S.PLANNED, S.RESERVED, S.DRAINING, S.DRAINED, S.SETTLED, S.OPENING, S.DONE]
    assert play.verbs == [V.RESERVE, V.DRAIN, V.RELEASE, V.OPEN]


def test_a_booking_whose_outcome_is_unknown_is_asked_for_again_until_it_is_seen():
    play = ahead().fail(V.RESERVE, Fault.TIMED_OUT, Fault.CUT, Fault.TIMED_OUT_DONE)
    assert play.through(0, 1, 2, 3) is S.RESERVED
    assert play.verbs == [V.RESERVE] * 3
    assert play.machine.booked == MARK


def test_a_node_whose_booking_cannot_be_dropped_is_not_opened():
    play = ahead().fail(V.RELEASE, *[Fault.REFUSED] * 100)
    play.to(0)
    play.set(busy=False)
    play.through(BOOK_FROM_S, BOOK_FROM_S + SETTLE_S)
    assert play.handover.stage is S.SETTLED
    assert V.OPEN not in play.verbs
    play.fleet.faults[V.RELEASE].clear()
    assert play.to(BOOK_FROM_S + 50) is S.DONE
    assert play.machine.booked is None


def test_a_booked_node_that_is_no_longer_wanted_is_released_and_never_drained():
    play = at(UP, S.RESERVED).cancel()
    assert play.to(100) is S.CANCELLED
    assert play.acts == [(V.RELEASE, MARK)]
    assert (play.machine.booked, play.machine.drain) == (None, None)


def test_a_booking_by_someone_else_turns_the_hand_over_back_and_stays():
    play = at(UP, S.RESERVED).set(booked=FOREIGN)
    assert play.to(100) is S.CANCELLED
    assert play.handover.why is Why.FOREIGN
    assert play.acts == []
    assert play.machine.booked == FOREIGN


def test_a_booked_node_of_which_work_ends_early_stays_with_the_hpc_side_until_its_hour():
    play = at(UP, S.RESERVED).set(busy=False)
    assert play.to(BOOK_FROM_S - 1) is S.RESERVED
    assert play.open_sides == (True, False)


@pytest.mark.parametrize("stage", [S.DRAINING, S.DRAINED, S.SETTLED, S.OPENING])
@pytest.mark.parametrize("booked", [None, MARK])
def test_a_new_leader_whose_clock_is_behind_the_booked_hour_knows_what_to_do(stage: Stage, booked: str | None):
    play = at(UP, stage).change(reserve_from_s=BOOK_FROM_S, was_closed=False, emptied_s=None)
    play.set(drain=None, closed=OLD_MARK, busy=True, booked=booked)
    play.to(BOOK_FROM_S - 1)
    assert not play.node().breached
    assert V.RESERVE not in play.verbs


# ---- what a crash of the scheduler does ----


def test_a_drain_that_a_crash_lost_is_asked_for_again_and_the_settling_begins_anew():
    play = up()
    assert play.to(0) is S.DRAINED
    play.fleet.booted = "2"
    play.set(drain=None)
    play.fleet.asked.clear()
    assert play.to(3) is S.DRAINED
    assert play.acts == [(V.DRAIN, MARK)]
    assert play.handover.emptied_s == 3
    assert play.to(SETTLE_S) is S.DRAINED
    assert play.to(3 + SETTLE_S) is S.DONE


def test_a_scheduler_that_restarts_is_not_believed_until_it_has_shown_the_drain_for_a_settle_time():
    play = up()
    play.to(0)
    play.fleet.booted = "2"
    assert play.to(SETTLE_S - 1) is S.DRAINED
    assert play.handover.emptied_s == SETTLE_S - 1
    assert play.to(SETTLE_S) is S.DRAINED
    assert play.to(2 * SETTLE_S - 2) is S.DRAINED
    assert play.to(2 * SETTLE_S - 1) is S.DONE


def test_a_crash_after_the_settling_begins_it_anew():
    play = at(UP, S.SETTLED)
    play.fleet.booted = "2"
    play.set(drain=None, kubernetes_ready=True)
    assert play.to(50) is S.DRAINED
    assert play.to(50 + SETTLE_S) is S.DONE
    assert play.verbs == [V.DRAIN, V.OPEN]


def test_a_restart_of_the_hpc_scheduler_does_not_matter_while_kubernetes_empties():
    play = down()
    play.to(0)
    play.fleet.booted = "2"
    assert play.to(SETTLE_S) is S.DONE


@pytest.mark.parametrize("stage", [S.DRAINING, S.DRAINED, S.SETTLED])
def test_a_drain_that_is_gone_without_a_crash_was_lifted_by_someone(stage: Stage):
    """He wants the node back: it is not drained a second time."""
    play = at(UP, stage).set(drain=None)
    assert play.to(50) is S.CANCELLED
    assert (play.handover.why, play.acts) == (Why.FOREIGN, [])
    assert play.open_sides == (True, False)


@pytest.mark.parametrize("stage", [S.EMPTYING, S.EMPTY, S.SETTLED])
def test_a_closing_that_is_gone_was_lifted_by_someone(stage: Stage):
    """Kubernetes forgets nothing, whatever the HPC scheduler does."""
    play = at(DOWN, stage).set(closed=None)
    play.fleet.booted = "2"
    assert play.to(50) is S.CANCELLED
    assert play.handover.why is Why.FOREIGN
    assert V.CLOSE not in play.verbs
    assert play.open_sides == (False, True)


@pytest.mark.parametrize(("make", "busy", "waits"), [(up, "busy", S.DRAINING), (down, "pods", S.EMPTYING)])
def test_busy_again_after_it_was_empty(make, busy: str, waits: Stage):
    play = make()
    play.to(0)
    play.set(**{busy: 1})
    assert play.to(SETTLE_S) is waits
    assert play.handover.emptied_s is None
    play.set(**{busy: 0})
    play.to(50)
    assert play.handover.emptied_s == 50
    assert play.to(50 + SETTLE_S) is S.DONE


@pytest.mark.parametrize(
    ("direction", "stage", "busy", "waits"),
    [(UP, S.SETTLED, "busy", S.DRAINING), (DOWN, S.SETTLED, "pods", S.EMPTYING)],
)
def test_busy_again_after_it_was_settled(direction: Direction, stage: Stage, busy: str, waits: Stage):
    play = at(direction, stage).set(**{busy: 1})
    assert play.to(50) is waits
    play.set(hpc_ready=True, kubernetes_ready=True, **{busy: 0})
    assert play.through(60, 60 + SETTLE_S) is S.DONE


# ---- turning back ----


@pytest.mark.parametrize("now_s", [0, 3])
@pytest.mark.parametrize("busy", [True, False])
@BOTH
def test_a_cancelled_one_gives_the_node_back_to_the_side_it_came_from(make, busy: bool, now_s: int):
    play = make(**({"busy": busy} if make is up else {"pods": int(busy)}))
    play.to(0)
    assert play.cancel().to(now_s) is S.CANCELLED
    assert play.open_sides == (make is up, make is down)
    assert not play.machine.discouraged
    assert play.handover.why is Why.NOT_WANTED


@pytest.mark.parametrize(("direction", "stage"), [*each_early(UP), *each_early(DOWN)])
@pytest.mark.parametrize("why", [Why.NOT_WANTED, Why.PAUSED])
def test_from_every_stage_before_opening_a_cancelled_one_goes_back(direction: Direction, stage: Stage, why: Why):
    play = at(direction, stage).cancel(why)
    assert play.to(SETTLE_S + 1) is S.CANCELLED
    assert play.stages[-2:] == [S.CANCELLING, S.CANCELLED]
    assert (play.open_sides, play.handover.why) == ((direction is UP, direction is DOWN), why)
    assert (play.machine.booked, play.machine.discouraged) == (None, False)
    assert play.machine.closed in (OLD_MARK, None)
    assert play.machine.drain in (OLD_MARK, None)
    assert OPENER[direction] not in play.verbs


@BOTH
def test_once_opening_it_is_too_late_to_cancel(make):
    play = make(opens_slowly=True)
    assert play.through(0, SETTLE_S) is S.OPENING
    assert play.cancel().to(SETTLE_S + 1) is S.OPENING
    play.set(kubernetes_ready=True, hpc_ready=True)
    assert play.to(SETTLE_S + 2) is S.DONE


def test_one_that_is_cancelled_while_still_discouraged_is_not_discouraged_afterwards():
    play = at(DOWN, S.DISCOURAGED).set(discouraged=True).cancel()
    assert play.to(1) is S.CANCELLED
    assert not play.machine.discouraged


@pytest.mark.parametrize(("direction", "work"), [(UP, {"pods": 0}), (DOWN, {"busy": False})])
def test_turning_back_waits_for_work_that_runs_on_the_new_side(direction: Direction, work: dict[str, object]):
    """As after somebody opened it early: the old side opens only once that work has ended."""
    play = at(direction, S.CANCELLING)
    assert play.through(5, 50) is S.CANCELLING
    assert play.acts == []
    assert play.set(**work).to(60) is S.CANCELLED
    assert play.open_sides == (direction is UP, direction is DOWN)


@pytest.mark.parametrize(
    ("direction", "stage"),
    [(UP, S.DRAINING), (UP, S.DRAINED), (DOWN, S.EMPTYING), (DOWN, S.EMPTY)],
)
@pytest.mark.parametrize("fault", list(Fault))
def test_turning_back_asks_again_until_it_is_seen_to_be_back(direction: Direction, stage: Stage, fault: Fault):
    back = V.UNDRAIN if direction is UP else V.OPEN
    play = at(direction, stage).fail(back, fault, fault).cancel()
    play.through(10, 11, 12)
    assert play.open_sides == (direction is UP, direction is DOWN)
    assert play.handover.stage is (S.CANCELLED if fault is Fault.REFUSED else S.CANCELLING)
    assert play.to(12 + LANDS_S) is S.CANCELLED
    assert play.verbs.count(back) == (1 if fault in (Fault.TIMED_OUT_DONE, Fault.CUT_DONE) else 3)


# ---- late ----


@pytest.mark.parametrize(("direction", "stage"), [*each_early(UP), *each_early(DOWN)])
def test_a_late_one_turns_back_from_every_stage_before_opening(direction: Direction, stage: Stage):
    play = at(direction, stage)
    assert play.to(DEADLINE_S) is S.CANCELLED
    assert play.stages[-2:] == [S.CANCELLING, S.CANCELLED]
    assert play.handover.why is Why.LATE
    assert play.open_sides == (direction is UP, direction is DOWN)
    assert OPENER[direction] not in play.verbs


@pytest.mark.parametrize(("make", "work"), [(up, {"busy": True}), (down, {"pods": 1})])
def test_until_its_deadline_one_waits_for_work_to_end(make, work: dict[str, object]):
    play = make(**work)
    assert S.CANCELLING not in play.stages
    play.through(0, DEADLINE_S - 1)
    assert S.CANCELLING not in play.stages


def test_an_opening_to_hpc_that_never_ends_calls_a_person():
    play = down(opens_slowly=True)
    assert play.through(0, SETTLE_S) is S.OPENING
    assert play.to(SETTLE_S + DEADLINE_S - 1) is S.OPENING
    assert play.to(SETTLE_S + DEADLINE_S) is S.STUCK


def test_a_kubernetes_node_that_is_never_ready_goes_back():
    play = up(opens_slowly=True)
    assert play.through(0, SETTLE_S, SETTLE_S + DEADLINE_S - 1) is S.OPENING
    play.to(SETTLE_S + DEADLINE_S)
    assert (play.handover.stage, play.handover.why) == (S.CANCELLED, Why.UNHEALTHY)
    assert (play.open_sides, play.verbs.count(V.CLOSE)) == ((True, False), 1)


def test_one_that_a_person_cordoned_while_it_was_opening_is_his():
    play = up(opens_slowly=True)
    play.through(0, SETTLE_S)
    assert play.set(cordoned=True).to(SETTLE_S + DEADLINE_S) is S.STUCK


@BOTH
def test_an_opening_that_is_ready_at_its_deadline_is_done(make):
    play = make(opens_slowly=True)
    play.through(0, SETTLE_S)
    play.set(kubernetes_ready=True, hpc_ready=True)
    assert play.to(SETTLE_S + DEADLINE_S) is S.DONE


@pytest.mark.parametrize(("direction", "work"), [(UP, {"pods": 1}), (DOWN, {"busy": True})])
def test_turning_back_that_cannot_end_calls_a_person_and_says_why_it_turned_back(
    direction: Direction, work: dict[str, object]
):
    play = at(direction, S.CANCELLING).set(**work)
    deadline_s = play.handover.deadline_s
    assert play.to(deadline_s - 1) is S.CANCELLING
    assert play.to(deadline_s) is S.STUCK
    assert play.handover.why is Why.NOT_WANTED


@pytest.mark.parametrize("direction", Direction)
def test_turning_back_that_is_at_its_end_at_its_deadline_has_ended(direction: Direction):
    back = {"drain": None, "pods": 0} if direction is UP else {"closed": None, "busy": False, "discouraged": False}
    play = at(direction, S.CANCELLING).set(**back)
    assert play.to(play.handover.deadline_s) is S.CANCELLED


@pytest.mark.parametrize("busy", [True, False], ids=["work still runs", "empty"])
def test_turning_back_that_never_takes_effect_ends_stuck_at_its_deadline(busy: bool) -> None:
    handover = Handover("h9", "p9", "n1", UP, S.CANCELLING, 0, 0, 100)
    hpc = HpcNode("n1", "", handover.mark, busy, 50 if busy else None)
    node = Node("n1", hpc, KubernetesNode("n1", "tidegate:old", False, 0))
    before, _ = step(handover, node, 99, RULES)
    after, _ = step(handover, node, 100, RULES)
    assert (before.stage, after.stage) == (S.CANCELLING, S.STUCK)


@pytest.mark.parametrize("direction", Direction)
def test_turning_back_and_opening_have_a_deadline_of_their_own(direction: Direction):
    assert at(direction, S.OPENING).handover.deadline_s == SETTLE_S + DEADLINE_S
    assert at(direction, early(direction)[-1]).cancel().to(DEADLINE_S - 1) is S.CANCELLED
    play = at(direction, S.SETTLED).set(pods=1, busy=True)
    play.to(DEADLINE_S)
    assert (play.handover.stage, play.handover.deadline_s) == (S.CANCELLING, 2 * DEADLINE_S)


# ---- somebody else ----

# what somebody does -> what comes of it: from the stages before opening; while opening; while turning back.
# Each is (the end, which sides are then open by drain and by taint).
HPC, KUBERNETES, NEITHER = (True, False), (False, True), (False, False)
MEDDLING: dict[tuple[Direction, str], tuple[dict[str, object], dict[Stage, tuple[Stage, tuple[bool, bool]]]]] = {
    (UP, "drains it with a reason of his own"): (
        {"drain": FOREIGN, "pods": 0},
        {S.OPENING: (S.OPENING, KUBERNETES), S.CANCELLING: (S.CANCELLED, NEITHER)},
    ),
    (UP, "cordons it"): (
        {"cordoned": True, "pods": 0},
        {S.OPENING: (S.OPENING, KUBERNETES), S.CANCELLING: (S.CANCELLED, HPC)},
    ),
    (UP, "makes it anew, still closed"): (
        {"uid": "u2", "pods": 0},
        {S.OPENING: (S.OPENING, KUBERNETES), S.CANCELLING: (S.CANCELLED, HPC)},
    ),
    (UP, "makes it anew, open"): (
        {"uid": "u2", "closed": None, "record": None, "pods": 0, "kubernetes_ready": True},
        {S.OPENING: (S.DONE, KUBERNETES), S.CANCELLING: (S.CANCELLED, HPC)},
    ),
    (UP, "takes our taint away"): (
        {"closed": None, "pods": 0, "kubernetes_ready": True},
        {S.OPENING: (S.DONE, KUBERNETES), S.CANCELLING: (S.CANCELLED, HPC)},
    ),
    (UP, "closes it with a taint of his own"): (
        {"closed": FOREIGN, "pods": 0},
        {S.OPENING: (S.STUCK, NEITHER), S.CANCELLING: (S.CANCELLED, HPC)},
    ),
    (UP, "books it"): (
        {"booked": FOREIGN, "pods": 0, "kubernetes_ready": True},
        {S.OPENING: (S.DONE, KUBERNETES), S.CANCELLING: (S.CANCELLED, HPC)},
    ),
    (DOWN, "closes it with a taint of his own"): (
        {"closed": FOREIGN, "busy": False},
        {S.OPENING: (S.OPENING, HPC), S.CANCELLING: (S.CANCELLED, NEITHER)},
    ),
    (DOWN, "drains it with a reason of his own"): (
        {"drain": FOREIGN, "busy": False},
        {S.OPENING: (S.STUCK, NEITHER), S.CANCELLING: (S.CANCELLED, KUBERNETES)},
    ),
    (DOWN, "cordons it"): (
        {"cordoned": True, "busy": False},
        {S.OPENING: (S.OPENING, HPC), S.CANCELLING: (S.CANCELLED, KUBERNETES)},
    ),
    (DOWN, "makes it anew, still closed"): (
        {"uid": "u2", "busy": False},
        {S.OPENING: (S.OPENING, HPC), S.CANCELLING: (S.CANCELLED, KUBERNETES)},
    ),
    (DOWN, "makes it anew, open"): (
        {"uid": "u2", "closed": None, "record": None, "busy": False},
        {S.OPENING: (S.OPENING, HPC), S.CANCELLING: (S.CANCELLED, KUBERNETES)},
    ),
    (DOWN, "undrains it"): (
        {"drain": None, "hpc_ready": True, "busy": False},
        {S.OPENING: (S.DONE, HPC), S.CANCELLING: (S.DONE, HPC)},
    ),
}
BEFORE_OPENING = {
    (UP, "drains it with a reason of his own"): (S.CANCELLED, NEITHER),
    (DOWN, "closes it with a taint of his own"): (S.CANCELLED, NEITHER),
    (DOWN, "undrains it"): (S.DONE, HPC),
}
MEDDLED = [
    pytest.param(direction, stage, facts, *late.get(stage, BEFORE_OPENING.get((direction, what), back)), id=name)
    for (direction, what), (facts, late) in MEDDLING.items()
    for back in [(S.CANCELLED, HPC if direction is UP else KUBERNETES)]
    for stage in UNFINISHED[direction]
    for name in [f"{direction} {stage}: somebody {what}"]
]


@pytest.mark.parametrize(("direction", "stage", "facts", "end", "open_sides"), MEDDLED)
def test_when_somebody_steps_in(
    direction: Direction,
    stage: Stage,
    facts: dict[str, object],
    end: Stage,
    open_sides: tuple[bool, bool],
):
    play = at(direction, stage).set(**facts)
    assert play.through(20, 21) is end
    assert play.open_sides == open_sides
    assert not play.node().breached
    for name in ("drain", "closed", "booked"):
        if facts.get(name) == FOREIGN:
            assert getattr(play.machine, name) == FOREIGN
    assert facts.get("closed") != FOREIGN or V.OPEN not in play.verbs, "nobody is even asked to lift it"
    assert play.machine.cordoned is bool(facts.get("cordoned"))
    if end is S.CANCELLED and stage is not S.CANCELLING:
        assert play.handover.why is Why.FOREIGN


@pytest.mark.parametrize(("direction", "stage"), [*each_early(UP), *each_early(DOWN)])
def test_who_touches_the_node_before_opening_is_seen_even_when_it_is_late(direction: Direction, stage: Stage):
    play = at(direction, stage).set(cordoned=True)
    assert play.to(DEADLINE_S + 1) is S.CANCELLED
    assert play.handover.why is Why.FOREIGN


@pytest.mark.parametrize(("make", "part"), [(up, "drain"), (down, "closed")])
def test_what_someone_else_did_is_never_undone(make, part: str):
    play = make(**({"busy": True} if make is up else {"pods": 1}))
    play.to(0)
    play.set(**{part: FOREIGN})
    play.fleet.asked.clear()
    assert play.through(5, 6) is S.CANCELLED
    assert getattr(play.machine, part) == FOREIGN
    other = "closed" if make is up else "drain"
    assert getattr(play.machine, other) == OLD_MARK


@pytest.mark.parametrize(("make", "part"), [(up, "drain"), (down, "closed")])
def test_a_foreign_mark_on_an_empty_node_keeps_it_from_being_opened(make, part: str):
    play = make()
    play.to(0)
    play.set(**{part: FOREIGN})
    assert play.through(SETTLE_S, SETTLE_S + 1) is S.CANCELLED
    assert getattr(play.machine, part) == FOREIGN


# ---- open to both sides, or open too early ----


@pytest.mark.parametrize("stage", UNFINISHED[UP])
def test_up_a_node_open_to_both_is_closed_to_kubernetes_at_once_and_stays_with_hpc(stage: Stage):
    play = at(UP, stage).set(drain=None, closed=None, kubernetes_ready=True, pods=0)
    play.once(20)
    assert play.fleet.asked[0].verb is V.CLOSE
    assert not play.node().breached
    assert play.to(20) is S.CANCELLED
    assert play.open_sides == (True, False)


@pytest.mark.parametrize("stage", UNFINISHED[DOWN])
def test_down_a_node_open_to_both_is_closed_to_kubernetes_at_once_and_goes_to_hpc(stage: Stage):
    play = at(DOWN, stage).set(drain=None, closed=None, hpc_ready=True, busy=False)
    play.once(20)
    assert play.fleet.asked[0].verb is V.CLOSE
    assert not play.node().breached
    assert play.to(20) is S.DONE
    assert play.open_sides == (True, False)


@pytest.mark.parametrize("stage", UNFINISHED[DOWN])
def test_down_a_node_that_neither_side_has_closed_is_closed_though_one_is_not_ready_yet(stage: Stage):
    """The moment it is ready both could start work on it."""
    play = at(DOWN, stage).set(drain=None, closed=None, hpc_ready=False, busy=False, pods=0)
    play.through(20, 21)
    assert play.machine.closed is not None


def test_up_a_node_that_neither_side_has_closed_is_closed_though_kubernetes_is_not_ready_yet():
    play = at(UP, S.OPENING).set(drain=None)
    assert play.open_sides == (True, True)
    play.through(20, 21)
    assert play.open_sides != (True, True)


@pytest.mark.parametrize(("direction", "stage"), STAGES)
def test_an_opening_to_both_sides_is_mended_however_late_it_is(direction: Direction, stage: Stage):
    play = at(direction, stage).set(drain=None, closed=None, hpc_ready=True, kubernetes_ready=True, pods=0, busy=False)
    now_s = 10 * DEADLINE_S
    assert play.to(now_s) in (S.CANCELLED, S.DONE)
    assert play.open_sides == (True, False)


def test_a_node_open_to_both_whose_closing_has_no_effect_is_closed_again_and_again():
    play = at(UP, S.DRAINING).set(drain=None, closed=None).fail(V.CLOSE, *[Fault.TIMED_OUT] * 5)
    play.through(20, 21, 22, 23, 24)
    assert play.verbs == [V.CLOSE] * 5
    assert play.to(25) is S.CANCELLED


@pytest.mark.parametrize("stage", [S.DRAINING, S.DRAINED, S.SETTLED])
def test_kubernetes_opened_before_the_hpc_side_has_let_go_is_closed_and_its_pods_are_waited_for(stage: Stage):
    play = at(UP, stage).set(closed=None, pods=2, busy=False, kubernetes_ready=True)
    assert play.to(20) is S.CANCELLING
    assert play.acts == [(V.CLOSE, MARK)]
    assert play.set(pods=0).to(30) is S.CANCELLED
    assert play.open_sides == (True, False)


# ---- the health gate ----


WITHOUT = {
    "to HPC, a GPU is missing": (down, "hpc_offers", SMALLER),
    "to HPC, nothing is registered": (down, "hpc_offers", None),
    "to Kubernetes, nothing is registered": (up, "kubernetes_offers", None),
    "to Kubernetes, less memory": (up, "kubernetes_offers", replace(SHAPE, memory_mib=SHAPE.memory_mib - 1)),
}


@pytest.mark.parametrize(("make", "wrong", "shape"), WITHOUT.values(), ids=WITHOUT.keys())
def test_a_node_that_lacks_something_on_its_new_side_goes_back(make, wrong: str, shape: NodeShape | None):
    play = make(**{wrong: shape})
    assert play.through(0, SETTLE_S, SETTLE_S + FIT_S - 1) is S.SETTLED
    assert play.to(SETTLE_S + FIT_S) is S.CANCELLED
    assert play.handover.why is Why.UNHEALTHY
    assert play.handover.why.failed
    assert play.open_sides == (make is up, make is down)
    assert OPENER[play.handover.direction] not in play.verbs


def test_devices_that_kubernetes_lacks_when_it_is_opened_are_waited_for():
    """A DaemonSet that tells of devices may be kept off by our own taint."""
    play = up(kubernetes_offers=SMALLER)
    assert play.through(0, SETTLE_S, SETTLE_S + FIT_S - 1) is S.OPENING
    assert play.open_sides == (False, True)
    assert play.set(kubernetes_offers=SHAPE).to(SETTLE_S + FIT_S) is S.DONE


def test_a_node_that_is_ready_late_has_as_long_for_its_devices():
    play = up(opens_slowly=True, kubernetes_offers=SMALLER)
    late_s = SETTLE_S + 2 * FIT_S
    assert play.through(0, SETTLE_S, late_s) is S.OPENING
    play.set(kubernetes_ready=True, ready_since_s=late_s)
    assert play.to(late_s + FIT_S - 1) is S.OPENING
    assert play.set(kubernetes_offers=SHAPE).to(late_s + FIT_S) is S.DONE


def test_a_kubernetes_node_that_stays_without_its_devices_goes_back():
    play = up(kubernetes_offers=SMALLER)
    play.through(0, SETTLE_S)
    assert play.to(SETTLE_S + FIT_S) is S.CANCELLED
    assert play.handover.why is Why.UNHEALTHY
    assert play.open_sides == (True, False)


def test_pods_that_came_in_the_meantime_are_waited_for_on_the_way_back():
    play = up(kubernetes_offers=SMALLER)
    play.through(0, SETTLE_S)
    assert play.set(pods=1).to(SETTLE_S + FIT_S) is S.CANCELLING
    assert play.open_sides == (False, False)
    assert play.set(pods=0).to(SETTLE_S + FIT_S + 1) is S.CANCELLED


def test_more_than_it_once_offered_will_do():
    assert up(kubernetes_offers=SHAPE).change(expects=SMALLER).through(0, SETTLE_S) is S.DONE


def test_what_its_like_have_is_looked_for_only_where_nobody_knows_what_the_node_once_offered():
    play = up(lacks="4 nvidia.com/gpu")
    assert play.through(0, SETTLE_S) is S.DONE
    play = up(lacks="4 nvidia.com/gpu").change(expects=None)
    assert play.through(0, SETTLE_S, SETTLE_S + FIT_S - 1) is S.OPENING
    assert play.set(lacks="").to(SETTLE_S + FIT_S) is S.DONE


@pytest.mark.parametrize(("make", "wrong"), [(up, "kubernetes_offers"), (down, "hpc_offers")])
def test_one_that_gets_in_time_what_it_lacked_is_opened(make, wrong: str):
    play = make(**{wrong: SMALLER})
    play.through(0, SETTLE_S, 100)
    assert play.set(**{wrong: SHAPE}).to(101) is S.DONE


@BOTH
def test_where_nobody_knows_what_a_side_saw_before_any_shape_will_do(make):
    play = make(kubernetes_offers=SMALLER, hpc_offers=SMALLER).change(expects=None)
    assert play.through(0, SETTLE_S) is S.DONE


def test_a_kubernetes_node_must_have_been_ready_for_a_while():
    play = up(ready_since_s=SETTLE_S - 1)
    assert play.through(0, SETTLE_S, SETTLE_S + READY_S - 2) is S.SETTLED
    assert play.to(SETTLE_S + READY_S - 1) is S.DONE


def test_a_kubernetes_node_that_flaps_is_not_opened():
    play = up()
    play.to(0)
    for now_s in range(SETTLE_S, SETTLE_S + FIT_S, READY_S // 2):
        play.set(ready_since_s=now_s)
        assert play.to(now_s) is S.SETTLED
    assert play.to(SETTLE_S + FIT_S) is S.CANCELLED
    assert play.handover.why is Why.UNHEALTHY


@pytest.mark.parametrize(("make", "ready"), [(up, "kubernetes_ready"), (down, "hpc_ready")])
def test_a_node_that_is_not_ready_on_its_new_side_is_not_opened(make, ready: str):
    play = make(**{ready: False})
    assert play.through(0, SETTLE_S, 100) is S.SETTLED
    assert play.set(**{ready: True}).to(101) is S.DONE


# ---- the site's hook ----

HOOKED = replace(RULES, hook=True)


class Hooked(Play):
    """A play whose site has a hook."""

    def __init__(self, direction: Direction, says: Outcome, **node: object) -> None:
        super().__init__(direction, HOOKED, **node)
        self.hook = FakeHook(before_says=says)

    def carry_out(self, act: Act, node: Node) -> Outcome:
        if act.verb is V.PREPARE:
            assert node.hpc.drain_reason is not None
            assert node.kubernetes.closed_by is not None
            assert not node.hpc.busy
            assert not node.kubernetes.pods
            self.fleet.asked.append(act)
            outcome = carry_out(act, self.handover, "", node.kubernetes, self.fleet.ports(self.hook))
            assert outcome is not None
            return outcome
        return super().carry_out(act, node)


@pytest.mark.parametrize("direction", Direction)
def test_the_hook_prepares_the_settled_node_once_and_before_it_is_opened(direction: Direction):
    play = Hooked(direction, Outcome.DONE)
    assert play.to(SETTLE_S - 1) is not S.DONE
    play.to(SETTLE_S)
    assert play.through(2 * SETTLE_S) is S.DONE
    assert play.hook.calls == [("before", "n1", direction, "h1")]
    assert play.verbs[-2:] == [V.PREPARE, OPENER[direction]]


@pytest.mark.parametrize(("direction", "work"), [(UP, "pods"), (DOWN, "busy")])
def test_the_hook_is_not_let_loose_on_a_node_on_which_the_new_side_runs_work(direction: Direction, work: str):
    play = Hooked(direction, Outcome.DONE, **{work: 1})
    play.through(0, SETTLE_S, SETTLE_S + 1)
    assert play.hook.calls == []
    play.set(**{work: 0})
    assert play.through(2 * SETTLE_S, 3 * SETTLE_S) is S.DONE
    assert len(play.hook.calls) == 1


@pytest.mark.parametrize("direction", Direction)
def test_a_hook_that_refuses_turns_the_hand_over_back(direction: Direction):
    play = Hooked(direction, Outcome.REFUSED)
    play.through(0, SETTLE_S)
    assert play.to(SETTLE_S + 1) is S.CANCELLED
    assert play.handover.why is Why.HOOK
    assert play.handover.why.failed
    assert len(play.hook.calls) == 1
    assert play.open_sides == (direction is UP, direction is DOWN)


@pytest.mark.parametrize("direction", Direction)
def test_a_hook_that_never_knows_is_asked_again_until_the_node_counts_as_unfit(direction: Direction):
    play = Hooked(direction, Outcome.UNKNOWN)
    play.through(0, *range(SETTLE_S, SETTLE_S + FIT_S, 50))
    assert play.handover.stage is S.SETTLED
    assert len(play.hook.calls) == 6
    assert play.to(SETTLE_S + FIT_S) is S.CANCELLED
    assert play.handover.why is Why.UNHEALTHY
    assert OPENER[direction] not in play.verbs


@pytest.mark.parametrize("direction", Direction)
def test_a_hook_that_knows_at_last_lets_the_node_be_opened(direction: Direction):
    play = Hooked(direction, Outcome.UNKNOWN)
    play.through(0, SETTLE_S, 50, 60)
    play.hook.before_says = Outcome.DONE
    assert play.through(70, 71) is S.DONE


# ---- openings that are refused, or of which nothing is known ----


@BOTH
@pytest.mark.parametrize("refusals", range(REFUSALS_MOST))
def test_an_opening_that_is_refused_a_few_times_is_asked_for_again(make, refusals: int):
    play = make()
    play.to(0)
    play.fail(OPENER[play.handover.direction], *[Fault.REFUSED] * refusals)
    assert play.through(*range(SETTLE_S, SETTLE_S + refusals + 1)) is S.DONE


@BOTH
def test_an_opening_that_is_refused_too_often_turns_back(make):
    play = make()
    play.to(0)
    opener = OPENER[play.handover.direction]
    play.fail(opener, *[Fault.REFUSED] * REFUSALS_MOST)
    play.through(*range(SETTLE_S, SETTLE_S + REFUSALS_MOST))
    assert play.to(20) is S.CANCELLED
    assert play.handover.why is Why.REFUSED
    assert play.handover.why.failed
    assert play.verbs.count(opener) == REFUSALS_MOST
    assert play.open_sides == (make is up, make is down)


@BOTH
@pytest.mark.parametrize("unsure", [Fault.TIMED_OUT, Fault.CUT])
def test_an_opening_that_may_have_happened_once_is_never_turned_back(make, unsure: Fault):
    """It could take effect at any time: better to wait, and to call a person, than to open the old side as well."""
    play = make()
    play.to(0)
    play.fail(OPENER[play.handover.direction], unsure, *[Fault.REFUSED] * 50)
    play.through(*range(SETTLE_S, SETTLE_S + 20))
    assert play.handover.stage is S.OPENING
    assert play.open_sides == (False, False)
    assert play.to(SETTLE_S + DEADLINE_S) is S.STUCK


@BOTH
@pytest.mark.parametrize("unsure", [Fault.TIMED_OUT_DONE, Fault.CUT_DONE])
def test_an_opening_that_happened_unseen_is_done_without_asking_again(make, unsure: Fault):
    play = make()
    play.to(0)
    play.fail(OPENER[play.handover.direction], unsure)
    assert play.through(SETTLE_S, SETTLE_S + 1, SETTLE_S + LANDS_S - 1) is S.OPENING
    assert play.open_sides == (make is down, make is up)
    assert play.to(SETTLE_S + LANDS_S) is S.DONE
    assert play.verbs.count(OPENER[play.handover.direction]) == 1


@BOTH
@pytest.mark.parametrize("unsure", [Fault.TIMED_OUT, Fault.CUT])
def test_a_hand_over_ends_only_once_an_opening_that_was_never_answered_can_no_longer_take_effect(make, unsure: Fault):
    """A late undrain would else also undo the drain of the next hand-over."""
    play = make()
    play.to(0)
    play.fail(OPENER[play.handover.direction], unsure)
    assert play.to(SETTLE_S) is S.OPENING
    play.to(SETTLE_S + 5)
    assert play.open_sides == (make is down, make is up), "it was asked for again, and done"
    assert play.to(SETTLE_S + LANDS_S - 1) is S.OPENING
    assert play.to(SETTLE_S + LANDS_S) is S.DONE


@pytest.mark.parametrize("direction", Direction)
def test_what_the_leader_before_may_have_asked_last_is_waited_for(direction: Direction):
    """Nobody can tell whether his opening, or his undoing, is still on its way."""
    for stage in UNFINISHED[direction]:
        one = adopted(at(direction, stage).handover, 9, 50, RULES)
        assert (one.epoch, one.unsure_s) == (9, 50 if stage in LATE_STAGES else None)
    play = at(direction, S.OPENING)
    play.handover = adopted(play.handover, 9, 50, RULES)
    play.set(hpc_ready=True, kubernetes_ready=True)
    assert play.through(50, 50 + LANDS_S - 1) is S.OPENING
    assert play.to(50 + LANDS_S) is S.DONE


def test_up_the_hpc_side_found_open_while_opening_takes_the_node_back():
    """Kubernetes is still closed, and refuses a late write at an old version: there is a way back."""
    play = up().fail(V.OPEN, *[Fault.TIMED_OUT] * 3)
    play.through(0, SETTLE_S)
    assert play.handover.stage is S.OPENING
    assert play.set(drain=None).to(20) is S.CANCELLING
    assert (play.handover.why, play.open_sides) == (Why.FOREIGN, (True, False))
    assert play.to(SETTLE_S + LANDS_S) is S.CANCELLED


@pytest.mark.parametrize(("make", "part"), [(up, "drain"), (down, "closed")])
def test_an_old_side_closed_by_someone_else_before_the_opening_took_effect_calls_a_person(make, part: str):
    play = make()
    play.to(0)
    play.fail(OPENER[play.handover.direction], Fault.TIMED_OUT)
    assert play.to(SETTLE_S) is S.OPENING
    assert play.set(**{part: FOREIGN}).to(20) is S.STUCK
    assert play.handover.why is Why.FOREIGN
    assert play.open_sides == (False, False)


def test_down_kubernetes_found_open_while_opening_is_closed_again_and_the_opening_goes_on():
    """A late write to the HPC scheduler cannot be refused: the way back could end open to both."""
    play = down().fail(V.UNDRAIN, Fault.TIMED_OUT)
    play.through(0, SETTLE_S)
    assert play.handover.stage is S.OPENING
    play.set(closed=None, pods=1)
    assert play.through(20, 21) is S.OPENING
    assert play.acts[-1] == (V.CLOSE, MARK)
    play.fleet.asked.clear()
    assert play.to(30) is S.OPENING
    assert V.UNDRAIN not in play.verbs, "pods still run"
    play.set(pods=0)
    assert play.to(SETTLE_S + LANDS_S) is S.DONE


# ---- pods, and the verbs ----


@pytest.mark.parametrize("evict", [True, False])
def test_pods_are_evicted_only_where_the_policy_allows_it(evict: bool):
    play = down(replace(RULES, evict=evict), pods=2)
    assert play.to(0) is (S.EMPTY if evict else S.EMPTYING)
    assert (V.EVICT in play.verbs) is evict


@pytest.mark.parametrize("verb", Verb)
def test_carrying_out_asks_the_port_that_has_the_verb(verb: Verb):
    fleet = Fleet(n1=Machine(drain=MARK, closed=MARK, booked=MARK))
    hook = FakeHook()
    handover = Handover("h1", "p1", "n1", UP, S.PLANNED, 0, 0, 100, reserve_from_s=50)
    ports = Ports(fleet.hpc, fleet.kubernetes, Alone(), hook)
    assert ask(Act(verb, "n1", MARK), handover, "r", fleet.shown_kubernetes("n1"), ports) is Outcome.DONE
    told = {V.PREPARE: "before", V.TELL: "after"}
    if verb in told:
        assert hook.calls == [(told[verb], "n1", UP, "h1")]
    else:
        assert [act.verb for act in fleet.asked] == [verb]
    writes = (V.NOTE, V.DISCOURAGE, V.CLOSE, V.FENCE, V.OPEN)
    assert fleet.machines["n1"].record == ("r" if verb in writes else None)


@pytest.mark.parametrize("verb", Verb)
def test_nothing_is_carried_out_without_leading(verb: Verb):
    fleet = Fleet(n1=Machine())
    fleet.leader.epoch = None
    handover = Handover("h1", "p1", "n1", UP, S.PLANNED, 0, 0, 100)
    hook = FakeHook()
    shown = fleet.shown_kubernetes("n1")
    assert ask(Act(verb, "n1", MARK), handover, "r", shown, fleet.ports(hook)) is None
    assert (fleet.asked, hook.calls) == ([], [])


@pytest.mark.parametrize("verb", [V.NOTE, V.DISCOURAGE, V.CLOSE, V.FENCE, V.OPEN])
def test_kubernetes_is_written_to_only_at_the_version_that_was_seen(verb: Verb):
    fleet = Fleet(n1=Machine(closed=MARK))
    handover = Handover("h1", "p1", "n1", UP, S.PLANNED, 0, 0, 100)
    seen = fleet.shown_kubernetes("n1")
    fleet.machines["n1"].cordoned = True
    before = fleet.shown_kubernetes("n1")
    assert carry_out(Act(verb, "n1", MARK), handover, "r", seen, fleet.ports()) is Outcome.REFUSED
    assert fleet.shown_kubernetes("n1") == before


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("verb", [verb for verb in Verb if verb is not Verb.PREPARE])
@pytest.mark.parametrize(("direction", "stage"), STAGES)
def test_only_of_an_opening_the_outcome_is_remembered(direction: Direction, stage: Stage, verb: Verb, outcome: Outcome):
    """Of every other act only what is seen counts."""
    handover = Handover("h1", "p1", "n1", direction, stage, 0, 0, 100)
    after = learn(handover, Act(verb, "n1", MARK), outcome, 7)
    if verb in (V.OPEN, V.UNDRAIN) and outcome is Outcome.UNKNOWN:
        assert after == replace(handover, unsure_s=7)
    elif verb in (V.OPEN, V.UNDRAIN) and outcome is Outcome.REFUSED and stage is S.OPENING:
        assert after == replace(handover, refusals=1)
    else:
        assert after is handover


def test_rules_may_ask_for_no_hook_no_waiting_and_no_eviction():
    both = dict.fromkeys(Side, 6)
    assert Rules(both, 100, 30) == Rules(
        settle_s=both, deadline_s=100, lands_s=30, ready_s=0, fit_s=900, evict=False, fence=False, hook=False
    )
