"""Quantile models of the move that demand will make, boosted on a side's own history.

Two forests answer for every horizon and level. The *own* trees are grown for one horizon each: best at the short
ones. The *shared* trees are grown over all horizons at once, with the horizon as a feature and each horizon's moves
scaled to one size: best at the long ones, where a short history holds few independent moves. How the two are mixed
is a matter of trust.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from forecasting.features import DAY_S, Features
from forecasting.history import History
from forecasting.tree_fitting import Growth, grow
from forecasting.trees import PackedTrees, pack

FORESTS = ("own", "shared")


@dataclass(frozen=True, slots=True)
class Boosting:
    """What is learnt from, and how; benchmarks/forecast.py measures what the values are worth."""

    own: Growth = field(default_factory=Growth)
    shared: Growth = field(default_factory=Growth)
    stride_s: int = 900
    window_s: int = 120 * DAY_S
    rows_max: int = 2500
    rows_min: int = 80


@dataclass(frozen=True, slots=True, eq=False)
class QuantileModel:
    """Fitted trees of both forests for every horizon and level; answers in nodes relative to now.

    ``scales`` (2, H, 1) undoes what the targets were divided by.
    """

    trees: PackedTrees
    scales: NDArray[np.float64]
    steps: NDArray[np.int64]
    levels: int

    def moves(self, row: NDArray[np.float64]) -> NDArray[np.float64]:
        """Quantiles of the move from now for one row of features; shape (2, H, Q), rising along the levels.

        Crossing quantiles are put in order (the rearrangement of Chernozhukov, Fernandez-Val and Galichon, 2010).
        """
        answers = self.trees.predict(np.concatenate([row, self.steps]))
        moves = answers.reshape(len(FORESTS), self.steps.size, self.levels) * self.scales
        moves.sort(axis=2)
        return moves


def fit(
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
    origins, or a series that did not move.
    """
    rows = _origins(history, steps, how)
    if rows.size < how.rows_min:
        return None
    values = history.values
    targets = values[rows[:, None] + steps] - values[rows][:, None]
    times_s = origin_s + (history.first_slot + rows) * history.step_s
    table = features.matrix(values, history.columns, rows, times_s)
    varies = _varies(table)
    size = np.abs(targets).mean(axis=0)
    if not varies.any() or not size.any():
        return None
    scales = np.where(size > 0, size, 1.0)
    own = np.flatnonzero(varies)
    columns = _shared_columns(features, varies)
    stacked = np.concatenate([np.column_stack([table, np.tile(steps, (rows.size, 1))])[:, each] for each in columns])
    models = grow(table[:, own], targets, levels, seed=seed, how=how.own)
    packed = [(model, own) for model in models]
    models = grow(stacked, (targets / scales).T.reshape(-1, 1), levels, seed=seed, how=how.shared)
    packed += [(model, each) for each in columns for model in models]
    return QuantileModel(
        pack(packed, table.shape[1] + steps.size),
        np.stack([np.ones(steps.size), scales])[:, :, None],
        steps,
        levels.size,
    )


def _shared_columns(features: Features, varies: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Per horizon, which columns of (features, steps) the shared trees see: equally many, alike in meaning.

    A feature that belongs to one horizon stands in the same place for each; it is left out unless known for all.
    """
    families = features.per_horizon
    common = np.setdiff1d(np.flatnonzero(varies), families)
    usable: NDArray[np.int64] = families[varies[families].all(axis=1)]
    return [np.concatenate([common, usable[:, at], [varies.size + at]]) for at in range(families.shape[1])]


def _origins(history: History, steps: NDArray[np.int64], how: Boosting) -> NDArray[np.int64]:
    """At most ``rows_max`` rows to learn from, known themselves and at every horizon, evenly spread over the window.

    The stride is an odd number of slots: an even one would see but one phase of a signal that is renewed every second
    slot, and be asked about the other.
    """
    last = history.size - 1 - int(steps.max())
    first = max(history.lookback, last - how.window_s // history.step_s)
    stride = max(how.stride_s // history.step_s, -(-(last - first + 1) // how.rows_max), 1) | 1
    rows = np.arange(last, first - 1, -stride, dtype=np.int64)[::-1]
    known = np.isfinite(history.values[rows]) & np.isfinite(history.values[rows[:, None] + steps]).all(axis=1)
    origins: NDArray[np.int64] = rows[known]
    return origins


def _varies(table: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which columns tell rows apart: known somewhere and not constant.

    scikit-learn's trees raise on a column that is NaN in every row, so these have to go.
    """
    known = np.isfinite(table)
    high = np.where(known, table, -np.inf).max(axis=0)
    low = np.where(known, table, np.inf).min(axis=0)
    varies: NDArray[np.bool_] = (high > low) | (known.any(axis=0) & ~known.all(axis=0))
    return varies
