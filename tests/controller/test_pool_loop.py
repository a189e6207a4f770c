"""PoolLoop: no forecast, no turn; and the log tells each thing once."""

from __future__ import annotations

import logging

import pytest

from controller.forecast_subscriber import ForecastSubscriber
from controller.pool_loop import FRESH_LEAST_S, PoolLoop
from models.events import Event, Topic
from models.forecasts import Forecast, Source, flat
from models.identity import PoolId
from models.nodes import Side
from models.plans import Hold, Plan, Switch
from tests.controller.fleet import Clock
from tests.list_bus import ListBus

EVERY_S = 60
POOL = PoolId("campus", "pool")


class Mover:
    """Notes what it is asked for."""

    def __init__(self) -> None:
        self.holds: tuple[Hold, ...] = ()
        self.finished: list[object] = []
        self.calls: list[object] = []

    def turn(self, forecasts: dict[Side, Forecast], *, heard: bool) -> Plan | None:
        assert heard, "what comes over the bus counts within bounds"
        self.calls.append({side: forecast.now for side, forecast in forecasts.items()})
        return None if self.holds else Plan(0, 0, 0, (), (), ())

    def watch(self) -> None:
        self.calls.append("watch")


class Desk:
    def __init__(self) -> None:
        self.bus, self.mover, self.clock = ListBus(), Mover(), Clock(1000)
        hearing = ForecastSubscriber(self.bus, POOL, group="one")
        self.control = PoolLoop(self.mover, hearing, self.clock, every_s=EVERY_S)

    def forecast(self, side: Side, nodes: float) -> None:
        now_s = self.clock()
        payload = flat(side, now_s, nodes, (900,), Source.NOW)
        self.bus.publish(Event(Topic.FORECASTS, f"{POOL.key}/{side}", payload, now_s, "test", float(now_s)))


@pytest.fixture
def desk(caplog: pytest.LogCaptureFixture) -> Desk:
    caplog.set_level(logging.INFO, "tidegate.control")
    return Desk()


def test_without_a_forecast_of_a_side_what_is_under_way_is_tended_and_nothing_decided(
    desk: Desk, caplog: pytest.LogCaptureFixture
):
    desk.forecast(Side.HPC, 3.0)
    assert desk.control.turn() is None
    assert desk.control.turn() is None
    assert desk.mover.calls == ["watch", "watch"]
    (line,) = caplog.messages
    assert "no forecast" in line
    assert "kubernetes" in line


def test_both_forecasts_go_into_the_turn(desk: Desk):
    desk.forecast(Side.HPC, 3.0)
    desk.forecast(Side.KUBERNETES, 5.0)
    assert desk.control.turn() is not None
    assert desk.mover.calls == [{Side.HPC: 3.0, Side.KUBERNETES: 5.0}]


def test_old_forecasts_are_none(desk: Desk):
    desk.forecast(Side.HPC, 3.0)
    desk.forecast(Side.KUBERNETES, 5.0)
    desk.clock.now_s += FRESH_LEAST_S + 1
    assert desk.control.turn() is None
    assert desk.mover.calls == ["watch"]


def test_a_bus_that_is_away_leaves_the_last_forecasts_for_a_while(desk: Desk, caplog: pytest.LogCaptureFixture):
    desk.forecast(Side.HPC, 3.0)
    desk.forecast(Side.KUBERNETES, 5.0)
    desk.control.turn()
    desk.forecast(Side.HPC, 9.0)
    desk.bus.away = True
    assert desk.control.turn() is not None
    assert desk.mover.calls == [{Side.HPC: 3.0, Side.KUBERNETES: 5.0}] * 2
    assert "no new forecasts are heard" in caplog.text


def test_that_the_bus_is_away_is_told_once_and_that_it_is_back_too(desk: Desk, caplog: pytest.LogCaptureFixture):
    for away in (True, True, False, False, True):
        desk.forecast(Side.HPC, 3.0)
        desk.bus.away = away
        desk.control.turn()
    told = [record.levelname for record in caplog.records if "heard" in record.message]
    assert told == ["WARNING", "INFO", "WARNING"]


def test_a_hold_is_told_once_and_its_end_too(desk: Desk, caplog: pytest.LogCaptureFixture):
    desk.forecast(Side.HPC, 3.0)
    desk.forecast(Side.KUBERNETES, 5.0)
    desk.mover.holds = (Hold(Switch.PAUSED, "paused by a person"),)
    desk.control.turn()
    desk.control.turn()
    desk.mover.holds = ()
    desk.control.turn()
    desk.control.turn()
    assert caplog.messages == ["moves are held (paused): paused by a person", "moves may begin"]


def test_what_only_gets_older_is_told_once(desk: Desk, caplog: pytest.LogCaptureFixture):
    for age_s in (121, 131, 141):
        desk.forecast(Side.HPC, 3.0)
        desk.forecast(Side.KUBERNETES, 5.0)
        desk.mover.holds = (Hold(Switch.STALE, f"hpc was last read {age_s} s ago"),)
        desk.control.turn()
        desk.clock.now_s += 10
    assert caplog.messages == ["moves are held (stale): hpc was last read 121 s ago"]
