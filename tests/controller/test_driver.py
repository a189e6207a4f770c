"""Tending: what happens when schedulers do not answer, what is written down when, and who hears of what cannot end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from controller.handover.crash_points import go_on
from controller.handover.driver import HandoverDriver
from controller.handover.record import VERSION, decode, encode
from models.acts import Act, Outcome, Verb
from models.audit import Answered, Asked, Entered, Fenced
from models.errors import Deposed, Unrecorded
from models.handovers import Direction, Handover, Stage, Why
from models.nodes import Side
from tests.controller.fleet import OLD_MARK, SHAPE, FakeHook, Fault, Fleet, Machine
from tests.controller.play import DEADLINE_S, DOWN, FIT_S, FOREIGN, LANDS_S, MARK, RULES, SETTLE_S, UP

S, V = Stage, Verb
EPOCH = 4
HPC_VERBS = (V.DRAIN, V.UNDRAIN, V.RESERVE)


def hpc_machine(**facts: object) -> Machine:
    return Machine(**{"closed": OLD_MARK, **facts})


def kubernetes_machine(**facts: object) -> Machine:
    return Machine(**{"drain": OLD_MARK, **facts})


def handover(name: str, direction: Direction, **facts: object) -> Handover:
    plain = Handover(
        f"h-{name}", "p1", name, direction, S.PLANNED, 0, 0, DEADLINE_S, epoch=EPOCH, leaves=SHAPE, expects=SHAPE,
        uid="u1",
    )  # fmt: skip
    return replace(plain, **facts)


class Tended:
    """A driver, its fleet and its audit; ``at(now_s)`` lets it tend at that second."""

    def __init__(
        self, *, hook: FakeHook | None = None, reached: Callable[[str], None] = go_on, **machines: Machine
    ) -> None:
        self.fleet = Fleet(**machines)
        self.fleet.leader.epoch = EPOCH
        self.audit = self.fleet.audit
        rules = replace(RULES, hook=hook is not None)
        ports = replace(self.fleet.ports(hook), reached=reached)
        self.driver = HandoverDriver(ports, rules, self.audit, self.fleet.clock)
        self.driver.lead(EPOCH, [])

    def begin(self, direction: Direction, *names: str, batch: str = "p1") -> Tended:
        for name in names:
            self.driver.begin(handover(name, direction, batch=batch))
        return self

    def at(self, *seconds: int) -> Tended:
        for now_s in seconds:
            self.fleet.clock.now_s = now_s
            self.driver.tend()
        return self

    def stage(self, name: str = "n1") -> Stage:
        ends = [ended for ended in self.driver.finished if ended.node == name]
        return (ends or [self.driver.open[f"h-{name}"]])[-1].stage

    def record(self, name: str = "n1") -> Handover:
        text = self.fleet.machines[name].record
        assert text is not None
        return decode(text, "")


def up(**facts: object) -> Tended:
    return Tended(n1=hpc_machine(**facts)).begin(UP, "n1")


def down(**facts: object) -> Tended:
    return Tended(n1=kubernetes_machine(**facts)).begin(DOWN, "n1")


BOTH = pytest.mark.parametrize("make", [up, down])


@BOTH
def test_a_hand_over_goes_all_the_way(make):
    tended = make().at(0, SETTLE_S)
    assert tended.stage() is S.DONE
    assert tended.driver.open == {}
    assert tended.record() == replace(
        tended.driver.finished[0], emptied_s=None, booted="", was_closed=False, prepared=False
    )


# ---- open to both sides ----


@pytest.mark.parametrize(
    ("pods", "said"), [(0, "0 pods are still on it"), (1, "1 pod is still on it"), (2, "2 pods are still on it")]
)
@pytest.mark.parametrize("stage", [S.DRAINING, S.CANCELLING])
@BOTH
def test_a_node_found_open_to_both_sides_is_told_and_counted_once(
    make: Callable[..., Tended], stage: Stage, pods: int, said: str, caplog: pytest.LogCaptureFixture
):
    tended = make(drain=None, closed=None, pods=pods)
    tended.driver.open["h-n1"] = replace(
        tended.driver.open["h-n1"], stage=S.CLOSED if make is down and stage is S.DRAINING else stage
    )
    for verb in (V.CLOSE, V.CLOSE):
        tended.fleet.faults[verb].append(Fault.TIMED_OUT)
    tended.at(*range(6))
    told = [record for record in caplog.records if "open to both" in record.message]
    assert [(one.levelname, one.message) for one in told] == [
        ("WARNING", f"node n1 was open to both sides; it is being closed to Kubernetes, {said}")
    ]
    assert tended.driver.breaches == 1


def test_a_node_that_is_opened_to_both_sides_a_second_time_counts_twice():
    tended = down(drain=None, closed=None, busy=True, pods=1).at(0)
    assert (tended.driver.breaches, tended.stage()) == (1, S.DONE)
    tended.fleet.machines["n1"].closed = None
    tended.driver.begin(handover("n1", DOWN, stage=S.CLOSED))
    assert tended.at(1).driver.breaches == 2


# ---- no answer ----


@BOTH
@pytest.mark.parametrize("side", Side)
def test_while_a_side_gives_no_answer_its_hand_over_stays_as_it_is_and_others_go_on(make, side: Side):
    tended = make().at(0)
    before = tended.driver.open["h-n1"]
    tended.fleet.down.add(side)
    tended.at(SETTLE_S, 50)
    assert tended.driver.open["h-n1"] == before
    tended.fleet.down.clear()
    assert tended.at(60).stage() is S.DONE


def test_one_node_that_cannot_be_seen_holds_up_no_other():
    tended = Tended(n1=hpc_machine(), n2=hpc_machine(), n3=hpc_machine()).begin(UP, "n1", "n2", "n3")
    tended.fleet.silent.add("n2")
    tended.at(0, SETTLE_S)
    assert [tended.stage(name) for name in ("n1", "n2", "n3")] == [S.DONE, S.PLANNED, S.DONE]
    assert {act.node for act in tended.fleet.asked} == {"n1", "n3"}


@pytest.mark.parametrize("gone", ["in_hpc", "in_kubernetes"])
def test_a_node_that_one_side_does_not_have_is_left_as_it_is(gone: str):
    tended = up(busy=True).at(0)
    setattr(tended.fleet.machines["n1"], gone, False)
    tended.fleet.asked.clear()
    assert tended.at(10, 20).stage() is S.DRAINING
    assert tended.fleet.asked == []
    setattr(tended.fleet.machines["n1"], gone, True)
    tended.fleet.machines["n1"].busy = False
    assert tended.at(30, 30 + SETTLE_S).stage() is S.DONE


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize(
    ("make", "verb"), [(up, V.DRAIN), (up, V.OPEN), (down, V.DISCOURAGE), (down, V.CLOSE), (down, V.UNDRAIN)]
)
def test_an_act_of_unsure_outcome_ends_the_pass_and_what_is_seen_next_decides(make, verb: Verb, fault: Fault):
    """What happened is not asked for again; what did not is."""
    tended = make()
    tended.fleet.faults[verb].append(fault)
    tended.at(*range(4 * SETTLE_S + LANDS_S))
    assert tended.stage() is S.DONE
    happened = fault in (Fault.TIMED_OUT_DONE, Fault.CUT_DONE)
    assert [act.verb for act in tended.fleet.asked].count(verb) == (1 if happened else 2)


@pytest.mark.parametrize("fault", [Fault.TIMED_OUT, Fault.CUT, Fault.REFUSED])
def test_a_note_that_was_not_done_keeps_the_act_behind_it_from_being_asked_for(fault: Fault):
    tended = up()
    tended.fleet.faults[V.NOTE].append(fault)
    tended.at(0)
    assert tended.fleet.verbs == [V.NOTE]
    assert tended.fleet.machines["n1"].drain is None
    assert tended.at(1).fleet.machines["n1"].drain == MARK


def test_a_note_that_happened_unseen_is_not_written_twice():
    tended = up()
    tended.fleet.faults[V.NOTE].append(Fault.TIMED_OUT_DONE)
    tended.at(0, 1)
    assert tended.fleet.verbs[:2] == [V.NOTE, V.DRAIN]


# ---- what is written down, and when ----


@pytest.mark.parametrize("ahead", [False, True])
@BOTH
def test_the_record_on_the_node_names_the_stage_before_the_hpc_side_is_asked(make, ahead: bool):
    """Whoever comes after a crash in between finds what was about to be done."""
    tended = make(busy=ahead and make is up)
    if ahead:
        tended.driver.open["h-n1"] = replace(tended.driver.open["h-n1"], reserve_from_s=50)
    seen: list[tuple[Verb, Stage]] = []
    write = tended.fleet.write

    def watched(verb: Verb, node: str, mark: str, happen):
        if verb in HPC_VERBS:
            seen.append((verb, tended.record().stage))
        return write(verb, node, mark, happen)

    tended.fleet.write = watched  # type: ignore[method-assign]
    tended.at(0, SETTLE_S)
    tended.fleet.machines["n1"].busy = False
    tended.at(50, 50 + SETTLE_S)
    assert tended.stage() is S.DONE
    stages = {V.RESERVE: S.RESERVED, V.DRAIN: S.DRAINING, V.UNDRAIN: S.OPENING}
    assert seen == [(verb, stages[verb]) for verb, _ in seen]
    assert len(seen) == (2 if ahead and make is up else 1)


@BOTH
def test_the_way_back_is_written_down_before_the_hpc_side_is_opened_again(make):
    tended = make().at(0)
    tended.driver.turn_back("h-n1", Why.NOT_WANTED)
    tended.at(1)
    verbs = tended.fleet.verbs
    if make is up:
        assert verbs[verbs.index(V.UNDRAIN) - 1] is V.NOTE
    assert (tended.stage(), tended.record().stage, tended.record().why) == (S.CANCELLED, S.CANCELLED, Why.NOT_WANTED)


@BOTH
def test_every_write_to_kubernetes_leaves_the_present_record(make):
    tended = make()
    for now_s in range(2 * SETTLE_S):
        tended.at(now_s)
        record = tended.record()
        assert (record.id, record.epoch, record.node) == ("h-n1", EPOCH, "n1")
    assert record.stage is S.DONE


@BOTH
@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.TIMED_OUT, Fault.CUT])
def test_a_hand_over_has_ended_only_once_its_end_is_written_down(make, fault: Fault):
    tended = make().at(0)
    tended.fleet.machines["n1"].opens_slowly = True
    tended.at(SETTLE_S)
    tended.fleet.machines["n1"].hpc_ready = tended.fleet.machines["n1"].kubernetes_ready = True
    tended.fleet.faults[V.NOTE].extend([fault] * 3)
    for now_s in (20, 21, 22):
        assert tended.at(now_s).stage() is S.OPENING
        assert tended.driver.finished == []
        assert tended.record().stage is S.OPENING
    assert tended.at(23).stage() is S.DONE
    assert tended.record().stage is S.DONE


def test_the_end_is_not_written_over_what_someone_else_has_just_written():
    """His write changed the version: the node is looked at again first."""
    tended = up().at(0)
    tended.fleet.machines["n1"].opens_slowly = True
    tended.at(SETTLE_S)
    tended.fleet.machines["n1"].kubernetes_ready = True
    shown = tended.fleet.kubernetes.look

    def raced(node: str):
        seen = shown(node)
        tended.fleet.machines["n1"].cordoned = True
        return seen

    tended.fleet.kubernetes.look = raced  # type: ignore[method-assign]
    tended.at(20)
    assert tended.stage() is S.OPENING
    assert tended.record().stage is S.OPENING


# ---- the audit ----


@BOTH
def test_every_act_is_written_down_before_it_is_asked_for_and_when_its_outcome_is_known(make):
    tended = make()
    write = tended.fleet.write
    wrong: list[str] = []

    def watched(verb: Verb, node: str, mark: str, happen):
        last = tended.audit.entries[-1]
        if not (isinstance(last, Asked) and last.act.verb is verb):
            wrong.append(f"{verb} after {last}")
        return write(verb, node, mark, happen)

    tended.fleet.write = watched  # type: ignore[method-assign]
    tended.at(0, SETTLE_S)
    assert tended.stage() is S.DONE
    assert wrong == []
    asked = [(entry.handover, entry.act) for entry in tended.audit.of(Asked)]
    answered = [(entry.handover, entry.act) for entry in tended.audit.of(Answered)]
    assert asked == answered
    assert [act.verb for _, act in asked] == tended.fleet.verbs
    assert {entry.epoch for entry in tended.audit.entries if not isinstance(entry, Entered)} == {EPOCH}


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (None, Outcome.DONE),
        (Fault.REFUSED, Outcome.REFUSED),
        (Fault.TIMED_OUT, Outcome.UNKNOWN),
        (Fault.TIMED_OUT_DONE, Outcome.UNKNOWN),
        (Fault.CUT, Outcome.UNKNOWN),
    ],
)
def test_the_answer_tells_what_is_known_and_what_was_seen_right_after(fault: Fault | None, outcome: Outcome):
    tended = up(busy=True)
    if fault:
        tended.fleet.faults[V.DRAIN].append(fault)
    tended.at(0)
    answers = {entry.act.verb: entry for entry in tended.audit.of(Answered)}
    assert answers[V.DRAIN].outcome is outcome
    if outcome is Outcome.DONE:
        assert answers[V.DRAIN].seen is not None
        assert answers[V.DRAIN].seen.hpc.drain_reason == MARK
    else:
        assert answers[V.DRAIN].seen is None


def test_an_answer_is_written_down_though_the_node_cannot_be_seen_afterwards():
    tended = up(busy=True)
    write = tended.fleet.write

    def watched(verb: Verb, node: str, mark: str, happen):
        outcome = write(verb, node, mark, happen)
        if verb is V.DRAIN:
            tended.fleet.silent.add("n1")
        return outcome

    tended.fleet.write = watched  # type: ignore[method-assign]
    tended.at(0)
    last = tended.audit.of(Answered)[-1]
    assert (last.act.verb, last.outcome, last.seen) == (V.DRAIN, Outcome.DONE, None)


@BOTH
def test_what_was_seen_when_an_act_was_asked_for_is_kept(make):
    tended = make().at(0)
    first = tended.audit.of(Asked)[0]
    assert (first.seen.name, first.seen.hpc.busy) == ("n1", False)
    assert first.seen.hpc.drain_reason == (None if make is up else OLD_MARK)


@BOTH
def test_every_stage_is_written_down_once_and_in_order(make):
    tended = make().at(0, SETTLE_S)
    entered = [entry.handover.stage for entry in tended.audit.of(Entered)]
    between = {
        up: [S.DRAINING, S.DRAINED],
        down: [S.DISCOURAGED, S.CLOSED, S.EMPTY],
    }[make]
    assert entered == [S.PLANNED, *between, S.SETTLED, S.OPENING, S.DONE]


@BOTH
@pytest.mark.parametrize("second", [0, SETTLE_S])
def test_nothing_is_done_that_cannot_be_written_down(make, second: int):
    tended = make()
    if second:
        tended.at(0)
    tended.fleet.asked.clear()
    before = tended.fleet.node()
    tended.audit.full = True
    with pytest.raises(Unrecorded):
        tended.at(second)
    assert tended.fleet.asked == []
    assert tended.fleet.node() == before
    tended.audit.full = False
    assert tended.at(second + 1, second + 2 * SETTLE_S).stage() is S.DONE


def test_a_booking_that_is_left_over_is_dropped_with_the_same_care():
    tended = Tended(n1=hpc_machine(booked=MARK))
    tended.audit.full = True
    with pytest.raises(Unrecorded):
        tended.driver.release(tended.fleet.node())
    assert tended.fleet.machines["n1"].booked == MARK
    tended.audit.full = False
    tended.fleet.leader.acts = 0
    tended.driver.release(tended.fleet.node())
    assert (tended.fleet.machines["n1"].booked, tended.audit.entries) == (MARK, [])
    tended.fleet.leader.acts = None
    tended.driver.release(tended.fleet.node())
    assert tended.fleet.machines["n1"].booked is None
    act = Act(V.RELEASE, "n1", MARK)
    assert [(type(entry), entry.act) for entry in tended.audit.entries] == [(Asked, act), (Answered, act)]


def test_an_answer_belongs_to_the_hand_over_that_asked():
    """Though its node is out of sight right after, and the next one's look is what comes first."""
    tended = Tended(n1=hpc_machine(busy=True), n2=hpc_machine()).begin(UP, "n1", "n2")
    write = tended.fleet.write

    def watched(verb: Verb, node: str, mark: str, happen):
        outcome = write(verb, node, mark, happen)
        if verb is V.DRAIN and node == "n1":
            tended.fleet.machines["n1"].in_hpc = False
        return outcome

    tended.fleet.write = watched  # type: ignore[method-assign]
    tended.at(0)
    answers = tended.audit.of(Answered)
    assert {answer.act.node for answer in answers} == {"n1", "n2"}
    for answer in answers:
        assert answer.handover == f"h-{answer.act.node}"
        assert answer.seen is None or answer.seen.name == answer.act.node


