"""The agenda of the twin: what happens next, in one total order of (time, kind, id)."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Any


class Kind(IntEnum):
    """What an entry is; at one instant the lower comes first, so that what ends makes room for what starts."""

    JOB_END = 0
    POD_END = 1
    RATE = 2
    JOB_SUBMIT = 3
    POD_CREATE = 4
    NODE_READY = 5
    TIMER = 6
    TURN = 7


Entry = tuple[int, int, int, Any]


class Agenda:
    """A queue of entries ``(time_s, kind, id, subject)``; ids are unique within a kind, so subjects are never
    compared."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._heap = list(entries)
        heapq.heapify(self._heap)
        self.now_s = -(1 << 60)

    def add(self, time_s: int, kind: Kind, ident: int, subject: Any = None) -> None:
        """Enter something for ``time_s``, which must not lie in the past."""
        if time_s < self.now_s:
            raise ValueError(f"{kind.name} was entered for {time_s} s, but it is {self.now_s} s already")
        heapq.heappush(self._heap, (time_s, int(kind), ident, subject))

    def __bool__(self) -> bool:
        return bool(self._heap)

    @property
    def next_s(self) -> int:
        """When the next entry is due; the agenda must not be empty."""
        return self._heap[0][0]

    def due(self) -> Iterator[Entry]:
        """Everything for the next instant in order, also what is entered for that instant while it is being worked
        off."""
        self.now_s = self.next_s
        while self._heap and self._heap[0][0] == self.now_s:
            yield heapq.heappop(self._heap)
