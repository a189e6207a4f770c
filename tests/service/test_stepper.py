"""The clockwork: one step at a time, each at its own pace, an orderly end, and no error that nobody sees."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import datetime, timedelta, tzinfo

import pytest

from service.stepper import AT_ONCE, Stepper

LATE_S = 5.0


def test_steps_are_taken_at_the_pace_that_they_ask_for():
    clockwork, taken = Stepper(), []

    def often() -> float:
        taken.append("often")
        if taken.count("often") == 20:
            clockwork.stop()
        return 0.001

    def seldom() -> float:
        taken.append("seldom")
        return 3600.0

    clockwork.add("often", often)
    clockwork.add("seldom", seldom)
    clockwork.run()
    assert taken.count("seldom") == 1
    assert taken.count("often") == 20


def noting(clockwork: Stepper) -> threading.Event:
    """Set once the clockwork was told to stop."""
    stop, told = clockwork.stop, threading.Event()

    def stopped() -> None:
        stop()
        told.set()

    clockwork.stop = stopped
    return told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_after_the_step_that_is_under_way(number: int):
    clockwork, taken = Stepper(), []
    told = noting(clockwork)

    def step() -> float:
        taken.append("begun")
        os.kill(os.getpid(), number)
        told.wait(10)
        taken.append("ended")
        return 0.0

    before = signal.getsignal(number)
    clockwork.add("step", step)
    clockwork.run()
    assert taken == ["begun", "ended"]
    assert signal.getsignal(number) is before


def test_a_signal_ends_it_while_it_waits():
    clockwork = Stepper()

    def last() -> float:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        return 3600.0

    before = signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    try:
        clockwork.add("last", last)
        clockwork.run()
    finally:
        signal.signal(signal.SIGALRM, before)


def test_an_interrupt_while_things_are_let_go_of_ends_the_process_at_once():
    code = """
import os, signal, time
from service.stepper import impatient
with impatient():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr == AT_ONCE.decode()


def test_an_error_ends_it_and_is_raised():
    clockwork, taken = Stepper(), []

    def broken() -> float:
        raise ValueError("a bug")

    def after() -> float:
        taken.append("after")
        return 0.0

    clockwork.add("broken", broken)
    clockwork.add("after", after, after_s=0.2)
    with pytest.raises(ValueError, match="a bug"):
        clockwork.run()
    assert taken == []


def test_one_that_was_stopped_before_it_began_does_not_begin():
    clockwork = Stepper()
    clockwork.add("step", lambda: pytest.fail("it was stopped"))
    clockwork.stop()
    clockwork.run()


def test_a_wall_clock_that_is_set_back_holds_no_step_up(monkeypatch: pytest.MonkeyPatch):
    class Wall(datetime):
        back = timedelta()

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) - cls.back

    for place in ("service.stepper", "apscheduler.schedulers.base"):
        monkeypatch.setattr(f"{place}.datetime", Wall)
    clockwork, taken = Stepper(), []
    late = threading.Timer(LATE_S, clockwork.stop)

    def step() -> float:
        taken.append("step")
        Wall.back = timedelta(hours=1) if len(taken) == 2 else Wall.back
        if len(taken) == 5:
            clockwork.stop()
        return 0.3

    clockwork.add("step", step)
    late.start()
    clockwork.run()
    late.cancel()
    assert len(taken) == 5
