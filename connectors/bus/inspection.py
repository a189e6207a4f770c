"""Looking into a bus from outside: what is on its topics and how far its groups are.

Who looks joins no group, commits nothing and makes no topic, so that nobody who works with the bus notices.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from connectors.bus.wire.codec import Poison, UnknownType, decode
from models.errors import BadInput, BusUnavailable
from models.events import Event, Topic

PATIENCE_S = 20.0  # without a message while some must be there, until it is given up
FURTHER = 8  # times as far back, where what was looked at held too few messages
POLL_S = 1.0

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A message as it stands on the bus; ``at_s`` is when the bus got it, or when its sender says that it was sent."""

    topic: Topic
    partition: int
    offset: int
    at_s: float
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def event(self) -> Event | str:
        """The event, or why it is none to this release."""
        try:
            return decode(self.topic, self.key, self.value, self.headers)
        except UnknownType as error:
            return f"type {error} is not known to this release"
        except Poison as error:
            return str(error)


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is on a topic; both None where that may not be seen.

    Where a count is not ``exact``, it is of the places for messages: compaction may have removed some.
    """

    topic: Topic
    partitions: int | None
    messages: int | None
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Behind:
    """How many messages of a topic came after what a group has committed."""

    group: str
    topic: Topic
    messages: int
    exact: bool = True


class Reading(Protocol):
    """One reader of all partitions of a topic."""

    def start(self, back: int | None) -> bool:
        """Begin so many places before the end of each partition, or at the beginning; whether it is the beginning."""

    def poll(self, timeout_s: float) -> list[Found]:
        """What is next, each partition in its order; waits until there is something. Raises BusUnavailable."""

    def caught_up(self) -> bool:
        """Whether everything was polled that was there at the start."""


class Send(Protocol):
    """Write a message again."""

    def __call__(self, found: Found) -> None:
        """Write its key, value and headers at the end of its topic, if possible in its partition.

        It is there when this returns. Raises BusUnavailable or BusRefused.
        """


class Inspection(Protocol):
    """A bus as whoever looks after it sees it. Every question raises BusUnavailable or BusRefused."""

    def extents(self) -> list[Extent]:
        """How much there is on each topic that there is. Raises BadInput when there is none."""

    def behind(self) -> list[Behind]:
        """Where each group stands on each topic of which it has committed something, sorted."""

    def reading(self, topic: Topic, note: Callable[[str], None]) -> AbstractContextManager[Reading]:
        """Read a topic; ``note`` is told of what cannot be seen. Raises BadInput when there is no such topic."""

    def sending(self) -> AbstractContextManager[Send]:
        """Write messages again; only this changes anything."""

    def close(self) -> None:
        """Let go."""


def everything(reading: Reading) -> Iterator[Found]:
    """Every message from the beginning to what is the end now."""
    reading.start(None)
    return _until_end(reading)


def newest(reading: Reading, most: int) -> list[Found]:
    """The newest messages, of one partition in its order and by time across partitions; a poll goes on after them."""
    back = most
    while True:
        is_whole = reading.start(back)
        parts: dict[int, list[Found]] = {}
        for found in _until_end(reading):
            parts.setdefault(found.partition, []).append(found)
        if is_whole or sum(map(len, parts.values())) >= most:
            return [*heapq.merge(*parts.values(), key=lambda found: found.at_s)][-most:] if most else []
        back *= FURTHER


def no_such_topic(topic: Topic, prefix: str, prefixes: Collection[str], where: str) -> BadInput:
    """The error for a topic that is not on the bus; ``prefixes`` are those with which it is."""
    if "" in prefixes:
        remedy = f"there is {topic}: leave the prefix away"
    elif prefixes:
        remedy = f"there is {', '.join(f'{one}{topic}' for one in sorted(prefixes)[:3])}: give that prefix"
    else:
        remedy = "nobody has opened this bus yet to publish, or it is another one"
    return BadInput(f"there is no topic {prefix}{topic}", where=where, remedy=remedy)


def _until_end(reading: Reading) -> Iterator[Found]:
    """Every message until what was the end at the start."""
    deadline = time.monotonic() + PATIENCE_S
    while not reading.caught_up():
        if some := reading.poll(POLL_S):
            deadline = time.monotonic() + PATIENCE_S
            yield from some
        elif time.monotonic() > deadline:
            raise BusUnavailable(f"the bus brought no message for {PATIENCE_S:.0f} s, although there are more")
