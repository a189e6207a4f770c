"""Whoever can write to the bus takes no more than the policy lets a forecast count for, and stops nothing."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil

import pytest

from controller.event_watch import EventWatch
from controller.forecast_subscriber import AHEAD_MOST_S, ForecastSubscriber
from controller.heard_forecasts import counted
from controller.pool_loop import PoolLoop
from controller.recommender import Recommender
from forecasting.forecast_publisher import ForecastPublisher
from forecasting.forecaster import PersistenceForecaster
from models.audit import Decided
from models.demand import Demand
from models.events import Event, Topic
from models.fields import nodes_of
from models.forecasts import Forecast, Source, flat
from models.nodes import HpcNode, Side
from models.plans import Plan
from models.policies import ForecastPolicy, MovesPolicy, PoolPolicy, SafetyPolicy, Shares, Spec, Weights
from tests.controller.fleet import IDENTITY, OLD_MARK, Fleet, Machine
from tests.controller.forgeries import HORIZONS_S, LEVELS, forged
from tests.list_bus import ListBus

SEEDS = 1000
START_S = 1_800_000_000
MOVES = MovesPolicy(at_once="100%", per_hour="100%", dwell="0s", min_gain=0.0)


@dataclass
class Site:
    """One pool with its real demand, its forecaster and its decisions on one bus."""

    fleet: Fleet
    pool: PoolPolicy
    spec: Spec
    bus: ListBus = field(default_factory=ListBus)

    def __post_init__(self) -> None:
        fleet, bus = self.fleet, self.bus
        fleet.clock.now_s = START_S
        self.mover = Recommender(fleet.hpc, fleet.kubernetes, IDENTITY, self.pool, self.spec, fleet.clock, fleet.audit)
        subscriber = ForecastSubscriber(bus, IDENTITY, group="control")
        self.loop = PoolLoop(self.mover, subscriber, fleet.clock, every_s=300)
        self.forecaster = ForecastPublisher(bus, PersistenceForecaster(), IDENTITY, group="forecast")
        self.watch = EventWatch(bus, [IDENTITY], group="watch")
        self.version = 0

    def demand(self, side: Side) -> Demand:
        return Demand(side, self.fleet.clock(), self.fleet.running[side], sum(self.fleet.sizes[side]))

    def tell(self, topic: Topic, payload: object, key: str) -> None:
        self.version += 1
        now_s = self.fleet.clock()
        self.bus.publish(Event(topic, f"{IDENTITY.key}/{key}", payload, self.version, "real", now_s))  # type: ignore[arg-type]

    def tells_the_truth(self) -> None:
        for name in self.fleet.machines:
            self.tell(Topic.NODES, self.fleet.shown_hpc(name), f"hpc/{name}")
        for side in Side:
            self.tell(Topic.DEMAND, self.demand(side), side)

    def turn(self, *forgeries: Iterable[Event]) -> Plan | None:
        """All that is on the bus is heard by everybody, and a decision taken."""
        self.bus.log += [event for some in forgeries for event in some]
        self.watch.hear()
        self.forecaster.follow(self.fleet.clock())
        return self.loop.turn()

    def check(self, plan: Plan) -> None:
        """No side below its floor, and none grows beyond its real demand and what a forecast may be ahead of it."""
        nodes = len(self.fleet.machines)
        low, high = self.pool.bounds(nodes)
        assert low <= plan.target <= high
        most = nodes_of(self.spec.forecast.ahead_most, nodes)
        has = {Side.KUBERNETES: (plan.current, plan.target), Side.HPC: (nodes - plan.current, nodes - plan.target)}
        for side, (before, after) in has.items():
            assert after <= max(
                before, low if side is Side.KUBERNETES else nodes - high, ceil(self.demand(side).nodes + most)
            )
        (*_, entry) = self.fleet.audit.of(Decided)
        for side, view in entry.snapshot.sides.items():
            changes = [value - view.forecast.now for row in view.forecast.values for value in row]
            assert -self.demand(side).nodes - 1e-6 <= min(changes) <= max(changes) <= most + 1e-6


def site_of(
    hpc: int,
    kubernetes: int,
    sizes: dict[Side, tuple[float, ...]],
    ahead: int | str = "20%",
    floor: Shares = Shares(),  # noqa: B008 - frozen
) -> Site:
    """So many nodes of each side, all of them busy, and what waits."""
    owned = [Machine(closed=OLD_MARK, busy=True, frees_at_s=START_S + 60) for _ in range(hpc)]
    owned += [Machine(drain=OLD_MARK) for _ in range(kubernetes)]
    fleet = Fleet(**{f"n{number}": machine for number, machine in enumerate(owned, 1)})
    fleet.running[Side.HPC] = float(hpc)
    fleet.sizes = sizes
    pool = PoolPolicy(name="pool", floor=floor, unmet_cost=Weights(hpc=1.0, kubernetes=10.0))
    safety = SafetyPolicy(stale_after="1d")
    return Site(fleet, pool, Spec(moves=MOVES, safety=safety, forecast=ForecastPolicy(ahead_most=ahead)))


def huge(side: Side, now: float, nodes: float, made_s: int = START_S) -> Event:
    rows = tuple((nodes,) * len(LEVELS) for _ in HORIZONS_S)
    payload = Forecast(side, made_s, now, HORIZONS_S, LEVELS, rows, Source.MODEL)
    return Event(Topic.FORECASTS, f"{IDENTITY.key}/{side}", payload, 2**62, "forged", float(made_s))


@pytest.mark.parametrize(("ahead", "most"), [("20%", 4), ("5%", 1), (7, 7)])
def test_forged_forecasts_take_no_more_than_they_may_count_for(ahead: int | str, most: int):
    """229 jobs wait, nothing in Kubernetes does, and somebody tells that thousands of pods are to come."""
    site = site_of(20, 0, {Side.HPC: (1.0,) * 229, Side.KUBERNETES: ()}, ahead)
    for machine in site.fleet.machines.values():
        machine.busy = False
    forgeries = [huge(Side.HPC, 1e6, 0.0), huge(Side.KUBERNETES, 0.0, 1e6)]
    plan = site.turn(forgeries)
    assert plan is not None
    site.check(plan)
    assert 0 < plan.target <= most
    believed = site.mover.turn({event.payload.side: event.payload for event in forgeries})  # type: ignore[union-attr]
    assert believed is not None
    assert believed.target == 19, "all but the floor, if it were believed"


@pytest.mark.parametrize("ahead_s", [0, 1, AHEAD_MOST_S])
def test_clocks_may_differ_by_some_seconds_and_no_more(ahead_s: int):
    site = site_of(4, 4, dict.fromkeys(Side, ()))
    events = [huge(side, 0.0, 0.0, START_S + ahead_s) for side in Side]
    assert site.turn(events) is not None
    later = site_of(4, 4, dict.fromkeys(Side, ()))
    assert later.turn([huge(side, 0.0, 0.0, START_S + AHEAD_MOST_S + 1 + ahead_s) for side in Side]) is None


@pytest.mark.parametrize("chunk", range(20))
def test_a_thousand_forgeries_starve_no_side_and_stop_no_decision(chunk: int):
    decided = 0
    for seed in range(chunk * SEEDS // 20, (chunk + 1) * SEEDS // 20):
        dice = random.Random(seed)
        nodes = dice.choice((2, 4, 8, 20))
        floor = Shares(hpc=dice.choice((None, None, 0, 1)), kubernetes=dice.choice((None, None, 0, 1)))
        hpc = dice.randint(1, nodes - 1)
        sizes = {side: (1.0,) * dice.choice((0, 0, 1, nodes, 229)) for side in Side}
        site = site_of(hpc, nodes - hpc, sizes, dice.choice(("20%", "1%", "100%", 1)), floor)
        for step in range(3):
            if dice.random() < 0.8:
                site.tells_the_truth()
            plan = site.turn(*(forged(dice, IDENTITY, site.fleet.clock(), nodes) for _ in range(dice.randint(1, 8))))
            if plan is not None:
                site.check(plan)
                decided += 1
            site.fleet.clock.now_s += 300 if step else 5
    assert decided > 50, "most of the time there is a decision to look at"


FORECAST = Forecast(Side.HPC, 0, 10.0, (900,), (0.1, 0.5, 0.9), ((5.0, 10.0, 12.0),), Source.MODEL)


@pytest.mark.parametrize(
    ("running", "waiting", "most", "now", "values"),
    [
        pytest.param(10.0, 0.0, 4, 10.0, (5.0, 10.0, 12.0), id="all of it counts"),
        pytest.param(14.0, 3.0, 4, 10.0, (5.0, 10.0, 12.0), id="what changes counts, wherever it began"),
        pytest.param(10.0, 0.0, 1, 10.0, (5.0, 10.0, 11.0), id="no more than may be ahead"),
        pytest.param(19.0, 30.0, 4, 49.0, (44.0, 49.0, 50.0), id="no more than the pool and its queue"),
        pytest.param(2.0, 1.0, 4, 3.0, (0.0, 3.0, 5.0), id="no less than nothing"),
        pytest.param(25.0, 0.0, 4, 25.0, (20.0, 25.0, 25.0), id="a pool that is overfull"),
    ],
)
def test_what_counts_of_a_forecast(running: float, waiting: float, most: int, now: float, values: tuple[float, ...]):
    found = counted(FORECAST, Demand(Side.HPC, 0, running, waiting), 20, most)
    assert (found.now, found.values) == (now, (values,))
    assert found is FORECAST or found != FORECAST, "where all of it counts it is the same value"


def test_without_a_bus_a_forecast_counts_as_it_is():
    site = site_of(20, 0, {Side.HPC: (), Side.KUBERNETES: ()})
    told = {
        Side.HPC: flat(Side.HPC, START_S, 0.0, (900,), Source.NOW),
        Side.KUBERNETES: huge(Side.KUBERNETES, 0, 9e9).payload,
    }
    site.mover.turn(told)  # type: ignore[arg-type]
    (entry,) = site.fleet.audit.of(Decided)
    assert entry.snapshot.sides[Side.KUBERNETES].forecast is told[Side.KUBERNETES]


@pytest.mark.parametrize(
    "key", ["campus/pool/nobody/n1", "campus/pool//n1", "campus/pool", "campus", "", "/", "a/b/hpc/n"]
)
def test_a_key_of_no_side_wakes_nobody(key: str):
    bus = ListBus()
    watch = EventWatch(bus, [IDENTITY], group="watch")
    for whole in (key, key.replace("campus/pool", IDENTITY.key)):
        bus.publish(Event(Topic.NODES, whole, HpcNode("n1", "", None, False, None), 1, "forged", 0.0))
    assert watch.hear() == []
    bus.publish(Event(Topic.NODES, f"{IDENTITY.key}/hpc/a/b", HpcNode("n1", "", None, False, None), 1, "real", 0.0))
    assert [(news.pool, news.side) for news in watch.hear()] == [(IDENTITY, Side.HPC)]
