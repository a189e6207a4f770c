"""Features: one definition for one row and for many, and nothing from the future."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.features import COLUMNS, Features
from tests.forecasting.demand_series import DAY, daily

STEPS = np.array([3, 6, 12, 24])
RNG = np.random.default_rng(5)


@pytest.fixture(scope="module")
def features() -> Features:
    return Features(step_s=300, steps=STEPS)


def table(features: Features, days: float = 10.0):
    past = np.full(features.lookback, np.nan)
    values = np.concatenate([past, daily(days)])
    columns = RNG.normal(size=(values.size, len(COLUMNS)))
    rows = np.arange(features.lookback, values.size, 7)
    return values, columns, rows, rows * 300


def test_row_by_row_equals_all_at_once(features: Features):
    values, columns, rows, times_s = table(features)
    together = features.matrix(values, columns, rows, times_s)
    for at in range(0, rows.size, 13):
        alone = features.matrix(values, columns, rows[at : at + 1], times_s[at : at + 1])
        np.testing.assert_allclose(alone[0], together[at], rtol=1e-12, atol=1e-12)


def test_a_row_does_not_change_with_what_comes_after_it(features: Features):
    values, columns, rows, times_s = table(features)
    row = rows[100:101]
    before = features.matrix(values, columns, row, times_s[100:101])
    values[row[0] + 1 :] = 1e6
    columns[row[0] + 1 :] = 1e6
    after = features.matrix(values, columns, row, times_s[100:101])
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("step_s", [300, 420, 600, 3600, 100_000])
def test_no_feature_looks_ahead_whatever_the_grid(step_s: int):
    steps = np.maximum(1, -(-np.array([900, 86_400, 200_000]) // step_s))
    own = Features(step_s=step_s, steps=steps)
    values = np.arange(own.lookback + 1.0)
    alone = own.matrix(values, np.zeros((values.size, len(COLUMNS))), np.array([values.size - 1]), np.array([0]))
    assert alone.shape == (1, len(own.names))


def named(features: Features, values: np.ndarray, row: int, time_s: int = 0) -> dict[str, float]:
    columns = np.full((values.size, len(COLUMNS)), 7.0)
    return dict(
        zip(features.names, features.matrix(values, columns, np.array([row]), np.array([time_s]))[0], strict=True)
    )


def test_meaning(features: Features):
    values = np.arange(features.lookback + 10.0)
    row = values.size - 1
    values[row + 3 - DAY] += 100.0
    seen = named(features, values, row, time_s=86_400 * 9 + 21_600)
    assert seen["level"] == values[row]
    assert seen["move_1"] == 1.0
    assert seen["move_72"] == 72.0
    assert seen["mean_12"] == pytest.approx(-5.5)
    assert seen["max_12"] == 0.0
    assert seen["min_36"] == -35.0
    assert seen["std_12"] == pytest.approx(np.std(np.arange(12)))
    assert seen["day_move_3"] == 103.0
    assert seen["profile_move_3"] == pytest.approx(3 + 100 / 7)
    assert seen["week_move_24"] == 24.0
    assert seen["hour_sin"] == pytest.approx(1.0)
    assert seen["weekday"] == 2.0
    assert seen["running"] == 7.0


def test_what_is_not_reached_is_unknown(features: Features):
    values = np.concatenate([np.full(features.lookback, np.nan), np.ones(20)])
    seen = named(features, values, values.size - 1)
    assert seen["mean_12"] == 0.0
    assert np.isnan([seen["mean_36"], seen["day_move_3"], seen["profile_move_24"], seen["move_36"]]).all()
