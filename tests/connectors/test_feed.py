"""The feed: what changed and no more, in rising versions, whatever was told before and by whom."""

from __future__ import annotations

import pytest

from connectors.publishing.feed import ENDED_KEPT_S, OURS_MOST, READING, Feed
from models.demand import Demand
from models.errors import BusUnavailable
from models.events import Event, Latest, Topic
from models.identity import CONNECTOR, PoolId
from models.nodes import HpcNode, KubernetesNode, Side
from models.work import WorkRecord, WorkState
from tests.list_bus import ListBus
from tests.values import replace

POOL = PoolId("campus", "pool")
SOURCE = POOL.source(CONNECTOR)
JOB = WorkRecord("job/1", Side.HPC, WorkState.ELIGIBLE, 4.0, 0)
RUNNING = replace(JOB, state=WorkState.RUNNING, started_s=10)
ENDED = replace(RUNNING, state=WorkState.ENDED, ended_s=20)
OTHER = replace(JOB, id="job/2")
HPC = {f"n{number}": HpcNode(f"n{number}", "", None, False, None) for number in range(3)}
KUBERNETES = {name: KubernetesNode(name, "tidegate:initial", False, 0) for name in HPC}


@pytest.fixture
def bus() -> ListBus:
    return ListBus()


def feed(bus: ListBus) -> Feed:
    return Feed(bus, POOL)


def shown(bus: ListBus, topic: Topic = Topic.WORK) -> dict[str, object]:
    return {key: event.payload for key, event in bus.latest_state(topic).items()}


def payloads(bus: ListBus, topic: Topic = Topic.WORK) -> list[object]:
    return [event.payload for event in bus.on(topic)]


def test_work_is_told_when_it_changed(bus: ListBus):
    told = feed(bus)
    told.tell_work(0, [JOB, OTHER], order=0)
    told.tell_work(5, [JOB], order=5)
    told.tell_work(10, [RUNNING], order=10)
    assert payloads(bus) == [JOB, OTHER, RUNNING]
    assert {event.key for event in bus.log} == {"campus/pool/hpc/job/1", "campus/pool/hpc/job/2"}
    assert [event.at_s for event in bus.log] == [0.0, 0.0, 10.0]


def test_work_that_has_ended_is_gone_an_hour_later(bus: ListBus):
    told = feed(bus)
    told.tell_work(20, [ENDED], order=20)
    told.tell_work(20 + ENDED_KEPT_S - 1, [], order=30)
    assert payloads(bus) == [ENDED]
    told.tell_work(20 + ENDED_KEPT_S, [], order=40)
    told.tell_work(30 + ENDED_KEPT_S, [], order=50)
    assert payloads(bus) == [ENDED, None]


def test_work_that_was_submitted_again_is_not_gone(bus: ListBus):
    told = feed(bus)
    again = replace(JOB, submitted_s=30)
    told.tell_work(20, [ENDED], order=20)
    told.tell_work(30, [again], order=30)
    told.tell_work(20 + ENDED_KEPT_S, [], order=40)
    assert payloads(bus) == [ENDED, again]


def test_nodes_are_told_when_they_changed_and_when_they_are_gone(bus: ListBus):
    told = feed(bus)
    told.tell_nodes(0, Side.HPC, HPC, order=0)
    told.tell_nodes(0, Side.KUBERNETES, KUBERNETES, order=0)
    assert len(bus.log) == 6
    busy = replace(HPC["n1"], busy=True)
    told.tell_nodes(5, Side.HPC, {"n0": HPC["n0"], "n1": busy}, order=5)
    assert payloads(bus, Topic.NODES)[6:] == [busy, None]
    assert shown(bus, Topic.NODES) == {
        "campus/pool/hpc/n0": HPC["n0"],
        "campus/pool/hpc/n1": busy,
        **{f"campus/pool/kubernetes/{name}": node for name, node in KUBERNETES.items()},
    }


