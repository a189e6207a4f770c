"""Rolling persistence: residual quantiles of the last week, as wide as the last day was wild."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from forecasting.history import History
from forecasting.persistence import RollingPersistence, volatility_ratio
from tests.forecasting.demand_series import DAY

STEPS = np.array([3, 12])
LEVELS = np.array([0.05, 0.5, 0.95])


def offsets(series: Iterable[float]) -> np.ndarray:
    history = History(step_s=300, slots_max=100_000, lookback=5, width=0)
    for slot, value in enumerate(series):
        history.put(slot, float(value), np.zeros(0))
    return RollingPersistence(steps=STEPS, levels=LEVELS).offsets(history)


def test_without_history_nothing_is_said_to_move():
    assert (offsets([5.0]) == 0).all()
    assert (offsets(range(12)) == 0).all()


def test_a_constant_series_does_not_move():
    assert (offsets([5.0] * 100) == 0).all()


def test_a_steady_rise_is_expected_to_go_on():
    np.testing.assert_allclose(offsets(range(500)), [[3, 3, 3], [12, 12, 12]])


def test_the_quantiles_are_those_of_the_trailing_week():
    noise = np.random.default_rng(0).normal(size=9 * DAY)
    week = noise[-(7 * DAY + 3) :]
    moves = week[3:] - week[:-3]
    ratio = np.abs(moves[-DAY:]).mean() / np.abs(moves).mean()
    np.testing.assert_allclose(offsets(noise)[0], ratio * np.quantile(moves, LEVELS))


def test_a_wild_day_widens_the_spread_and_a_calm_one_narrows_it():
    noise = np.random.default_rng(0).normal(size=8 * DAY)
    scale = np.ones(noise.size)
    usual = offsets(noise)
    scale[-DAY:] = 3.0
    assert (offsets(noise * scale)[:, -1] > 1.3 * usual[:, -1]).all()
    scale[-DAY:] = 0.2
    assert (offsets(noise * scale)[:, -1] < 0.7 * usual[:, -1]).all()


@pytest.mark.parametrize(
    ("moves", "lately", "ratio"),
    [
        ("calm before", [1.0] * 20, 1.0),
        ("a hundred times wilder", [100.0] * 20, 2.0),
        ("silent", [0.0] * 20, 0.5),
        ("too few to tell", [100.0] * 3, 1.0),
    ],
)
def test_the_ratio_is_bounded(moves: str, lately: list[float], ratio: float):
    assert volatility_ratio(np.ones(100), np.array(lately)) == ratio


def test_where_nothing_moved_the_ratio_is_one():
    assert volatility_ratio(np.zeros(100), np.ones(20)) == 1.0
