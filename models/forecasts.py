"""Forecasts of demand as quantiles, with where they came from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from models.nodes import Side


class Source(StrEnum):
    """What made a forecast."""

    NOW = "now"  # demand stays what it is: no spread, the reactive controller's view
    PERSISTENCE = "persistence"  # demand stays what it is, give or take what it did lately
    MODEL = "model"
    PERFECT = "perfect"  # the trace's own future; only a replay can have it


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """Quantiles of one side's demand at ``made_at_s + horizon``.

    ``horizons_s`` has shape (H,), rising and above zero; ``levels`` shape (Q,), rising, within (0, 1);
    ``values`` shape (H, Q), nodes, finite, never negative, never falling along a row (quantiles do not cross).
    """

    side: Side
    made_at_s: int
    now: float
    horizons_s: NDArray[np.int64]
    levels: NDArray[np.float64]
    values: NDArray[np.float64]
    source: Source

    def __post_init__(self) -> None:
        if self.values.shape != (self.horizons_s.size, self.levels.size):
            raise ValueError(f"a forecast's values must be horizons x levels, not {self.values.shape}")
        if not np.isfinite(self.values).all() or (self.values < 0).any():
            raise ValueError("a forecast must be finite and not negative")
        if (np.diff(self.values, axis=1) < 0).any():
            raise ValueError("a forecast's quantiles must not cross")


def flat(side: Side, made_at_s: int, now: float, horizons_s: tuple[int, ...], source: Source) -> Forecast:
    """A forecast that says: what is there now stays, without any spread."""
    horizons = np.asarray(horizons_s, dtype=np.int64)
    return Forecast(side, made_at_s, now, horizons, np.array([0.5]), np.full((horizons.size, 1), now), source)