def test_a_stage_is_in_the_audit_though_it_could_not_be_written_at_first():
    tended = up(busy=True)
    tended.audit.full_for = Entered
    with pytest.raises(Unrecorded):
        tended.at(0)
    tended.audit.full_for = None
    tended.at(1)
    assert S.DRAINING in [entry.handover.stage for entry in tended.audit.of(Entered)]


def test_what_ended_is_handed_on_though_the_audit_was_full_for_a_moment():
    tended = up(opens_slowly=True).at(0, SETTLE_S)
    tended.fleet.machines["n1"].kubernetes_ready = True
    tended.audit.full_for = Entered
    with pytest.raises(Unrecorded):
        tended.at(20)
    tended.audit.full_for = None
    tended.at(21, 22)
    assert [ended.stage for ended in tended.driver.finished] == [S.DONE]


# ---- leading ----


def test_without_leave_to_act_nothing_is_asked_for():
    tended = up()
    tended.fleet.leader.acts = 0
    tended.at(0, 1, 2)
    assert (tended.fleet.asked, tended.audit.of(Asked)) == ([], [])
    tended.fleet.leader.acts = None
    assert tended.at(3, 3 + SETTLE_S).stage() is S.DONE


def test_leave_that_ends_between_two_acts_ends_the_pass():
    tended = up()
    write = tended.fleet.write

    def watched(verb: Verb, node: str, mark: str, happen):
        tended.fleet.leader.acts = 0
        return write(verb, node, mark, happen)

    tended.fleet.write = watched  # type: ignore[method-assign]
    tended.at(0, 1, 2)
    assert tended.fleet.verbs == [V.NOTE]
    assert tended.fleet.machines["n1"].drain is None


