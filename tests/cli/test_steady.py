"""The service's clock follows a wall clock that is set ahead, goes on by itself when that is set back, and says so."""

from __future__ import annotations

import logging

import pytest

from cli.service.steady import SLIP_S, SteadyClock


class Wall:
    """A wall clock that somebody sets, beside a monotonic one."""

    def __init__(self) -> None:
        self.elapsed_s, self.set_s = 50.0, 1000.0

    def wall(self) -> float:
        return self.elapsed_s + self.set_s

    def monotonic(self) -> float:
        return self.elapsed_s


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def clock(wall: Wall) -> SteadyClock:
    return SteadyClock(wall.wall, wall.monotonic)


def test_time_passes(clock: SteadyClock, wall: Wall, caplog: pytest.LogCaptureFixture):
    assert clock() == 1050
    wall.elapsed_s += 10
    assert clock() == 1060
    assert caplog.messages == []


@pytest.mark.parametrize("by_s", [-SLIP_S, -1.0, 1.0, SLIP_S])
def test_a_clock_that_is_set_by_little_is_followed(
    clock: SteadyClock, wall: Wall, by_s: float, caplog: pytest.LogCaptureFixture
):
    wall.set_s += by_s
    assert clock() == 1050 + by_s
    assert caplog.messages == []


def test_a_clock_that_is_set_ahead_is_followed_and_told_once(
    clock: SteadyClock, wall: Wall, caplog: pytest.LogCaptureFixture
):
    wall.set_s += 3600
    assert (clock(), clock()) == (4650, 4650)
    assert caplog.messages == ["the clock went ahead by 3600 s (it was set, or this machine slept)"]


def test_a_clock_that_is_set_back_is_told_once_and_time_goes_on(
    clock: SteadyClock, wall: Wall, caplog: pytest.LogCaptureFixture
):
    wall.set_s -= 3600
    assert clock() == 1050
    wall.elapsed_s += 10
    assert clock() == 1060
    (line,) = caplog.messages
    assert line.startswith("the clock was set back by 3600 s;")


def test_a_clock_that_is_set_back_further_is_told_again(
    clock: SteadyClock, wall: Wall, caplog: pytest.LogCaptureFixture
):
    for _ in range(2):
        wall.set_s -= 60
        clock()
    assert [line.split(";")[0] for line in caplog.messages] == [
        "the clock was set back by 60 s",
        "the clock was set back by 120 s",
    ]


def test_a_clock_that_is_set_right_again_is_followed_again(
    clock: SteadyClock, wall: Wall, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    wall.set_s -= 3600
    clock()
    wall.set_s += 3601
    assert clock() == 1051
    assert len(caplog.messages) == 1
