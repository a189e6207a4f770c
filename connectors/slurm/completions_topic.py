"""The topics that Slurm's plug-in writes to, read without a group: whoever reads them, nothing is taken from them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import suppress

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CorruptRecordError, KafkaError, UnsupportedCodecError

from connectors.kafka_client.connect_errors import CONSUMING, admin_client, connected
from connectors.kafka_client.metadata import BrokerMetadata, unavailable
from connectors.kafka_client.security import Security
from models.errors import BusRefused, BusUnavailable

BACK_S = 3600  # how far back to begin: as long as work that has ended stays on the bus
ASK_MS = 3000  # until a question that the broker does not answer is given up
POLL_MS = 300  # to wait for a first message
CHUNK = 500
READ_S = 1.0  # longest reading at once; what is left is read the next time
LOOK_S = 30.0  # how often to ask whether the broker is there, and the topics are what they were
FETCH_BYTES = 8 << 20


class Topics:
    """Reads some topics, all of which exist, from an hour before ``clock`` on.

    A broker that is away, and topics that were made anew or have other partitions, are noticed within LOOK_S; then
    ``read`` raises, and another one of these has to be made. What cannot be taken apart is skipped, with all that is
    there by then.
    """

    def __init__(
        self,
        servers: Collection[str],
        names: Collection[str],
        security: Security,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises BusUnavailable or BusRefused."""
        self.skipped = 0  # how often messages were left out that could not be taken apart
        self._names = frozenset(names)
        self._monotonic = monotonic
        options = {"bootstrap_servers": list(servers), "client_id": "tidegate-completions"}
        self._metadata = BrokerMetadata(admin_client(options, security, ASK_MS))
        try:
            self._consumer = connected(_consumer, options, security)
        except (BusUnavailable, BusRefused):
            self._metadata.close()
            raise
        try:
            self._shapes = dict(self._metadata.shapes(self._names, patience_s=0))
            if missing := self._names - self._shapes.keys():
                raise BusUnavailable(f"the broker has no topic {', '.join(sorted(missing))} (who makes topics there?)")
            self._start(clock() - BACK_S)
        except (BusUnavailable, BusRefused):
            self.close()
            raise

    def read(self) -> list[bytes]:
        """What is new. Raises BusUnavailable or BusRefused."""
        self._look()
        found: list[bytes] = []
        until_s = self._monotonic() + READ_S
        try:
            while self._monotonic() < until_s and (fetched := self._consumer.poll(POLL_MS, max_records=CHUNK)):
                found += [one.value for records in fetched.values() for one in records if one.value]
        except UnsupportedCodecError as error:
            raise BusRefused(f"a topic is compressed in a way that cannot be read here: {error}") from error
        except (CorruptRecordError, UnicodeError):
            self.skipped += 1
            self._consumer.seek_to_end()
        except KafkaError as error:
            raise unavailable(error, "which jobs have started and ended") from error
        return found

    def close(self) -> None:
        """Let go of the connections."""
        with suppress(KafkaError):
            self._consumer.close(autocommit=False, timeout_ms=1000)
        self._metadata.close()

    def _start(self, at_s: float) -> None:
        parts = [TopicPartition(name, number) for name, (_, count) in self._shapes.items() for number in range(count)]
        self._look_at_s = self._monotonic() + LOOK_S
        ends = self._metadata.ends(parts)
        try:
            places = self._consumer.offsets_for_times(dict.fromkeys(parts, round(at_s * 1000)), timeout_ms=ASK_MS)
            self._consumer.assign(parts)
            for part in parts:
                self._consumer.seek(part, ends[part] if places.get(part) is None else places[part].offset)
        except KafkaError as error:
            raise unavailable(error, "where to begin to read") from error

    def _look(self) -> None:
        if self._monotonic() < self._look_at_s:
            return
        self._look_at_s = self._monotonic() + LOOK_S
        shapes = dict(self._metadata.shapes(self._names, patience_s=0))
        if shapes != self._shapes:
            raise BusUnavailable(f"the topics {', '.join(sorted(self._names))} are not the ones that they were")


def _consumer(options: dict[str, object]) -> KafkaConsumer:
    return KafkaConsumer(
        **options,
        **CONSUMING,
        group_id=None,
        auto_offset_reset="earliest",  # what was deleted meanwhile, the polls have told
        request_timeout_ms=ASK_MS * 2,
        fetch_max_wait_ms=POLL_MS // 3,
        max_partition_fetch_bytes=FETCH_BYTES,
    )
