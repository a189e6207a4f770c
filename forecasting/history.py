"""What was seen, as samples on a regular grid: bounded, and appended to in amortised constant time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HOLD_S = 1800
"""A gap of at most this long is bridged with the last value seen; over a longer one the series is unknown (NaN)."""


class History:
    """One side's demand and further columns, one row per slot of the grid.

    Row ``i`` of ``values`` (n,) and ``columns`` (n, C) belongs to slot ``first_slot + i``. The first ``lookback`` rows
    are unknown (NaN), so that features may look back from any sample without asking where the series begins. At most
    ``slots_max`` samples are kept behind the lookback, give or take the slack that makes appending cheap. The first
    ``held`` columns are bridged as demand is, the others unknown in every gap; all are bridged where none is given.
    """

    def __init__(self, *, step_s: int, slots_max: int, lookback: int, width: int, held: int | None = None) -> None:
        self.step_s = step_s
        self.lookback = lookback
        self._kept = slots_max + lookback
        self._hold = max(1, HOLD_S // step_s)
        self._width = width
        self._held = width if held is None else held
        self._clear(0)

    def _clear(self, next_slot: int) -> None:
        self._values = np.full(2 * self.lookback + 1024, np.nan)
        self._columns = np.full((self._values.size, self._width), np.nan)
        self.size = self.lookback
        self.first_slot = next_slot - self.lookback
        self.samples = 0

    @property
    def values(self) -> NDArray[np.float64]:
        """Demand per slot, shape (n,), nodes; a view that is good until the next append."""
        return self._values[: self.size]

    @property
    def columns(self) -> NDArray[np.float64]:
        """The further columns per slot, shape (n, C); a view that is good until the next append."""
        return self._columns[: self.size]

    @property
    def last_slot(self) -> int:
        """The slot of the last row."""
        return self.first_slot + self.size - 1

    def put(self, slot: int, value: float, columns: NDArray[np.float64]) -> bool:
        """Set the sample of ``slot`` and say whether it is a new one; a late one changes nothing."""
        if not self.samples:
            self._clear(slot)
        elif slot < self.last_slot:
            return False
        missing = slot - self.last_slot - 1
        if missing > self._kept:
            self._clear(slot)
        elif missing > 0:
            self._bridge(missing)
        new = slot > self.last_slot
        if new:
            self._grow(1)
            self.samples += 1
        self._values[self.size - 1] = value
        self._columns[self.size - 1] = columns
        return new

    def _bridge(self, missing: int) -> None:
        """Fill a gap of ``missing`` slots: held when short, unknown when long."""
        value, columns = self._values[self.size - 1], self._columns[self.size - 1].copy()
        self._grow(missing)
        if missing <= self._hold:
            first = self.size - missing
            self._values[first : self.size] = value
            self._columns[first : self.size, : self._held] = columns[: self._held]

    def _grow(self, rows: int) -> None:
        """Add unknown rows at the end, moving the youngest to the front or doubling the room when it is used up."""
        if self.size + rows > self._values.size:
            drop = max(0, self.size - self._kept)
            kept = self.size - drop
            room = max(self._values.size, 2 * (kept + rows))
            values, columns = np.full(room, np.nan), np.full((room, self._width), np.nan)
            values[:kept] = self._values[drop : self.size]
            columns[:kept] = self._columns[drop : self.size]
            self._values, self._columns = values, columns
            self.first_slot += drop
            self.size = kept
        self._values[self.size : self.size + rows] = np.nan
        self._columns[self.size : self.size + rows] = np.nan
        self.size += rows
