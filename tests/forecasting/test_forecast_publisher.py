"""ForecastPublisher the bus: the same forecasts as without it, whatever is repeated, late, missing or made up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from forecasting.boosting import Boosting
from forecasting.demand import WorkLedger
from forecasting.forecast_publisher import AHEAD_MOST_S, PATIENCE_S, QUEUE_POOLS_MOST, ForecastPublisher
from forecasting.forecaster import DemandForecaster, NowForecaster, PersistenceForecaster
from forecasting.tree_fitting import Growth
from models.announced import Announced
from models.bus import Gap
from models.demand import Demand
from models.errors import BusUnavailable
from models.events import Event, Latest, Topic
from models.forecasts import Forecast, Source, flat
from models.identity import PoolId
from models.nodes import HpcNode, KubernetesNode, Side
from models.observations import Observation
from models.ports import Forecaster
from models.signals import Signal, Signals
from models.work import WorkRecord, WorkState
from tests.forecasting.demand_series import STEP_S, daily
from tests.list_bus import ListBus
from tests.values import replace

FEW = Boosting(own=Growth(iterations=3), shared=Growth(iterations=3))
POOL = PoolId("campus", "pool")
JOB = WorkRecord("job/1", Side.HPC, WorkState.RUNNING, 4.0, 0, 3600, 10)


@dataclass
class Noting:
    """A forecaster that notes what it is given."""

    seen: list[tuple[int, Mapping[Side, Demand], tuple[WorkRecord, ...]]] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    signals: list[Mapping[str, float]] = field(default_factory=list)

    def observe(self, observation: Observation) -> None:
        self.signals.append(observation.signals)
        self.seen.append((observation.at_s, observation.demand, observation.records))

    def forecast(self, now_s: int) -> Mapping[Side, Forecast]:
        self.asked.append(now_s)
        return {side: flat(side, now_s, float(now_s), (300,), Source.NOW) for side in self.seen[-1][1]}


class Teller:
    """Tells demand and work as a feed does."""

    def __init__(self, bus: ListBus) -> None:
        self.bus = bus
        self.version = 0

    def work(self, at_s: int, record: WorkRecord | None, key: str = "campus/pool/hpc/job/1") -> None:
        self.version += 1
        self.bus.publish(Event(Topic.WORK, key, record, self.version, "test", float(at_s)))

    def node(self, at_s: int, node: HpcNode | KubernetesNode | None, key: str) -> None:
        self.version += 1
        self.bus.publish(Event(Topic.NODES, key, node, self.version, "test", float(at_s)))

    def signals(self, at_s: int, key: str = POOL.key, **values: float) -> None:
        self.version += 1
        told = Signals(at_s, tuple(Signal(name, value, "jobs") for name, value in values.items()))
        self.bus.publish(Event(Topic.DEMAND, key, told, self.version, "test", float(at_s)))

    def demand(self, at_s: int, *sides: Side, nodes: float = 3.0, pool: str = POOL.key) -> None:
        for side in sides or tuple(Side):
            self.version += 1
            demand = Demand(side, at_s, nodes, 0.0)
            self.bus.publish(Event(Topic.DEMAND, f"{pool}/{side}", demand, self.version, "test", float(at_s)))


@pytest.fixture
def bus() -> ListBus:
    return ListBus()


@pytest.fixture
def tell(bus: ListBus) -> Teller:
    return Teller(bus)


def follow(bus: ListBus, forecaster: Forecaster, group: str = "one") -> ForecastPublisher:
    return ForecastPublisher(bus, forecaster, POOL, group=group)


def forecasts(bus: ListBus, since_s: int = 0) -> list[tuple[str, int, bytes]]:
    """Each one once, as whoever keeps the latest sees them."""
    latest, found = Latest(), []
    for event in bus.on(Topic.FORECASTS):
        assert isinstance(event.payload, Forecast)
        if latest.take(event) and event.at_s >= since_s:
            found.append((event.key, event.version, event.payload.values))
    return found


def test_an_instant_is_forecast_and_then_committed(bus: ListBus, tell: Teller):
    following = follow(bus, Noting())
    tell.work(0, JOB)
    tell.demand(0)
    bus.calls.clear()
    assert following.follow(0)
    assert bus.calls == ["publish tidegate.forecasts"] * 2 + ["flush", "commit"]
    told = bus.on(Topic.FORECASTS)
    assert [(event.key, event.version, event.at_s) for event in told] == [
        ("campus/pool/hpc", 0, 0.0),
        ("campus/pool/kubernetes", 0, 0.0),
    ]
    assert not following.follow(1)
    assert len(bus.on(Topic.FORECASTS)) == 2


def test_nothing_is_committed_before_the_forecasts_are_durable(bus: ListBus, tell: Teller):
    following = follow(bus, Noting())
    tell.demand(0)
    bus.undelivered = 2
    assert not following.follow(0)
    assert "commit" not in bus.calls
    bus.undelivered = 0
    assert following.follow(1)
    assert bus.calls[-1] == "commit"


def test_a_forecast_that_could_not_be_published_holds_back_the_commit(bus: ListBus, tell: Teller):
    following = follow(bus, Noting())
    tell.demand(0)
    bus.wanting = bus.undelivered = 1
    with pytest.raises(BusUnavailable):
        following.follow(0)
    assert not following.follow(1)
    assert "commit" not in bus.calls
    bus.undelivered = 0
    assert following.follow(2)
    assert bus.calls[-1] == "commit"


def story(tell: Teller, slot: int, *, work: bool = True) -> None:
    """One instant of a busy site: jobs come, run and end; one is gone without an end."""
    at_s = slot * STEP_S
    wave = daily(slot / 288 + 1 / 144)[slot]
    for number in range(max(0, slot - 3), slot + 1) if work else ():
        age = slot - number
        record = WorkRecord(f"job/{number}", Side.HPC, WorkState.ELIGIBLE, 1.0 + number % 4, number * STEP_S, 1800)
        if age:
            record = replace(record, state=WorkState.RUNNING, started_s=number * STEP_S + 10)
        if age == 3:
            record = replace(record, state=WorkState.ENDED, ended_s=at_s)
        tell.work(at_s, None if age == 3 and number % 5 == 0 else record, f"campus/pool/hpc/job/{number}")
    tell.demand(at_s, Side.HPC, nodes=float(wave))
    tell.demand(at_s, Side.KUBERNETES, nodes=float(60 - wave))


MAKERS = {
    "now": NowForecaster,
    "persistence": lambda: PersistenceForecaster(pool_nodes=100.0),
    "model": lambda: DemandForecaster(pool_nodes=100.0, how=FEW),
}


@pytest.mark.parametrize("name", MAKERS)
def test_repeating_and_pace_change_nothing(name: str):
    """Followed at each instant, or at every seventh with each event three times: the same forecasts."""
    slots, made = 420, []
    for pace, repeats in ((1, 1), (7, 3)):
        bus = ListBus(repeats=repeats)
        tell, following = Teller(bus), follow(bus, MAKERS[name]())
        for slot in range(slots):
            story(tell, slot)
            if slot % pace == 0:
                following.follow(slot * STEP_S)
        made.append([one for one in forecasts(bus) if one[1] % (7 * STEP_S) == 0])
    assert made[0] == made[1]
    assert len(made[0]) == 2 * slots / 7


def restarted(name: str, *, work: bool) -> tuple[list[object], list[object]]:
    """What is forecast after a day and a half, by a follower of the whole time and by one that began then."""
    made = []
    for restart in (False, True):
        bus = ListBus()
        tell, following = Teller(bus), follow(bus, MAKERS[name]())
        for slot in range(460):
            story(tell, slot, work=work)
            if restart and slot == 432:
                following = follow(bus, MAKERS[name](), "two")
            following.follow(slot * STEP_S)
        made.append(forecasts(bus, 432 * STEP_S))
    return made[0], made[1]


@pytest.mark.parametrize(("name", "work"), [("now", True), ("persistence", True), ("model", False)])
def test_a_new_follower_has_the_same_history(name: str, work: bool):
    """Baselines look at demand only, and the model does where there is no work to be seen."""
    before, after = restarted(name, work=work)
    assert before == after
    assert len(before) == 2 * 28


def test_a_new_follower_knows_the_queue_of_now_but_not_of_then(bus: ListBus, tell: Teller):
    first, again = Noting(), Noting()
    following = follow(bus, first)
    for slot in range(20):
        story(tell, slot)
        following.follow(slot * STEP_S)
    follow(bus, again, "two").follow(19 * STEP_S)
    assert [(at_s, demand) for at_s, demand, _ in again.seen] == [(at_s, demand) for at_s, demand, _ in first.seen]
    assert again.asked == first.asked  # so that trust is earned anew
    assert all(records == () for _, _, records in again.seen[:-1])
    states = []
    for seen in (first.seen, again.seen):
        ledger = WorkLedger()
        for at_s, _, records in seen:
            ledger.apply(records, at_s)
        states.append([ledger.queue_state(side, 19 * STEP_S).tolist() for side in (Side.HPC,)])
    assert states[0] == states[1]


def test_a_new_follower_repeats_the_newest_forecast_and_nothing_else(bus: ListBus, tell: Teller):
    following = follow(bus, PersistenceForecaster())
    for slot in range(5):
        story(tell, slot)
        following.follow(slot * STEP_S)
    told = forecasts(bus)
    assert follow(bus, PersistenceForecaster(), "two").follow(4 * STEP_S)
    assert len(bus.on(Topic.FORECASTS)) == len(told) + 2
    assert forecasts(bus) == told


def test_work_told_after_an_instant_waits_for_the_next(bus: ListBus, tell: Teller):
    noting = Noting()
    following = follow(bus, noting)
    tell.demand(0)
    following.follow(0)
    tell.work(300, JOB)
    tell.work(600, replace(JOB, state=WorkState.ENDED, ended_s=550))
    tell.demand(300)
    tell.demand(600)
    following.follow(600)
    assert [[record.state for record in records] for _, _, records in noting.seen] == [
        [],
        [WorkState.RUNNING],
        [WorkState.ENDED],
    ]


def test_one_side_waits_for_the_other_but_not_for_long(bus: ListBus, tell: Teller):
    noting = Noting()
    following = follow(bus, noting)
    tell.demand(0, Side.HPC)
    assert not following.follow(PATIENCE_S - 1)
    assert following.follow(PATIENCE_S)
    tell.demand(300, Side.HPC)
    assert not following.follow(300)
    tell.demand(600)
    assert following.follow(600)
    assert [(at_s, set(demand)) for at_s, demand, _ in noting.seen] == [
        (0, {Side.HPC}),
        (300, {Side.HPC}),
        (600, set(Side)),
    ]
    assert [event.at_s for event in bus.on(Topic.FORECASTS)] == [0.0, 600.0, 600.0]


def test_a_late_instant_changes_nothing(bus: ListBus, tell: Teller):
    noting = Noting()
    following = follow(bus, noting)
    tell.demand(600)
    following.follow(600)
    tell.demand(300)
    tell.demand(600, nodes=9.0)
    assert not following.follow(601)
    assert [at_s for at_s, _, _ in noting.seen] == [600]


def test_another_pool_is_not_ours(bus: ListBus, tell: Teller):
    noting = Noting()
    tell.demand(0, pool="campus/other")
    tell.demand(0, pool="pool")  # release 0.1.0 told it so, but under its own source
    assert not follow(bus, noting).follow(600)
    assert noting.seen == []


@pytest.mark.parametrize("pool", ["campus/other", "campus/pool2", "island/pool"])
def test_another_pool_s_work_is_not_ours(bus: ListBus, tell: Teller, pool: str):
    noting = Noting()
    following = follow(bus, noting)
    tell.work(0, JOB)
    tell.work(0, replace(JOB, id="job/2", nodes=1e308), f"{pool}/hpc/job/2")
    tell.work(0, replace(JOB, id="job/3"), "hpc/job/3")  # as release 0.1.0 told it
    tell.demand(0)
    following.follow(0)
    assert noting.seen[-1][2] == (JOB,)
    assert following.absurd == 0


def test_the_pool_has_as_many_nodes_as_its_hpc_side_shows(bus: ListBus, tell: Teller):
    following = follow(bus, Noting())
    following.follow(0)
    assert following.pool_nodes is None
    for name in ("n1", "n2", "n3"):
        tell.node(0, HpcNode(name, "", None, False, None), f"campus/pool/hpc/{name}")
    tell.node(0, HpcNode("n4", "", None, False, None), "campus/other/hpc/n4")
    tell.node(0, HpcNode("n1", "", None, False, None), "hpc/n1")  # as release 0.1.0 told it
    tell.node(0, KubernetesNode("n5", None, False, 0), "campus/pool/kubernetes/n5")
    following.follow(0)
    assert following.pool_nodes == 3
    tell.node(300, None, "campus/pool/hpc/n1")
    tell.node(300, HpcNode("n2", "", None, True, None), "campus/pool/hpc/n2")
    following.follow(300)
    assert following.pool_nodes == 2
    bus.log = [event for event in bus.log if event.key != "campus/pool/hpc/n2"]
    bus.subscriptions[0].read_again(Gap(Topic.NODES, "made anew"))
    following.follow(600)
    assert following.pool_nodes == 1


def test_what_cannot_be_is_left_out_and_stops_nothing(bus: ListBus, tell: Teller):
    following = follow(bus, DemandForecaster(how=FEW))
    tell.work(0, replace(JOB, nodes=1e308))
    tell.work(10**9, replace(JOB, nodes=3.0))
    tell.demand(-86_400)
    tell.demand(10**9)
    tell.demand(0, nodes=1e300)
    tell.demand(0)
    assert following.follow(0)
    assert following.absurd == 2 + 2 + 2 + 2
    assert [event.at_s for event in bus.on(Topic.FORECASTS)] == [0.0, 0.0]


def test_demand_counts_as_far_as_a_pool_can_have_it(bus: ListBus, tell: Teller):
    noting = Noting()
    following = follow(bus, noting)
    for name in ("n1", "n2"):
        tell.node(0, HpcNode(name, "", None, False, None), f"campus/pool/hpc/{name}")
    for at_s, nodes in enumerate((2.0 * QUEUE_POOLS_MOST, 2.0 * QUEUE_POOLS_MOST + 1, 9e8)):
        tell.demand(at_s, nodes=nodes)
        following.follow(at_s)
    assert [demand[Side.HPC].nodes for _, demand, _ in noting.seen] == [2.0 * QUEUE_POOLS_MOST] * 3


@pytest.mark.parametrize(("ahead_s", "left_out"), [(AHEAD_MOST_S, 0), (AHEAD_MOST_S + 1, 2)])
def test_what_is_told_of_a_time_that_has_not_come_is_left_out(bus: ListBus, tell: Teller, ahead_s: int, left_out: int):
    following = follow(bus, NowForecaster())
    tell.demand(ahead_s)
    following.follow(0)
    assert following.absurd == left_out


def test_work_that_is_gone_has_ended(bus: ListBus, tell: Teller):
    noting = Noting()
    following = follow(bus, noting)
    tell.work(0, JOB)
    tell.demand(0)
    following.follow(0)
    tell.work(200, None)
    tell.demand(300)
    following.follow(300)
    assert noting.seen[-1][2] == (replace(JOB, state=WorkState.ENDED, ended_s=200),)


def test_the_end_of_ended_work_is_no_news(bus: ListBus, tell: Teller):
    noting = Noting()
    following = follow(bus, noting)
    tell.work(0, replace(JOB, state=WorkState.ENDED, ended_s=0))
    tell.demand(0)
    following.follow(0)
    tell.work(3600, None)
    tell.demand(3600)
    following.follow(3600)
    assert noting.seen[-1][2] == ()


def test_after_a_gap_what_is_not_told_again_has_ended(bus: ListBus, tell: Teller):
    noting = Noting()
    following = follow(bus, noting)
    tell.work(0, JOB)
    tell.work(0, replace(JOB, id="job/2"), "campus/pool/hpc/job/2")
    tell.demand(0)
    following.follow(0)
    bus.log = [event for event in bus.log if event.key != "campus/pool/hpc/job/1"]
    bus.subscriptions[0].read_again(Gap(Topic.WORK, "made anew"))
    tell.demand(300)
    following.follow(300)
    assert noting.seen[-1][2] == (replace(JOB, state=WorkState.ENDED, ended_s=300),)


def test_a_gap_in_demand_is_only_a_hole(bus: ListBus, tell: Teller):
    noting = Noting()
    following = follow(bus, noting)
    tell.demand(0)
    following.follow(0)
    bus.subscriptions[0].gaps.append(Gap(Topic.DEMAND, "deleted"))
    tell.demand(900)
    assert following.follow(900)
    assert [at_s for at_s, _, _ in noting.seen] == [0, 900]


def test_a_bus_that_is_away_is_an_error_once_and_then_it_goes_on(bus: ListBus, tell: Teller):
    following = follow(bus, Noting())
    tell.demand(0)
    bus.away = True
    with pytest.raises(BusUnavailable):
        following.follow(0)
    bus.away = False
    assert following.follow(1)
    following.close()
    assert bus.subscriptions[0].closed


def test_work_without_demand_does_not_pile_up(bus: ListBus, tell: Teller, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("forecasting.forecast_publisher.UNTAKEN_MOST", 10)
    noting = Noting()
    following = follow(bus, noting)
    for number in range(100):
        tell.work(number, replace(JOB, started_s=number))
    following.follow(100)
    assert len(following._untaken) <= 10
    tell.demand(100)
    following.follow(100)
    assert noting.seen[-1][2][-1].started_s == 99


def test_what_the_demand_announces_goes_over_the_bus_into_the_forecast():
    bus, announced = ListBus(), (Announced(4000, Side.HPC, 6.0, "job 7", 9000),)
    publisher = ForecastPublisher(bus, PersistenceForecaster(), POOL, group="forecast")
    for side, later in ((Side.HPC, announced), (Side.KUBERNETES, ())):
        demand = Demand(side, 600, 2.0, 0.0, later)
        bus.publish(Event(Topic.DEMAND, f"{POOL.key}/{side}", demand, 600, "test", 600.0))
    assert publisher.follow(600)
    found = {event.payload.side: event.payload for event in bus.log if event.topic is Topic.FORECASTS}
    medians = {side: [row[2] for row in one.values] for side, one in found.items()}
    assert medians == {Side.HPC: [2.0, 2.0, 8.0, 8.0], Side.KUBERNETES: [2.0] * 4}


def test_an_instant_has_its_signals_and_no_other(bus: ListBus, tell: Teller):
    noting = Noting()
    following = follow(bus, noting)
    tell.signals(0, held=1.0, users=7.0)
    tell.demand(0)
    tell.demand(30)
    tell.signals(60, held=3.0)
    tell.demand(60)
    following.follow(60)
    assert [at_s for at_s, _, _ in noting.seen] == [0, 30, 60]
    assert noting.signals == [{"held": 1.0, "users": 7.0}, {}, {"held": 3.0}]


@pytest.mark.parametrize(
    ("at_s", "key"),
    [
        pytest.param(30, "campus/other", id="of another pool"),
        pytest.param(30, f"{POOL.key}/hpc", id="under a key of demand"),
        pytest.param(-30, POOL.key, id="from before there was time"),
        pytest.param(30 + AHEAD_MOST_S + 1, POOL.key, id="of a time that has not come"),
        pytest.param(0, POOL.key, id="late"),
    ],
)
def test_signals_that_do_not_count(bus: ListBus, tell: Teller, at_s: int, key: str):
    noting = Noting()
    following = follow(bus, noting)
    tell.demand(0)
    following.follow(0)
    tell.signals(at_s, key, held=1.0)
    tell.demand(30)
    following.follow(30)
    assert noting.signals == [{}, {}]
