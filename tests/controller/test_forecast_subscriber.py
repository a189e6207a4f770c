"""Hearing the newest forecasts: late, repeated and made-up ones change nothing, and what is too old is not there."""

from __future__ import annotations

import pytest

from controller.forecast_subscriber import AHEAD_MOST_S, ForecastSubscriber
from models.errors import BusUnavailable
from models.events import Event, Topic
from models.forecasts import Source, flat
from models.identity import PoolId
from models.nodes import Side
from tests.list_bus import ListBus

POOL = PoolId("campus", "pool")


@pytest.fixture
def bus() -> ListBus:
    return ListBus()


def tell(bus: ListBus, made_s: int, nodes: float = 1.0, side: Side = Side.HPC, **other: object) -> None:
    facts = {"version": made_s, "pool": POOL, **other}
    payload = flat(side, made_s, nodes, (300,), Source.NOW)
    event = Event(Topic.FORECASTS, f"{facts['pool'].key}/{side}", payload, facts["version"], "test", float(made_s))
    bus.publish(event)


def heard(hearing: ForecastSubscriber, now_s: int, longest_s: int = 600) -> dict[Side, tuple[int, float]]:
    hearing.hear(now_s)
    told = hearing.forecasts(now_s, longest_s=longest_s)
    return {side: (forecast.made_at_s, forecast.now) for side, forecast in told.items()}


def test_the_newest_of_each_side_is_heard_in_whatever_order_it_comes(bus: ListBus):
    hearing = ForecastSubscriber(bus, POOL, group="one")
    assert heard(hearing, 0) == {}
    tell(bus, 600)
    tell(bus, 300, 9.0)
    tell(bus, 600, 9.0)  # told again by one that was restarted and knows less
    tell(bus, 300, 2.0, Side.KUBERNETES)
    assert heard(hearing, 600) == {Side.HPC: (600, 1.0), Side.KUBERNETES: (300, 2.0)}
    assert bus.calls[-1] == "commit"


def test_what_is_too_old_is_not_there(bus: ListBus):
    hearing = ForecastSubscriber(bus, POOL, group="one")
    tell(bus, 0)
    tell(bus, 300, 2.0, Side.KUBERNETES)
    assert set(heard(hearing, 600)) == set(Side)
    assert set(heard(hearing, 601)) == {Side.KUBERNETES}
    assert heard(hearing, 901) == {}


@pytest.mark.parametrize("other", [PoolId("campus", "other"), PoolId("island", "pool")], ids=lambda other: other.key)
def test_another_pool_s_forecast_is_not_ours(bus: ListBus, other: PoolId):
    tell(bus, 0, pool=other)
    assert heard(ForecastSubscriber(bus, POOL, group="one"), 0) == {}


def test_a_forecast_of_the_future_shuts_out_no_later_one(bus: ListBus):
    hearing = ForecastSubscriber(bus, POOL, group="one")
    tell(bus, 10**9, 99.0, version=2**62)
    tell(bus, 10, 99.0, version=2**62)
    assert heard(hearing, 10) == {Side.HPC: (10, 99.0)}
    tell(bus, 300)
    tell(bus, 300 + AHEAD_MOST_S + 1, 99.0)
    assert heard(hearing, 300) == {Side.HPC: (300, 1.0)}
    assert hearing.ahead == 2


def test_every_controller_hears_all(bus: ListBus):
    tell(bus, 0)
    leader, standby = (
        ForecastSubscriber(bus, POOL, group="one"),
        ForecastSubscriber(bus, POOL, group="two"),
    )
    assert heard(leader, 0) == heard(standby, 0) == {Side.HPC: (0, 1.0)}
    leader.close()
    assert [subscription.closed for subscription in bus.subscriptions] == [True, False]


def test_a_bus_that_is_away_is_an_error_and_what_was_heard_stays(bus: ListBus):
    hearing = ForecastSubscriber(bus, POOL, group="one")
    tell(bus, 0)
    hearing.hear(0)
    tell(bus, 300)
    bus.away = True
    with pytest.raises(BusUnavailable):
        hearing.hear(300)
    assert hearing.forecasts(300, longest_s=600)[Side.HPC].made_at_s == 0
