"""What cannot be used is buried, whole or in short, in a letter that can be sent and read; nothing ever stops."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.bus.topics import LONGEST
from connectors.bus.wire.codec import Message, decode, encode
from connectors.bus.wire.examples import examples
from connectors.bus.wire.receiver import BEGINNING, Receiver, dead_letter_event, too_large
from models.bus import BusCounts
from models.events import DeadLetter, Event, Topic

WORK = examples()[0]
GOOD = encode(WORK)


class Grave:
    """A receiver, and what it buried."""

    def __init__(self) -> None:
        self.counts = BusCounts()
        self.letters: list[DeadLetter] = []
        self.receiver = Receiver(self.counts, self.letters.append)

    def read(self, key: bytes | None, value: bytes | None, headers) -> Event | None:
        return self.receiver.read(Topic.WORK, 3, 17, key, value, headers)


def delivered(letter: DeadLetter, at_s: float = 5.0) -> DeadLetter:
    """The letter as whoever reads the dead-letter topic sees it."""
    message = encode(dead_letter_event(letter, at_s))
    assert too_large(message) is None
    read = decode(Topic.DEAD_LETTER, message.key, message.value, message.headers).payload
    assert isinstance(read, DeadLetter)
    return read


def test_an_event_is_received():
    grave = Grave()
    assert grave.read(GOOD.key, GOOD.value, GOOD.headers) == WORK
    assert (grave.counts.received, grave.letters) == (1, [])


def test_an_unknown_type_is_counted_and_left_alone():
    grave = Grave()
    headers = [(name, b"org.example.x" if name == "ce_type" else text) for name, text in GOOD.headers]
    assert grave.read(GOOD.key, GOOD.value, headers) is None
    assert (grave.counts.received, grave.counts.unknown, grave.letters) == (1, 1, [])


def test_a_poison_is_buried_whole():
    grave = Grave()
    assert grave.read(b"\xff", b"\0" * 1000, iter(GOOD.headers)) is None
    [letter] = grave.letters
    assert letter.reason.startswith("its key or a header cannot be read")
    assert (letter.topic, letter.partition, letter.offset) == ("tidegate.work", 3, 17)
    assert (letter.key, letter.value, letter.headers) == (b"\xff", b"\0" * 1000, tuple(GOOD.headers))
    assert letter.size == 1001 + sum(len(name) + len(text) for name, text in GOOD.headers)
    assert delivered(letter) == letter


def test_a_header_without_a_value_is_buried_as_an_empty_one():
    grave = Grave()
    assert grave.read(b"k", b"v", [("ce_type", None)]) is None
    assert delivered(grave.letters[0]).headers == (("ce_type", b""),)


MUCH = LONGEST - 2000
LARGE: dict[str, tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]] = {
    "a long value": (b"k", b"\0" * MUCH, []),
    "a long key": (b"k" * MUCH, None, []),
    "a long header": (b"k", b"v", [("x", b"\xff" * MUCH)]),
    "a header with a long name": (b"k", b"v", [("\0" * MUCH, b"")]),
    "many headers": (b"k", b"v", [("", b"")] * 100_000),
    "long of everything": (b"k" * MUCH, b"v" * MUCH, [("\0" * MUCH, b"x" * MUCH)] * 40),
}


@pytest.mark.parametrize(("key", "value", "headers"), LARGE.values(), ids=LARGE)
def test_a_large_poison_is_buried_in_short(key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]):
    grave = Grave()
    grave.read(key, value, headers)
    [letter] = grave.letters
    assert letter.key == (key and key[:BEGINNING])
    assert letter.value == (value and value[:BEGINNING])
    assert len(letter.headers) <= len(headers)
    sizes = sum(len(name.encode()) + len(text) for name, text in headers)
    assert letter.size == len(key or b"") + len(value or b"") + sizes
    assert delivered(letter) == letter


@settings(max_examples=200)
@given(
    st.none() | st.binary(max_size=2000),
    st.none() | st.binary(max_size=50),
    st.lists(st.tuples(st.text(max_size=9), st.none() | st.binary(max_size=9)), max_size=40),
)
def test_whatever_comes_is_buried_and_the_letter_can_be_read(key: bytes | None, value: bytes | None, headers: list):
    grave = Grave()
    assert grave.read(key, value, headers) is None
    [letter] = grave.letters
    assert delivered(letter) == letter


def test_the_same_message_has_the_same_letter_however_often_it_is_read():
    grave = Grave()
    for _ in range(2):
        grave.read(b"k", b"v", [])
    first, second = (dead_letter_event(letter, 5.0) for letter in grave.letters)
    assert (first.key, first.version, first.id) == (second.key, second.version, second.id)
    assert first.key == "tidegate.work/3/17"


def test_letters_of_other_places_are_others():
    letter = DeadLetter("tidegate.work", 3, 17, "", None, None, (), 0)
    places = [letter, replace(letter, partition=4), replace(letter, offset=18), replace(letter, topic="tidegate.nodes")]
    assert len({dead_letter_event(one, 5.0).key for one in places}) == 4


def test_what_fits_is_not_too_large():
    room = LONGEST - sum(len(name) + len(text) for name, text in GOOD.headers) - 1
    assert too_large(Message("t", b"k", b"v" * room, GOOD.headers)) is None
    letter = too_large(Message("t", b"k", b"v" * (room + 1), GOOD.headers))
    assert letter is not None
    assert letter.reason == "900001 bytes are more than the 900000 that are sent"
    assert (letter.partition, letter.offset, letter.size) == (-1, None, LONGEST + 1)
    assert letter.value == b"v" * BEGINNING


@pytest.mark.parametrize("key", [b"hpc/1", None, b"", b"\xff\0\n" * 400, ("\U0001f40b" * 500).encode(), b"a/" * 600])
@pytest.mark.parametrize("at_s", [5.0, -5.0])
def test_a_message_that_was_never_sent_has_a_letter_with_a_key_of_its_own(key: bytes | None, at_s: float):
    letter = too_large(Message("tidegate.work", key, b"v" * LONGEST, [("x" * 5000, b"y" * 5000)] * 100))
    assert letter is not None
    assert delivered(letter, at_s) == letter
    assert dead_letter_event(letter, at_s).key.startswith("tidegate.work/unsent")
