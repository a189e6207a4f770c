"""Fewer points for a chart, with every peak and every trough still in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

POINTS_MAX = 3_000  # on one line: more than a wide screen has pixels
POINTS_MIN = 300  # on one line, however many lines there are
POINTS_ALL = 280_000  # on the page: about 2.5 MB, which a phone still opens quickly


def points_per_line(lines: int) -> int:
    """How many points each of so many lines may have."""
    return max(POINTS_MIN, min(POINTS_MAX, POINTS_ALL // max(1, lines)))


def rows_to_keep(columns: Sequence[NDArray[np.float64]], limit: int) -> NDArray[np.intp]:
    """The rows to draw, rising, at most ``limit``: first, last, and of each stretch where a column is least or most.

    ``columns`` all have shape (n,); NaN is skipped. Rows are kept whole, so what adds up before adds up after. The
    stretches are as short as the limit allows: columns that hardly change cost nothing. Raises ValueError for a limit
    without room for one stretch.
    """
    rows = len(columns[0])
    fewest = (limit - 2) // (2 * len(columns))
    if fewest < 1:
        raise ValueError(f"{limit} points have no room for the extremes of {len(columns)} columns")
    if rows <= limit:
        return np.arange(rows)
    buckets = limit // 2
    while True:
        kept = _extremes(columns, max(buckets, fewest))
        if len(kept) <= limit:
            return kept
        buckets = buckets * 3 // 4


def steps_to_keep(columns: Sequence[NDArray[np.float64]], limit: int) -> NDArray[np.intp]:
    """The same for columns that hold their value until they change: exactly the changes, if there are few enough.

    Each value is kept where it begins and where it ends, so that the row nearest to any moment has the value of that
    moment. With too many changes the extremes are kept, each with the row after it: a short peak stays short.
    """
    last = len(columns[0]) - 1
    changed = np.flatnonzero(np.any([np.diff(column) != 0 for column in columns], axis=0))
    kept = np.unique(np.concatenate([[0, last], changed, changed + 1]))
    if len(kept) <= limit:
        return kept
    peaks = rows_to_keep(columns, limit // 2)
    return np.unique(np.concatenate([peaks, np.minimum(peaks + 1, last)]))


def _extremes(columns: Sequence[NDArray[np.float64]], buckets: int) -> NDArray[np.intp]:
    """The first and last row and each bucket's lowest and highest row of each column."""
    rows = len(columns[0])
    size = -(-rows // buckets)
    grid = np.minimum(np.arange(buckets * size), rows - 1).reshape(buckets, size)
    every = np.arange(buckets)
    kept = [np.array([0, rows - 1])]
    for column in columns:
        cells = column[grid]
        unknown = np.isnan(cells)
        kept.append(grid[every, np.where(unknown, np.inf, cells).argmin(axis=1)])
        kept.append(grid[every, np.where(unknown, -np.inf, cells).argmax(axis=1)])
    return np.unique(np.concatenate(kept))
