"""Means of ratios, and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mean:
    """The geometric mean of ratios over windows, its standard error (None of fewer than two), and the worst window.

    The standard error is that of the mean of the logarithms, times the mean.
    """

    mean: float
    error: float | None
    worst: float
    worst_window: str
    windows: int


def geometric_mean(ratios: Sequence[float]) -> float:
    """Of one ratio or more, all above 0."""
    return math.exp(math.fsum(map(math.log, ratios)) / len(ratios))


def over_windows(ratios: Mapping[str, float]) -> Mean | None:
    """The mean over windows of one ratio each; None without any."""
    if not ratios:
        return None
    mean, count = geometric_mean(list(ratios.values())), len(ratios)
    spread = math.fsum(math.log(ratio / mean) ** 2 for ratio in ratios.values())
    error = mean * math.sqrt(spread / (count - 1) / count) if count > 1 else None
    worst = max(ratios, key=lambda window: ratios[window])
    return Mean(mean, error, ratios[worst], worst, count)


def paired(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """Our cost of theirs, seed by seed, the mean over the seeds; None where one of them is nothing."""
    if min(*ours, *theirs) <= 0:
        return None
    return geometric_mean([a / b for a, b in zip(ours, theirs, strict=True)])