@BOTH
def test_a_record_of_a_later_epoch_deposes_before_anything_is_asked_for(make):
    tended = make().at(0)
    machine = tended.fleet.machines["n1"]
    machine.record = encode(replace(tended.record(), epoch=EPOCH + 3))
    tended.fleet.asked.clear()
    with pytest.raises(Deposed, match=f"epoch {EPOCH + 3}"):
        tended.at(SETTLE_S)
    assert tended.fleet.asked == []
    assert tended.fleet.leader.risen == [EPOCH + 3]


def test_a_record_of_an_earlier_epoch_is_what_that_leader_left_and_is_written_over():
    tended = up(record=encode(handover("n1", UP, id="old", stage=S.CANCELLED, epoch=EPOCH - 1)))
    assert tended.at(0, SETTLE_S).stage() is S.DONE
    assert tended.record().epoch == EPOCH


@pytest.mark.parametrize("scribble", ["drained by bob", '{"v":1}', ""])
def test_what_somebody_scribbled_where_the_record_was_is_written_over(scribble: str):
    tended = up(busy=True).at(0)
    tended.fleet.machines["n1"].record = scribble
    tended.fleet.machines["n1"].busy = False
    assert tended.at(10, 10 + SETTLE_S).stage() is S.DONE
    assert tended.record().id == "h-n1"


