"""Forecasts of demand as quantiles, with where they came from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import inf, isfinite
from typing import TYPE_CHECKING

from models.nodes import Side
from models.outlook import Outlook, rises

if TYPE_CHECKING:  # who only reads or shows forecasts need not wait for numpy
    import numpy as np
    from numpy.typing import NDArray


class Source(StrEnum):
    """What made a forecast."""

    NOW = "now"  # demand stays what it is: no spread, the reactive controller's view
    PERSISTENCE = "persistence"  # demand stays what it is, give or take what it did lately
    MODEL = "model"
    PERFECT = "perfect"  # the trace's own future; only a replay can have it


@dataclass(frozen=True, slots=True)
class Forecast:
    """Quantiles of one side's demand at ``made_at_s + horizon``.

    ``horizons_s`` are H, rising and above zero; ``levels`` Q, rising, within (0, 1); of each one at least;
    ``values`` H rows of Q, nodes, finite, never negative, never falling along a row (quantiles do not cross).
    ``outlook`` is the side's, which may have been made earlier; None while nobody makes one.
    """

    side: Side
    made_at_s: int
    now: float
    horizons_s: tuple[int, ...]
    levels: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]
    source: Source
    outlook: Outlook | None = None

    def __post_init__(self) -> None:
        if not (rises(0, *self.horizons_s, inf) and rises(0.0, *self.levels, 1.0) and self.horizons_s and self.levels):
            raise ValueError("a forecast's horizons must rise from above 0, and its levels between 0 and 1")
        if not 0 <= self.now < inf:
            raise ValueError(f"demand cannot be {self.now} now")
        if len(self.values) != len(self.horizons_s) or any(len(row) != len(self.levels) for row in self.values):
            raise ValueError("a forecast's values must be horizons x levels")
        if not all(isfinite(value) and value >= 0 for row in self.values for value in row):
            raise ValueError("a forecast must be finite and not negative")
        if any(low > high for row in self.values for low, high in pairwise(row)):
            raise ValueError("a forecast's quantiles must not cross")
        if self.outlook is not None and self.outlook.side is not self.side:
            raise ValueError("a forecast's outlook must be of its own side")


def of_arrays(
    side: Side,
    made_at_s: int,
    now: float,
    horizons_s: NDArray[np.int64],
    levels: NDArray[np.float64],
    values: NDArray[np.float64],
    source: Source,
) -> Forecast:
    """A forecast as numpy has computed it: arrays of shape (H,), (Q,) and (H, Q)."""
    rows = tuple(map(tuple, values.tolist()))
    return Forecast(side, made_at_s, now, tuple(horizons_s.tolist()), tuple(levels.tolist()), rows, source)


def flat(side: Side, made_at_s: int, now: float, horizons_s: tuple[int, ...], source: Source) -> Forecast:
    """A forecast that says: what is there now stays, without any spread."""
    return Forecast(side, made_at_s, now, horizons_s, (0.5,), ((now,),) * len(horizons_s), source)