def test_demand_is_told_each_time_after_what_it_is_made_of(bus: ListBus):
    told = feed(bus)
    demand = {side: Demand(side, 0, 1.0, 2.0) for side in Side}
    told.tell_work(0, [JOB], order=0)
    told.tell_demand(0, demand)
    told.tell_demand(300, {Side.HPC: demand[Side.HPC]})
    assert bus.calls[:3] == ["publish tidegate.work", "flush", "publish tidegate.demand"]
    assert [(event.key, event.at_s) for event in bus.on(Topic.DEMAND)] == [
        ("campus/pool/hpc", 0.0),
        ("campus/pool/kubernetes", 0.0),
        ("campus/pool/hpc", 300.0),
    ]


def test_versions_rise_within_a_reading_and_with_readings(bus: ListBus):
    told = feed(bus)
    told.tell_work(7, [JOB], order=1_700_000_000)
    told.tell_work(8, [RUNNING], order=1_700_000_000)
    told.tell_work(9, [ENDED], order=1_700_000_005)
    told.tell_work(9, [OTHER], order=3)  # the source's clock went back
    versions = [event.version for event in bus.log]
    assert versions == sorted(set(versions))
    assert versions[2] // READING == 1_700_000_005
    assert versions[2] < versions[3] < OURS_MOST


def test_of_two_processes_the_newer_reading_counts(bus: ListBus):
    """The one that read earlier begins later and tells later, and changes nothing."""
    newer, older = feed(bus), feed(bus)
    older.tell_work(0, [], order=0)
    newer.tell_work(0, [], order=0)
    newer.tell_work(100, [RUNNING], order=100)
    older.tell_work(101, [JOB], order=50)
    assert shown(bus) == {"campus/pool/hpc/job/1": RUNNING}


def test_a_restart_tells_only_what_is_new_and_what_is_gone(bus: ListBus):
    first = feed(bus)
    first.tell_work(20, [JOB, OTHER, replace(ENDED, id="job/3")], order=20)
    first.tell_nodes(20, Side.HPC, HPC, order=20)
    before = len(bus.log)
    again = feed(bus)
    again.tell_work(25, [RUNNING], order=20)
    again.tell_nodes(25, Side.HPC, {"n0": HPC["n0"], "n1": HPC["n1"]}, order=20)
    assert [(event.key, event.payload) for event in bus.log[before:]] == [
        ("campus/pool/hpc/job/1", RUNNING),
        ("campus/pool/hpc/job/2", None),
        ("campus/pool/hpc/n2", None),
    ]
    again.tell_work(25 + ENDED_KEPT_S, [], order=90)
    assert shown(bus) == {"campus/pool/hpc/job/1": RUNNING}
    ids = [event.id for event in bus.log]
    assert len(set(ids)) == len(ids)


def test_what_is_gone_can_come_back_after_a_restart(bus: ListBus):
    first = feed(bus)
    first.tell_nodes(0, Side.HPC, HPC, order=9)
    first.tell_nodes(1, Side.HPC, {}, order=10)
    feed(bus).tell_nodes(2, Side.HPC, HPC, order=11)
    assert len(shown(bus, Topic.NODES)) == 3


def test_another_program_s_events_are_overruled_and_its_own_are_left_to_it(bus: ListBus):
    lie = replace(HPC["n0"], drain_reason="forged")
    bus.publish(Event(Topic.NODES, "campus/pool/hpc/n0", lie, 10**15, "/forger", 0.0))
    bus.publish(Event(Topic.NODES, "campus/pool/hpc/elsewhere", replace(lie, name="elsewhere"), 1, "/forger", 0.0))
    feed(bus).tell_nodes(2, Side.HPC, HPC, order=0)
    assert shown(bus, Topic.NODES)["campus/pool/hpc/n0"] == HPC["n0"]
    assert "campus/pool/hpc/elsewhere" in shown(bus, Topic.NODES)


