"""Demand series to forecast, and the plainest way to drive a forecaster over one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from models.demand import Demand
from models.forecasts import Forecast
from models.nodes import Side
from models.observations import Observation
from models.ports import Forecaster

STEP_S = 300
DAY = 288


def daily(days: float, *, seed: int = 0, mean: float = 30.0, swing: float = 20.0) -> NDArray[np.float64]:
    """A daily wave with noise that drifts, in whole nodes: something that a model can learn."""
    slots = np.arange(int(days * DAY))
    noise = np.random.default_rng(seed).normal(size=slots.size)
    drift = np.convolve(noise, 0.8 ** np.arange(20), mode="full")[: slots.size]
    wave: NDArray[np.float64] = np.round(np.maximum(mean + swing * np.sin(2 * np.pi * slots / DAY) + drift, 0.0))
    return wave


def demand(side: Side, now_s: int, nodes: float, waiting: float = 0.0) -> Demand:
    return Demand(side, now_s, nodes, waiting)


def drive(
    forecaster: Forecaster, series: Iterable[float], *, side: Side = Side.KUBERNETES, start_s: int = 0
) -> Iterator[Forecast]:
    """Observe and forecast each sample in turn, five minutes apart."""
    for slot, nodes in enumerate(series):
        now_s = start_s + slot * STEP_S
        forecaster.observe(Observation(now_s, {side: demand(side, now_s, float(nodes))}))
        yield forecaster.forecast(now_s)[side]
