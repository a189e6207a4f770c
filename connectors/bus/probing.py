"""Finding a message that the client cannot even take apart: it raises, and would turn round in it for ever."""

from __future__ import annotations

from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CorruptRecordError

PROBE_MS = 1000  # without a message: then there is none
PROBED_MOST = 5_000
NOT_APART = (CorruptRecordError, UnicodeError)


def probe(consumer: KafkaConsumer, partition: TopicPartition, start: int | None) -> tuple[list[Any], int | None]:
    """The messages from ``start`` on, or from the earliest, until one that cannot be taken apart; its offset.

    Nothing and None when there is none. The consumer belongs to no group, and is closed afterwards.
    """
    found: list[Any] = []
    try:
        consumer.assign([partition])
        consumer.seek_to_beginning(partition) if start is None else consumer.seek(partition, start)
        while len(found) < PROBED_MOST:
            try:
                records = consumer.poll(PROBE_MS, max_records=1)
            except NOT_APART:
                return found, consumer.position(partition)
            if not records:
                break
            found += records[partition]
        return [], None
    finally:
        consumer.close(autocommit=False)
