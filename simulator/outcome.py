"""What one replay of one policy came to: its figures and what was seen over time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.nodes import Side
from models.unserved import Unserved
from simulator.frontier import Point


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """The forecast that was in force at each turn, for one side and one horizon.

    ``low``, ``mid`` and ``high`` are the 10, 50 and 90 % quantiles of demand at ``times_s + horizon_s``; all have
    shape (n,).
    """

    side: Side
    horizon_s: int
    times_s: NDArray[np.int64]
    low: NDArray[np.float64]
    mid: NDArray[np.float64]
    high: NDArray[np.float64]

    def held(self, line: Timeline) -> float | None:
        """The share of the demand that came inside the band, of what has come by the end; the band promises 0.8."""
        due_s = self.times_s + self.horizon_s
        if len(line.times_s) == 0:
            return None
        seen = (due_s >= line.times_s[0]) & (due_s <= line.times_s[-1])
        row = np.searchsorted(line.times_s, due_s[seen], side="right") - 1
        came = line.demand(self.side)[row]
        low, high = self.low[seen], self.high[seen]
        known = np.isfinite(came) & np.isfinite(low) & np.isfinite(high)
        if not known.any():
            return None
        slack = 1e-9 * np.maximum(1.0, np.abs(came))
        return float(((came >= low - slack) & (came <= high + slack))[known].mean())


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """One row per turn, all of shape (n,), in nodes: who owned how many, and what each side could have used."""

    times_s: NDArray[np.int64]
    hpc_nodes: NDArray[np.float64]
    kubernetes_nodes: NDArray[np.float64]
    moving_nodes: NDArray[np.float64]
    hpc_demand: NDArray[np.float64]
    kubernetes_demand: NDArray[np.float64]

    def demand(self, side: Side) -> NDArray[np.float64]:
        """One side's demand, shape (n,), in nodes."""
        return self.hpc_demand if side is Side.HPC else self.kubernetes_demand

    @property
    def nodes(self) -> int:
        """How many nodes the pool has."""
        return round(float((self.hpc_nodes + self.moving_nodes + self.kubernetes_nodes).max(initial=0.0)))

    @property
    def length_s(self) -> float:
        """How long it lasts, its last turn included, in seconds."""
        times = self.times_s
        return float(times[-1] - times[0] + (times[-1] - times[-2])) if len(times) > 1 else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One policy's replay. ``figures`` are the numbers of the comparison, JSON-ready, in a fixed order; ``unserved`` is
    what of the workload no policy could have served, and so no figure but what is refused is about. ``splits`` are the
    fixed splits that were run to their end to find the best."""

    policy: str
    figures: dict[str, float | int]
    timeline: Timeline
    bands: tuple[Band, ...] = ()
    notes: tuple[str, ...] = ()
    unserved: tuple[Unserved, ...] = ()
    splits: tuple[Point, ...] = ()

    def value(self, key: str) -> float | None:
        """A figure; None where it is absent or not a finite number."""
        value = self.figures.get(key)
        return float(value) if value is not None and math.isfinite(value) else None
