"""Telling the bus of plans and hand-overs: after the audit, newest leader last, and never in the way of a hand-over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.controller import Controller
from controller.plan_publisher import PlanPublisher
from models.acts import Act, Verb
from models.audit import Asked, Decided, Entered, Entry
from models.errors import Unrecorded
from models.events import Latest, Planned, Topic
from models.forecasts import Source, flat
from models.handovers import Handover, Stage
from models.identity import PoolId
from models.nodes import Side
from models.policies import MovesPolicy, PoolPolicy, Spec
from tests.controller.fleet import IDENTITY, OLD_MARK, Audit, Fleet, Leader, Machine
from tests.controller.play import SETTLE_S
from tests.list_bus import ListBus

SPEC = Spec(moves=MovesPolicy(at_once="100%", per_hour="100%", dwell="0s"))
POOL = PoolPolicy(name="pool")
NAME = PoolId("campus", "pool")


def telling(audit: Audit, bus: ListBus) -> PlanPublisher:
    return PlanPublisher(audit, bus, NAME)


def moved(bus: ListBus, epoch: int = 1) -> tuple[Controller, Fleet, PlanPublisher]:
    """A controller that was asked for one node by Kubernetes, and has handed it over."""
    fleet = Fleet(n1=Machine(closed=OLD_MARK), n2=Machine(closed=OLD_MARK))
    fleet.leader = Leader(epoch=epoch)
    told = telling(fleet.audit, bus)
    controller = Controller(fleet.ports(), IDENTITY, POOL, SPEC, fleet.clock, told)
    fleet.sizes[Side.KUBERNETES] = (1.0,)
    wanted = {Side.HPC: 0.0, Side.KUBERNETES: 1.0}
    controller.turn({side: flat(side, 0, wanted[side], (900, 7200), Source.NOW) for side in Side})
    fleet.clock.now_s = SETTLE_S
    controller.tend()
    return controller, fleet, told


def test_plans_and_stages_are_told_as_they_are_in_the_audit():
    bus = ListBus()
    _, fleet, told = moved(bus)
    (decided,) = fleet.audit.of(Decided)
    assert [event.payload for event in bus.on(Topic.PLANS)] == [Planned(1, decided.plan)]
    assert [event.key for event in bus.on(Topic.PLANS)] == ["campus/pool"]
    entered = [entry.handover for entry in fleet.audit.of(Entered)]
    key = f"campus/pool/{entered[0].node}"
    assert [event.payload for event in bus.on(Topic.HANDOVERS)] == entered
    assert {event.key for event in bus.on(Topic.HANDOVERS)} == {key}
    assert entered[-1].stage is Stage.DONE
    assert bus.latest_state(Topic.HANDOVERS)[key].payload == entered[-1]
    assert told.failures == 0


def test_a_handover_goes_its_way_when_nothing_can_be_told():
    plain, deaf = ListBus(), ListBus(wanting=10**6)
    (controller, fleet, _), (same, other, told) = moved(plain), moved(deaf)
    assert [one.stage for one in same.finished] == [one.stage for one in controller.finished] == [Stage.DONE]
    assert other.audit.entries[1:] == fleet.audit.entries[1:]  # the first is the decision
    assert [entry.plan for entry in other.audit.of(Decided)] == [entry.plan for entry in fleet.audit.of(Decided)]
    assert told.failures == len(plain.log)


def test_a_bug_in_telling_stops_nothing(monkeypatch: pytest.MonkeyPatch):
    def bug(*_: object) -> None:
        raise RuntimeError("bug")

    monkeypatch.setattr(ListBus, "publish", bug)
    assert [one.stage for one in moved(ListBus())[0].finished] == [Stage.DONE]


def test_a_bus_that_takes_nothing_is_told_of_once_until_it_takes_something(caplog: pytest.LogCaptureFixture):
    bus, (_, fleet, _) = ListBus(), moved(ListBus())
    told = telling(Audit(), bus)
    for wanting in (2, 0, 1):
        bus.wanting = wanting
        for _ in range(2):
            told.append(fleet.audit.of(Entered)[0])
    assert caplog.messages == ["plans and hand-overs are not told: BusUnavailable no room"] * 2


class Refusing:
    def append(self, entry: Entry) -> None:
        raise Unrecorded("full")


def test_what_the_audit_refuses_is_not_told():
    bus, (_, fleet, _) = ListBus(), moved(ListBus())
    with pytest.raises(Unrecorded):
        PlanPublisher(Refusing(), bus, NAME).append(fleet.audit.entries[0])
    assert bus.log == []


def test_a_later_leader_s_word_counts_whatever_the_clocks_say():
    bus = ListBus()
    _, fleet, _ = moved(bus, epoch=1)
    last = fleet.audit.of(Entered)[-1]
    later = replace(last.handover, epoch=2, stage=Stage.DRAINING)
    telling(Audit(), bus).append(Entered(last.at_s - 1000, later))
    assert bus.latest_state(Topic.HANDOVERS)[f"{NAME.key}/{later.node}"].payload == later
    telling(Audit(), bus).append(Entered(last.at_s + 1000, last.handover))  # of an earlier epoch
    assert bus.latest_state(Topic.HANDOVERS)[f"{NAME.key}/{later.node}"].payload == later


def test_lost_handovers_are_told_again_as_they_were():
    bus = ListBus()
    _, _, told = moved(bus)
    before, known = dict(bus.latest_state(Topic.HANDOVERS)), Latest()
    for event in bus.on(Topic.HANDOVERS):
        known.take(event)
    bus.log.clear()
    told.tell_anew()
    assert bus.latest_state(Topic.HANDOVERS) == before
    assert not any(known.take(event) for event in bus.log)  # nothing new for one who lost nothing


def test_acts_are_for_the_audit_alone():
    bus, audit = ListBus(), Audit()
    entry = Asked(0, 1, "1.1", Act(Verb.DRAIN, "n1", "mark"), Fleet(n1=Machine()).node("n1"))
    telling(audit, bus).append(entry)
    assert (audit.entries, bus.log) == ([entry], [])
    assert isinstance(moved(bus)[1].audit.of(Entered)[0].handover, Handover)
