"""Whether Slurm was away when it was last asked something small: then not everyone has to find out for himself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from models.errors import Unreachable

RESTS = 3.0  # times as long as it was waited for in vain
WAITED_S = 3.0  # who says no sooner than that holds nobody up: a token that has expired, half an answer


class CircuitBreaker:
    """While slurmctld is gone, each question waits for some ten seconds, and whoever shares our thread with it."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._error: Unreachable | None = None
        self._until_s = 0.0

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask within: see whether it is answered, and how long that is waited for in vain."""
        began_s = self._monotonic()
        try:
            yield
        except Unreachable as error:
            now_s = self._monotonic()
            if (waited_s := now_s - began_s) >= WAITED_S:
                self._error, self._until_s = error, now_s + RESTS * waited_s
            raise
        self._error = None

    def check(self) -> None:
        """Raises Unreachable, as it was raised last, when that was only now."""
        if self._error is not None and self._monotonic() < self._until_s:
            raise Unreachable(str(self._error)) from self._error
