"""The clockwork: steps that are taken again and again, one at a time, each after as long as it says itself."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from types import FrameType

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

NAP_S = 0.2
AT_ONCE = b"interrupted: ended at once, perhaps within a step; the next start goes on from what both sides show\n"

Step = Callable[[], float]
"""Takes a step, and says after how many seconds it wants to be taken again."""

log = logging.getLogger("tidegate.service")


class _Paced(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """Due once more after as long as the step said when it was last taken: the scheduler asks right after it."""

    def __init__(self, after_s: float) -> None:
        self.after_s = after_s

    def get_next_fire_time(self, _: datetime | None, now: datetime) -> datetime:
        return max(now, datetime.now(UTC)) + timedelta(seconds=max(0.0, self.after_s))


class Stepper:
    """Runs all steps in one thread, so that none meets another in the middle of its work.

    The first step that raises ends it all: what a step can live with it must not raise.
    """

    def __init__(self) -> None:
        executors = {"default": DebugExecutor()}  # which runs a step right in the scheduler's own thread
        self._scheduler = BackgroundScheduler(timezone=UTC, executors=executors)
        self._error: BaseException | None = None
        self._ended = threading.Event()
        self._idle = threading.Event()  # no step is under way
        self._idle.set()

    def add(self, name: str, step: Step, *, after_s: float = 0.0) -> None:
        """Have a step taken for the first time in so many seconds."""
        pace = _Paced(after_s)
        self._scheduler.add_job(self._take, pace, [step, pace], id=name, misfire_grace_time=None)

    def run(self) -> None:
        """Take steps until ``stop``, SIGTERM or Ctrl-C; a step that is under way then is ended in order.

        A second Ctrl-C ends the process at once. Raises what a step raised.
        """
        with _handled(self._asked_to_end):
            if not self._ended.is_set():
                self._scheduler.start()
                self._wait_for_the_end()
                _wait(self._idle)
                self._scheduler.shutdown()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Take no further step."""
        self._ended.set()

    def _wait_for_the_end(self) -> None:
        """The scheduler goes by the wall clock: were that set back, nothing would be due for as long."""
        before = datetime.now(UTC)
        while not self._ended.wait(NAP_S):
            now = datetime.now(UTC)
            if now < before:
                for job in self._scheduler.get_jobs():
                    if job.next_run_time - now > timedelta(seconds=job.trigger.after_s):
                        job.modify(next_run_time=now)
            before = now

    def _take(self, step: Step, pace: _Paced) -> None:
        self._idle.clear()
        try:
            if not self._ended.is_set():
                pace.after_s = step()
        except BaseException as error:  # the scheduler would only log it
            self._error = error
            self.stop()
        finally:
            self._idle.set()

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


def _wait(event: threading.Event) -> None:
    """Wait for the event in short naps: a signal that reached another thread is handled when this one wakes up."""
    while not event.wait(NAP_S):
        pass


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Within the block, SIGTERM and SIGINT call the handler."""
    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
