"""The turn: what holds it back, what it takes over, and what it counts, whoever leads."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from controller.controller import Controller
from controller.handover.record import VERSION, decode, encode
from controller.leader_memory import decode_leader_memory, encode_leader_memory
from controller.ledger import HOUR_S
from models.acts import Outcome, Verb
from models.audit import Answered, Asked, Decided, Dropped
from models.forecasts import Forecast, Source, flat
from models.handovers import Direction, Handover, Stage, Why
from models.leadership import Orders, Pause
from models.nodes import Side
from models.plans import DropReason, Loan, Plan, Reason, Switch
from models.policies import MovesPolicy, PoolPolicy, SafetyPolicy, Settle, Spec, Weights
from models.scheduler_facts import SchedulerFacts
from tests.controller.fleet import (
    HPC_FACTS,
    IDENTITY,
    KUBERNETES_FACTS,
    OLD_MARK,
    SCOPE,
    SHAPE,
    FakeHook,
    Fault,
    Fleet,
    Leader,
    Machine,
)
from tests.controller.play import DOWN, FOREIGN, MARK, SETTLE_S, UP

S, V = Stage, Verb
HPC, KUBERNETES = Side.HPC, Side.KUBERNETES
BRIEF = {"hpc": "6s", "kubernetes": "6s"}
MOVES = MovesPolicy(at_once="100%", per_hour="100%", dwell="0s", drain_deadline="30m", settle=BRIEF, fence="none")
SAFETY = SafetyPolicy(unready_max=0, failures_to_pause=2)
DEADLINE_S = 1800
EVERY_S = 300


class Site:
    """One controller after another of a fleet in which all nodes belong to the HPC side unless said otherwise."""

    def __init__(
        self,
        nodes: int = 6,
        *,
        moves: MovesPolicy = MOVES,
        safety: SafetyPolicy = SAFETY,
        hook: FakeHook | None = None,
        pool: PoolPolicy = PoolPolicy(name="pool").without_usual_floors(),  # noqa: B008 - frozen
        **machines: Machine,
    ) -> None:
        plain = {f"n{number}": Machine(closed=OLD_MARK) for number in range(1, nodes + 1)}
        self.fleet = Fleet(**(machines or plain))
        self.spec = Spec(moves=moves, safety=safety)
        self.hook = hook
        self.pool = pool
        self.controller = self.made()

    def made(self) -> Controller:
        """A new process, which knows nothing."""
        fleet = self.fleet
        return Controller(fleet.ports(self.hook), IDENTITY, self.pool, self.spec, fleet.clock, fleet.audit)

    @property
    def leader(self) -> Leader:
        return self.fleet.leader

    def lead_anew(self, epoch: int = 2, *, remembered: str | None = None) -> Controller:
        """The process ends, and another one leads in a later epoch."""
        text = self.leader.remembered if remembered is None else remembered
        self.fleet.leader = Leader(epoch=epoch, orders=self.leader.orders, remembered=text)
        self.controller = self.made()
        return self.controller

    def wants(self, *, hpc: int = 0, kubernetes: int = 0) -> Site:
        """So many nodes' worth of work waits on each side."""
        self.fleet.sizes = {HPC: (1.0,) * hpc, KUBERNETES: (1.0,) * kubernetes}
        return self

    def turn(self, now_s: int) -> Plan | None:
        self.fleet.clock.now_s = now_s
        for side in Side:
            self.fleet.running[side] = float(
                sum(one.busy if side is HPC else one.pods > 0 for one in self.fleet.machines.values())
            )
        demand = {side: self.fleet.running[side] + sum(self.fleet.sizes[side]) for side in Side}
        return self.controller.turn({side: flat(side, now_s, demand[side], (900, 7200), Source.NOW) for side in Side})

    def planned(self, now_s: int) -> Plan:
        plan = self.turn(now_s)
        assert plan is not None, self.controller.holds
        return plan

    def tend(self, *seconds: int) -> Site:
        for now_s in seconds:
            self.fleet.clock.now_s = now_s
            self.controller.tend()
        return self

    def stages(self) -> dict[str, Stage]:
        return {one.node: one.stage for one in self.controller.open_handovers}

    def switches(self) -> list[Switch]:
        return [hold.switch for hold in self.controller.holds]

    def owners(self) -> dict[str, Side | None]:
        return {name: self.fleet.node(name).owner for name in self.fleet.machines}


def draining(**others: Machine) -> Site:
    """Node n1 is on its way to Kubernetes, and a job that started just before the drain still runs on it."""
    site = Site(n1=Machine(closed=OLD_MARK), **others).wants(kubernetes=1)
    site.planned(10)
    site.fleet.machines["n1"].busy = True
    site.fleet.machines["n1"].frees_at_s = 1000
    assert site.tend(11).stages() == {"n1": S.DRAINING}
    return site.wants()


def emptied(site: Site) -> None:
    site.fleet.machines["n1"].busy = False
    site.fleet.machines["n1"].frees_at_s = None


def handover(name: str, direction: Direction = UP, **facts: object) -> Handover:
    plain = Handover(
        f"{SCOPE}.1.{name[1:]}", f"{SCOPE}.1.p1", name, direction, S.DRAINING, 0, 0, DEADLINE_S, epoch=1,
        leaves=SHAPE, expects=SHAPE, uid="u1",
    )  # fmt: skip
    return replace(plain, **facts)


# ---- the plain course ----