@BOTH
def test_a_record_of_a_later_release_is_left_to_whoever_wrote_it(make, caplog: pytest.LogCaptureFixture):
    tended = make(busy=make is up, pods=int(make is down)).at(0)
    later = tended.fleet.machines["n1"].record = '{"v":' + str(VERSION + 1) + "}"
    tended.fleet.asked.clear()
    with caplog.at_level(logging.ERROR):
        tended.at(10, 20)
    assert tended.driver.open == {}
    assert tended.fleet.asked == []
    assert tended.fleet.machines["n1"].record == later
    assert len(caplog.records) == 1
    assert f"version {VERSION + 1}" in caplog.text
    assert "n1" in caplog.text


def test_a_record_that_vanished_is_written_again():
    tended = up(busy=True).at(0)
    tended.fleet.machines["n1"].record = None
    tended.fleet.machines["n1"].busy = False
    assert tended.at(10, 10 + SETTLE_S).stage() is S.DONE
    assert tended.record().id == "h-n1"


# ---- taking over ----


def taken_over(before: Handover, **facts: object) -> Tended:
    tended = Tended(n1=Machine(**facts, record=encode(before)))
    tended.driver.lead(EPOCH, [before])
    return tended


def test_what_is_taken_over_is_written_down_under_the_new_epoch_before_it_goes_on():
    before = handover("n1", UP, stage=S.DRAINING, epoch=EPOCH - 1)
    tended = taken_over(before, closed=OLD_MARK, drain=MARK)
    tended.at(0)
    assert tended.fleet.asked[0].verb is V.NOTE
    assert (tended.record().epoch, tended.record().stage) == (EPOCH, S.DRAINING)
    assert tended.at(SETTLE_S).stage() is S.DONE


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.TIMED_OUT, Fault.CUT])
def test_what_could_not_be_written_down_does_not_go_on(fault: Fault):
    before = handover("n1", UP, stage=S.PLANNED, epoch=EPOCH - 1)
    tended = taken_over(before, closed=OLD_MARK)
    tended.fleet.faults[V.NOTE].extend([fault] * 2)
    tended.at(0, 1)
    assert tended.fleet.verbs == [V.NOTE, V.NOTE]
    assert tended.at(2, 2 + SETTLE_S).stage() is S.DONE


