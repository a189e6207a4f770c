"""Forecasting: what the bus tells of every pool's work and demand becomes forecasts, which the bus is told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from prometheus_client.registry import Collector

from basics.log_once import Trouble
from forecasting.forecast_publisher import ForecastPublisher
from forecasting.forecaster import DemandForecaster
from forecasting.metrics import Forecasting, ForecastMetrics
from models.errors import BusRefused, BusUnavailable
from models.identity import FORECASTING
from service.part import Part, Status, Step
from service.parts.bus import BusPart
from service.process import Process

FOLLOW_S = 1.0  # between two looks at what the bus tells

log = logging.getLogger("tidegate.service")


class ForecastingPart(Part):
    """A forecaster for each pool, by its name. How many nodes a pool has it learns from the bus."""

    name = "forecasting"

    def __init__(self, pools: Mapping[str, Forecasting], horizons_s: Sequence[int], clock: Callable[[], int]) -> None:
        self.publishers: Sequence[ForecastPublisher] = [publisher for publisher, _ in pools.values()]
        self._metrics = ForecastMetrics(pools, horizons_s)
        self._clock = clock
        self._trouble = Trouble(log, "nothing is forecast")

    @property
    def blind(self) -> bool:
        """Whether the bus did not say what has come when it was last asked."""
        return self._trouble.lasts

    def steps(self) -> Sequence[Step]:
        """See the base."""
        return (Step("forecast", self.follow, 0.05),)  # what is published first is there then

    def follow(self) -> float:
        """Let the forecasters see what is new, and say what they expect."""
        try:
            for publisher in self.publishers:
                publisher.follow(self._clock())
        except (BusUnavailable, BusRefused) as error:
            self._trouble.met(error)
        else:
            self._trouble.over()
        return FOLLOW_S

    def lags(self) -> Mapping[str, int]:
        """See the base."""
        return {"forecasting": sum(publisher.lag() for publisher in self.publishers)}

    def metrics(self) -> Sequence[Collector]:
        """See the base."""
        return (self._metrics,)

    def status(self) -> Status:
        """See the base."""
        return Status(self.name, not self.blind, "the bus cannot be heard" if self.blind else "follows the bus")


def open_forecasting(process: Process) -> ForecastingPart:
    """A forecaster for each pool, which reads all that the bus has. Raises BusUnavailable or BusRefused."""
    spec, bus = process.policy.spec, process.part(BusPart).bus
    pools = {}
    for whose, pool in process.pools():
        forecaster = DemandForecaster(
            horizons_s=spec.forecast.horizons,
            every_s=spec.moves.every,
            signals=[signal.name for signal in pool.signals],
        )
        group = f"{FORECASTING}-{whose.scope}-{process.run}"
        publisher = ForecastPublisher(bus, forecaster, whose, group=group)
        process.at_end.callback(publisher.close)
        pools[whose.pool] = publisher, forecaster
    return ForecastingPart(pools, spec.forecast.horizons, process.clock)
