"""The port to the event bus: at-least-once delivery of events, and what could not be delivered is said aloud."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from models.events import Event, Topic


@dataclass(frozen=True, slots=True)
class Gap:
    """Events that a subscription can never see. Whoever keeps state from the topic must have it told anew."""

    topic: Topic
    reason: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one poll brought: events, each key's in the order of the bus, and what is missing before them."""

    events: tuple[Event, ...] = ()
    gaps: tuple[Gap, ...] = ()


@dataclass(slots=True)
class BusCounts:
    """What became of events and messages since the bus was opened."""

    published: int = 0
    delivered: int = 0  # that the broker has, or the file
    spooled: int = 0  # kept on disk for a while, since the broker was away
    dropped: int = 0  # lost, the oldest first, since the spool was full
    dead_letters: int = 0
    received: int = 0
    unknown: int = 0  # of a type that this release does not know: ignored
    gaps: int = 0


class Subscription(Protocol):
    """One member of a group that shares the events of some topics. (On one file members do not share: each gets all.)

    A topic of state is read from its beginning whenever the member gets a part of it; any other from where the group
    stands, and by a new group from its beginning.
    """

    def poll(self, timeout_s: float, most: int = 500) -> Delivery:
        """Wait until there is something, no longer than ``timeout_s``; what was no event may bring it back empty.

        Raises BusUnavailable or BusRefused, as every other call does; what was polled before is not lost by that.
        """
        ...

    def commit(self) -> None:
        """Say that everything polled so far has had its effect: a member that starts later begins after it."""
        ...

    def lag(self) -> int:
        """How many messages of our part of the topics were not polled yet, those that were compacted away included."""
        ...

    def close(self) -> None:
        """Leave the group; what was not committed is delivered to another member."""
        ...


class Bus(Protocol):
    """Apache Kafka, or one file. Used by one thread at a time."""

    @property
    def counts(self) -> BusCounts:
        """What became of events so far."""
        ...

    def publish(self, event: Event) -> None:
        """Hand the event to the bus, which keeps it while the broker is away; ``flush`` makes sure that it is there.

        One that is too large goes to the dead-letter topic in short. Raises BusRefused when the broker says no, and
        ValueError for an event that no reader would take.
        """
        ...

    def flush(self, timeout_s: float) -> int:
        """Wait until every event published before is durable; how many are not yet."""
        ...

    def take_resyncs(self) -> frozenset[Topic]:
        """The topics of which published events were lost since this was last asked: tell their whole state anew."""
        ...

    def subscribe(self, topics: Collection[Topic], group: str) -> Subscription:
        """Join a group. Raises BusUnavailable or BusRefused."""
        ...

    def latest_state(self, topic: Topic) -> Mapping[str, Event]:
        """The newest event of each key of a topic of state, of all that was published until now."""
        ...

    def close(self, timeout_s: float = 5.0) -> None:
        """Flush, keep on disk what could not be delivered, and let go."""
        ...