def test_what_is_wanted_is_begun_at_once_and_ends_where_it_was_wanted():
    site = Site().wants(kubernetes=2)
    plan = site.planned(0)
    assert (len(plan.moves), plan.holds) == (2, ())
    assert set(site.stages().values()) == {S.DRAINED}
    site.tend(SETTLE_S)
    assert list(site.owners().values()).count(KUBERNETES) == 2
    assert [ended.stage for ended in site.controller.finished] == [S.DONE, S.DONE]
    assert site.controller.open_handovers == ()


def test_the_moves_of_one_plan_share_a_mark_and_those_of_another_do_not():
    site = Site().wants(kubernetes=2)
    site.planned(0)
    first = {one.mark for one in site.controller.open_handovers}
    site.tend(SETTLE_S).wants(kubernetes=2)
    site.fleet.machines["n1"].pods = site.fleet.machines["n2"].pods = 1
    site.planned(EVERY_S)
    second = {one.mark for one in site.controller.open_handovers}
    assert (len(first), len(second)) == (1, 1)
    assert first != second
    assert all(mark.startswith(f"tidegate:{SCOPE}.1.") for mark in first | second)


def test_no_move_is_given_the_name_of_a_hand_over_that_a_record_tells_of():
    site = Site(3).wants(kubernetes=2)
    claimed = handover("n3", id=f"{SCOPE}.1.1", epoch=0)
    site.fleet.machines["n3"] = Machine(closed=OLD_MARK, drain=claimed.mark, busy=True, record=encode(claimed))
    site.planned(10)
    ids = {one.node: one.id for one in site.controller.open_handovers}
    assert (ids.pop("n3"), len(ids)) == (claimed.id, 1)
    assert claimed.id not in ids.values()


def test_every_decision_is_written_down_with_all_that_it_was_made_from():
    site = Site().wants(kubernetes=2)
    plan = site.planned(0)
    (decided,) = site.fleet.audit.of(Decided)
    assert (decided.epoch, decided.plan, decided.moves) == (1, plan, MOVES)
    assert [node.name for node in decided.snapshot.nodes] == list(site.fleet.machines)
    assert site.fleet.audit.entries[0] is decided, "before anything is asked for"


def test_what_is_no_longer_wanted_goes_back():
    site = draining(n2=Machine(closed=OLD_MARK, busy=True, frees_at_s=9999)).wants(hpc=1)
    plan = site.planned(EVERY_S)
    assert plan.cancellations == (f"{SCOPE}.1.1",)
    assert site.stages() == {}
    assert (site.controller.finished[0].stage, site.controller.finished[0].why) == (S.CANCELLED, Why.NOT_WANTED)
    assert site.owners()["n1"] is HPC


def test_a_busy_node_is_booked_ahead_where_the_policy_says_so():
    moves = MovesPolicy(at_once="100%", dwell="0s", reserve_ahead=True)
    pool = PoolPolicy(name="pool", unmet_cost=Weights(hpc=1.0, kubernetes=10.0)).without_usual_floors()
    busy = {name: Machine(closed=OLD_MARK, busy=True, frees_at_s=at_s) for name, at_s in (("n1", 100), ("n2", 5000))}
    site = Site(moves=moves, pool=pool, **busy, n3=Machine(drain=OLD_MARK, pods=1), n4=Machine(drain=OLD_MARK, pods=1))
    site.wants(kubernetes=1).planned(0)
    assert site.stages() == {"n1": S.RESERVED}
    assert busy["n1"].booked == f"tidegate:{SCOPE}.1.p1"
    emptied(site)
    assert site.tend(99).stages() == {"n1": S.RESERVED}
    site.tend(100, 100 + SETTLE_S)
    assert site.owners()["n1"] is KUBERNETES
    assert busy["n1"].booked is None


def test_a_node_that_changed_since_it_was_read_is_not_begun_with():
    site = Site().wants(kubernetes=6)
    look = site.fleet.hpc.look

    def changed(node: str):
        site.fleet.machines["n3"].drain = FOREIGN
        return look(node)

    site.fleet.hpc.look = changed  # type: ignore[method-assign]
    site.planned(0)
    assert sorted(site.stages()) == ["n1", "n2", "n4", "n5", "n6"]
    assert site.controller.finished == []
    assert "n3" not in {act.node for act in site.fleet.asked}
    assert site.fleet.machines["n3"].drain == FOREIGN
    (dropped,) = site.fleet.audit.of(Dropped)
    assert dropped == Dropped(0, 1, "n3", UP, DropReason.NODE_CHANGED, site.fleet.node("n3"))
    assert site.controller.dropped == {DropReason.NODE_CHANGED: 1}


def before_the_first_look(site: Site, happens: Callable[[], object]) -> Site:
    """It happens once the plan is made, before the first of its nodes is looked at."""
    look = site.fleet.hpc.look

    def looked(node: str):
        site.fleet.hpc.look = look  # type: ignore[method-assign]
        happens()
        return look(node)

    site.fleet.hpc.look = looked  # type: ignore[method-assign]
    return site


def test_a_node_that_is_gone_since_it_was_read_is_not_begun_with():
    site = Site().wants(kubernetes=6)
    gone = site.fleet.machines["n3"]
    before_the_first_look(site, lambda: setattr(gone, "in_kubernetes", False)).planned(0)
    assert sorted(site.stages()) == ["n1", "n2", "n4", "n5", "n6"]
    assert site.fleet.audit.of(Dropped) == [Dropped(0, 1, "n3", UP, DropReason.NODE_GONE, None)]