def test_an_earlier_leader_is_refused_from_then_on():
    """It has seen the node before the take-over, and writes at that version."""
    before = handover("n1", UP, stage=S.OPENING, epoch=EPOCH - 1)
    tended = taken_over(before, closed=OLD_MARK, drain=MARK, kubernetes_ready=False)
    seen = tended.fleet.shown_kubernetes("n1")
    tended.at(0)
    late = tended.fleet.kubernetes.open("n1", mark=OLD_MARK, record="late", version=seen.version)
    assert late is Outcome.REFUSED
    assert tended.fleet.machines["n1"].closed == OLD_MARK


def test_what_was_remembered_of_an_earlier_term_is_forgotten():
    tended = up(busy=True).at(0)
    tended.driver.lead(EPOCH + 1, [])
    assert (tended.driver.open, tended.driver.stuck, tended.driver.next_due_s()) == ({}, {}, None)


def test_a_record_that_names_another_node_moves_no_node():
    """The list of nodes still had ours when this leader began; n2 was never in any plan."""
    tended = taken_over(handover("n1", UP, epoch=EPOCH - 1), closed=OLD_MARK)
    tended.fleet.machines["n2"] = Machine(closed=OLD_MARK)
    tended.fleet.machines["n1"].record = encode(handover("n1", UP, node="n2", epoch=EPOCH - 1))
    tended.at(0, SETTLE_S)
    assert {act.node for act in tended.fleet.asked} == {"n1"}
    assert tended.record().node == "n1"


def test_what_was_turned_back_before_it_was_claimed_turns_back():
    tended = taken_over(handover("n1", UP, stage=S.DRAINING, epoch=EPOCH - 1), closed=OLD_MARK, drain=MARK)
    tended.driver.turn_back("h-n1", Why.NOT_WANTED)
    assert tended.at(0).stage() is S.CANCELLED


@pytest.mark.parametrize(
    ("listed", "written"),
    [({}, {"direction": DOWN}), ({"direction": DOWN, "stage": S.CANCELLING}, {"direction": DOWN, "stage": S.PLANNED})],
    ids=["goes another way", "goes on again"],
)
def test_a_record_that_says_something_else_than_when_bounds_were_looked_at_moves_no_node(
    listed: dict[str, object], written: dict[str, object]
):
    """What takes no node from a side was not turned back; then its record is written anew, before it is claimed."""
    before = replace(handover("n1", UP, epoch=EPOCH - 1), **listed)
    tended = taken_over(before, drain=OLD_MARK)
    tended.fleet.machines["n1"].record = encode(replace(before, **written))
    tended.at(0, SETTLE_S, 2 * SETTLE_S)
    assert tended.fleet.node("n1").owner is Side.KUBERNETES
    assert tended.stage() is S.CANCELLED


def test_a_deadline_that_a_record_puts_off_for_ever_is_not_waited_for():
    far_s = 2**53
    before = handover("n1", DOWN, stage=S.CLOSED, epoch=EPOCH - 1, deadline_s=far_s, reserve_from_s=far_s)
    tended = taken_over(before, drain=OLD_MARK, pods=1)
    assert tended.at(0, DEADLINE_S, DEADLINE_S + 1).stage() is S.CANCELLED


def test_one_that_is_adopted_is_written_down_first_as_well():
    tended = Tended(n1=Machine(closed=OLD_MARK, drain=MARK))
    tended.driver.adopt(handover("n1", UP, stage=S.DRAINING, epoch=EPOCH - 2))
    tended.at(0)
    assert (tended.fleet.verbs[0], tended.record().epoch) == (V.NOTE, EPOCH)


# ---- pods that come late ----