def test_a_version_without_anything_above_it_does_not_use_up_ours(bus: ListBus):
    bus.publish(Event(Topic.WORK, "campus/pool/hpc/job/1", JOB, 2**63 - 1, "/forger", 0.0))
    told = feed(bus)
    told.tell_work(0, [JOB, OTHER], order=5)
    told.tell_work(1, [RUNNING], order=6)
    assert all(event.version < OURS_MOST for event in bus.log[1:])
    assert shown(bus)["campus/pool/hpc/job/2"] == OTHER


def test_what_the_bus_lost_is_told_anew(bus: ListBus):
    told = feed(bus)
    told.tell_work(20, [JOB, OTHER], order=20)
    told.tell_nodes(20, Side.HPC, HPC, order=20)
    bus.log.clear()
    bus.lost |= {Topic.WORK, Topic.NODES, Topic.DEMAND}
    told.tell_anew(bus.take_resyncs())
    told.tell_work(25, [replace(OTHER, id="job/3")], order=25)
    told.tell_nodes(25, Side.HPC, HPC, order=25)
    assert shown(bus).keys() == {"campus/pool/hpc/job/1", "campus/pool/hpc/job/2", "campus/pool/hpc/job/3"}
    assert len(shown(bus, Topic.NODES)) == 3


def test_a_lost_end_is_made_up_for(bus: ListBus):
    told = feed(bus)
    told.tell_work(20, [JOB, ENDED], order=20)
    told.tell_work(20 + ENDED_KEPT_S, [], order=30)
    bus.log.pop()  # the mark that it is gone
    told.tell_anew([Topic.WORK])
    told.tell_work(21 + ENDED_KEPT_S, [], order=40)
    assert len(bus.log) == 1  # it is on the bus as ended
    told.tell_work(21 + 2 * ENDED_KEPT_S, [], order=50)
    assert shown(bus) == {}


@pytest.mark.parametrize("wanting", [1, 2, 3])
def test_what_could_not_be_told_is_told_the_next_time(bus: ListBus, wanting: int):
    told = feed(bus)
    bus.publish(Event(Topic.WORK, "campus/pool/hpc/old", replace(JOB, id="old"), 1, SOURCE, 0.0))
    bus.wanting = wanting
    for _ in range(wanting):
        with pytest.raises(BusUnavailable):
            told.tell_work(0, [JOB, OTHER], order=0)
    told.tell_work(5, [], order=5)
    assert shown(bus) == {"campus/pool/hpc/job/1": JOB, "campus/pool/hpc/job/2": OTHER}


def test_work_told_while_the_bus_is_away_is_not_forgotten(bus: ListBus):
    told = feed(bus)
    bus.away = True
    with pytest.raises(BusUnavailable):
        told.tell_work(0, [JOB, OTHER], order=0)
    bus.away = False
    told.tell_work(5, [RUNNING], order=5)
    assert shown(bus) == {"campus/pool/hpc/job/1": RUNNING, "campus/pool/hpc/job/2": OTHER}


def test_an_event_that_cannot_be_sent_stops_no_other(bus: ListBus, monkeypatch: pytest.MonkeyPatch):
    publish = ListBus.publish

    def picky(self: ListBus, event: Event) -> None:
        if event.payload == JOB:
            raise ValueError("its name is too long")
        publish(self, event)

    monkeypatch.setattr(ListBus, "publish", picky)
    told = feed(bus)
    told.tell_work(0, [JOB, OTHER], order=0)
    told.tell_work(1, [], order=1)
    assert payloads(bus) == [OTHER]
    assert told.unsendable == 1


def test_late_and_repeated_events_give_the_same_state(bus: ListBus):
    told = feed(bus)
    for now_s, records in ((0, [JOB, OTHER]), (10, [RUNNING]), (20, [ENDED]), (4000, [])):
        told.tell_work(now_s, records, order=now_s)
    latest = Latest()
    for event in [*reversed(bus.log), *bus.log]:
        latest.take(event)
    assert {key: event.payload for key, event in latest.state.items()} == {"campus/pool/hpc/job/2": OTHER} == shown(bus)