def test_from_a_node_on_that_cannot_be_asked_about_no_move_is_begun_and_each_is_told():
    site = Site().wants(kubernetes=6)
    before_the_first_look(site, lambda: site.fleet.silent.add("n3"))
    assert site.turn(0) is None
    assert site.switches() == [Switch.UNREACHABLE]
    begun = sorted(site.stages())
    left = [dropped.node for dropped in site.fleet.audit.of(Dropped)]
    assert "n3" in left
    assert sorted(begun + left) == sorted(site.fleet.machines)
    assert site.controller.dropped == {DropReason.UNREACHABLE: len(left)}
    site.fleet.silent.clear()
    site.planned(EVERY_S)
    assert site.controller.dropped == {DropReason.UNREACHABLE: len(left)}, "they are planned anew, and begun"


def test_a_move_that_is_begun_is_not_told_as_dropped():
    site = Site().wants(kubernetes=6)
    site.planned(0)
    assert site.fleet.audit.of(Dropped) == []


def test_a_hook_of_the_site_takes_part():
    site = Site(hook=FakeHook()).wants(kubernetes=1)
    site.planned(0)
    site.tend(SETTLE_S)
    assert site.hook is not None
    assert [call[0] for call in site.hook.calls] == ["before", "after"]


# ---- what holds moves ----


def paused(site: Site, pause: Pause = Pause.FINISH) -> None:
    site.leader.orders = Orders(paused=pause)


def unready(site: Site) -> None:
    site.fleet.machines["n6"].hpc_ready = False


def stale(site: Site) -> None:
    site.fleet.ages_s[HPC] = 9999.0


def vanished(site: Site) -> None:
    site.fleet.booted = "2"
    site.fleet.sizes[HPC] = ()


def failing(site: Site) -> None:
    """The leader before handed on that two failed in a row."""
    kept = decode_leader_memory(site.leader.remembered)
    site.lead_anew(remembered=encode_leader_memory(kept.vanishing, kept.begun_s(), kept.at_s, 2, kept.resumes))


HOLDS = {
    "a pause": (paused, Switch.PAUSED),
    "an unready node": (unready, Switch.UNREADY),
    "an old reading": (stale, Switch.STALE),
    "a queue that vanished": (vanished, Switch.VANISHED),
    "failures in a row": (failing, Switch.BREAKER),
}


@pytest.mark.parametrize(("make", "switch"), HOLDS.values(), ids=HOLDS.keys())
def test_while_held_nothing_begins_and_the_plan_says_so(make, switch: Switch):
    site = Site().wants(hpc=4)
    site.planned(10)
    site.wants(kubernetes=2)
    make(site)
    plan = site.planned(EVERY_S)
    assert plan.moves, "it is still said what would be done"
    assert [hold.switch for hold in plan.holds] == site.switches() == [switch]
    assert (site.controller.open_handovers, site.fleet.asked) == ((), [])
    if switch in (Switch.PAUSED, Switch.VANISHED, Switch.BREAKER):
        assert plan.holds[0].text.endswith(f"; then run: {site.leader.resume}")


@pytest.mark.parametrize("name", [name for name in HOLDS if name != "a queue that vanished"])
def test_while_held_nothing_is_turned_back_and_what_is_under_way_goes_on(name: str):
    make, switch = HOLDS[name]
    site = draining(**{other: Machine(closed=OLD_MARK, busy=True, frees_at_s=9999) for other in ("n2", "n6")})
    make(site)
    plan = site.wants(hpc=1).planned(EVERY_S)
    assert plan.cancellations == (f"{SCOPE}.1.1",)
    assert site.switches() == [switch]
    assert site.stages() == {"n1": S.DRAINING}
    emptied(site)
    site.tend(400, 400 + SETTLE_S)
    assert site.owners()["n1"] is KUBERNETES


def test_once_nothing_holds_them_moves_begin():
    site = Site().wants(kubernetes=2)
    paused(site)
    site.planned(0)
    site.leader.orders = Orders()
    assert site.planned(EVERY_S).holds == ()
    assert len(site.controller.open_handovers) == 2


def test_a_pause_that_reverts_brings_home_what_is_not_yet_opening():
    names = ("n1", "n2", "n3")
    site = Site(**{name: Machine(closed=OLD_MARK, opens_slowly=name == "n2") for name in names}).wants(kubernetes=3)
    site.planned(0)
    site.fleet.machines["n1"].busy = True
    site.tend(SETTLE_S)
    assert site.stages() == {"n1": S.DRAINING, "n2": S.OPENING}
    paused(site, Pause.REVERT)
    site.tend(10)
    assert site.stages() == {"n2": S.OPENING}
    assert {one.node: one.why for one in site.controller.finished} == {"n3": None, "n1": Why.PAUSED}
    site.fleet.machines["n2"].kubernetes_ready = True
    site.tend(20)
    assert site.owners() == {"n1": HPC, "n2": KUBERNETES, "n3": KUBERNETES}


