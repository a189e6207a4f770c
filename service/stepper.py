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
        self._woken_s: dict[str, float] = {}  # steps that were woken while they were taken
        self._lock = threading.Lock()  # other threads may wake a step
        self._ended = threading.Event()

    def add(self, step: Step) -> None:
        """Have a step taken for the first time as soon as it says."""
        self._steps[step.name] = step
        self._set(step.name, self._monotonic() + step.after_s)

    def wake(self, name: str, in_s: float) -> None:
        """Have a step taken in so many seconds, if it is not due earlier; a name that there is not does not matter.

        Any thread may ask for it, also while the step is being taken: then it is taken once more.
        """
        due_s = self._monotonic() + max(0.0, in_s)
        with self._lock:
            if name not in self._due_s and name in self._steps:
                self._woken_s[name] = min(due_s, self._woken_s.get(name, due_s))
            elif due_s < self._due_s.get(name, 0.0):
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
        with self._lock:
            due_s, _, name = self._heap[0]
            overtaken = self._due_s.get(name) != due_s  # it was taken, or woken, earlier
            wait_s = due_s - self._monotonic()
            if overtaken or wait_s <= 0:
                heapq.heappop(self._heap)
            if not overtaken and wait_s <= 0:
                del self._due_s[name]
        if overtaken:
            return
        if wait_s > 0:
            self._ended.wait(min(wait_s, NAP_S))
        else:
            self._take(name)

    def stop(self) -> None:
        """Take no further step."""
        self._ended.set()

    def _take(self, name: str) -> None:
        after_s = self._steps[name].take()
        due_s = self._monotonic() + max(0.0, after_s)
        with self._lock:
            self._set(name, min(due_s, self._woken_s.pop(name, due_s)))

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
