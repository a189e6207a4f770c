"""Catching up with a subscription: all that is there, and no waiting for ever for what does not come."""

from __future__ import annotations

import pytest

from models.bus import Gap
from models.catch_up import IDLE_MOST, deliveries
from models.errors import BusUnavailable
from models.events import Event, Topic
from tests.list_bus import ListBus


def gone(number: int) -> Event:
    return Event(Topic.WORK, f"hpc/{number}", None, number, "test", 0.0)


def test_all_that_is_there_comes_however_many_polls_it_takes():
    bus = ListBus()
    for number in range(1234):
        bus.publish(gone(number))
    subscription = bus.subscribe((Topic.WORK,), "group")
    assert [event.version for each in deliveries(subscription) for event in each.events] == list(range(1234))
    assert list(deliveries(subscription)) == []


def test_a_gap_is_told_although_nothing_is_left():
    subscription = ListBus().subscribe((Topic.WORK,), "group")
    gap = Gap(Topic.WORK, "made anew")
    subscription.gaps.append(gap)
    assert [each.gaps for each in deliveries(subscription)] == [(gap,)]


def test_what_is_left_and_does_not_come_is_an_error():
    bus = ListBus(away=True)
    bus.publish(gone(1))
    with pytest.raises(BusUnavailable, match=f"1 messages .* after {IDLE_MOST} polls"):
        list(deliveries(bus.subscribe((Topic.WORK,), "group")))