def test_a_person_turns_one_hand_over_back_and_the_others_go_on():
    names = ("n1", "n2", "n3")
    site = Site(**{name: Machine(closed=OLD_MARK) for name in names}).wants(kubernetes=2)
    site.planned(0)
    for machine in site.fleet.machines.values():
        machine.busy = True
    site.tend(10)
    one, other = sorted(site.stages())
    ident = next(each.id for each in site.controller.open_handovers if each.node == one)
    site.leader.orders = Orders().turn_back(ident).turn_back("of another time")
    site.tend(20)
    assert site.stages() == {other: S.DRAINING}
    assert {each.node: (each.stage, each.why) for each in site.controller.finished} == {one: (S.CANCELLED, Why.PERSON)}
    assert site.owners()[one] is HPC
    assert site.controller._ledger.rests_s[one] == 20, "it stays there for the dwell"
    assert site.controller._ledger.failures == 0


def test_a_pause_that_lets_finish_turns_nothing_back():
    site = draining()
    paused(site, Pause.FINISH)
    assert site.tend(20).stages() == {"n1": S.DRAINING}


@pytest.mark.parametrize("side", Side)
def test_without_an_answer_there_is_no_plan_and_it_says_so(side: Side):
    site = Site().wants(kubernetes=2)
    site.planned(0)
    site.fleet.down.add(side)
    assert site.turn(EVERY_S) is None
    assert site.switches() == [Switch.UNREACHABLE]
    site.tend(400)
    site.controller.watch()
    site.fleet.down.clear()
    assert site.turn(600) is not None
    assert site.switches() == []


def test_what_cannot_be_written_down_is_not_done():
    site = Site().wants(kubernetes=2)
    site.fleet.audit.full = True
    assert site.turn(0) is None
    assert site.switches() == [Switch.UNRECORDED]
    assert (site.controller.open_handovers, site.fleet.asked) == ((), [])
    site.controller.watch()
    site.fleet.audit.full = False
    assert site.turn(EVERY_S) is not None
    assert len(site.controller.open_handovers) == 2


# ---- leading ----


def test_without_leading_nothing_is_read_decided_or_done():
    site = Site().wants(kubernetes=2)
    site.leader.epoch = None
    assert site.turn(0) is None
    site.tend(1)
    site.controller.watch()
    assert (site.controller.holds, site.fleet.asked, site.fleet.audit.entries) == ((), [], [])


def test_who_stops_leading_stops_at_once_and_finds_all_again_in_the_next_term():
    site = draining()
    site.leader.epoch = None
    emptied(site)
    site.fleet.asked.clear()
    site.tend(20, 30)
    assert site.fleet.asked == []
    site.leader.epoch = 5
    site.tend(40, 40 + SETTLE_S)
    assert site.owners() == {"n1": KUBERNETES}
    record = site.fleet.machines["n1"].record
    assert record is not None
    assert decode(record, SCOPE).epoch == 5


@pytest.mark.parametrize("direction", Direction)
def test_a_new_process_goes_on_with_what_the_one_before_began(direction: Direction):
    machine = Machine(closed=OLD_MARK) if direction is UP else Machine(drain=OLD_MARK)
    site = Site(n1=machine).wants(kubernetes=int(direction is UP), hpc=int(direction is DOWN))
    site.planned(10)
    (before,) = site.controller.open_handovers
    site.lead_anew()
    site.tend(20)
    (after,) = site.controller.open_handovers
    assert (after.id, after.mark, after.epoch) == (before.id, before.mark, 2)
    site.tend(20 + SETTLE_S)
    assert site.owners() == {"n1": direction.target}
    assert {entry.handover for entry in site.fleet.audit.of(Asked)} == {before.id}


def test_a_new_process_settles_anew_what_it_has_not_itself_seen_empty():
    site = Site(n1=Machine(closed=OLD_MARK)).wants(kubernetes=1)
    site.planned(10)
    site.lead_anew()
    site.tend(12, 10 + SETTLE_S)
    assert site.owners() == {"n1": None}
    site.tend(12 + SETTLE_S)
    assert site.owners() == {"n1": KUBERNETES}


def test_an_earlier_leader_that_goes_on_is_shut_out_by_what_the_new_one_wrote():
    site = draining()
    earlier, its_leader = site.controller, site.leader
    site.lead_anew(2)
    site.tend(20)
    emptied(site)
    site.fleet.leader, site.controller = its_leader, earlier
    earlier._ports = site.fleet.ports()
    site.fleet.asked.clear()
    site.tend(30)
    assert (site.fleet.asked, its_leader.risen) == ([], [2])
    site.tend(40)
    assert site.fleet.asked == [], "it finds the later epoch before it takes anything over"


def test_a_leader_in_an_epoch_that_is_already_past_rises_above_it_before_anything_else():
    """As after somebody deleted the lease."""
    site = Site(n1=Machine(drain=MARK, record=encode(handover("n1", stage=S.DONE, epoch=7)))).wants(hpc=1)
    assert site.turn(0) is None
    assert (site.leader.risen, site.fleet.asked) == ([7], [])
    site.leader.epoch = 8
    assert site.planned(EVERY_S).moves


def test_a_leader_in_the_very_epoch_of_a_record_that_it_did_not_write_rises_as_well():
    """Its numbers would else be those of hand-overs that are still open."""
    one = handover("n1")
    machine = Machine(closed=OLD_MARK, drain=one.mark, record=encode(one))
    site = Site(n1=machine, n2=Machine(closed=OLD_MARK)).wants(kubernetes=2)
    assert site.turn(0) is None
    assert (site.leader.risen, site.fleet.asked) == ([1], [])
    site.leader.epoch = 2
    site.planned(EVERY_S)
    assert {one.id: one.node for one in site.controller.open_handovers} == {f"{SCOPE}.1.1": "n1", f"{SCOPE}.2.1": "n2"}


