"""How a process is, for machines: texts that its loop replaces as a whole, and that requests only read."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from service.exposition import exposition
from service.part import Part

STALLED_S = 180.0  # a process that took no step for so long is not alive: a reading that hangs takes 60 s


class Vitals:
    """``metrics`` is what Prometheus reads, empty until it is drawn first."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.metrics = b""
        self._unwell = "it has only begun"
        self._monotonic = monotonic
        self._taken_s = monotonic()

    def take(self, parts: Sequence[Part]) -> None:
        """Draw it all anew: in the loop's own thread, as the parts count there."""
        self.metrics = exposition(parts)
        told = (part.status() for part in parts)
        self._unwell = "\n".join(f"{one.part}: {one.text}" for one in told if not one.well)
        self._taken_s = self._monotonic()

    def stalled(self) -> str:
        """Why this process is not alive; empty while it is."""
        stalled_s = self._monotonic() - self._taken_s
        return f"no step was taken for {stalled_s:.0f} s" if stalled_s > STALLED_S else ""

    def unready(self) -> str:
        """What keeps this process from its work, a line for each part; empty while nothing does."""
        return self.stalled() or self._unwell
