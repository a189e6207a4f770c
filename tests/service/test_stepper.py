"""The stepper: one step at a time, each at its own pace, an orderly end, and no error that nobody sees."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from service.part import Step
from service.stepper import AT_ONCE, Stepper
from tests.patience import LONG_S


def test_steps_are_taken_at_the_pace_that_they_ask_for():
    stepper, taken = Stepper(), []

    def often() -> float:
        taken.append("often")
        if taken.count("often") == 20:
            stepper.stop()
        return 0.001

    def seldom() -> float:
        taken.append("seldom")
        return 3600.0

    stepper.add(Step("often", often))
    stepper.add(Step("seldom", seldom))
    stepper.run()
    assert taken.count("seldom") == 1
    assert taken.count("often") == 20


def noting(stepper: Stepper) -> threading.Event:
    """Set once the stepper was told to stop."""
    stop, told = stepper.stop, threading.Event()

    def stopped() -> None:
        stop()
        told.set()

    stepper.stop = stopped
    return told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_after_the_step_that_is_under_way(number: int):
    stepper, taken = Stepper(), []
    told = noting(stepper)

    def step() -> float:
        taken.append("begun")
        os.kill(os.getpid(), number)
        assert told.wait(LONG_S)
        taken.append("ended")
        return 0.0

    before = signal.getsignal(number)
    stepper.add(Step("step", step))
    stepper.run()
    assert taken == ["begun", "ended"]
    assert signal.getsignal(number) is before


def test_a_signal_ends_it_while_it_waits():
    stepper = Stepper()

    def last() -> float:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        return 3600.0

    before = signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    try:
        stepper.add(Step("last", last))
        stepper.run()
    finally:
        signal.signal(signal.SIGALRM, before)


def test_an_interrupt_while_things_are_let_go_of_ends_the_process_at_once():
    code = """
import os, signal, time
from service.part import Step
from service.stepper import impatient
with impatient():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(36000)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=LONG_S, check=False)
    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr == AT_ONCE.decode()


def test_an_error_ends_it_and_is_raised():
    stepper, taken = Stepper(), []

    def broken() -> float:
        raise ValueError("a bug")

    def after() -> float:
        taken.append("after")
        return 0.0

    stepper.add(Step("broken", broken))
    stepper.add(Step("after", after, 0.2))
    with pytest.raises(ValueError, match="a bug"):
        stepper.run()
    assert taken == []


def test_one_that_was_stopped_before_it_began_does_not_begin():
    stepper = Stepper()
    stepper.add(Step("step", lambda: pytest.fail("it was stopped")))
    stepper.stop()
    stepper.run()


class Ticking:
    """A clock on which each step takes a second."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_step_that_is_woken_is_taken_when_it_was_asked_to_and_not_later_than_it_was_due():
    clock, taken = Ticking(), []
    stepper = Stepper(clock)

    def noted(name: str, after_s: float) -> Callable[[], float]:
        def take() -> float:
            taken.append((name, clock.now_s))
            clock.now_s += 1.0
            return after_s

        return take

    def wakes() -> float:
        stepper.wake("slow", 0.0)
        stepper.wake("soon", 50.0)  # it is due earlier
        stepper.wake("nobody", 0.0)
        return noted("wakes", 100.0)()

    stepper.add(Step("slow", noted("slow", 100.0)))
    stepper.add(Step("soon", noted("soon", 100.0), 1.0))
    stepper.add(Step("wakes", wakes, 0.5))
    stepper.add(Step("last", lambda: stepper.stop() or 0.0, 3.5))
    stepper.run()
    assert taken == [("slow", 0.0), ("wakes", 1.0), ("soon", 2.0), ("slow", 3.0)]


def test_a_step_that_wakes_itself_is_taken_as_it_was_woken():
    clock, taken = Ticking(), []
    stepper = Stepper(clock)

    def itself() -> float:
        taken.append(clock.now_s)
        clock.now_s += 1.0
        if len(taken) == 3:
            stepper.stop()
        stepper.wake("itself", 0.0)
        return 100.0

    stepper.add(Step("itself", itself))
    stepper.run()
    assert taken == [0.0, 1.0, 2.0]


def test_another_thread_may_wake_a_step_while_it_is_taken():
    clock, taken = Ticking(), []
    stepper = Stepper(clock)

    def news() -> float:
        taken.append(clock.now_s)
        if len(taken) == 2:
            stepper.stop()
        thread = threading.Thread(target=stepper.wake, args=("news", 5.0))
        thread.start()
        thread.join()
        clock.now_s += 5.0
        return 100.0

    stepper.add(Step("news", news))
    stepper.run()
    assert taken == [0.0, 5.0]