@pytest.mark.parametrize(("bare", "level"), [(0, "INFO"), (1, "WARNING")])
def test_pods_that_come_late_to_a_fenced_node_are_counted_once_and_told(
    bare: int, level: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO")
    tended = taken_over(handover("n1", DOWN, stage=S.CLOSED), closed=MARK, drain=OLD_MARK, fenced=True)
    tended.at(0)
    tended.fleet.machines["n1"].pods, tended.fleet.machines["n1"].bare = 2, bare
    tended.at(1, 2)
    tended.fleet.machines["n1"].pods = 0
    tended.at(3)
    assert tended.driver.fenced == 2
    assert tended.audit.of(Fenced) == [Fenced(1, EPOCH, "h-n1", "n1", 2, bare)]
    (told,) = [record for record in caplog.records if "came late" in record.message]
    assert told.levelname == level


# ---- resting ----


@BOTH
def test_while_nothing_changes_and_nothing_is_due_nothing_is_asked_or_written(make):
    tended = make(**({"busy": True} if make is up else {"pods": 1})).at(0)
    entries, asked = len(tended.audit.entries), len(tended.fleet.asked)
    tended.at(*range(1, 50))
    assert (len(tended.audit.entries), len(tended.fleet.asked)) == (entries, asked)
    assert tended.driver.next_due_s() == DEADLINE_S


def test_when_something_is_due_is_known_ahead():
    tended = up().at(0)
    assert tended.driver.next_due_s() == SETTLE_S
    tended = up(busy=True)
    tended.driver.open["h-n1"] = handover("n1", UP, reserve_from_s=77)
    assert tended.at(0).driver.next_due_s() == 77
    tended = up(kubernetes_ready=False).at(0, SETTLE_S)
    assert tended.driver.next_due_s() == SETTLE_S + FIT_S
    tended = up(ready_since_s=4).at(0, SETTLE_S)
    assert tended.driver.next_due_s() == 4 + RULES.ready_s


def test_turning_back_wakes_one_that_rests():
    tended = up(busy=True).at(0, 1)
    tended.driver.turn_back("h-n1", Why.PAUSED)
    assert tended.at(1).stage() is S.CANCELLED
    assert tended.driver.finished[0].why is Why.PAUSED


def test_the_first_reason_to_turn_back_is_the_one_that_counts():
    tended = up(busy=True, pods=1).at(0)
    tended.driver.turn_back("h-n1", Why.NOT_WANTED)
    tended.driver.turn_back("h-n1", Why.PAUSED)
    assert tended.at(1).driver.open["h-n1"].why is Why.NOT_WANTED


# ---- the hook ----


@pytest.mark.parametrize("direction", Direction)
def test_the_hook_hears_of_the_node_when_its_new_side_has_it(direction: Direction):
    hook = FakeHook()
    machine = hpc_machine() if direction is UP else kubernetes_machine()
    tended = Tended(hook=hook, n1=machine).begin(direction, "n1").at(0, SETTLE_S)
    assert tended.stage() is S.DONE
    assert hook.calls == [("before", "n1", direction, "h-n1"), ("after", "n1", direction, "h-n1")]
    asked = [entry.act.verb for entry in tended.audit.of(Asked)]
    assert asked.count(V.PREPARE) == asked.count(V.TELL) == 1
    assert tended.record().stage is S.DONE


@pytest.mark.parametrize("says", [Outcome.REFUSED, Outcome.UNKNOWN])
def test_what_the_hook_says_afterwards_changes_nothing(says: Outcome):
    tended = Tended(hook=FakeHook(after_says=says), n1=hpc_machine()).begin(UP, "n1").at(0, SETTLE_S)
    assert tended.stage() is S.DONE
    assert tended.driver.open == {}


def test_the_hook_is_not_told_of_one_that_turned_back():
    hook = FakeHook(before_says=Outcome.REFUSED)
    tended = Tended(hook=hook, n1=hpc_machine()).begin(UP, "n1").at(0, SETTLE_S, SETTLE_S + 1)
    assert (tended.stage(), tended.driver.finished[0].why) == (S.CANCELLED, Why.HOOK)
    assert [call[0] for call in hook.calls] == ["before"]


@pytest.mark.parametrize("direction", Direction)
def test_a_node_goes_back_only_once_the_hook_has_let_go_of_it(direction: Direction):
    hook = FakeHook(before_says=Outcome.UNKNOWN, lets_go=False)
    machine = hpc_machine() if direction is UP else kubernetes_machine()
    tended = Tended(hook=hook, n1=machine).begin(direction, "n1").at(0, SETTLE_S)
    tended.driver.turn_back("h-n1", Why.PAUSED)
    before = len(tended.fleet.asked)
    assert tended.at(SETTLE_S + 1, SETTLE_S + 3).stage() is S.SETTLED
    assert (len(tended.fleet.asked), hook.calls) == (before, hook.calls[:1])
    hook.lets_go = True
    assert tended.at(SETTLE_S + 5, SETTLE_S + 6).stage() is S.CANCELLED


def test_a_node_that_is_open_to_both_does_not_wait_for_the_hook():
    tended = Tended(hook=FakeHook(before_says=Outcome.UNKNOWN, lets_go=False), n1=hpc_machine())
    tended.begin(UP, "n1").at(0, SETTLE_S)
    machine = tended.fleet.machines["n1"]
    machine.drain = machine.closed = None
    assert tended.at(SETTLE_S + 1).stage() is not S.SETTLED
    assert machine.closed is not None


# ---- evicting ----


def test_pods_that_take_their_time_to_end_are_asked_to_leave_once_a_pass(monkeypatch: pytest.MonkeyPatch):
    asked = []

    def evict(node: str) -> Outcome:
        asked.append(node)
        return Outcome.DONE

    tended = Tended(n1=kubernetes_machine(pods=1))
    tended.driver.rules = replace(RULES, evict=True)
    monkeypatch.setattr(tended.fleet.kubernetes, "evict", evict)
    tended.begin(DOWN, "n1").at(0)
    assert asked == ["n1"]
    tended.at(10)
    assert len(asked) <= 2


# ---- what a person has to hear of ----


def test_one_that_is_stuck_is_kept_for_a_person_and_said_once(caplog: pytest.LogCaptureFixture):
    tended = down(opens_slowly=True).at(0, SETTLE_S)
    with caplog.at_level(logging.ERROR):
        tended.at(SETTLE_S + DEADLINE_S, SETTLE_S + DEADLINE_S + 1)
    assert tended.stage() is S.STUCK
    assert list(tended.driver.stuck) == ["n1"]
    assert tended.record().stage is S.STUCK
    assert len(caplog.records) == 1
    assert "h-n1 of node n1" in caplog.text


def test_one_whose_turning_back_cannot_end_is_said_with_the_command_that_shows_why(caplog: pytest.LogCaptureFixture):
    tended = down(busy=True, pods=1).at(0)
    tended.driver.turn_back("h-n1", Why.NOT_WANTED)
    tended.at(1)
    with caplog.at_level(logging.ERROR):
        tended.at(1 + DEADLINE_S)
    assert "is stuck: the move was no longer wanted" in caplog.text
    assert "kube describe n1" in caplog.text
    assert "busy" in caplog.text


@pytest.mark.parametrize("side", Side)
@BOTH
def test_one_that_is_overdue_with_its_node_out_of_sight_is_said_once(
    make, side: Side, caplog: pytest.LogCaptureFixture
):
    tended = make(**({"busy": True} if make is up else {"pods": 1})).at(0)
    tended.fleet.down.add(side)
    with caplog.at_level(logging.ERROR):
        tended.at(DEADLINE_S)
        assert caplog.records == []
        tended.at(DEADLINE_S + 1, DEADLINE_S + 2, DEADLINE_S + 500)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "is overdue in stage" in caplog.text
    command = "bolt show n1" if make is up else "kube describe n1"
    assert command in caplog.text
    assert tended.driver.overdue == {"h-n1"}
    tended.fleet.down.clear()
    assert tended.at(DEADLINE_S + 600).stage() is S.CANCELLED
    assert tended.driver.overdue == set()


def test_one_that_cannot_be_changed_is_as_good_as_overdue(caplog: pytest.LogCaptureFixture):
    """The API server answers reads and refuses every write."""
    tended = down(opens_slowly=True).at(0, SETTLE_S)
    tended.fleet.faults[V.NOTE].extend([Fault.REFUSED] * 100)
    with caplog.at_level(logging.ERROR):
        tended.at(*range(SETTLE_S + DEADLINE_S, SETTLE_S + DEADLINE_S + 5))
    assert tended.stage() is S.OPENING
    assert len(caplog.records) == 1
    assert "is overdue in stage opening" in caplog.text
    assert "bolt show n1" in caplog.text


@pytest.mark.parametrize(
    ("make", "facts", "command"), [(up, {"cordoned": True}, "kube describe"), (down, {}, "bolt show")]
)
def test_one_stuck_while_opening_names_the_side_that_does_not_open(
    make, facts: dict[str, bool], command: str, caplog: pytest.LogCaptureFixture
):
    tended = make(opens_slowly=True).at(0, SETTLE_S)
    for name, value in facts.items():
        setattr(tended.fleet.machines["n1"], name, value)
    with caplog.at_level(logging.ERROR):
        tended.at(SETTLE_S + DEADLINE_S)
    assert tended.stage() is S.STUCK
    assert f"run: {command}" in caplog.text


def test_an_overdue_one_that_turned_back_is_not_overdue_any_more():
    tended = up(busy=True, pods=1).at(0)
    tended.fleet.down.add(Side.HPC)
    tended.at(DEADLINE_S + 1)
    assert tended.driver.overdue == {"h-n1"}
    tended.fleet.down.clear()
    tended.at(DEADLINE_S + 2)
    assert tended.stage() is S.CANCELLING
    assert tended.driver.overdue == set()


# ---- repairs ----


def test_a_repair_is_entered_in_the_audit_when_it_begins():
    tended = Tended(n1=Machine())
    tended.driver.begin(handover("n1", DOWN, stage=S.CLOSED, repair=True))
    assert [entry.handover.stage for entry in tended.audit.of(Entered)] == [S.CLOSED]
    tended.at(0)
    assert tended.stage() is S.DONE
    assert (tended.fleet.machines["n1"].closed, tended.fleet.machines["n1"].drain) == (MARK, None)


def test_many_go_on_side_by_side_each_with_its_own_record():
    names = [f"n{number}" for number in range(6)]
    machines = {name: hpc_machine() if number % 2 else kubernetes_machine() for number, name in enumerate(names)}
    tended = Tended(**machines)
    for number, name in enumerate(names):
        tended.begin(UP if number % 2 else DOWN, name)
    tended.at(0, SETTLE_S)
    assert {tended.record(name).id for name in names} == {f"h-{name}" for name in names}
    assert {ended.stage for ended in tended.driver.finished} == {S.DONE}
    answered = tended.audit.of(Answered)
    assert all(entry.handover == f"h-{entry.act.node}" for entry in answered)
    assert all(entry.seen is None or entry.seen.name == entry.act.node for entry in answered)


def test_the_times_of_the_audit_never_go_back():
    tended = up(busy=True).at(0, 10)
    tended.fleet.machines["n1"].busy = False
    tended.at(20, 40)
    times = [entry.at_s for entry in tended.audit.entries]
    assert all(before <= after for before, after in pairwise(times))


def test_someone_elses_taint_is_told_of_in_the_end():
    tended = down(pods=1).at(0)
    tended.fleet.machines["n1"].closed = FOREIGN
    assert tended.at(1, 2).stage() is S.CANCELLED
    assert tended.record().why is Why.FOREIGN


# ---- what is drained together ----


def plan(*names: str) -> Tended:
    return Tended(**{name: hpc_machine() for name in names}).begin(UP, *names)


def test_the_nodes_of_a_plan_are_drained_in_one_request_and_go_on_at_once():
    tended = plan("n1", "n2", "n3").at(0)
    assert tended.fleet.drains == [("n1", "n2", "n3")]
    assert [tended.stage(name) for name in ("n1", "n2", "n3")] == [S.DRAINED] * 3
    tended.at(SETTLE_S)
    assert len(tended.fleet.drains) == 1
    assert {ended.stage for ended in tended.driver.finished} == {S.DONE}


def test_each_is_noted_and_written_down_before_any_is_drained_and_its_answer_after():
    tended = plan("n1", "n2").at(0)
    assert tended.fleet.asked[:2] == [Act(V.NOTE, "n1", ""), Act(V.NOTE, "n2", "")]
    entries = [
        (type(entry), entry.act.node, getattr(entry, "outcome", None))
        for entry in tended.fleet.audit.entries
        if isinstance(entry, Asked | Answered) and entry.act.verb is V.DRAIN
    ]
    assert entries == [
        (Asked, "n1", None),
        (Asked, "n2", None),
        (Answered, "n1", Outcome.DONE),
        (Answered, "n2", Outcome.DONE),
    ]
    answered = [entry for entry in tended.fleet.audit.of(Answered) if entry.act.verb is V.DRAIN]
    assert [entry.seen.hpc.drain_reason for entry in answered] == [MARK, MARK], "what its own node showed then"


def test_marks_are_drained_apart():
    tended = Tended(n1=hpc_machine(), n2=hpc_machine(), n3=hpc_machine()).begin(UP, "n1", "n3")
    tended.begin(UP, "n2", batch="p2")
    tended.at(0)
    assert tended.fleet.drains == [("n1", "n3"), ("n2",)]
    assert [tended.fleet.machines[name].drain for name in ("n1", "n2", "n3")] == [MARK, "tidegate:p2", MARK]


@pytest.mark.parametrize(
    ("fault", "drained"),
    [(Fault.REFUSED, False), (Fault.TIMED_OUT, False), (Fault.TIMED_OUT_DONE, True)],
)
def test_of_several_each_has_its_own_outcome(fault: Fault, drained: bool):
    tended = plan("n1", "n2")
    tended.fleet.faults[V.DRAIN].append(fault)
    tended.at(0)
    assert [tended.stage("n1"), tended.stage("n2")] == [S.DRAINING, S.DRAINED]
    tended.at(1)
    assert tended.fleet.drains == [("n1", "n2"), *([] if drained else [("n1",)])]
    assert tended.stage("n1") is S.DRAINED


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.CUT_DONE])
def test_where_the_answer_is_cut_off_nothing_is_known_of_any(fault: Fault):
    tended = plan("n1", "n2")
    tended.fleet.faults[V.DRAIN].append(fault)
    tended.at(0)
    answered = [entry for entry in tended.fleet.audit.of(Answered) if entry.act.verb is V.DRAIN]
    assert [(entry.act.node, entry.outcome) for entry in answered] == [("n1", Outcome.UNKNOWN), ("n2", Outcome.UNKNOWN)]
    assert [tended.stage("n1"), tended.stage("n2")] == [S.DRAINING] * 2
    assert [tended.at(1).stage(name) for name in ("n1", "n2")] == [S.DRAINED] * 2


