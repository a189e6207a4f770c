"""The cycle of the day in the model of Lublin and Feitelson, as a warp of time.

In ``lublin99.c`` a gap between arrivals is paid for in points, and each half hour costs as many as its share of the
day's jobs. That is the same as letting points pass evenly and mapping them to times by the inverse of the points
that are due by each time; here both directions are piecewise linear over the half hours.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

DAY_S = 86_400
HALF_HOURS = 48
FIRST_HALF_HOUR = 11
"""The half hour of the morning in which the modelled day begins; what reaches beyond midnight is wrapped round."""


class DailyCycle:
    """Points and times from midnight on, both in seconds; a day has as many points as seconds."""

    def __init__(self, shape: float, scale: float) -> None:
        weights = np.zeros(HALF_HOURS)
        for at in range(FIRST_HALF_HOUR, FIRST_HALF_HOUR + HALF_HOURS):
            share = gamma_cdf(at + 0.5, shape, scale) - gamma_cdf(at - 0.5, shape, scale)
            weights[(at - 1) % HALF_HOURS] = share
        self.weights = weights / weights.mean()
        """The rate of arrivals in each half hour, relative to the day's mean."""
        self._times_s = np.linspace(0, DAY_S, HALF_HOURS + 1)
        self._points_s = np.concatenate([[0.0], np.cumsum(self.weights)]) * (DAY_S / HALF_HOURS)

    def times_s(self, points_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """When so many points have passed."""
        days, rest = np.divmod(points_s, DAY_S)
        return np.asarray(days * DAY_S + np.interp(rest, self._points_s, self._times_s), dtype=np.float64)

    def points_s(self, time_s: float) -> float:
        """How many points have passed by a time."""
        days, rest = divmod(time_s, DAY_S)
        return days * DAY_S + float(np.interp(rest, self._times_s, self._points_s))


def gamma_cdf(x: float, shape: float, scale: float) -> float:
    """The probability that a gamma variable is at most ``x`` >= 0, by the series of the lower incomplete gamma
    function.

    Source: Abramowitz and Stegun, "Handbook of Mathematical Functions", 6.5.29.
    """
    z = x / scale
    if z <= 0:
        return 0.0
    term = total = 1 / shape
    n = shape
    while term > total * 1e-16:
        n += 1
        term *= z / n
        total += term
    return total * math.exp(shape * math.log(z) - z - math.lgamma(shape))
