"""Consuming: one member of a consumer group, that says aloud when it cannot have seen everything."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    LogTruncationError,
    NoOffsetForPartitionError,
    UnsupportedCodecError,
)

from connectors.bus.broker.metadata import TopicMetadata
from connectors.bus.wire.receiver import Receiver
from connectors.kafka_client.client_patches import unstoppable
from connectors.kafka_client.damaged import Damaged
from connectors.kafka_client.metadata import PLACELESS, Shape, unavailable
from models.bus import BusCounts, Delivery, Gap
from models.errors import BusRefused, BusUnavailable
from models.events import Event, Topic

ANSWER_MS = 8_000
JOINING_S = 0.5  # of a poll while we join: the client loses what comes of it if that comes while nobody polls
STUCK_S = 5.0  # without our part of the topics: then it was lost, and we join anew
JOIN_S = 15.0  # longest time to wait for our part of the topics
AWAY_S = 30.0  # the same, after the broker did not say
SHAPES_S = 5.0  # how often to ask whether a topic is still the one that it was

log = logging.getLogger("tidegate.bus")


class KafkaSubscription(ConsumerRebalanceListener):  # type: ignore[misc]  # the client has no types
    """See ``models.bus.Subscription``. Partitions are shared among the members of the group.

    ``metadata`` has a connection of its own: on the consumer's, its answers would wait behind a fetch that waits for
    messages. ``settle`` makes sure that dead letters are kept, before the messages that they stand for are committed.
    """

    def __init__(
        self,
        consumer: KafkaConsumer,
        topics: Mapping[str, Topic],
        receiver: Receiver,
        counts: BusCounts,
        metadata: TopicMetadata,
        settle: Callable[[], None],
    ) -> None:
        self._consumer = unstoppable(consumer)
        self._topics = topics
        self._receiver = receiver
        self._counts = counts
        self._metadata = metadata
        self._settle = settle
        self._shapes: dict[str, Shape] = dict(metadata.shapes(topics))
        self._shapes_due_s = time.monotonic() + SHAPES_S
        self._joined = False
        self._joining_since = 0.0
        self._gaps: list[Gap] = []
        self._early: dict[TopicPartition, list[Any]] = {}
        self._subscribe()
        self._join()

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """What was not committed goes to another member, and its effects are safe to repeat."""
        self._joined = False
        self._joining_since = time.monotonic()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """A part of a topic of state is read from its beginning, so that its state is there before anyone acts."""
        self._joined = True
        state = [partition for partition in assigned if self._topics[partition.topic].state]
        if state:
            self._consumer.seek_to_beginning(*state)

    def poll(self, timeout_s: float, most: int = 500) -> Delivery:
        """See the port."""
        self._note_shapes()
        self._early = self._early or self._fetch(timeout_s, most)  # there until all were read: the client forgets them
        events: list[Event] = []
        for partition, records in self._early.items():
            topic, number, read = self._topics[partition.topic], partition.partition, self._receiver.read
            for record in records:
                event = read(topic, number, record.offset, record.key, record.value, record.headers)
                if event is not None:
                    events.append(event)
                elif isinstance(record.value, Damaged):
                    self._gaps.append(Gap(topic, f"of partition {number} {record.value.decode()}"))
        self._early = {}
        gaps, self._gaps = tuple(self._gaps), []
        self._counts.gaps += len(gaps)
        return Delivery(tuple(events), gaps)

    def commit(self) -> None:
        """See the port. After a rebalance it says nothing: whoever has the partition now gets the messages again."""
        if self._early:
            return  # it came while we joined, and nobody has polled it yet
        self._settle()
        try:
            self._consumer.commit(timeout_ms=ANSWER_MS)
        except (CommitFailedError, IllegalStateError) as error:
            log.info("nothing was committed, since the group has changed meanwhile: %s", error)
        except KafkaError as error:
            raise unavailable(error, "whether what was read is committed") from error

    def lag(self) -> int:
        """See the port."""
        if not self._joined:
            return 1  # the group is being shared out anew, and nobody knows what our part will be
        mine = self._consumer.assignment()
        ends = self._metadata.ends(mine) if mine else {}
        early = sum(len(records) for records in self._early.values())
        try:
            return early + sum(
                max(0, end - (self._consumer.position(part, timeout_ms=ANSWER_MS) or 0)) for part, end in ends.items()
            )
        except PLACELESS as error:
            self._begin_anew(error)
            return max(1, early + sum(ends.values()))
        except KafkaError as error:
            raise unavailable(error, "how far this member is") from error

    def close(self) -> None:
        """See the port."""
        with suppress(KafkaError):
            self._consumer.close(autocommit=False, timeout_ms=2000)

    def _subscribe(self) -> None:
        """Join the group, or join it anew. Who joins before he knows the topics gets nothing, and has to join again."""
        self._joining_since = time.monotonic()
        try:
            self._consumer.subscribe(list(self._topics), listener=self)
            self._consumer.topics()
        except KafkaError as error:
            raise unavailable(error, "which topics it has") from error

    def _join(self) -> None:
        """Wait until the group has given us our part, perhaps nothing; what comes with it is for the first poll."""
        deadline = time.monotonic() + JOIN_S
        while not self._joined and time.monotonic() < deadline:
            self._early = self._fetch(JOINING_S, 500)

    def _fetch(self, timeout_s: float, most: int) -> dict[TopicPartition, list[Any]]:
        wait_ms = round(1000 * (timeout_s if self._joined else max(timeout_s, JOINING_S)))
        try:
            if not self._joined and time.monotonic() - self._joining_since > STUCK_S:
                self._consumer.unsubscribe()
                self._subscribe()
            fetched: dict[TopicPartition, list[Any]] = self._consumer.poll(wait_ms, max_records=most)
        except PLACELESS as error:
            self._begin_anew(error)
            return {}
        except UnsupportedCodecError as error:
            raise BusRefused(f"a topic is compressed in a way that cannot be read here: {error}") from error
        except KafkaError as error:
            raise unavailable(error, "what is new") from error
        return fetched

    def _begin_anew(self, error: KafkaError) -> None:
        """Read partitions from the earliest message that there is: of a new group, or when ours is there no more."""
        assigned = self._consumer.assignment()
        named = error.divergent_offsets if isinstance(error, LogTruncationError) else error.args[0]
        partitions = [partition for partition in named if partition in assigned]
        if not isinstance(error, NoOffsetForPartitionError):
            names = sorted({partition.topic for partition in partitions})
            deleted = "the messages that follow were deleted before they were read"
            self._gaps += [Gap(self._topics[name], deleted) for name in names]
            # whoever doubts what he knows of a topic of state must be told all of it
            whole = [one for one in assigned if one.topic in names and self._topics[one.topic].state]
            partitions = [*{*partitions, *whole}]
        if partitions:
            self._consumer.seek_to_beginning(*partitions)

    def _note_shapes(self) -> None:
        """Notice a topic that was made anew, or was given more partitions, so that keys have moved between them."""
        if time.monotonic() < self._shapes_due_s:
            return
        self._shapes_due_s = time.monotonic() + AWAY_S
        try:
            shapes = self._metadata.shapes(self._topics, patience_s=0)
        except BusUnavailable:
            return  # what it could not tell now, it tells later; asking again at once would keep the caller waiting
        self._shapes_due_s = time.monotonic() + SHAPES_S
        for name, (ident, count) in shapes.items():
            known, self._shapes[name] = self._shapes.get(name), (ident, count)
            if known is None or known == (ident, count):
                continue
            reason = "it was made anew" if known[0] != ident else f"it has {count} partitions now, not {known[1]}"
            self._gaps.append(Gap(self._topics[name], reason))
            mine = [partition for partition in self._consumer.assignment() if partition.topic == name]
            if mine:
                self._consumer.seek_to_beginning(*mine)
