"""Announced work in a forecast: what is known to begin by then comes on top, but for what the past has of it already.

A model learns what begins at the same hour of each day, and its forecast has it. So of what is announced for a time
counts what exceeds the step that demand has usually made then.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from forecasting.features import DAY_S
from forecasting.history import History
from models.announced import Announced

DAYS = 7  # of which the median step is taken
WEEKS = 2  # in which a step on the same day of the week is a habit, whatever other days do


def added(
    announced: Iterable[Announced], history: History | None, *, origin_s: int, now_s: int, horizons_s: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Nodes that come on top of a forecast at each horizon, shape (H,).

    ``history`` is what the forecast was learned from, None where that knows no hours: then all counts. What has begun
    by ``now_s`` is in the demand.
    """
    by_slot: dict[int, list[Announced]] = {}
    step_s = 1 if history is None else history.step_s
    for one in announced:
        if one.at_s > now_s:
            by_slot.setdefault((one.at_s - origin_s) // step_s, []).append(one)
    on_top = np.zeros(horizons_s.size)
    for slot, those in by_slot.items():
        nodes = sum(one.nodes for one in those)
        share = 1.0 if history is None else max(0.0, nodes - usual_step(history, slot)) / nodes
        for one in those if share else ():
            runs = [one.runs(now_s, now_s + ahead_s) for ahead_s in horizons_s.tolist()]
            on_top += share * one.nodes * np.asarray(runs, dtype=np.float64)
    return on_top


def usual_step(history: History, slot: int) -> float:
    """By how many nodes demand has usually risen at this time of the day, or of the week; 0 where it has not, or where
    the past is not known."""
    per_day = DAY_S // history.step_s
    days = [step for day in range(1, DAYS + 1) if (step := _step(history, slot - day * per_day)) is not None]
    weeks = [_step(history, slot - week * 7 * per_day) for week in range(1, WEEKS + 1)]
    habits = [float(np.median(days))] if days else []
    habits += [min(step for step in weeks if step is not None)] if None not in weeks else []
    return max([0.0, *habits])


def _step(history: History, slot: int) -> float | None:
    """What demand rose by from before a slot to after it; None where that is not known."""
    row = slot - history.first_slot
    if row < 1 or row + 2 > history.size - 1:
        return None
    before, after = history.values[row - 1], history.values[row + 1 : row + 3]
    step = float(after.mean() - before)
    return step if np.isfinite(step) else None
