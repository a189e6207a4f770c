"""The service's clock goes on by itself when the wall clock is set, and says so."""

from __future__ import annotations

import logging

import pytest

from service.clock import SLIP_S, SteadyClock, since_boot_s


class Wall:
    """A wall clock that somebody sets, beside one that nobody can set."""

    def __init__(self) -> None:
        self.elapsed_s, self.set_s = 50.0, 1000.0

    def wall(self) -> float:
        return self.elapsed_s + self.set_s

    def elapsed(self) -> float:
        return self.elapsed_s


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def clock(wall: Wall) -> SteadyClock:
    return SteadyClock(wall.wall, wall.elapsed)


def test_time_passes(clock: SteadyClock, wall: Wall, caplog: pytest.LogCaptureFixture):
    assert clock() == 1050
    wall.elapsed_s += 10
    assert clock() == 1060
    assert caplog.messages == []


@pytest.mark.parametrize("by_s", [-SLIP_S, -1.0, 1.0, SLIP_S])
def test_of_a_clock_that_is_set_by_little_nothing_is_said(
    clock: SteadyClock, wall: Wall, by_s: float, caplog: pytest.LogCaptureFixture
):
    wall.set_s += by_s
    assert (clock(), caplog.messages) == (1050, [])


@pytest.mark.parametrize(("by_s", "how"), [(3600, "ahead"), (-3600, "back")])
def test_that_a_clock_was_set_is_told_once_and_time_goes_on(
    clock: SteadyClock, wall: Wall, by_s: int, how: str, caplog: pytest.LogCaptureFixture
):
    wall.set_s += by_s
    assert clock() == 1050
    wall.elapsed_s += 10
    assert clock() == 1060
    (line,) = caplog.messages
    assert line.startswith(f"the clock was set 3600 s {how};")


def test_a_clock_that_is_set_again_and_again_is_told_of_from_the_beginning(
    clock: SteadyClock, wall: Wall, caplog: pytest.LogCaptureFixture
):
    for _ in range(4):
        wall.set_s -= 4
        clock()
    assert [line.split(";")[0] for line in caplog.messages] == [
        "the clock was set 8 s back",
        "the clock was set 16 s back",
    ]


def test_a_clock_that_is_set_right_again_is_told_of(clock: SteadyClock, wall: Wall, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    wall.set_s -= 3600
    clock()
    wall.set_s += 3601
    assert clock() == 1050
    assert caplog.messages[1:] == ["the clock was set right again"]


def test_nobody_can_set_what_it_counts_by():
    before_s = since_boot_s()
    assert 0 < before_s <= since_boot_s() < before_s + 60
