"""The clock of the service: waits that keep nodes safe, and the order of what is recorded, are not at its mercy."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable

from basics.log_once import Trouble

SLIP_S = 5.0  # a wall clock that is set by less is not worth a word

log = logging.getLogger("tidegate.service")


def since_boot_s() -> float:
    """Seconds that nobody can set; those in which the machine slept count, where the system tells of them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


class SteadyClock:
    """Unix seconds by the wall clock as it was at the start. That it was set since then is logged, and changes nothing.

    Were it followed ahead, a drain could count as settled at once; back, all that was told would lie in the future.
    """

    def __init__(self, wall: Callable[[], float] = time.time, elapsed: Callable[[], float] = since_boot_s) -> None:
        self._wall = wall
        self._elapsed = elapsed
        self._began_s = wall() - elapsed()
        self._setting = Trouble(log, over="the clock was set right again", ignoring=None)
        self._off_s = 0.0  # how far ahead the wall clock is, as last told

    def __call__(self) -> int:
        """The time now."""
        now_s = self._elapsed() + self._began_s
        off_s = self._wall() - now_s
        if abs(off_s - self._off_s) > SLIP_S:
            self._off_s = off_s
            if abs(off_s) > SLIP_S:
                how = f"{abs(off_s):.0f} s {'ahead' if off_s > 0 else 'back'}"
                self._setting.met(f"the clock was set {how}; all goes on by the time before, until the next start")
            else:
                self._setting.over()
        return int(now_s)
