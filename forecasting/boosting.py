"""Quantile models of the move that demand will make, boosted on a side's own history."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn._loss.loss import PinballLoss
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import ThreadpoolController

from forecasting.features import DAY_S, Features
from forecasting.history import History
from forecasting.trees import LEAVES_MAX, PackedTrees, pack

_THREADS = ThreadpoolController()  # made after scikit-learn is loaded, so that its OpenMP is known


@dataclass(frozen=True, slots=True)
class Boosting:
    """How the trees are grown; the values are what the measurements in benchmarks/forecast.py settled on."""

    iterations: int = 60
    learning_rate: float = 0.08
    leaves: int = LEAVES_MAX
    l2: float = 5.0
    max_features: float = 0.5
    max_bins: int = 63
    stride_s: int = 600
    window_s: int = 120 * DAY_S
    rows_max: int = 6000
    rows_min: int = 100
    leaf_share: int = 20
    leaf_max: int = 100


@dataclass(frozen=True, slots=True, eq=False)
class QuantileModel:
    """Fitted trees for every horizon and level; answers in nodes relative to now.

    ``kept`` (K,) are the columns of the feature matrix that the trees saw.
    """

    kept: NDArray[np.int64]
    trees: PackedTrees
    shape: tuple[int, int]

    def moves(self, row: NDArray[np.float64]) -> NDArray[np.float64]:
        """Quantiles of the move from now for one row of all features; shape (H, Q), rising along the levels.

        Crossing quantiles are put in order (the rearrangement of Chernozhukov, Fernandez-Val and Galichon, 2010).
        """
        moves = self.trees.predict(row[self.kept]).reshape(self.shape)
        moves.sort(axis=1)
        return moves


def fit(  # noqa: PLR0913 - what is learnt from, what is asked for, how
    history: History,
    features: Features,
    steps: NDArray[np.int64],
    levels: NDArray[np.float64],
    *,
    origin_s: int,
    seed: int,
    how: Boosting,
) -> QuantileModel | None:
    """Learn the quantiles of ``y[t+h] - y[t]`` from all pairs whose target is known by now.

    ``origin_s`` is the time of slot 0. None where there is too little to learn from: fewer than ``how.rows_min``
    pairs for some horizon, or a series that never moved.
    """
    rows = _origins(history, steps, how)
    targets = history.values[rows[:, None] + steps] - history.values[rows][:, None]
    if rows.size < how.rows_min:
        return None
    times_s = origin_s + (history.first_slot + rows) * history.step_s
    matrix = features.matrix(history.values, history.columns, rows, times_s)
    kept = np.flatnonzero(_varies(matrix))
    if not kept.size or not np.abs(targets).any():
        return None
    matrix = matrix[:, kept]
    with _THREADS.limit(limits=1, user_api="openmp"):
        models = [_grow(matrix, column, float(level), seed, how) for column in targets.T for level in levels]
    return QuantileModel(kept, pack(models, kept.size), (steps.size, levels.size))


def _origins(history: History, steps: NDArray[np.int64], how: Boosting) -> NDArray[np.int64]:
    """The youngest ``rows_max`` rows to learn from, on a stride: known themselves and at every horizon."""
    stride = max(1, how.stride_s // history.step_s)
    last = history.size - 1 - int(steps.max())
    first = max(history.lookback, last - how.window_s // history.step_s)
    rows = np.arange(last, first - 1, -stride, dtype=np.int64)[: how.rows_max][::-1]
    known = np.isfinite(history.values[rows]) & np.isfinite(history.values[rows[:, None] + steps]).all(axis=1)
    return rows[known]


def _varies(matrix: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which columns tell rows apart: known somewhere and not constant. (HGB raises on a column that is NaN everywhere.)"""
    known = np.isfinite(matrix)
    high = np.where(known, matrix, -np.inf).max(axis=0)
    low = np.where(known, matrix, np.inf).min(axis=0)
    varies: NDArray[np.bool_] = (high > low) | (known.any(axis=0) & ~known.all(axis=0))
    return varies


class QuickPinballLoss(PinballLoss):  # type: ignore[misc]
    """scikit-learn's pinball loss, with the quantile of a leaf taken directly.

    Half the time of a small fit goes into the overhead of one general ``np.percentile`` per leaf; the numbers are equal.
    """

    def fit_intercept_only(self, y_true: NDArray[np.float64], sample_weight: None = None) -> np.float64:
        """The quantile of ``y_true`` (n,), n >= 1, interpolated linearly; weights are not supported."""
        assert sample_weight is None
        ordered = np.sort(y_true)
        place = self.closs.quantile * (ordered.size - 1)
        below = int(place)
        above = min(below + 1, ordered.size - 1)
        return np.float64(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


def _grow(
    matrix: NDArray[np.float64], targets: NDArray[np.float64], level: float, seed: int, how: Boosting
) -> HistGradientBoostingRegressor:
    """Boost one quantile (pinball loss: Koenker and Bassett, 1978) of one horizon."""
    model = HistGradientBoostingRegressor(
        loss=QuickPinballLoss(quantile=level),
        max_iter=how.iterations,
        learning_rate=how.learning_rate,
        max_leaf_nodes=how.leaves,
        min_samples_leaf=int(np.clip(targets.size // how.leaf_share, 10, how.leaf_max)),
        l2_regularization=how.l2,
        max_features=how.max_features,
        max_bins=how.max_bins,
        early_stopping=False,
        random_state=seed,
    )
    return model.fit(matrix, targets)
