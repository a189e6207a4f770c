"""Events for a bus on a real broker, and reading all that there is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from connectors.bus.broker.bus import KafkaBus
from models.bus import Subscription
from models.demand import Demand
from models.errors import BusUnavailable
from models.events import Event, Topic
from models.nodes import Side
from models.work import WorkRecord, WorkState

KEYS = 2_000
READY_S = 60.0


def work(number: int, keys: int = KEYS) -> Event:
    """The state of one of so many jobs, that changes every ``keys`` events."""
    record = WorkRecord(f"job/{number % keys}", Side.HPC, WorkState.RUNNING, 1.0, 0, None, number, user="u" * 20)
    return Event(Topic.WORK, f"hpc/job/{number % keys}", record, number + 1, "/test", number / 100)


def demand(number: int) -> Event:
    return Event(Topic.DEMAND, "pool/hpc", Demand(Side.HPC, number, 1.0, float(number)), number + 1, "/test", number)


@contextmanager
def opened(address: str, prefix: str = "", **options: object) -> Iterator[KafkaBus]:
    bus = KafkaBus([address], prefix=prefix, **options)  # type: ignore[arg-type]
    try:
        yield bus
    finally:
        bus.close(0)


def drain(subscription: Subscription) -> tuple[list[Event], list[str]]:
    """Everything that there is, and the reasons of every gap."""
    events: list[Event] = []
    reasons: list[str] = []
    deadline = time.monotonic() + READY_S
    while True:
        delivery = subscription.poll(1.0)
        events += delivery.events
        reasons += [gap.reason for gap in delivery.gaps]
        if not delivery.events and not subscription.lag():
            return events, reasons
        assert time.monotonic() < deadline, f"{subscription.lag()} are still to come"


def wait_for(subscription: Subscription, count: int) -> tuple[list[Event], list[str]]:
    """At least so many events, whatever the lag says meanwhile, and asked again when the broker did not answer."""
    events: list[Event] = []
    reasons: list[str] = []
    deadline = time.monotonic() + READY_S
    lag = 1
    while len(events) < count or lag:
        assert time.monotonic() < deadline, f"{len(events)} of {count} came; {reasons}"
        with suppress(BusUnavailable):
            delivery = subscription.poll(0.5)
            events += delivery.events
            reasons += [gap.reason for gap in delivery.gaps]
            lag = subscription.lag()
    return events, reasons


class NotText(str):
    """A header's name that is no text on the wire."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return b"\xff\xfe"
