"""What one replay of one policy came to: its figures and what was seen over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.nodes import Side


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


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """One row per turn, all of shape (n,), in nodes: who owned how many, and what each side could have used."""

    times_s: NDArray[np.int64]
    hpc_nodes: NDArray[np.float64]
    kubernetes_nodes: NDArray[np.float64]
    moving_nodes: NDArray[np.float64]
    hpc_demand: NDArray[np.float64]
    kubernetes_demand: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One policy's replay. ``figures`` are the numbers of the comparison, JSON-ready, in a fixed order."""

    policy: str
    figures: dict[str, float | int]
    timeline: Timeline
    bands: tuple[Band, ...] = ()
    notes: tuple[str, ...] = ()
