"""The event bus in one file: for a site without Kafka, for replays and for tests."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path

from connectors.bus.embedded.file import EventFile
from connectors.bus.embedded.reader import PARTITION, SqliteSubscription, unpacked
from connectors.bus.embedded.writer import Writing
from connectors.bus.wire.codec import encode
from connectors.bus.wire.payloads import BODY_MOST
from connectors.bus.wire.receiver import Receiver, dead_letter_event, too_large
from models.bus import BusCounts, Subscription
from models.errors import BusRefused, BusUnavailable
from models.events import DeadLetter, Event, Latest, Topic

CHUNK = 2000  # messages read at once where a whole topic is read

log = logging.getLogger("tidegate.bus")


class SqliteBus:
    """See ``models.bus.Bus``. ``path`` is a file, made when it is missing, that processes of one machine share.

    Without a path the bus is in memory, and ends with the object. Topics and groups begin with ``prefix``. ``clock``
    tells when a message was written, by which the old ones are deleted. While a subscription waits it looks again every
    ``poll_s``.

    What was flushed survives the end of this process however it ends, and so does what was committed. After a loss of
    power the newest of both may be missing, as if they had never been; the file is whole. While it cannot be written,
    events are kept in memory, and the oldest are dropped when they are too many. Raises BusUnavailable when the file is
    locked or its disk is full, BusRefused when it cannot be a bus.
    """

    def __init__(
        self, path: Path | None, *, prefix: str = "", clock: Callable[[], float] = time.time, poll_s: float = 0.02
    ) -> None:
        self._clock = clock
        self._poll_s = poll_s
        self.counts = BusCounts()
        self._file = EventFile(path, prefix, clock)
        self._writing = Writing(self._file, self.counts, clock)
        self._receiver = Receiver(self.counts, self._bury)

    def publish(self, event: Event) -> None:
        """See the port. Many are written together: at the latest when the next thing is asked of this bus."""
        message = encode(event)
        if self._file.closed:
            raise BusUnavailable("the bus is closed")
        self.counts.published += 1
        if len(message.value or b"") > BODY_MOST and (letter := too_large(message)):  # few are so large
            self._bury(letter)
        else:
            self._writing.put(message, event.version)
        if self._writing.refused is not None:
            raise BusRefused(f"{self._writing.refused} (the events are kept meanwhile)")

    def flush(self, timeout_s: float) -> int:
        """See the port."""
        return self._writing.flush(timeout_s)

    def take_resyncs(self) -> frozenset[Topic]:
        """See the port."""
        with suppress(BusUnavailable, BusRefused):  # who publishes or polls next hears of that
            self._writing.look()
        lost, self._writing.lost = self._writing.lost, set()
        return frozenset(lost)

    def subscribe(self, topics: Collection[Topic], group: str) -> Subscription:
        """See the port."""
        self._writing.look()
        return SqliteSubscription(topics, group, self._file, self._writing, self._receiver, self.counts, self._poll_s)

    def latest_state(self, topic: Topic) -> Mapping[str, Event]:
        """See the port."""
        self._writing.look()
        self._writing.write_if_possible()
        letters: list[DeadLetter] = []
        receiver, latest, start = Receiver(self.counts, letters.append), Latest(), 1
        with self._file.snapshot():
            while rows := self._file.read(topic, start, CHUNK):
                for ident, key, value, headers in rows:
                    event = receiver.read(topic, PARTITION, ident, key, value, unpacked(headers))
                    if event is not None:
                        latest.take(event)
                start = rows[-1][0] + 1
        for letter in letters:
            self._bury(letter)
        return latest.state

    def tidy(self) -> None:
        """Delete what topics keep no longer; what cannot be deleted now stays until the next time."""
        for topic in Topic:
            self._file.tidy_if_possible(topic)

    def discard(self) -> None:
        """Delete the topics of this bus, and all that is on them."""
        self._writing.forget()
        self._file.discard()

    def close(self, timeout_s: float = 5.0) -> None:
        """See the port. What cannot be written is lost; safe to repeat."""
        if self._file.closed:
            return
        if left := self._writing.flush(timeout_s):
            log.error("%d events could not be written before the end, and are lost", left)
        self._file.close()

    def _bury(self, letter: DeadLetter) -> None:
        """Put a message aside, once: whoever else reads it, in this process or a later one, finds its letter there."""
        event = dead_letter_event(letter, self._clock())
        message = encode(event)
        was_read = letter.offset is not None
        if was_read and self._file.holds(Topic.DEAD_LETTER, message.key):
            return
        self._writing.put(message, event.version, never_drop=was_read)
        self.counts.dead_letters += 1
        log.warning("a message for %s is put aside: %s", letter.topic, letter.reason)
