"""Adaptive conformal widths: the quantiles' distances from the median, stretched until they cover what they promise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_RATE = 0.01  # 0.003 adapts too late within a fortnight; 0.03 chases noise
_STRETCH_MAX = 1.5  # without a limit, days of steady drift would blow the width up for days after


class AdaptiveWidth:
    """A factor per horizon and level, (H, Q), on each quantile's distance from the median.

    Adaptive conformal inference (Gibbs and Candes, 2021), in the logarithm of the factor: whenever a forecast comes
    true, the level's error ``level - [truth <= quantile]`` moves the factor outwards or inwards. The middle level stays
    as it is: moving it would trade its error for coverage.
    """

    def __init__(self, *, horizons: int, levels: NDArray[np.float64]) -> None:
        self._levels = levels
        self._middle = levels.size // 2
        self._outwards = np.sign(np.arange(levels.size) - self._middle)
        self._logs = np.zeros((horizons, levels.size))
        self._limit = np.log(_STRETCH_MAX)
        self.factors = np.ones((horizons, levels.size))

    def apply(self, quantiles: NDArray[np.float64]) -> NDArray[np.float64]:
        """The stretched quantiles, shape (H, Q), rising along the levels."""
        middle = quantiles[:, self._middle, None]
        stretched: NDArray[np.float64] = middle + self.factors * (quantiles - middle)
        stretched.sort(axis=1)
        return stretched

    def learn(self, published: NDArray[np.float64], truth: float, due: NDArray[np.bool_]) -> None:
        """Take in what came true of the published quantiles (H, Q) at the horizons that are ``due`` (H,)."""
        error = self._outwards * (self._levels - (truth <= published))
        self._logs = np.minimum(np.maximum(self._logs + _RATE * due[:, None] * error, -self._limit), self._limit)
        self.factors = np.exp(self._logs)
