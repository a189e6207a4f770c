"""What becomes of a message that was received: an event, a dead letter, or nothing but a count."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from connectors.bus.codec import Message, Poison, UnknownType, decode
from connectors.bus.topics import LONGEST
from models.bus import BusCounts
from models.events import DeadLetter, Event, Topic

BEGINNING = 1024  # bytes of a message that is too large which its dead letter shows
SOURCE = "/tidegate/bus"


class Receiver:
    """Reads messages; what cannot be used is buried, and never stops what comes after it."""

    def __init__(self, counts: BusCounts, bury: Callable[[DeadLetter], None]) -> None:
        self._counts = counts
        self._bury = bury

    def read(
        self,
        topic: Topic,
        partition: int,
        offset: int,
        key: bytes | None,
        value: bytes | None,
        headers: Iterable[tuple[str, bytes]],
    ) -> Event | None:
        """The event of a message; None for one of an unknown type, and for one that was buried."""
        self._counts.received += 1
        try:
            return decode(topic, key, value, headers)
        except UnknownType:
            self._counts.unknown += 1
        except Poison as error:
            size = len(key or b"") + len(value or b"")
            self._bury(DeadLetter(topic.value, partition, offset, str(error), key, _cut(value), tuple(headers), size))
        return None


def too_large(message: Message) -> DeadLetter | None:
    """The dead letter of a message that no broker would take; None for one of usual size."""
    size = (
        len(message.key or b"")
        + len(message.value or b"")
        + sum(len(name) + len(text) for name, text in message.headers)
    )
    if size <= LONGEST:
        return None
    return DeadLetter(
        message.topic,
        -1,
        None,
        f"{size} bytes are more than the {LONGEST} that are sent",
        message.key[:BEGINNING] if message.key else None,
        message.value[:BEGINNING] if message.value else None,
        tuple((name, text[:BEGINNING]) for name, text in message.headers[:32]),
        size,
    )


def dead_letter_event(letter: DeadLetter, at_s: float) -> Event:
    """The event that tells of a dead letter: the same for the same message, however often it is read."""
    place = "unsent" if letter.offset is None else f"{letter.partition}/{letter.offset}"
    name = (letter.key or b"").decode(errors="replace")[:256] if letter.offset is None else ""
    version = int(at_s * 1000) if letter.offset is None else letter.offset
    return Event(Topic.DEAD_LETTER, f"{letter.topic}/{place}/{name}".rstrip("/"), letter, version, SOURCE, at_s)


def _cut(value: bytes | None) -> bytes | None:
    """Base64 makes a value a third longer, and the letter must be able to be sent."""
    return value if value is None or len(value) <= LONGEST // 2 else value[:BEGINNING]
