"""Tasks by the calendar: each time that has come once, whatever somebody does to the wall clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from service.calendar import LOOK_S, CalendarTask

START = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)


class Wall:
    def __init__(self) -> None:
        self.now = START
        self.done: list[datetime] = []
        self.task = CalendarTask("30 3 * * *", lambda: self.done.append(self.now), lambda: self.now)

    def after(self, **time: float) -> float:
        self.now += timedelta(**time)
        return self.task.take()


def test_it_is_done_when_its_time_has_come_and_once():
    wall = Wall()
    assert wall.after(minutes=89) == LOOK_S
    assert wall.done == []
    assert wall.after(minutes=1) == LOOK_S
    assert wall.done == [datetime(2026, 3, 1, 3, 30, tzinfo=UTC)]
    wall.after(hours=23, minutes=59)
    assert len(wall.done) == 1
    wall.after(minutes=1)
    assert len(wall.done) == 2


def test_the_last_seconds_are_waited_for_exactly():
    assert Wall().after(hours=1, minutes=29, seconds=50) == 10.0


def test_times_that_came_while_nobody_asked_count_as_one():
    wall = Wall()
    wall.after(days=10)
    assert len(wall.done) == 1


def test_a_clock_that_is_set_back_and_right_again_does_nothing_twice():
    wall = Wall()
    wall.after(hours=2)
    wall.after(hours=-2)
    wall.after(hours=2)
    assert len(wall.done) == 1