def test_what_a_scheduler_says_nothing_of_is_not_known(monkeypatch: pytest.MonkeyPatch):
    tended = plan("n1", "n2")
    monkeypatch.setattr(tended.fleet.hpc, "drain", lambda nodes, mark: {"n2": Outcome.REFUSED})
    tended.at(0)
    answered = [entry.outcome for entry in tended.fleet.audit.of(Answered) if entry.act.verb is V.DRAIN]
    assert answered == [Outcome.UNKNOWN, Outcome.REFUSED]


def test_whether_this_process_leads_is_asked_right_before_the_request():
    """The lead may be lost while the others are noted, however long that takes."""
    points: list[str] = []

    def reached(point: str) -> None:
        points.append(point)
        if points.count("before-drain") == 1:
            tended.fleet.leader.acts = 0

    tended = Tended(reached=reached, n1=hpc_machine(), n2=hpc_machine()).begin(UP, "n1", "n2")
    tended.at(0)
    assert (points, tended.fleet.drains) == (["before-note", "after-note"] * 2 + ["before-drain"], [])
    tended.fleet.leader.acts = None
    assert [tended.at(1).stage(name) for name in ("n1", "n2")] == [S.DRAINED] * 2
    assert points[5:] == ["before-drain", "after-drain"]


def test_a_drain_that_does_not_show_yet_is_not_asked_for_twice_in_one_pass(monkeypatch: pytest.MonkeyPatch):
    tended = plan("n1", "n2")
    shown = {name: tended.fleet.shown_hpc(name) for name in ("n1", "n2")}
    monkeypatch.setattr(tended.fleet.hpc, "look", shown.get)
    tended.at(0)
    assert tended.fleet.drains == [("n1", "n2")]
    monkeypatch.undo()
    assert [tended.at(1).stage(name) for name in ("n1", "n2")] == [S.DRAINED] * 2
    assert tended.fleet.drains == [("n1", "n2")]
