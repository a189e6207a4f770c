"""Signals in the forecaster: what one knows of demand to come is learned, and what is unknown does no harm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from forecasting.boosting import Boosting
from forecasting.forecaster import DemandForecaster
from forecasting.tree_fitting import Growth
from models.demand import Demand
from models.forecasts import Forecast
from models.nodes import Side
from models.observations import SIGNALS_MOST, Observation
from tests.forecasting.demand_series import DAY, STEP_S

FEW = Boosting(own=Growth(iterations=3), shared=Growth(iterations=3))
ENOUGH = Boosting(own=Growth(iterations=40), shared=Growth(iterations=3))
AHEAD = 12  # slots: an hour
HOUR_S = AHEAD * STEP_S


def bursts(days: float, seed: int = 1) -> NDArray[np.float64]:
    """Demand that goes up and down at chance: its past tells nothing of when."""
    draw = np.random.default_rng(seed)
    level, series = 10.0, []
    for _ in range(int(days * DAY)):
        if draw.random() < 1 / 30:
            level = 50.0 - level
        series.append(level)
    return np.array(series)


def driven(
    names: Sequence[str], signals: Sequence[Mapping[str, float]], series: NDArray[np.float64], how: Boosting = FEW
) -> list[Forecast]:
    forecaster = DemandForecaster(horizons_s=(HOUR_S,), how=how, signals=names)
    found = []
    for slot, told in enumerate(signals):
        now_s = slot * STEP_S
        forecaster.observe(Observation(now_s, {Side.HPC: Demand(Side.HPC, now_s, series[slot], 0.0)}, signals=told))
        found.append(forecaster.forecast(now_s)[Side.HPC])
    return found


def error(found: Sequence[Forecast], series: NDArray[np.float64], since: int) -> float:
    """Mean absolute error of the median an hour ahead, in nodes, of the forecasts from a slot on."""
    medians = np.array([forecast.values[0][2] for forecast in found])
    return float(np.abs(medians[since:] - series[AHEAD:][since : medians.size]).mean())


def test_what_a_signal_knows_is_learned():
    series = bursts(6)
    told = [{"in_an_hour": float(value)} for value in series[AHEAD:]]
    since = 5 * DAY
    with_it, without = (driven(names, told, series, ENOUGH) for names in (["in_an_hour"], []))
    assert error(without, series, since) > 5.0
    assert error(with_it, series, since) < 0.6 * error(without, series, since)


def test_a_signal_that_nobody_named_changes_nothing():
    series = bursts(2)
    told = [{"in_an_hour": float(value)} for value in series[AHEAD:]]
    assert driven([], told, series) == driven([], [{}] * len(told), series)


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(lambda slot: False, id="never"),
        pytest.param(lambda slot: slot < DAY, id="until it goes away"),
        pytest.param(lambda slot: slot % 3 == 0, id="now and then"),
    ],
)
def test_a_signal_that_is_unknown_is_no_zero_and_stops_nothing(known):
    series = bursts(3)
    told = [{"held": float(slot)} if known(slot) else {} for slot in range(series.size)]
    found = driven(["held"], told, series)
    assert len(found) == series.size
    assert np.isfinite([value for forecast in found for row in forecast.values for value in row]).all()


def test_a_name_that_is_not_known_yet_is_as_if_it_were_not_there():
    series = bursts(2)
    assert driven(["held"], [{}] * series.size, series) == driven([], [{}] * series.size, series)


@pytest.mark.parametrize(
    "signals",
    [
        pytest.param({"a": float("nan")}, id="NaN"),
        pytest.param({"a": float("inf")}, id="infinite"),
        pytest.param({f"s{number}": 0.0 for number in range(SIGNALS_MOST + 1)}, id="too many"),
    ],
)
def test_signals_that_cannot_be(signals: Mapping[str, float]):
    with pytest.raises(ValueError, match="signals are at most"):
        Observation(0, {}, signals=signals)
