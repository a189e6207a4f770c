"""What a side leaves undone when it has so many nodes: the stage cost of the choice.

Marginal value is not linear: ten more nodes are worth nothing to a side whose only waiting job needs sixty. So the
cost is built from the waiting work that would *start*, a step function; the horizon's dynamic programme does not need
it to be convex.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from typing import TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from models.forecasts import Forecast
from models.snapshot import SideView

Number = TypeVar("Number", np.int64, np.float64)
SAMPLES = 12  # equally likely points that stand for a forecast distribution
EQUALLY_LIKELY = tuple((sample + 0.5) / SAMPLES for sample in range(SAMPLES))
QUEUE_MAX = 256  # entries of the queue that are looked at; what stands behind starts later than any horizon


def usable_nodes(running: float, sizes: tuple[float, ...], nodes: int) -> NDArray[np.float64]:
    """How many of x nodes the side would use, for x from ``-nodes`` to ``2 * nodes``; shape (3 * nodes + 1,).

    Running work first, then waiting work greedily in the order of the queue, each entry as a whole. Below what runs now
    the side is short of exactly what is missing. x beyond the pool stands for room that ending work will have left.
    """
    x = np.arange(-nodes, 2 * nodes + 1, dtype=np.float64)
    used = np.minimum(x, running)
    left = x - used
    smallest = min(sizes, default=np.inf)
    for size, entries in groupby(sizes[:QUEUE_MAX]):
        if left[-1] < smallest:
            break
        count = sum(1 for _ in entries)
        taken = size * np.minimum(count, np.floor(left / size + 1e-9))
        used += taken
        left -= taken
    return np.maximum.accumulate(used)


def quantile_changes(forecast: Forecast, wanted: tuple[float, ...], at_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Changes of demand from now to each of ``at_s`` at the levels ``wanted`` of the forecast, in nodes.

    Shape (steps, wanted); (steps, 1) for a forecast of one level, or of no change. The forecast's quantiles are joined
    by straight lines, prolonged at both ends, and interpolated in time from no change now.
    """
    if all(value == forecast.now for row in forecast.values for value in row):
        return np.zeros((at_s.size, 1))
    changes = np.array(forecast.values) - forecast.now
    if len(forecast.levels) == 1:
        points = changes
    else:
        place, part = _places(forecast.levels, wanted)
        points = changes[:, place] + part * (changes[:, place + 1] - changes[:, place])
    times = np.array((0.0, *forecast.horizons_s))
    points = np.vstack((np.zeros(points.shape[1]), points))
    upper = _within(np.searchsorted(times, at_s), 1, times.size - 1)
    part = _within((at_s - times[upper - 1]) / (times[upper] - times[upper - 1]), 0.0, 1.0)[:, None]
    return np.asarray(points[upper - 1] + part * (points[upper] - points[upper - 1]))


def demand_changes(forecast: Forecast, at_s: NDArray[np.float64], relief_after_s: float) -> NDArray[np.int64]:
    """Equally likely changes of demand from now to each of ``at_s``, in whole nodes; shape (steps, samples).

    A fall of demand that is foreseen for no later than ``relief_after_s`` is not believed: it never hides work that is
    there now.
    """
    moved = quantile_changes(forecast, EQUALLY_LIKELY, at_s)
    moved[at_s <= relief_after_s] = np.maximum(moved[at_s <= relief_after_s], 0.0)
    return np.asarray(np.rint(moved), dtype=np.int64)


@lru_cache(maxsize=16)
def _places(levels: tuple[float, ...], wanted: tuple[float, ...]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Where the levels wanted lie among those known: the one below, and the part of the way to the next."""
    known, found = np.array(levels), np.array(wanted)
    place = _within(np.searchsorted(known, found) - 1, 0, known.size - 2)
    return place, (found - known[place]) / (known[place + 1] - known[place])


def _within(values: NDArray[Number], low: float, high: float) -> NDArray[Number]:
    """As np.clip, in a quarter of its time for arrays as short as these."""
    return np.minimum(np.maximum(values, low, dtype=values.dtype), high, dtype=values.dtype)


def expected_shortfall(
    view: SideView, at_s: NDArray[np.float64], nodes: int, relief_after_s: float
) -> NDArray[np.float64]:
    """Expected unmet demand in nodes at each of ``at_s`` with x = 0 .. ``nodes`` nodes; shape (steps, nodes + 1).

    Unmet is what the side would use of the whole pool less what it would use of x nodes.
    """
    usable = usable_nodes(view.demand.running, view.waiting.sizes, nodes)
    change = _within(demand_changes(view.forecast, at_s, relief_after_s), -nodes, nodes)
    if not change.any():
        now = usable[nodes : 2 * nodes + 1]
        return np.broadcast_to(now[-1] - now, (at_s.size, nodes + 1))
    of_x = sliding_window_view(usable, nodes + 1)[nodes - change]
    met = of_x.mean(axis=1)
    return np.asarray(met[:, -1:] - met)
