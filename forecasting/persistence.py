"""Rolling persistence: demand stays what it is, give or take what it did lately. A model must beat this baseline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forecasting.history import History

_WINDOW_S = 7 * 86_400
_RECENT_S = 86_400
_RENEW_S = 3600
_RESIDUALS_MIN = 12
_RATIO_MAX = 2.0


class RollingPersistence:
    """Quantiles of ``y[t+h] - y[t]`` over the trailing 7 days, scaled by how volatile the last day was among them.

    Volatility is the mean absolute move over the horizon. The quantiles are renewed once an hour: they move slowly
    and an hour's delay costs nothing measurable. With fewer than ``_RESIDUALS_MIN`` known moves over a horizon the
    prior is no spread at all: what is there now stays.
    """

    def __init__(self, *, steps: NDArray[np.int64], levels: NDArray[np.float64]) -> None:
        self._steps = steps
        self._levels = levels
        self._offsets = np.zeros((steps.size, levels.size))
        self._made_slot: int | None = None

    def offsets(self, history: History) -> NDArray[np.float64]:
        """Quantiles of the move from the last sample, shape (H, Q), nodes; rising along the levels."""
        slot = history.last_slot
        renew = max(1, _RENEW_S // history.step_s)
        if self._made_slot is None or slot // renew != self._made_slot // renew:
            self._offsets = np.stack([self._one(history, int(step)) for step in self._steps])
            self._made_slot = slot
        return self._offsets

    def _one(self, history: History, step: int) -> NDArray[np.float64]:
        """The scaled quantiles of the moves over ``step`` slots, shape (Q,)."""
        recent = max(1, _RECENT_S // history.step_s)
        values = history.values[-(max(2, _WINDOW_S // history.step_s) + step) :]
        moves = values[step:] - values[:-step]
        lately = moves[-recent:]
        moves = moves[np.isfinite(moves)]
        if moves.size < _RESIDUALS_MIN:
            return np.zeros(self._levels.size)
        quantiles: NDArray[np.float64] = np.quantile(moves, self._levels)
        return quantiles * volatility_ratio(moves, lately[np.isfinite(lately)])


def volatility_ratio(moves: NDArray[np.float64], lately: NDArray[np.float64]) -> float:
    """How much wilder the recent moves are than all of them, within [1/2, 2]; 1 where nothing moved."""
    usual = float(np.abs(moves).mean())
    if usual <= 0 or lately.size < _RESIDUALS_MIN:
        return 1.0
    return float(np.clip(np.abs(lately).mean() / usual, 1 / _RATIO_MAX, _RATIO_MAX))
