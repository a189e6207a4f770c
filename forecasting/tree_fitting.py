"""Growing the boosted trees of several quantiles over one table, without paying the fixed costs of each fit again.

A small fit of scikit-learn's ``HistGradientBoostingRegressor`` spends most of its time outside the trees: sorting
every column into bins, and one general ``np.percentile`` per leaf. Here the bins are made once per table and the
leaf's quantile is taken directly; the numbers are the same to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn._loss.loss import PinballLoss
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from forecasting.trees import LEAVES_MAX

_THREADS = ThreadpoolController()  # made after scikit-learn is loaded, so that its OpenMP is known


@dataclass(frozen=True, slots=True)
class Growth:
    """How trees are grown; benchmarks/forecast.py measures what the values are worth."""

    iterations: int = 30
    learning_rate: float = 0.08
    leaves: int = LEAVES_MAX
    l2: float = 5.0
    max_features: float = 0.5
    max_bins: int = 63
    leaf_share: int = 20
    leaf_rows_max: int = 100


class QuickPinballLoss(PinballLoss):  # type: ignore[misc]
    """scikit-learn's pinball loss with the quantile of a leaf taken directly."""

    def fit_intercept_only(self, y_true: NDArray[np.float64], sample_weight: None = None) -> np.float64:
        """The quantile of ``y_true`` (n,), n >= 1, interpolated linearly as ``np.percentile`` does; no weights."""
        if sample_weight is not None:
            raise ValueError("a leaf's quantile is taken without weights")
        ordered = np.sort(y_true)
        place = self.closs.quantile * (ordered.size - 1)
        below = int(place)
        above = min(below + 1, ordered.size - 1)
        return np.float64(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


class _SharedBins(HistGradientBoostingRegressor):  # type: ignore[misc]
    """A regressor that takes over the bins that an earlier one made of the very same table.

    Should scikit-learn stop calling ``_bin_data``, each model makes its own bins again: slower, not different.
    """

    bins: dict[str, Any]
    _bin_mapper: Any

    def _bin_data(self, *args: Any, **kwargs: Any) -> Any:
        if not self.bins:
            binned = super()._bin_data(*args, **kwargs)
            self.bins |= {"mapper": self._bin_mapper, "binned": binned}
        self._bin_mapper = self.bins["mapper"]
        return self.bins["binned"]


def grow(
    table: NDArray[np.float64], targets: NDArray[np.float64], levels: NDArray[np.float64], *, seed: int, how: Growth
) -> list[HistGradientBoostingRegressor]:
    """One model per column of ``targets`` (n, T) and level (Q,), in this order, on ``table`` (n, K), NaN allowed.

    Each boosts the pinball loss (Koenker and Bassett, 1978) on one thread: OpenMP slows fits of this size down.
    Raises ValueError for a column that is NaN in every row.
    """
    bins: dict[str, Any] = {}
    models = []
    with _THREADS.limit(limits=1, user_api="openmp"):
        for column in targets.T:
            for level in levels:
                model = _SharedBins(
                    loss=QuickPinballLoss(quantile=float(level)),
                    max_iter=how.iterations,
                    learning_rate=how.learning_rate,
                    max_leaf_nodes=how.leaves,
                    min_samples_leaf=int(np.clip(len(table) // how.leaf_share, 10, how.leaf_rows_max)),
                    l2_regularization=how.l2,
                    max_features=how.max_features,
                    max_bins=how.max_bins,
                    early_stopping=False,
                    random_state=seed,
                )
                model.bins = bins
                models.append(model.fit(table, column))
    return models
