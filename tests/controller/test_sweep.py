"""The sweep: nodes that no hand-over accounts for are looked at afresh and taken in hand; all others are left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.handover.begin import Names
from controller.handover.driver import HandoverDriver
from controller.handover.look import Rules
from controller.handover.record import VERSION, encode
from controller.sweep import Sweep
from models.acts import Verb
from models.audit import LeftAlone
from models.errors import Unreachable, Unrecorded
from models.handovers import Direction, Handover, Stage, Why
from models.nodes import Node, Side
from tests.controller.fleet import KUBERNETES_FACTS, OLD_MARK, Fault, Fleet, Machine
from tests.controller.play import DEADLINE_S, DOWN, FOREIGN, MARK, RULES, SETTLE_S, UP

S, V = Stage, Verb
EPOCH = 4
LATER = '{"v":' + str(VERSION + 1) + "}"
FORGED = encode(Handover("h-n1", "p1", "n1", Direction.TO_HPC, Stage.DONE, 0, 0, 0, epoch=2**31 - 1))
OTHERS = encode(Handover("campus_b.3.1", "campus_b.3.p1", "n1", Direction.TO_HPC, Stage.DONE, 0, 0, 0))


def handover(name: str, direction: Direction = UP, **facts: object) -> Handover:
    plain = Handover(f"h-{name}", "p1", name, direction, S.DRAINING, 0, 0, DEADLINE_S, epoch=3, uid="u1")
    return replace(plain, **facts)


class Swept:
    """A sweep over a fleet, of which it is shown what the fleet is like when it begins."""

    def __init__(self, *, rules: Rules = RULES, **machines: Machine) -> None:
        self.fleet = Fleet(**machines)
        self.driver = HandoverDriver(self.fleet.ports(), rules, self.fleet.audit, self.fleet.clock)
        self.driver.lead(EPOCH, [])
        self.count = 0
        self.counted: list[Handover] = []
        self.sweep = Sweep(
            self.driver, rules, self.fleet.clock, self._names, self.counted.append, self.fleet.audit, KUBERNETES_FACTS
        )
        self.sweep.lead(EPOCH, {})
        self.looks: list[str] = []
        look = self.driver.look

        def noted(name: str) -> Node | None:
            self.looks.append(name)
            return look(name)

        self.driver.look = noted  # type: ignore[method-assign]

    def _names(self) -> Names:
        self.count += 1
        return Names(f"{EPOCH}.m{self.count}", f"{EPOCH}.m{self.count}", EPOCH)

    def shown(self) -> list[Node]:
        return [self.fleet.node(name) for name in self.fleet.machines]

    def over(self, *names: str) -> Swept:
        self.sweep.over([self.fleet.node(name) for name in names or self.fleet.machines])
        return self

    def at(self, *seconds: int) -> Swept:
        for now_s in seconds:
            self.fleet.clock.now_s = now_s
            self.driver.tend()
        return self

    @property
    def open(self) -> dict[str, Handover]:
        return {one.node: one for one in self.driver.open.values()}


# ---- what is left alone ----

WELL = {
    "HPC has it": Machine(closed=OLD_MARK),
    "Kubernetes has it": Machine(drain=OLD_MARK),
    "someone else drained it": Machine(drain=FOREIGN, closed=OLD_MARK),
    "someone else closed it": Machine(drain=OLD_MARK, closed=FOREIGN),
    "someone cordoned it": Machine(drain=OLD_MARK, cordoned=True),
    "someone else booked it": Machine(closed=OLD_MARK, booked=FOREIGN),
}


@pytest.mark.parametrize("machine", WELL.values(), ids=WELL.keys())
def test_a_node_that_shows_nothing_odd_is_not_even_looked_at(machine: Machine):
    swept = Swept(n1=machine).over().at(0, SETTLE_S)
    assert (swept.looks, swept.open, swept.fleet.asked) == ([], {}, [])


@pytest.mark.parametrize("stage", [S.DONE, S.CANCELLED])
def test_a_record_that_tells_of_an_end_is_read_once_and_remembered(stage: Stage):
    last = handover("n1", stage=stage)
    swept = Swept(n1=Machine(drain=MARK, record=encode(last))).over().over().over()
    assert swept.looks == ["n1"]
    assert swept.sweep.last(swept.fleet.node()) == last
    assert (swept.open, swept.fleet.asked) == ({}, [])


@pytest.mark.parametrize("record", ["drained by bob", LATER, OTHERS], ids=["no record", "a later one", "another's"])
def test_a_node_that_is_open_to_both_is_closed_whatever_its_record_says_and_another_s_record_stays(record: str):
    swept = Swept(n1=Machine(record=record)).over().at(0).over().at(1)
    machine = swept.fleet.machines["n1"]
    assert (machine.drain, machine.closed is None) == (None, False)
    assert (machine.record == record) is (record in (LATER, OTHERS))


@pytest.mark.parametrize("record", ["drained by bob", LATER], ids=["not a record", "a later version"])
@pytest.mark.parametrize(
    "machine",
    [Machine(closed=OLD_MARK), Machine(drain=MARK, closed=OLD_MARK), Machine(closed=OLD_MARK, booked=MARK)],
    ids=["HPC has it", "closed to both", "booked"],
)
def test_a_node_whose_record_is_not_ours_to_understand_is_left_alone(machine: Machine, record: str):
    swept = Swept(n1=replace(machine, record=record)).over().at(0, SETTLE_S)
    assert list(swept.sweep.unreadable) == ["n1"]
    assert (swept.open, swept.fleet.asked) == ({}, [])
    assert swept.sweep.last(swept.fleet.node()) is None


def test_a_record_that_can_be_read_again_frees_its_node():
    swept = Swept(n1=Machine(closed=OLD_MARK, record="drained by bob")).over()
    swept.fleet.machines["n1"].record = encode(handover("n1", stage=S.DONE))
    assert swept.over().sweep.unreadable == {}


@pytest.mark.parametrize("record", ["drained by bob", FORGED], ids=["not a record", "an epoch that cannot be"])
def test_a_node_whose_record_a_person_removes_is_taken_up_within_one_sweep(record: str):
    swept = Swept(n1=Machine(closed=OLD_MARK, record=record)).over()
    (told,) = swept.fleet.audit.of(LeftAlone)
    assert (told.node, told.command) == ("n1", "kube annotate n1 handover-")
    swept.fleet.machines["n1"].record = None
    assert swept.over().sweep.unreadable == {}
    assert swept.fleet.audit.of(LeftAlone)[1:] == [LeftAlone(0, EPOCH, "n1")]


def test_of_two_records_of_one_hand_over_one_is_gone_on_with_and_the_other_waits_until_it_has_ended():
    swept = Swept(n1=Machine(closed=OLD_MARK, drain=MARK, record=encode(handover("n1"))), n2=Machine(closed=OLD_MARK))
    swept.fleet.machines["n2"].record = encode(handover("n1", node="n2", stage=S.DONE)).replace("done", "draining")
    swept.over()
    assert list(swept.sweep.unreadable) == ["n2"]
    assert list(swept.open) == ["n1"]
    assert swept.at(0).open == {}
    swept.sweep.over([])
    assert (swept.sweep.unreadable, list(swept.open)) == ({}, ["n2"])


def test_a_record_of_another_node_is_not_gone_on_with():
    swept = Swept(n1=Machine(drain=OLD_MARK, record=encode(handover("n7")))).over().at(0)
    assert (swept.open, swept.fleet.asked) == ({}, [])


# ---- what is taken in hand ----


def test_a_hand_over_that_nobody_has_is_turned_back_under_our_epoch():
    """As when the leader before wrote it down after we had read all records."""
    swept = Swept(n1=Machine(closed=OLD_MARK, drain=MARK, record=encode(handover("n1")))).over()
    assert swept.open == {"n1": handover("n1", epoch=EPOCH, why=Why.NOT_WANTED)}
    assert swept.at(0, SETTLE_S).open == {}
    assert swept.driver.finished[0].stage is S.CANCELLED
    assert [one.id for one in swept.counted] == ["h-n1"]


def test_a_node_open_to_both_is_closed_to_kubernetes_and_the_hpc_side_has_it():
    swept = Swept(n1=Machine()).over().at(0)
    assert swept.driver.finished[0].stage is S.DONE
    machine = swept.fleet.machines["n1"]
    assert (machine.drain, machine.closed) == (None, f"tidegate:{EPOCH}.m1")


@pytest.mark.parametrize(
    ("work", "open_sides"),
    [({}, (True, False)), ({"busy": True}, (True, False)), ({"pods": 2}, (False, True))],
    ids=["nothing runs", "a job runs", "pods run"],
)
def test_a_node_closed_to_both_goes_where_work_runs_else_to_hpc(work: dict[str, object], open_sides: tuple[bool, bool]):
    swept = Swept(n1=Machine(drain=MARK, closed=OLD_MARK, **work)).over().at(0, SETTLE_S)
    machine = swept.fleet.machines["n1"]
    assert (machine.drain is None, machine.closed is None) == open_sides
    assert swept.open == {}


HANDED_OVER = encode(handover("n1", Direction.TO_HPC, stage=S.DONE))


@pytest.mark.parametrize(
    ("machine", "fences"),
    [
        (Machine(closed=MARK, record=HANDED_OVER), True),
        (Machine(closed=MARK), False),
        (Machine(closed=MARK, record=HANDED_OVER, fenced=True), False),
        (Machine(closed=FOREIGN, record=HANDED_OVER), False),
        (Machine(drain=MARK, record=HANDED_OVER), False),
    ],
    ids=["handed over", "never handed over", "fenced off", "closed by somebody", "of Kubernetes"],
)
def test_what_the_hpc_side_was_given_without_a_fence_gets_one(machine: Machine, fences: bool):
    swept = Swept(n1=machine, rules=replace(RULES, fence=True)).over().over()
    assert [act.verb for act in swept.fleet.asked] == [V.FENCE] * fences
    assert swept.fleet.machines["n1"].record == machine.record


@pytest.mark.parametrize("record", [FORGED, OTHERS], ids=["a forged one", "another's"])
def test_a_node_whose_record_was_in_the_way_of_a_fence_gets_both_once_a_person_has_removed_it(record: str):
    swept = Swept(n1=Machine(closed=MARK, record=record), rules=replace(RULES, fence=True)).over().over()
    machine = swept.fleet.machines["n1"]
    assert not machine.fenced
    machine.record = None
    for second in range(5):
        swept.over().at(second)
    assert machine.fenced
    assert swept.open == {}
    assert swept.sweep.last(swept.fleet.node()) is not None


def test_a_site_that_wants_no_fence_gets_none():
    assert Swept(n1=Machine(closed=MARK, record=HANDED_OVER)).over().over().fleet.asked == []


@pytest.mark.parametrize("busy", [True, False])
def test_where_pods_came_late_the_hpc_side_is_closed_and_that_is_told(busy: bool, caplog: pytest.LogCaptureFixture):
    swept = Swept(n1=Machine(closed=MARK, pods=2, busy=busy, record=HANDED_OVER)).over()
    machine = swept.fleet.machines["n1"]
    assert (machine.drain, swept.open["n1"].stage) == (MARK, S.EMPTYING)
    assert "node n1: 2 pods came late" in caplog.text
    swept.over().at(1)
    assert (machine.drain, machine.closed) == (MARK, MARK)
    machine.pods = 0
    swept.at(2, 2 + SETTLE_S)
    assert (machine.drain, machine.closed, machine.busy, swept.open) == (None, MARK, busy, {})


@pytest.mark.parametrize(("fence", "closed"), [(True, False), (False, True)])
def test_what_a_person_opened_to_hpc_while_pods_ran_is_his(fence: bool, closed: bool):
    """The repair after that says so. Without a fence it could be pods that came late as well."""
    opened = encode(handover("n1", Direction.TO_HPC, stage=S.DONE, repair=True))
    swept = Swept(rules=replace(RULES, fence=fence), n1=Machine(closed=MARK, pods=2, record=opened)).over()
    assert (swept.fleet.machines["n1"].drain is not None) is closed


@pytest.mark.parametrize(("record", "closed"), [("drained by bob", True), (FORGED, True), (LATER, False)])
def test_so_it_is_whatever_the_record_says_unless_it_is_another_s(record: str, closed: bool):
    swept = Swept(n1=Machine(closed=OLD_MARK, pods=2, record=record)).over()
    assert (swept.fleet.machines["n1"].drain is not None) is closed


def test_a_booking_of_ours_that_is_left_over_is_dropped():
    swept = Swept(n1=Machine(closed=OLD_MARK, booked=MARK)).over()
    assert [(act.verb, act.mark) for act in swept.fleet.asked] == [(V.RELEASE, MARK)]
    assert (swept.fleet.machines["n1"].booked, swept.open) == (None, {})


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.TIMED_OUT])
def test_a_booking_that_could_not_be_dropped_is_dropped_later(fault: Fault):
    swept = Swept(n1=Machine(closed=OLD_MARK, booked=MARK))
    swept.fleet.faults[V.RELEASE].append(fault)
    swept.over()
    assert swept.fleet.machines["n1"].booked == MARK
    swept.sweep.over([])
    assert swept.fleet.machines["n1"].booked is None


def test_one_that_waits_for_a_person_is_kept_for_him():
    stuck = handover("n1", stage=S.STUCK)
    swept = Swept(n1=Machine(drain=MARK, closed=OLD_MARK, record=encode(stuck))).over().at(0, SETTLE_S)
    assert swept.driver.stuck == {"n1": stuck}
    assert (swept.open, swept.fleet.asked) == ({}, [])


def test_one_that_a_person_has_seen_to_is_not_stuck_any_more():
    swept = Swept(n1=Machine(drain=MARK, record=encode(handover("n1", stage=S.STUCK)))).over()
    assert swept.driver.stuck == {}


# ---- looking again ----


def test_what_was_shown_is_looked_at_afresh_before_anything_is_done():
    swept = Swept(n1=Machine())
    before = swept.shown()
    swept.fleet.machines["n1"].closed = OLD_MARK
    swept.sweep.over(before)
    assert (swept.looks, swept.open, swept.fleet.asked) == (["n1"], {}, [])


def test_a_node_in_hand_over_is_left_to_it():
    swept = Swept(n1=Machine(drain=MARK, closed=OLD_MARK))
    swept.driver.begin(handover("n1"))
    swept.over()
    assert (swept.looks, list(swept.open)) == ([], ["n1"])


@pytest.mark.parametrize("side", Side)
def test_a_node_that_cannot_be_looked_at_now_is_looked_at_the_next_time(side: Side):
    swept = Swept(n1=Machine())
    shown = swept.shown()
    swept.fleet.down.add(side)
    with pytest.raises(Unreachable):
        swept.sweep.over(shown)
    swept.fleet.down.clear()
    swept.sweep.over([])
    assert list(swept.open) == ["n1"]


@pytest.mark.parametrize("gone", ["in_hpc", "in_kubernetes"])
def test_a_node_that_one_side_does_not_have_now_is_looked_at_the_next_time(gone: str):
    swept = Swept(n1=Machine(**{gone: False}))
    swept.over()
    assert swept.open == {}
    setattr(swept.fleet.machines["n1"], gone, True)
    swept.sweep.over([])
    assert list(swept.open) == ["n1"]


def test_those_behind_one_that_cannot_be_looked_at_are_not_forgotten():
    swept = Swept(n1=Machine(), n2=Machine(), n3=Machine())
    shown = swept.shown()
    swept.fleet.silent.add("n2")
    with pytest.raises(Unreachable):
        swept.sweep.over(shown)
    swept.fleet.silent.clear()
    swept.sweep.over([])
    assert sorted(swept.open) == ["n1", "n2", "n3"]


def test_a_look_that_is_older_than_what_was_shown_does_not_settle_the_matter():
    """The list shows it open to both, and a look at it, served by a slower replica, does not yet."""
    swept = Swept(n1=Machine())
    shown = swept.shown()
    swept.fleet.machines["n1"].closed = OLD_MARK
    swept.sweep.over(shown)
    assert swept.open == {}
    swept.fleet.machines["n1"].closed = None
    swept.sweep.over([])
    assert list(swept.open) == ["n1"]


def test_nor_is_a_node_left_alone_for_good_because_of_an_old_look_at_its_record(monkeypatch: pytest.MonkeyPatch):
    """The list shows that a person has removed the record, and a look, by a slower replica, shows it once more."""
    swept = Swept(n1=Machine(closed=OLD_MARK, record="drained by bob")).over()
    old, look = swept.fleet.node(), swept.driver.look
    swept.fleet.machines["n1"].record = None
    monkeypatch.setattr(swept.driver, "look", lambda name: old)
    assert list(swept.over().sweep.unreadable) == ["n1"]
    monkeypatch.setattr(swept.driver, "look", look)
    swept.sweep.over([])
    assert swept.sweep.unreadable == {}


def test_a_repair_that_cannot_be_written_down_is_not_begun_in_secret():
    swept = Swept(n1=Machine())
    swept.fleet.audit.full = True
    with pytest.raises(Unrecorded):
        swept.over()
    assert swept.fleet.asked == []
    swept.fleet.audit.full = False
    swept.over().at(0)
    assert swept.driver.finished[0].stage is S.DONE


def test_at_the_beginning_of_a_term_nothing_is_known():
    swept = Swept(n1=Machine(drain=MARK, record=encode(handover("n1", stage=S.DONE)))).over()
    swept.sweep.lead(EPOCH, {"n9": "why"})
    assert swept.sweep.unreadable == {"n9": "why"}
    assert swept.over().looks == ["n1", "n1"]


def test_a_node_that_changes_hands_well_is_read_but_never_mended():
    """From the first note to the end of a hand-over the sweep sees nothing to do."""
    swept = Swept(n1=Machine(drain=OLD_MARK))
    swept.driver.begin(handover("n1", DOWN, stage=S.PLANNED, epoch=EPOCH))
    for now_s in range(2 * SETTLE_S):
        swept.over().at(now_s)
    assert [one.id for one in swept.driver.finished] == ["h-n1"]
    assert swept.over().open == {}
    assert swept.count <= 1
