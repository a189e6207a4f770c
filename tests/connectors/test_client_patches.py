"""Whatever a broker sends is taken apart: nothing stops the reader, and what is lost is said."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBatchBuilder

from connectors.kafka_client.client_patches import HEADERS_MOST, _Part
from connectors.kafka_client.damaged import Damaged

PARTITION = TopicPartition("t", 0)


class Name(str):
    """A header's name that is these bytes on the wire."""

    __slots__ = ("wire",)
    wire: bytes

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return self.wire


def name(wire: bytes) -> Name:
    made = Name("x")
    made.wire = wire
    return made


def batch(*names: bytes, compression: int = 0) -> bytearray:
    """Three messages, the second with headers of such names."""
    builder = DefaultRecordBatchBuilder(2, compression, False, -1, -1, -1, 1 << 20)
    for offset in range(3):
        headers = [(name(one), None if place % 2 else b"v") for place, one in enumerate(names)] if offset == 1 else []
        builder.append(offset, 1, None if offset else b"k", b"%d" % offset * 200, headers)
    return bytearray(builder.build())


def taken(wire: bytes, start: int = 0, most: int | None = None) -> Sequence[ConsumerRecord]:
    part = _Part(start, PARTITION, MemoryRecords(bytes(wire)))
    found: list[ConsumerRecord] = []
    while part:
        found += part.take(most)
    return found


@pytest.mark.parametrize("compression", [0, 1])
@pytest.mark.parametrize("most", [1, 2, None])
@pytest.mark.parametrize(
    ("names", "read"),
    [
        ((b"h",), ["h"]),
        (("gr\u00fc\u00df".encode(),), ["gr\u00fc\u00df"]),
        ((b"\xff\xfe",), ["??"]),
        ((b"", b"a\xffb", "\u00fc".encode(), b"\x80"), ["", "a?b", "\u00fc", "?"]),
    ],
)
def test_a_header_s_name_that_is_no_text_is_read_with_question_marks(
    names: Sequence[bytes], read: Sequence[str], most: int | None, compression: int
):
    found = taken(batch(*names, compression=compression), most=most)
    assert [(one.offset, one.value) for one in found] == [(offset, b"%d" % offset * 200) for offset in range(3)]
    values = [None if place % 2 else b"v" for place in range(len(names))]
    assert found[1].headers == list(zip(read, values, strict=True))
    assert (found[0].key, found[0].headers, found[2].headers) == (b"k", [], [])


@pytest.mark.parametrize("start", [0, 2])
def test_a_batch_whose_checksum_is_wrong_is_one_message_that_says_so_and_the_next_is_read(start: int):
    wrong, good = batch(), batch()
    wrong[-1] ^= 1
    good[0:8] = (3).to_bytes(8, "big")
    found = taken(wrong + good, start)
    assert [one.offset for one in found] == [2, 3, 4, 5]
    assert isinstance(found[0].value, Damaged)
    assert found[0].value == b"messages up to 2 are damaged: the checksum is wrong"
    assert not any(isinstance(one.value, Damaged) for one in found[1:])


def test_what_stands_before_a_message_that_cannot_be_read_is_read():
    builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 1 << 20)
    for offset in range(3):
        builder.append(offset, 1, b"k", b"v", [])
    size = len(builder._buffer)
    builder._buffer[size - 1] = 1  # the last message says that it has minus one headers
    found = taken(builder.build())
    assert [one.offset for one in found] == [0, 1, 2]
    assert [isinstance(one.value, Damaged) for one in found] == [False, False, True]
    assert b"number of record headers" in found[2].value


def test_who_is_asked_again_after_an_error_does_not_turn_round_in_it():
    wire = batch()
    part = _Part(0, PARTITION, MemoryRecords(bytes(wire)))
    part.record_iterator = (1 // 0 for _ in "x")
    with pytest.raises(ZeroDivisionError):
        part.take()
    assert not part


@pytest.mark.parametrize("compression", [0, 1])
@pytest.mark.parametrize(("count", "read"), [(HEADERS_MOST, HEADERS_MOST), (HEADERS_MOST + 1, 1)])
def test_of_a_message_with_more_headers_than_there_is_time_for_none_is_read(count: int, read: int, compression: int):
    """One message of 8 MiB can hold three million, which the client alone took two seconds to take apart."""
    found = taken(batch(*[b"h"] * count, compression=compression))
    assert [(one.offset, one.value) for one in found] == [(offset, b"%d" % offset * 200) for offset in range(3)]
    assert len(found[1].headers) == read
    assert found[1].headers[0] == (("h", b"v") if read > 1 else ("headers", b"10001, which were not read"))
