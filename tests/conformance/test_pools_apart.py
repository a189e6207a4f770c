"""Pools apart: two pools of one site and a pool of another site share what there is, and none touches another's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from connectors.publishing.feed import ENDED_KEPT_S, READING, Feed
from controller.forecast_subscriber import ForecastSubscriber
from controller.plan_publisher import PlanPublisher
from forecasting.forecast_publisher import ForecastPublisher
from forecasting.forecaster import NowForecaster
from models.audit import Entered, Entry
from models.bus import Bus
from models.demand import Demand
from models.events import Topic
from models.handovers import Stage
from models.identity import PoolId
from models.nodes import HpcNode, KubernetesNode, Side
from models.work import WorkRecord, WorkState
from tests.conformance.bus_benches import BUSES, BusBench
from tests.connectors.local.entries import HANDOVER, decided
from tests.values import replace

POOLS = (PoolId("campus", "a100"), PoolId("campus", "h100"), PoolId("island", "a100"))
IDS = [pool.key for pool in POOLS]
FLUSH_S = 5.0


@pytest.fixture(params=BUSES.values(), ids=BUSES.keys())
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BusBench]:
    made: BusBench = request.param(tmp_path)
    yield made
    made.close()


@dataclass
class Written:
    """An audit that keeps what it is given."""

    entries: list[Entry] = field(default_factory=list)

    def append(self, entry: Entry) -> None:
        self.entries.append(entry)


# ---- two pools and two sites on one bus ----


def record(pool: PoolId, number: int) -> WorkRecord:
    """Work whose id every pool has, too, and that only its user tells apart."""
    return WorkRecord(f"job/{number}", Side.HPC, WorkState.RUNNING, 2.0, 0, 3600, 10, user=pool.key)


def nodes(pool: PoolId, count: int) -> dict[str, HpcNode]:
    return {f"n{number}": HpcNode(f"n{number}", pool.key, None, False, None) for number in range(count)}


def tell(feed: Feed, pool: PoolId, now_s: int, count: int = 3) -> None:
    """All that a pool shows: so many jobs and nodes, the first of them on both sides."""
    feed.tell_work(now_s, [record(pool, number) for number in range(count)], order=now_s)
    feed.tell_nodes(now_s, Side.HPC, nodes(pool, count), order=now_s)
    feed.tell_nodes(now_s, Side.KUBERNETES, {"n0": KubernetesNode("n0", None, False, 0)}, order=now_s)
    feed.tell_demand(now_s, {side: Demand(side, now_s, float(2 * count), 0.0) for side in Side})


def shown(bus: Bus, *topics: Topic) -> dict[PoolId | None, set[tuple[str, int]]]:
    """The keys of topics of state with their versions, by the pool that told them."""
    assert bus.flush(FLUSH_S) == 0
    found: dict[PoolId | None, set[tuple[str, int]]] = {}
    for topic in topics:
        for key, event in bus.latest_state(topic).items():
            found.setdefault(event.pool, set()).add((key, event.version))
    return found


def test_each_pool_s_state_is_whole_whoever_else_tells(bench: BusBench):
    for now_s in (100, 200):
        for pool in POOLS:
            tell(Feed(bench.bus, pool), pool, now_s)
    seen = shown(bench.bus, Topic.WORK, Topic.NODES)
    assert seen.keys() == set(POOLS)
    for pool in POOLS:
        rest = {key.removeprefix(f"{pool.key}/") for key, _ in seen[pool]}
        assert rest == {*(f"hpc/job/{n}" for n in range(3)), *(f"hpc/n{n}" for n in range(3)), "kubernetes/n0"}
    work = bench.bus.latest_state(Topic.WORK)
    assert {key: event.payload for key, event in work.items()} == {
        f"{pool.key}/hpc/job/{number}": record(pool, number) for pool in POOLS for number in range(3)
    }


@pytest.mark.parametrize("pool", POOLS, ids=IDS)
@pytest.mark.parametrize("how", ["goes on", "starts anew", "has lost events"])
def test_what_becomes_of_one_pool_changes_no_other(bench: BusBench, pool: PoolId, how: str):
    """Its nodes and jobs go, one after a restart or a loss; it tells at a time at which all that has ended is gone."""
    feeds = {one: Feed(bench.bus, one) for one in POOLS}
    for one, feed in feeds.items():
        tell(feed, one, 100)
    before = shown(bench.bus, Topic.WORK, Topic.NODES)
    feed = feeds[pool]
    if how == "starts anew":
        feed = Feed(bench.restart(), pool)
    elif how == "has lost events":
        feed.tell_anew(Topic)
    feed.tell_nodes(200, Side.HPC, nodes(pool, 1), order=200)
    gone = [replace(record(pool, number), state=WorkState.ENDED, ended_s=190) for number in range(1, 3)]
    feed.tell_work(200, [record(pool, 0), *gone], order=200)
    feed.tell_work(200 + ENDED_KEPT_S, [], order=200 + ENDED_KEPT_S)
    after = shown(bench.bus, Topic.WORK, Topic.NODES)
    assert {one: after[one] for one in POOLS if one != pool} == {one: before[one] for one in POOLS if one != pool}
    assert {key for key, _ in after[pool]} == {
        f"{pool.key}/{rest}" for rest in ("hpc/job/0", "hpc/n0", "kubernetes/n0")
    }


@pytest.mark.parametrize("pool", POOLS[1:], ids=IDS[1:])
def test_a_pool_whose_clock_is_ahead_does_not_take_the_others_versions_with_it(bench: BusBench, pool: PoolId):
    tell(Feed(bench.bus, pool), pool, 10**9)
    tell(Feed(bench.bus, POOLS[0]), POOLS[0], 100)
    assert all(version // READING == 100 for _, version in shown(bench.bus, Topic.WORK, Topic.NODES)[POOLS[0]])


def test_each_pool_is_forecast_by_its_own_events(bench: BusBench):
    for count, pool in enumerate(POOLS, start=1):
        tell(Feed(bench.bus, pool), pool, 100, count)
    for pool in POOLS:
        following = ForecastPublisher(bench.bus, NowForecaster(), pool, group=f"forecasting-{pool.scope}")
        assert following.follow(100)
        assert following.pool_nodes == POOLS.index(pool) + 1
        following.close()
    for count, pool in enumerate(POOLS, start=1):
        hearing = ForecastSubscriber(bench.bus, pool, group=f"controller-{pool.scope}")
        hearing.hear(100)
        heard = hearing.forecasts(100, longest_s=0)
        assert {side: heard[side].now for side in Side} == dict.fromkeys(Side, 2.0 * count)
        hearing.close()


def test_pools_that_are_led_as_one_share_an_epoch_and_no_key(bench: BusBench):
    """Every pool has a node of the same name, and its hand-over the same id: yet each is told by itself."""
    tellers = {pool: PlanPublisher(Written(), bench.bus, pool) for pool in POOLS}
    last = dict(zip(POOLS, (Stage.DRAINED, Stage.SETTLED, Stage.DONE), strict=True))
    for stage in (Stage.DRAINING, *last.values()):
        for pool, teller in tellers.items():
            teller.append(replace(decided(), epoch=7))
            if stage is Stage.DRAINING or stage is last[pool]:
                teller.append(Entered(300, replace(HANDOVER, epoch=7, stage=stage)))
    assert bench.bus.flush(FLUSH_S) == 0
    latest = bench.bus.latest_state(Topic.HANDOVERS)
    assert {key: event.payload.stage for key, event in latest.items()} == {  # type: ignore[union-attr]
        f"{pool.key}/{HANDOVER.node}": stage for pool, stage in last.items()
    }
    subscription = bench.bus.subscribe([Topic.PLANS, Topic.HANDOVERS], "all")
    events = subscription.poll(1.0).events
    ids = [event.id for event in events]
    assert len(ids) == len(set(ids))
    assert {event.key for event in events if event.topic is Topic.PLANS} == set(IDS)