def test_who_leads_on_in_its_own_epoch_does_not_rise():
    site = draining()
    site.leader.epoch = None
    site.tend(20)
    site.leader.epoch = 1
    assert site.tend(30).stages() == {"n1": S.DRAINING}
    assert site.leader.risen == []


def test_a_record_of_a_later_release_is_left_alone_and_its_node_is_kept():
    text = '{"v":' + str(VERSION + 1) + "}"
    site = Site(n1=Machine(closed=OLD_MARK, record=text), n2=Machine(closed=OLD_MARK)).wants(kubernetes=2)
    plan = site.planned(0)
    assert [move.node for move in plan.moves] == ["n2"]
    assert [(r.nodes, r.reason) for r in plan.rejections] == [(("n1",), Reason.MANAGED)]
    site.tend(SETTLE_S)
    assert site.fleet.machines["n1"] == Machine(closed=OLD_MARK, record=text)


def test_a_take_over_from_an_old_list_does_not_revive_what_has_ended():
    """A list of nodes may be minutes old; what the node's own record says counts."""
    old = handover("n1")
    site = Site(n1=Machine(closed=OLD_MARK, record=encode(old)))
    stale = dict(site.fleet.kubernetes.read().nodes)
    site.fleet.machines["n1"].record = encode(replace(old, stage=S.CANCELLED, why=Why.NOT_WANTED))
    site.fleet.kubernetes.listed = stale
    site.leader.epoch = 2
    site.turn(300)
    site.fleet.kubernetes.listed = None
    site.tend(310, 330)
    assert site.owners()["n1"] is HPC
    assert V.DRAIN not in site.fleet.verbs


def test_something_missing_of_which_a_part_was_not_handed_on_stops_no_turn():
    site = Site()
    site.leader.remembered = '{"since_s":{"hpc":5},"text":{}}'
    site.turn(0)
    site.leader.orders = Orders(resumes=1)
    for now_s in (EVERY_S, 10**6):
        assert site.turn(now_s) is not None


# ---- nodes that leave, and records that mean nothing ----


@pytest.mark.parametrize("gone", ["in_hpc", "in_kubernetes"])
@pytest.mark.parametrize("wants", ["hpc", "kubernetes"])
def test_a_node_that_leaves_a_side_while_it_moves_stops_no_turn(gone: str, wants: str):
    busy = {"busy": True, "frees_at_s": 9999} if wants == "hpc" else {}
    site = draining(n2=Machine(closed=OLD_MARK, **busy), n3=Machine(closed=OLD_MARK, **busy))
    setattr(site.fleet.machines["n1"], gone, False)
    assert site.wants(**{wants: 1}).turn(EVERY_S) is not None


NESTED = '{"v":1,"x":' + "[" * 1500 + "]" * 1500 + "}"
STRAY = encode(handover("n1", stage=S.DRAINING, epoch=0)).replace(S.DRAINING, S.EMPTYING)
SCRIBBLES = {"prose": "drained by bob", "lists without end": NESTED, "a stage of the other direction": STRAY}


@pytest.mark.parametrize("record", SCRIBBLES.values(), ids=SCRIBBLES.keys())
def test_a_record_that_means_nothing_stops_no_turn(record: str):
    site = Site(n1=Machine(closed=OLD_MARK, record=record), n2=Machine(closed=OLD_MARK))
    assert site.turn(0) is not None


@pytest.mark.parametrize("record", SCRIBBLES.values(), ids=SCRIBBLES.keys())
def test_a_node_open_to_both_is_closed_whatever_its_record_says(record: str):
    site = Site(n1=Machine(record=record), n2=Machine(closed=OLD_MARK))
    for now_s in (0, EVERY_S, 2 * EVERY_S):
        site.turn(now_s)
        site.tend(now_s + 10)
    assert not site.fleet.node("n1").breached
    assert site.controller.breaches == 1


def test_such_a_node_does_not_keep_other_hand_overs_from_going_on():
    site = draining(n2=Machine(closed=OLD_MARK))
    site.fleet.machines["n2"].record, site.fleet.machines["n2"].closed = "drained by bob", None
    emptied(site)
    for now_s in range(EVERY_S, 10 * EVERY_S, EVERY_S):
        site.turn(now_s)
        site.tend(now_s + 10, now_s + 20)
    assert site.owners()["n1"] is KUBERNETES


def test_a_node_closed_to_both_whose_record_means_nothing_gets_an_owner_or_reaches_a_person(
    caplog: pytest.LogCaptureFixture,
):
    site = draining(n2=Machine(closed=OLD_MARK))
    site.fleet.machines["n1"].record = "oops"
    with caplog.at_level(logging.WARNING):
        for now_s in range(EVERY_S, 40_000, EVERY_S):
            site.turn(now_s)
            site.tend(now_s + 10)
    assert caplog.text or site.controller.stuck_handovers or site.owners()["n1"] is not None


# ---- nodes that nobody has, or both ----


@pytest.mark.parametrize("between_turns", [False, True])
def test_a_node_that_is_open_to_both_is_mended_in_the_turn_and_between_turns(between_turns: bool):
    site = Site(n1=Machine(closed=OLD_MARK), n2=Machine(drain=OLD_MARK))
    site.planned(0)
    site.fleet.machines["n2"].drain = None
    site.fleet.clock.now_s = 10
    if between_turns:
        site.controller.watch()
    else:
        site.planned(10)
    assert site.owners() == {"n1": HPC, "n2": HPC}
    assert [ended.repair for ended in site.controller.finished] == [True]


