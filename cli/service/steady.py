"""The clock of the service: what was told and recorded during a run never lies in its future."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

SLIP_S = 5.0  # a wall clock that is set by less is followed, and nothing is said

log = logging.getLogger("tidegate.service")


class SteadyClock:
    """Unix seconds. That the wall clock was set is logged.

    Set ahead, it is followed: it is as if this process had slept. Set back, time goes on here as if it had not been.
    """

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._offset_s = wall() - monotonic()
        self._behind_s = 0.0  # how far back the wall clock is, as last told

    def __call__(self) -> int:
        """The time now."""
        elapsed_s = self._monotonic()
        gained_s = self._wall() - elapsed_s - self._offset_s
        if gained_s >= -SLIP_S:
            if gained_s > SLIP_S:
                log.warning("the clock went ahead by %.0f s (it was set, or this machine slept)", gained_s)
            self._offset_s += gained_s
            self._behind_s = 0.0
        elif abs(gained_s + self._behind_s) > SLIP_S:
            self._behind_s = -gained_s
            log.warning(
                "the clock was set back by %.0f s; plans and records go on in the time before, until the next start",
                self._behind_s,
            )
        return int(elapsed_s + self._offset_s)
