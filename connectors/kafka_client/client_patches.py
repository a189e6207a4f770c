"""Taking apart what the broker sends. The client alone gives up at the first message that it cannot read, and when it
is asked again it turns round in that one for ever, whoever else waits behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kafka import KafkaConsumer
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecord, DefaultRecordBatch
from kafka.record.util import decode_varint

from connectors.kafka_client.damaged import Damaged

NAMELESS = bytes(range(128)) + b"?" * 128  # for each byte of a header's name that is not UTF-8, what is read instead
BEFORE_KEY = 4  # numbers of a message: its length, attributes, time and offset
HEADERS_MOST = 10_000  # of one message: 8 MiB hold some three million, which take the client seconds
CROWD = 2 * HEADERS_MOST  # bytes that more headers than that take at least


def unstoppable(consumer: KafkaConsumer) -> KafkaConsumer:
    """The consumer, which now goes on behind whatever it cannot read.

    A header's name that is not UTF-8 is read with question marks, and of more than HEADERS_MOST headers none. Where
    messages are damaged, one with the offset of the last of them comes instead, whose value is ``Damaged``. Nothing
    else is skipped, and the order stays.
    """
    consumer._fetcher.PartitionRecords = _Part
    return consumer


class _Part(Fetcher.PartitionRecords):  # type: ignore[misc]  # the client has no types
    """What was fetched of one partition."""

    def take(self, n: int | None = None) -> list[Any]:
        try:
            return list(super().take(n))
        except Exception:
            self.drain()  # else the next poll asks what has ended for more, and never stops
            raise

    def _unpack_records(self, tp: Any, records: MemoryRecords, *deserializers: Any) -> Iterator[Any]:
        unpacked: Iterator[Any] = super()._unpack_records(tp, _Records(records._buffer), *deserializers)
        return unpacked


class _Records(MemoryRecords):  # type: ignore[misc]
    """Batches as they were sent."""

    def next_batch(self) -> Any:
        batch = super().next_batch()
        return _Batch(batch._buffer) if isinstance(batch, DefaultRecordBatch) else batch


class _Batch(DefaultRecordBatch):  # type: ignore[misc]
    """Messages that were sent together."""

    _broken = ""
    _pos: int

    def validate_crc(self) -> bool:
        """True: a batch whose checksum is wrong is read as one message that is damaged."""
        if not super().validate_crc():
            self._broken = "the checksum is wrong"
        return True

    def __iter__(self) -> Iterator[Any]:
        if not self._broken:
            yield from self._readable()
        if self._broken:
            yield self._damaged()

    def _readable(self) -> Iterator[Any]:
        """The messages up to the first that is damaged, which is noted."""
        self._maybe_uncompress()
        read = self._read_msg
        try:
            for _ in range(self._num_records):
                try:
                    message = self._crowded() or read()
                except UnicodeDecodeError:
                    self._mend_names()
                    message = read()
                yield message
        except (CorruptRecordError, ValueError, IndexError) as error:
            self._broken = str(error)
        else:
            if self._pos != len(self._buffer):
                self._broken = f"{len(self._buffer) - self._pos} bytes more than its messages have"

    def _before_headers(self) -> tuple[list[int], list[bytes | None], int, int]:
        """Of the next message: the numbers before its key, key and value, how many headers there are, and where."""
        buffer, pos = self._buffer, self._pos
        numbers: list[int] = []
        parts: list[bytes | None] = []
        for _ in range(BEFORE_KEY):
            number, pos = decode_varint(buffer, pos)
            numbers.append(number)
        for _ in ("key", "value"):
            size, pos = decode_varint(buffer, pos)
            parts.append(bytes(buffer[pos : pos + size]) if size >= 0 else None)
            pos += max(0, size)
        count, pos = decode_varint(buffer, pos)
        return numbers, parts, count, pos

    def _crowded(self) -> DefaultRecord | None:
        """The next message without its headers, if there are too many of them."""
        if len(self._buffer) - self._pos < CROWD:
            return None
        (size, *_, offset), parts, count, _ = self._before_headers()
        if count <= HEADERS_MOST:
            return None
        _, begin = decode_varint(self._buffer, self._pos)
        self._pos = begin + size
        told = [("headers", f"{count}, which were not read".encode())]
        return DefaultRecord(size, self.base_offset + offset, self.max_timestamp, self.timestamp_type, *parts, told)

    def _mend_names(self) -> None:
        """Make the names of the next message's headers readable, byte by byte, so that all else stays where it is."""
        buffer = self._buffer
        *_, count, pos = self._before_headers()
        for _ in range(count):
            size, pos = decode_varint(buffer, pos)
            if size < 0:
                return  # damaged; the reading says so
            try:
                buffer[pos : pos + size].decode()
            except UnicodeDecodeError:
                buffer[pos : pos + size] = buffer[pos : pos + size].translate(NAMELESS)
            pos += size
            size, pos = decode_varint(buffer, pos)
            pos += max(0, size)

    def _damaged(self) -> DefaultRecord:
        """One message for all that is left of the batch. The last offset: an earlier one may have been read already."""
        value = Damaged(f"messages up to {self.last_offset} are damaged: {self._broken}".encode())
        return DefaultRecord(len(value), self.last_offset, self.max_timestamp, self.timestamp_type, None, value, [])