def test_a_node_that_nobody_has_gets_an_owner():
    """As after a crash between a drain and the record of it, long ago."""
    site = Site(n1=Machine(drain=MARK, closed=OLD_MARK))
    site.planned(0)
    site.tend(SETTLE_S)
    assert site.owners() == {"n1": HPC}


def test_what_could_not_be_looked_at_before_a_change_of_leader_is_looked_at_after_it():
    site = Site(n1=Machine(closed=OLD_MARK), n2=Machine())
    site.fleet.silent.add("n2")
    assert site.turn(0) is None
    site.leader.epoch = None
    site.tend(10)
    site.leader.epoch = 2
    site.fleet.silent.clear()
    site.planned(EVERY_S)
    assert site.owners() == {"n1": HPC, "n2": HPC}


# ---- what waits for a person ----


def stuck() -> Site:
    site = Site(n1=Machine(closed=OLD_MARK, opens_slowly=True), n2=Machine(closed=OLD_MARK)).wants(kubernetes=1)
    site.planned(0)
    site.tend(SETTLE_S)
    site.fleet.machines["n1"].cordoned = True  # by a person, once Kubernetes was opened
    site.tend(SETTLE_S + DEADLINE_S)
    assert [one.node for one in site.controller.stuck_handovers] == ["n1"]
    return site


def mend(site: Site) -> None:
    site.fleet.machines["n1"].cordoned = False
    site.fleet.machines["n1"].kubernetes_ready = True


def test_one_that_is_stuck_is_kept_out_of_every_plan_until_its_node_has_one_owner_again():
    site = stuck()
    plan = site.planned(2000)
    assert (("n1",), Reason.IN_HANDOVER) in [(r.nodes, r.reason) for r in plan.rejections]
    mend(site)
    site.planned(2300)
    assert site.controller.stuck_handovers == ()


def test_a_new_leader_knows_what_is_stuck():
    site = stuck()
    site.lead_anew()
    site.planned(2000)
    assert [one.node for one in site.controller.stuck_handovers] == ["n1"]
    mend(site)
    site.planned(2300)
    assert site.controller.stuck_handovers == ()


def test_one_that_is_overdue_with_its_node_out_of_sight_waits_for_a_person_as_well():
    site = draining()
    site.fleet.silent.add("n1")
    site.tend(10 + DEADLINE_S + 1)
    assert [one.node for one in site.controller.stuck_handovers] == ["n1"]


# ---- budgets and the breaker, across leaders ----


def test_moves_of_the_last_hour_count_whoever_began_them():
    site = Site(moves=MovesPolicy(at_once="100%", per_hour=3, dwell="0s")).wants(kubernetes=2)
    site.planned(0)
    site.tend(SETTLE_S)
    site.lead_anew().tend()
    site.wants(kubernetes=6)
    assert len(site.planned(EVERY_S).moves) == 1
    site.tend(EVERY_S + SETTLE_S)
    site.lead_anew(3).tend()
    assert site.planned(2 * EVERY_S).moves == ()
    assert site.planned(HOUR_S + 60).moves


@pytest.mark.parametrize("remembered", ["", "garbage"])
def test_where_nothing_was_handed_on_the_records_on_the_nodes_are_counted(remembered: str):
    site = Site(moves=MovesPolicy(at_once="100%", per_hour=3, dwell="0s")).wants(kubernetes=2)
    site.planned(10)
    site.tend(10 + SETTLE_S)
    site.lead_anew(remembered=remembered)
    site.wants(kubernetes=6)
    assert len(site.planned(EVERY_S).moves) == 1


def test_a_repair_is_no_move_and_does_not_use_up_the_budget():
    moves = MovesPolicy(at_once="100%", per_hour=1, dwell="0s")
    site = Site(moves=moves, n1=Machine(), n2=Machine(closed=OLD_MARK))
    site.planned(0)
    site.lead_anew().tend()
    assert len(site.wants(kubernetes=1).planned(EVERY_S).moves) == 1


def test_a_node_that_moved_stays_for_its_dwell_whoever_leads():
    site = Site(n1=Machine(closed=OLD_MARK), moves=MovesPolicy(at_once=9, per_hour=9, dwell="20m")).wants(kubernetes=1)
    site.planned(0)
    site.tend(SETTLE_S)
    site.lead_anew().tend()
    plan = site.wants(hpc=1).planned(EVERY_S)
    assert [(r.nodes, r.reason) for r in plan.rejections] == [(("n1",), Reason.DWELL)]
    assert site.planned(SETTLE_S + 1200).moves


def failed_site(count: int) -> Site:
    """So many hand-overs, one by one, whose node lacks something on its new side."""
    names = ("n1", "n2", "n3")
    site = Site(**{name: Machine(closed=OLD_MARK, kubernetes_offers=None) for name in names})
    for name in names:
        left = handover(name, DOWN, stage=S.DONE, epoch=0, stage_since_s=-HOUR_S, started_s=-HOUR_S)
        site.fleet.machines[name].record = encode(left)
    site.wants(kubernetes=1)
    for now_s in range(10, 10 + count * 1500, 1500):
        site.planned(now_s)
        site.tend(now_s + SETTLE_S, now_s + 1000)
    assert [ended.why for ended in site.controller.finished] == [Why.UNHEALTHY] * count
    return site


