"""The stepper: steps that are taken again and again, one at a time, each after as long as it says itself."""

from __future__ import annotations

import heapq
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from service.part import Step

NAP_S = 0.2
AT_ONCE = b"interrupted: ended at once, perhaps within a step; the next start goes on from what both sides show\n"

log = logging.getLogger("tidegate.service")


class Stepper:
    """Runs all steps in one thread, so that none meets another in the middle of its work, by a clock nobody can set.

    The first step that raises ends it all: what a step can live with it must not raise.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._steps: dict[str, Step] = {}
        self._due_s: dict[str, float] = {}
        self._heap: list[tuple[float, int, str]] = []  # with entries that were overtaken: what counts is _due_s
        self._count = 0
        self._ended = threading.Event()

    def add(self, step: Step) -> None:
        """Have a step taken for the first time as soon as it says."""
        self._steps[step.name] = step
        self._set(step.name, self._monotonic() + step.after_s)

    def wake(self, name: str, in_s: float) -> None:
        """Have a step taken in so many seconds, if it is not due earlier; a name that there is not does not matter."""
        due_s = self._monotonic() + max(0.0, in_s)
        if name in self._due_s and due_s < self._due_s[name]:
            self._set(name, due_s)

    def run(self) -> None:
        """Take steps until ``stop``, SIGTERM or Ctrl-C; a step that is under way then is ended in order.

        A second Ctrl-C ends the process at once. Raises what a step raised.
        """
        with _handled(self._asked_to_end):
            while self._heap and not self._ended.is_set():
                self.go_on()

    def go_on(self) -> None:
        """Take the next step if it is due, or wait for it, no longer than a nap: so a signal is handled soon."""
        due_s, _, name = self._heap[0]
        if self._due_s.get(name) != due_s:
            heapq.heappop(self._heap)  # it was taken, or woken, earlier
        elif (wait_s := due_s - self._monotonic()) > 0:
            self._ended.wait(min(wait_s, NAP_S))
        else:
            self._take(name)

    def stop(self) -> None:
        """Take no further step."""
        self._ended.set()

    def _take(self, name: str) -> None:
        heapq.heappop(self._heap)
        del self._due_s[name]
        after_s = self._steps[name].take()
        due_s = self._monotonic() + max(0.0, after_s)
        if due_s < self._due_s.get(name, float("inf")):  # it may have been woken meanwhile
            self._set(name, due_s)

    def _set(self, name: str, due_s: float) -> None:
        self._count += 1
        self._due_s[name] = due_s
        heapq.heappush(self._heap, (due_s, self._count, name))

    def _asked_to_end(self, number: int, _: FrameType | None) -> None:
        signal.signal(signal.SIGINT, _end_at_once)
        log.info(
            "%s: ending in order, after the step in hand (Ctrl-C: at once); the next start goes on with what is open",
            signal.Signals(number).name,
        )
        self.stop()


@contextmanager
def impatient() -> Iterator[None]:
    """Within the block, Ctrl-C ends the process at once."""
    before = signal.signal(signal.SIGINT, _end_at_once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end_at_once(number: int, _: FrameType | None) -> None:
    """End as ``kill -9`` would: nothing is let go of under a step that uses it, and the kernel frees the locks."""
    with suppress(OSError):
        os.write(2, AT_ONCE)  # not by the log, which may be in the middle of a line
    os._exit(128 + number)


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Within the block, SIGTERM and SIGINT call the handler."""
    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
