"""What becomes of a message that was received: an event, a dead letter, or nothing but a count."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from basics.text import clean
from connectors.bus.topics import LONGEST
from connectors.bus.wire.codec import Message, Poison, UnknownType, decode
from connectors.kafka_client.damaged import Damaged
from models.bus import BusCounts
from models.events import DeadLetter, Event, Topic

BEGINNING = 1024  # bytes of each part of a message that is too large which its dead letter shows
HEADERS_MOST = 32  # of such a message
NAME_MOST = 200  # characters of its key in the key of its dead letter
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
        if isinstance(value, Damaged):
            self._bury(DeadLetter(topic.value, partition, offset, value.decode(), None, None, (), 0))
            return None
        headers = tuple(headers)
        try:
            return decode(topic, key, value, headers)
        except UnknownType:
            self._counts.unknown += 1
        except Poison as error:
            letter = _letter(Message(topic.value, key, value, [*headers]), partition, offset, str(error))
            self._bury(letter if _fits(letter) else _beginnings(letter))
        return None


def too_large(message: Message) -> DeadLetter | None:
    """The dead letter of a message that no broker would take; None for one of usual size."""
    size = size_of(message)
    if size <= LONGEST:
        return None
    return _beginnings(_letter(message, -1, None, f"{size} bytes are more than the {LONGEST} that are sent"))


def unsendable(message: Message, reason: str) -> DeadLetter:
    """The dead letter of a message that was refused by the broker, whole if that can be sent."""
    letter = _letter(message, -1, None, reason)
    return letter if _fits(letter) else _beginnings(letter)


def dead_letter_event(letter: DeadLetter, at_s: float) -> Event:
    """The event that tells of a dead letter: the same for the same message, however often it is read."""
    if letter.offset is not None:
        key = f"{letter.topic}/{letter.partition}/{letter.offset}"
        return Event(Topic.DEAD_LETTER, key, letter, letter.offset, SOURCE, at_s)
    name = clean((letter.key or b"").decode(errors="replace")[:NAME_MOST])
    version = max(0, int(at_s * 1000))
    return Event(Topic.DEAD_LETTER, f"{letter.topic}/unsent/{name}".rstrip("/"), letter, version, SOURCE, at_s)


def _letter(message: Message, partition: int, offset: int | None, reason: str) -> DeadLetter:
    """The whole message as a dead letter. Kafka has headers without a value; they become empty ones."""
    headers = tuple((name, text or b"") for name, text in message.headers)
    return DeadLetter(message.topic, partition, offset, reason, message.key, message.value, headers, size_of(message))


def _beginnings(letter: DeadLetter) -> DeadLetter:
    """A letter with only the beginning of everything that the sender chose."""
    return replace(
        letter,
        key=letter.key and letter.key[:BEGINNING],
        value=letter.value and letter.value[:BEGINNING],
        headers=tuple((name[:BEGINNING], text[:BEGINNING]) for name, text in letter.headers[:HEADERS_MOST]),
    )


def _fits(letter: DeadLetter) -> bool:
    """Whether the letter can be sent whole: base64 makes bytes a third longer, and JSON a name up to six times."""
    headers = sum(2 * len(text) + 6 * len(name) + 8 for name, text in letter.headers)
    return len(letter.key or b"") + len(letter.value or b"") <= LONGEST // 2 and headers <= LONGEST // 4


def size_of(message: Message | DeadLetter) -> int:
    """Bytes of key, value and headers."""
    headers = sum(len(name.encode(errors="replace")) + len(text or b"") for name, text in message.headers)
    return len(message.key or b"") + len(message.value or b"") + headers