def test_failures_in_a_row_hold_moves_until_a_person_says_to_go_on():
    site = failed_site(2)
    assert site.planned(5000).holds[0].switch is Switch.BREAKER
    site.leader.orders = Orders(resumes=1)
    assert site.planned(5300).holds == ()


@pytest.mark.parametrize("why", [Why.UNHEALTHY, Why.HOOK, Why.REFUSED])
def test_what_a_record_that_nobody_began_says_has_failed_is_no_failure(why: Why):
    """Else whoever may write to one node stops the moves of all, until a person says to go on."""
    site = Site(6)
    site.planned(0)
    for number in range(4):
        claimed = handover("n1", id=f"{SCOPE}.1.9{number}", stage=S.PLANNED, why=why)
        site.fleet.machines["n1"].record = encode(claimed)
        site.fleet.clock.now_s = 10 + number
        site.controller.watch()
    assert [one.why for one in site.controller.finished] == [Why.NOT_WANTED] * 4
    assert site.planned(EVERY_S).holds == ()


def test_a_new_leader_knows_of_failures_in_a_row():
    site = failed_site(2)
    site.planned(5000)
    site.lead_anew().tend()
    assert site.planned(5300).holds[0].switch is Switch.BREAKER
    site.leader.orders = Orders(resumes=1)
    assert site.planned(5600).holds == ()


def test_what_a_person_said_to_the_leader_before_is_not_heard_again():
    site = failed_site(1)
    site.leader.orders = Orders(resumes=1)
    site.planned(5000)
    failing(site)
    assert site.planned(5600).holds[0].switch is Switch.BREAKER


def test_a_move_that_ends_well_ends_the_row():
    site = failed_site(1)
    for machine in site.fleet.machines.values():
        machine.kubernetes_offers = SHAPE
    site.planned(5000)
    site.tend(5000 + SETTLE_S)
    assert site.controller.finished[-1].stage is S.DONE
    for machine in site.fleet.machines.values():
        machine.kubernetes_offers = None
    site.wants(kubernetes=2).planned(6500)
    site.tend(6500 + SETTLE_S, 7500)
    assert site.controller.finished[-1].why is Why.UNHEALTHY
    assert site.planned(9000).holds == ()


def test_a_new_leader_begins_nothing_until_the_next_one_would_know_what_it_found():
    """Else two quick changes of leader could forget a budget that is spent, or a queue that vanished."""
    site = Site()
    site.lead_anew()
    site.leader.kept = False
    plan = site.wants(kubernetes=2).planned(0)
    assert plan.moves
    assert site.switches() == [Switch.NEW_LEADER]
    assert site.controller.open_handovers == ()
    site.leader.kept = True
    assert site.planned(EVERY_S).holds == ()
    site.leader.kept = False
    assert site.planned(2 * EVERY_S).holds == (), "a renewal that is under way holds nothing up"


def test_a_queue_that_vanishes_while_leaders_change_is_noticed():
    site = Site().wants(hpc=6)
    site.planned(0)
    site.lead_anew().tend()
    site.fleet.booted = "2"
    site.wants(kubernetes=6).planned(EVERY_S)
    assert site.switches() == [Switch.VANISHED]
    assert site.controller.open_handovers == ()


# ---- when to look again ----


def test_when_something_is_due_between_turns_is_known():
    site = Site().wants(kubernetes=1)
    assert site.controller.next_due_s() is None
    site.planned(0)
    assert site.controller.next_due_s() == SETTLE_S


def test_an_act_of_unsure_outcome_is_told_as_such():
    site = Site().wants(kubernetes=1)
    site.fleet.faults[V.DRAIN].append(Fault.CUT)
    site.planned(0)
    outcomes = [entry.outcome for entry in site.fleet.audit.of(Answered) if entry.act.verb is V.DRAIN]
    assert outcomes == [Outcome.UNKNOWN]


# ---- what the schedulers tell of themselves ----


def of_schedulers(
    site: Site, *, hpc: SchedulerFacts = HPC_FACTS, kubernetes: SchedulerFacts = KUBERNETES_FACTS
) -> Site:
    site.fleet.hpc.facts, site.fleet.kubernetes.facts = hpc, kubernetes
    site.controller = site.made()
    return site


@pytest.mark.parametrize(
    ("hpc_s", "kubernetes_s", "policy_s", "settles_s"),
    [(6, 0, 6, 6), (6, 0, 20, 20), (20, 0, 6, 20), (6, 20, 6, 6), (0, 0, 6, 6)],
)
def test_a_node_settles_as_long_as_the_policy_and_the_scheduler_that_it_leaves_ask(
    hpc_s: int, kubernetes_s: int, policy_s: int, settles_s: int
):
    moves = MOVES.model_copy(update={"settle": Settle(hpc=f"{policy_s}s", kubernetes="1h")})
    site = of_schedulers(
        Site(1, moves=moves),
        hpc=replace(HPC_FACTS, settle_s=hpc_s),
        kubernetes=replace(KUBERNETES_FACTS, settle_s=kubernetes_s),
    ).wants(kubernetes=1)
    site.planned(0)
    assert site.tend(settles_s - 1).stages() == {"n1": S.DRAINED}
    assert site.tend(settles_s).owners() == {"n1": KUBERNETES}


