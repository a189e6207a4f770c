"""The first start after release 0.1.0, whose keys named no pool: what it told goes, its demand is learned from.

Its keys were ``hpc/n1``, ``a100/hpc`` and ``n1``, its sources ``/tidegate/campus/connector`` and the like.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from connectors.bus.wire.codec import encode
from connectors.publishing.feed import Feed
from controller.plan_publisher import TERM, PlanPublisher
from forecasting.forecast_publisher import ForecastPublisher
from models.audit import Entered
from models.bus import Bus
from models.demand import Demand
from models.errors import BusUnavailable
from models.events import Event, Payload, Topic
from models.identity import CONNECTOR, CONTROLLER, PoolId
from models.nodes import HpcNode, KubernetesNode, Side
from models.work import WorkRecord, WorkState
from tests.conformance.bus_benches import BUSES, BusBench
from tests.connectors.local.entries import HANDOVER, decided
from tests.forecasting.test_forecast_publisher import Noting
from tests.list_bus import ListBus
from tests.values import replace

A100, H100, ISLAND = PoolId("campus", "a100"), PoolId("campus", "h100"), PoolId("island", "a100")
JOB = WorkRecord("job/1", Side.HPC, WorkState.RUNNING, 2.0, 0, 3600, 10)
IDLE, OPEN = HpcNode("n1", "", None, False, None), KubernetesNode("n1", None, False, 0)
VERSION = 10**15  # of 0.1.0's events: higher than any reading of these tests has by itself
OLD: dict[Topic, dict[str, Payload]] = {
    Topic.WORK: {
        "hpc/job/1": JOB,
        "hpc/job/2": replace(JOB, id="job/2"),
        "hpc/job/3": replace(JOB, id="job/3", state=WorkState.ENDED, ended_s=50),
    },
    Topic.NODES: {"hpc/n1": IDLE, "hpc/n9": replace(IDLE, name="n9"), "kubernetes/n1": OPEN},
    Topic.HANDOVERS: {"n1": HANDOVER, "n9": replace(HANDOVER, node="n9")},
}


@pytest.fixture(params=BUSES.values(), ids=BUSES.keys())
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BusBench]:
    made: BusBench = request.param(tmp_path)
    yield made
    made.close()


def put(
    bench: BusBench, topic: Topic, key: str, payload: Payload, source: str, at_s: int, version: int = VERSION
) -> None:
    """An event as 0.1.0 wrote it: its bodies had no fields for site and pool."""
    message = encode(Event(topic, key, payload, version, source, float(at_s)))
    body = msgspec.json.decode(message.value or b"")
    assert body.pop("site", None) is body.pop("pool", None) is None
    bench.put(topic, message.key, msgspec.json.encode(body), message.headers)


def upgraded(bench: BusBench) -> Bus:
    """A bus with what two sites told with 0.1.0, the other one of things of other names."""
    for topic, some in OLD.items():
        part = CONTROLLER if topic is Topic.HANDOVERS else CONNECTOR
        for key, payload in some.items():
            put(bench, topic, key, payload, A100.old_source(part), 100)
            put(bench, topic, f"{key}-island", payload, ISLAND.old_source(part), 100)
    return bench.restart()


def told(bus: Bus, topic: Topic) -> list[Event]:
    """All events of the topic that this release told, in their order."""
    assert bus.flush(5.0) == 0
    subscription = bus.subscribe([topic], "all")
    events = [event for event in subscription.poll(1.0).events if event.pool is not None]
    subscription.close()
    return events


def step(bus: Bus, pool: PoolId, now_s: int) -> None:
    """The first step of a new feed; every pool has a job and a node of the same name."""
    feed = Feed(bus, pool)
    feed.tell_work(now_s, [JOB], order=now_s)
    feed.tell_nodes(now_s, Side.HPC, {"n1": IDLE}, order=now_s)
    feed.tell_nodes(now_s, Side.KUBERNETES, {"n1": OPEN}, order=now_s)


def lead(bus: Bus, pool: PoolId, epoch: int) -> None:
    """The first decision of a leader, and a hand-over of its."""
    publisher = PlanPublisher(ListAudit(), bus, pool)
    publisher.append(replace(decided(), epoch=epoch))
    publisher.append(Entered(300, replace(HANDOVER, epoch=epoch)))


class ListAudit(list):
    """An audit that keeps what it is given."""


def test_old_keys_are_told_as_gone_once_by_whoever_comes_first(bench: BusBench):
    bus = upgraded(bench)
    for epoch, now_s in enumerate((200, 300), start=1):
        for pool in (ISLAND, A100, H100) if now_s == 300 else (A100, H100):
            step(bus, pool, now_s)
            lead(bus, pool, epoch)
    for topic, some in OLD.items():
        gone = [event for event in told(bus, topic) if event.payload is None]
        assert sorted(event.key for event in gone) == sorted([*some, *(f"{key}-island" for key in some)])
        assert all(event.version > VERSION for event in gone)
        assert {event.key.endswith("-island"): event.pool for event in gone} == {False: A100, True: ISLAND}
        ours = {"hpc/job/1"} if topic is Topic.WORK else {"hpc/n1", "kubernetes/n1"} if topic is Topic.NODES else {"n1"}
        assert bus.latest_state(topic).keys() == {f"{pool.key}/{key}" for pool in (A100, H100, ISLAND) for key in ours}


def test_another_site_s_old_keys_are_left_to_it(bench: BusBench):
    bus = upgraded(bench)
    step(bus, A100, 200)
    lead(bus, A100, 1)
    for topic, some in OLD.items():
        left = {key: event.version for key, event in bus.latest_state(topic).items() if event.pool is None}
        assert left == dict.fromkeys((f"{key}-island" for key in some), VERSION)


def test_a_side_that_cannot_be_read_yet_keeps_its_old_keys_until_it_can(bench: BusBench):
    bus = upgraded(bench)
    feed = Feed(bus, A100)
    feed.tell_nodes(200, Side.KUBERNETES, {"n1": OPEN}, order=200)
    feed.tell_work(200, [], order=200, sides=[Side.KUBERNETES])
    assert {"hpc/n1", "hpc/n9", "campus/a100/kubernetes/n1"} <= bus.latest_state(Topic.NODES).keys()
    assert "kubernetes/n1" not in bus.latest_state(Topic.NODES)
    assert OLD[Topic.WORK].keys() <= bus.latest_state(Topic.WORK).keys()


def test_whoever_only_recommends_retires_nothing(bench: BusBench):
    bus = upgraded(bench)
    PlanPublisher(ListAudit(), bus, A100).append(replace(decided(), epoch=0))
    assert OLD[Topic.HANDOVERS].keys() <= bus.latest_state(Topic.HANDOVERS).keys()


def test_a_leader_that_cannot_look_leaves_it_to_the_next(caplog: pytest.LogCaptureFixture):
    bus = ListBus(log=[Event(Topic.HANDOVERS, "n1", HANDOVER, 9 * TERM, A100.old_source(CONTROLLER), 100.0)], away=True)
    lead(bus, A100, 1)
    assert caplog.messages == ["old keys of hand-overs are not looked for: BusUnavailable away"]
    bus.away = False
    lead(bus, A100, 2)
    assert bus.latest_state(Topic.HANDOVERS).keys() == {"campus/a100/n1"}


def test_marks_that_were_lost_are_told_again():
    source = A100.old_source(CONTROLLER)
    bus = ListBus(log=[Event(Topic.HANDOVERS, "n1", HANDOVER, VERSION, source, 100.0)])
    publisher = PlanPublisher(ListAudit(), bus, A100)
    publisher.append(replace(decided(), epoch=1))
    bus.log = [event for event in bus.log if event.payload is not None]
    publisher.append(replace(decided(), epoch=1))
    assert "n1" in bus.latest_state(Topic.HANDOVERS)
    publisher.tell_anew()
    publisher.append(replace(decided(), epoch=1))
    assert bus.latest_state(Topic.HANDOVERS) == {}


@pytest.mark.parametrize("taken", range(5))
def test_old_keys_that_could_not_be_told_as_gone_are_told_so_later(taken: int):
    """The bus takes the first few of five events only; each key is gone once all the same."""
    source = A100.old_source(CONNECTOR)
    old = [Event(Topic.WORK, key, one, VERSION, source, 100.0) for key, one in OLD[Topic.WORK].items()]
    bus = Refusing(log=old, taken=taken)
    feed = Feed(bus, A100)
    with pytest.raises(BusUnavailable):
        feed.tell_work(200, [JOB, replace(JOB, id="job/4")], order=200)
    bus.taken = 9
    feed.tell_work(230, [], order=230)
    feed.tell_work(260, [], order=260)
    gone = [event.key for event in bus.log if event.payload is None]
    assert sorted(gone) == sorted(OLD[Topic.WORK])
    assert bus.latest_state(Topic.WORK).keys() == {"campus/a100/hpc/job/1", "campus/a100/hpc/job/4"}


class Refusing(ListBus):
    """A bus that takes so many events, and then no more."""

    def __init__(self, *, log: list[Event], taken: int) -> None:
        super().__init__(log=log)
        self.taken = taken

    def publish(self, event: Event) -> None:
        if not self.taken:
            raise BusUnavailable("no room")
        self.taken -= 1
        super().publish(event)


def test_a_forecaster_learns_from_the_demand_that_0_1_0_told(bench: BusBench):
    """Only of its own pool, by its own site, and of what is told since then besides."""
    for source, pool, nodes in (
        (A100.old_source(CONNECTOR), "a100", 1.0),
        (A100.old_source(CONNECTOR), "h100", 8.0),
        (ISLAND.old_source(CONNECTOR), "a100", 9.0),
        ("/forger", "a100", 9.0),
    ):
        for at_s in (0, 300):
            for side in Side:
                put(bench, Topic.DEMAND, f"{pool}/{side}", Demand(side, at_s, nodes, 0.0), source, at_s, at_s)
    bus = bench.restart()
    Feed(bus, A100).tell_demand(600, {side: Demand(side, 600, 2.0, 0.0) for side in Side})
    noting = Noting()
    following = ForecastPublisher(bus, noting, A100, group="one")
    assert following.follow(600)
    following.close()
    seen = [(at_s, {demand.running for demand in sides.values()}) for at_s, sides, _ in noting.seen]
    assert seen == [(0, {1.0}), (300, {1.0}), (600, {2.0})]
