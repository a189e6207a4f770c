"""Reading the file of the embedded bus: one member of a group, that says aloud when it cannot have seen everything."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from typing import NamedTuple

import msgspec

from connectors.bus.embedded.file import EventFile, Stored
from connectors.bus.embedded.writer import Writing
from connectors.bus.wire.codec import Headers
from connectors.bus.wire.receiver import Receiver
from models.bus import BusCounts, Delivery, Gap
from models.errors import BusUnavailable
from models.events import Event, Topic

PARTITION = 0  # the only one of each topic
UNREADABLE = "headers"  # the name of the one header that stands for headers that another program wrote otherwise

_UNPACK = msgspec.msgpack.Decoder(Headers).decode

log = logging.getLogger("tidegate.bus")


class _Place(NamedTuple):
    """How far we are in a topic.

    ``next`` is the number of the next message; what was forgotten up to ``forgotten`` was so before we began. After a
    gap we have begun ``anew``: what the group committed before it says nothing any more.
    """

    topic: Topic
    next: int
    forgotten: int
    anew: bool = False


class SqliteSubscription:
    """See ``models.bus.Subscription``. A topic is not shared among members: of two at once, each gets everything."""

    def __init__(
        self,
        topics: Collection[Topic],
        group: str,
        file: EventFile,
        writing: Writing,
        receiver: Receiver,
        counts: BusCounts,
        poll_s: float,
    ) -> None:
        self._group = group
        self._file = file
        self._writing = writing
        self._receiver = receiver
        self._counts = counts
        self._poll_s = poll_s
        self._closed = False
        self._generation = file.generation
        self._places = [self._beginning(topic) for topic in dict.fromkeys(topics)]
        self._committed: list[_Place] = []

    def poll(self, timeout_s: float, most: int = 500) -> Delivery:
        """See the port. It comes back early, too, with messages of which none was an event."""
        deadline = time.monotonic() + timeout_s
        while True:
            self._check()
            self._writing.look()
            self._writing.write_if_possible()
            delivery, is_new = self._fetch(most)
            left_s = deadline - time.monotonic()
            if is_new or left_s <= 0:
                self._counts.gaps += len(delivery.gaps)
                return delivery
            time.sleep(min(self._poll_s, left_s))

    def commit(self) -> None:
        """See the port. Dead letters are written together with the position after what they stand for."""
        self._check()
        self._writing.look()
        if self._generation != self._file.generation:
            log.info("nothing was committed, since the file has been replaced meanwhile")
        elif sorted(self._places) != self._committed:
            self._writing.write([(self._group, place.topic, place.next, place.anew) for place in self._places])
            self._committed = sorted(self._places)

    def lag(self) -> int:
        """See the port. On a topic of state it counts numbers of messages that were compacted away, too."""
        self._check()
        self._writing.look()
        self._writing.write_if_possible()
        file, is_anew = self._file, self._file.generation != self._generation
        return sum(
            max(0, file.end(place.topic) - (file.begin(place.topic) if is_anew else place.next))
            for place in self._places
        )

    def close(self) -> None:
        """See the port."""
        self._closed = True

    def _check(self) -> None:
        if self._closed:
            raise BusUnavailable("the subscription is closed")

    def _beginning(self, topic: Topic) -> _Place:
        known = None if topic.state else self._file.position(self._group, topic)
        start = self._file.begin(topic) if known is None else known
        return _Place(topic, start, self._file.forgotten(topic))

    def _fetch(self, most: int) -> tuple[Delivery, bool]:
        """What is new, and whether anything is. Our places change only when everything could be read."""
        events: list[Event] = []
        gaps: list[Gap] = []
        places = self._places[1:] + self._places[:1]  # so that no busy topic keeps the others waiting
        generation, is_new = self._file.generation, False
        if generation != self._generation:
            gaps = [Gap(place.topic, "the file was removed or replaced") for place in places]
            places = [self._beginning(place.topic)._replace(anew=True) for place in places]
        for number, place in enumerate(places):
            if most <= 0:
                break
            rows, places[number], missing = self._rows(place, most)
            if missing:
                gaps.append(Gap(place.topic, missing))
            for ident, key, value, headers in rows:
                event = self._receiver.read(place.topic, PARTITION, ident, key, value, unpacked(headers))
                if event is not None:
                    events.append(event)
            most -= len(rows)
            is_new = is_new or bool(rows)
        self._places, self._generation = places, generation
        return Delivery(tuple(events), tuple(gaps)), is_new or bool(gaps)

    def _rows(self, place: _Place, most: int) -> tuple[list[Stored], _Place, str]:
        """The next messages, the place after them, and what can never be seen before them.

        What was forgotten is asked after reading: else it could be forgotten between the two, and nobody would know.
        """
        topic, start, anew, missing = place.topic, place.next, place.anew, ""
        rows = self._file.read(topic, start, most)
        forgotten = self._file.forgotten(topic) if topic.state else 0
        if not rows and start > (end := self._file.end(topic)):
            missing = f"message {start} was to be the next, and there are only those before {end}"
            start, anew = self._file.begin(topic), True
        elif topic.state and start <= forgotten and place.forgotten < forgotten:
            missing = f"marks up to message {forgotten} that keys are gone were deleted before they were read"
            start, anew = self._file.begin(topic), True
        elif not topic.state and rows and rows[-1][0] - start + 1 != len(rows):
            missing = f"messages from {start} on were deleted before they were read"
        if start != place.next:
            rows = self._file.read(topic, start, most)
        return rows, _Place(topic, rows[-1][0] + 1 if rows else start, forgotten, anew), missing


def unpacked(headers: bytes | None) -> Headers:
    """The headers of a message; those that another program wrote otherwise are one header, as they are."""
    if headers is None:
        return []
    try:
        return _UNPACK(headers)
    except msgspec.DecodeError:
        return [(UNREADABLE, headers)]