@pytest.mark.parametrize(("hpc_s", "kubernetes_s"), [(30, 20), (20, 30)])
def test_an_opening_without_an_answer_is_waited_for_as_long_as_either_scheduler_may_need(hpc_s: int, kubernetes_s: int):
    site = of_schedulers(
        Site(1),
        hpc=replace(HPC_FACTS, lands_s=hpc_s),
        kubernetes=replace(KUBERNETES_FACTS, lands_s=kubernetes_s),
    ).wants(kubernetes=1)
    site.fleet.faults[V.OPEN].append(Fault.TIMED_OUT_DONE)
    site.planned(0)
    assert site.tend(SETTLE_S, SETTLE_S + 29).stages() == {"n1": S.OPENING}
    assert site.tend(SETTLE_S + 30).stages() == {}


@pytest.mark.parametrize(("books", "stage"), [(True, S.RESERVED), (False, S.DRAINING)])
def test_a_node_is_booked_ahead_only_where_that_works(books: bool, stage: Stage):
    moves = MovesPolicy(at_once="100%", dwell="0s", reserve_ahead=True)
    pool = PoolPolicy(name="pool", unmet_cost=Weights(hpc=1.0, kubernetes=10.0)).without_usual_floors()
    busy = Machine(closed=OLD_MARK, busy=True, frees_at_s=100)
    site = Site(moves=moves, pool=pool, n1=busy, n2=Machine(drain=OLD_MARK, pods=1))
    of_schedulers(site, hpc=replace(HPC_FACTS, books=books)).wants(kubernetes=1).planned(0)
    assert site.stages() == {"n1": stage}


LENDS = MovesPolicy(at_once="100%", per_hour="100%", dwell="0s", settle=BRIEF, fence="none", loans="dueDates")
LENT_TO = PoolPolicy(name="pool", unmet_cost=Weights(hpc=1.0, kubernetes=10.0)).without_usual_floors()
LOAN_DATE_S = 1200  # half past, less the lead time


def lent(*, books: bool = True) -> Site:
    """A site whose one HPC node works for a quarter of an hour, of two nodes that Kubernetes will want at half past."""
    busy = Machine(closed=OLD_MARK, busy=True, frees_at_s=900)
    site = Site(moves=LENDS, pool=LENT_TO, n1=busy, n2=Machine(drain=OLD_MARK, pods=1))
    return of_schedulers(site, hpc=replace(HPC_FACTS, books=books))


def foreseen(site: Site, now_s: int, *, more: int = 1) -> Plan:
    """The turn of that time, where so many more nodes are wanted at half past."""
    site.fleet.clock.now_s = now_s
    running = {side: float(one) for side, one in zip(Side, (site.fleet.machines["n1"].busy, 1), strict=True)}
    site.fleet.running.update(running)
    left_s = 1800 - now_s
    rows = ((1.0,) * 3, (1.0 + more,) * 3)
    rise = Forecast(KUBERNETES, now_s, 1.0, (left_s - 1, left_s), (0.05, 0.5, 0.95), rows, Source.MODEL)
    plan = site.controller.turn({HPC: flat(HPC, now_s, running[HPC], (900,), Source.NOW), KUBERNETES: rise})
    assert plan is not None, site.controller.holds
    return plan


def test_a_node_that_will_be_lacking_is_booked_from_its_date_and_goes_then():
    site = lent()
    assert foreseen(site, 0).loans == (Loan("n1", LOAN_DATE_S),)
    machine = site.fleet.machines["n1"]
    assert (site.stages(), machine.booked) == ({"n1": S.RESERVED}, f"tidegate:{SCOPE}.1.p1")
    assert foreseen(site, EVERY_S).loans == ()
    assert site.owners()["n1"] is HPC
    machine.busy, machine.frees_at_s = False, None
    assert site.tend(LOAN_DATE_S - 1).stages() == {"n1": S.RESERVED}
    site.tend(LOAN_DATE_S, LOAN_DATE_S + 6, LOAN_DATE_S + 20)
    assert (site.owners()["n1"], machine.booked) == (KUBERNETES, None)


def test_a_loan_that_is_foreseen_no_more_is_turned_back_and_its_booking_released():
    site = lent()
    foreseen(site, 0)
    plan = foreseen(site, EVERY_S, more=0)
    assert plan.cancellations == (f"{SCOPE}.1.1",)
    assert (site.stages(), site.fleet.machines["n1"].booked, site.owners()["n1"]) == ({}, None, HPC)
    assert site.controller.finished[0].why is Why.NOT_WANTED


def test_where_nothing_can_be_booked_there_are_no_loans():
    site = lent(books=False)
    assert foreseen(site, 0).loans == ()
    assert site.stages() == {}


def test_a_new_leader_goes_on_with_a_loan_and_its_date():
    site = lent()
    foreseen(site, 0)
    site.lead_anew()
    assert foreseen(site, EVERY_S).loans == ()
    (loan,) = site.controller.open_handovers
    assert (loan.loan, loan.stage, loan.reserve_from_s) == (True, S.RESERVED, LOAN_DATE_S)


def test_a_node_that_is_wanted_before_its_date_goes_at_once():
    site = lent()
    foreseen(site, 0)
    machine = site.fleet.machines["n1"]
    machine.busy, machine.frees_at_s = False, None
    plan = site.wants(kubernetes=1).planned(EVERY_S)
    assert ([move.node for move in plan.moves], plan.cancellations) == (["n1"], ())
    assert len(site.controller.open_handovers) == 1, "it is the same hand-over"
    site.tend(EVERY_S + 6, EVERY_S + 20)
    assert (site.owners()["n1"], machine.booked) == (KUBERNETES, None)
