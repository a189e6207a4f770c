"""What a forecast looks at: features of an origin, one row per origin, the same code for one row and for thousands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forecasting.demand import QUEUE_FEATURES

COLUMNS = (*QUEUE_FEATURES, "other_side")
"""The columns that a history carries beside demand. Those of signals follow them, each a feature as it stands."""

DAY_S = 86_400
WEEK_S = 7 * DAY_S
_LAGS_MIN = (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360)
_WINDOWS_S = (3600, 10_800, DAY_S)
_PROFILE_DAYS = 7
_PER_HORIZON = ("day_move", "week_move", "profile_move")


class Features:
    """The layout of the features for a grid of ``step_s`` and horizons of ``steps`` slots, shape (H,).

    ``names`` has one name per column; ``per_horizon`` (3, H) holds the columns that belong to one horizon;
    ``lookback`` is how many slots before an origin may be looked at. Everything is in nodes, mostly relative to now,
    but for the calendar and the count of waiting work; no feature is scaled, because trees split the same way on any
    scale. A feature that the history does not reach back to is NaN, which the trees know how to handle.
    """

    def __init__(self, *, step_s: int, steps: NDArray[np.int64]) -> None:
        self._step_s = step_s
        self._lags = np.array(sorted({max(1, minutes * 60 // step_s) for minutes in _LAGS_MIN}), dtype=np.int64)
        self._windows = sorted({max(2, seconds // step_s) for seconds in _WINDOWS_S})
        self._past = np.arange(1 - self._windows[-1], 1, dtype=np.int64)
        day, week = max(1, DAY_S // step_s), max(1, WEEK_S // step_s)
        # Yesterday's move towards the target must lie in the past: for a horizon above a day it is the whole day's.
        ahead = np.concatenate([[0], np.minimum(steps, day)])
        self._day, self._week = day - ahead, week - ahead
        self._days = day * np.arange(1, _PROFILE_DAYS + 1)[:, None] - ahead
        self.lookback = int(max(week, self._lags[-1], self._windows[-1], self._days.max())) + 1
        self.names = self._all_names(steps)
        self.per_horizon = np.array([[self.names.index(f"{what}_{step}") for step in steps] for what in _PER_HORIZON])

    def _all_names(self, steps: NDArray[np.int64]) -> tuple[str, ...]:
        names = ["level", *(f"move_{lag}" for lag in self._lags)]
        for window in self._windows:
            names += [f"{what}_{window}" for what in ("mean", "std", "max", "min")]
        names += [f"{what}_{step}" for what in _PER_HORIZON for step in steps]
        return (*names, "day_level", "week_level", "hour_sin", "hour_cos", "weekday", *COLUMNS)

    def matrix(
        self,
        values: NDArray[np.float64],
        columns: NDArray[np.float64],
        rows: NDArray[np.int64],
        times_s: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """The features of the origins at ``rows`` (n,) of a history, whose times are ``times_s``; shape (n, F).

        Only ``values[: row + 1]`` and ``columns[row]`` are looked at. Every row must be at least ``lookback``.
        """
        now = values[rows][:, None]
        parts = [now, now - values[rows[:, None] - self._lags]]
        past = values[rows[:, None] + self._past]
        for window in self._windows:
            parts += _window(past[:, -window:], now)
        day = values[rows[:, None] - self._day]
        week = values[rows[:, None] - self._week]
        parts += [day[:, 1:] - day[:, :1], week[:, 1:] - week[:, :1], self._profile(values, rows)]
        parts += [day[:, :1] - now, week[:, :1] - now, _calendar(times_s), columns[rows]]
        return np.concatenate(parts, axis=1)

    def _profile(self, values: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The mean move towards the target's time of day over the last week's days, those that are known."""
        days = values[rows[:, None, None] - self._days]
        moves = days[:, :, 1:] - days[:, :, :1]
        known = np.isfinite(moves)
        count = known.sum(axis=1)
        total = np.where(known, moves, 0.0).sum(axis=1)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _window(block: NDArray[np.float64], now: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Mean, maximum and minimum relative to now, and standard deviation, of the samples (n, W) up to each origin."""
    mean = np.add.reduce(block, axis=1, keepdims=True) / block.shape[1]
    centred = block - mean
    spread = np.sqrt(np.einsum("ij,ij->i", centred, centred) / block.shape[1])[:, None]
    high = np.maximum.reduce(block, axis=1, keepdims=True)
    low = np.minimum.reduce(block, axis=1, keepdims=True)
    return [mean - now, spread, high - now, low - now]


def _calendar(times_s: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sine and cosine of the time of day, and the day modulo seven; shape (n, 3). The epoch is arbitrary."""
    angle = (times_s % DAY_S) * (2 * np.pi / DAY_S)
    return np.stack([np.sin(angle), np.cos(angle), (times_s // DAY_S % 7).astype(np.float64)], axis=1)
