"""Looking into Apache Kafka from outside. It takes READ on topics and, for groups, DESCRIBE on them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from zlib import crc32

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import AuthorizationError, KafkaError, RetriableError, UnsupportedCodecError

from connectors.bus.broker.metadata import TopicMetadata
from connectors.bus.inspection import Behind, Extent, Found, Reading, Send, no_such_topic
from connectors.kafka_client.client_patches import unstoppable
from connectors.kafka_client.connect_errors import CONSUMING, admin_client, connected
from connectors.kafka_client.damaged import Damaged
from connectors.kafka_client.metadata import PLACELESS, Shape, unavailable
from connectors.kafka_client.security import Security
from models.errors import BadInput, BusRefused, BusUnavailable
from models.events import Topic

ASK_MS = 8_000  # until a question that the broker does not answer is given up
SENT_S = 20.0  # longest time until a message is there
LOOK_S = 5.0  # how often to ask whether a topic is still the one that it was
CHUNK = 2000  # messages of one poll
CLIENT_ID = "tidegate-look"


class KafkaInspection:
    """See ``connectors.bus.inspection.Inspection``. Raises BusUnavailable or BusRefused, with the reason."""

    def __init__(self, servers: Collection[str], *, prefix: str = "", security: Security | None = None) -> None:
        self._options = {"bootstrap_servers": list(servers), "client_id": CLIENT_ID}
        self._where = f"kafka:{','.join(servers)}"
        self._prefix = prefix
        self._security = security or Security()
        self._metadata = TopicMetadata(admin_client(self._options, self._security, ASK_MS), prefix)

    def extents(self) -> list[Extent]:
        """See the port."""
        parts, hidden = self._partitions()
        if hidden and not parts:
            self._metadata.shapes(map(self._metadata.name, hidden))  # says what to grant
        if not parts:
            raise self._no_such(Topic.WORK)
        every = [part for some in parts.values() for part in some]
        begins, ends = self._metadata.begins(every), self._metadata.ends(every)
        sizes = {topic: sum(ends[part] - begins[part] for part in some) for topic, some in parts.items()}
        return [
            Extent(topic, len(parts[topic]), sizes[topic], not topic.state)
            if topic in parts
            else Extent(topic, None, None)
            for topic in Topic
            if topic in parts or topic in hidden
        ]

    def behind(self) -> list[Behind]:
        """See the port. A partition of which the group has committed nothing counts from its beginning."""
        parts, _ = self._partitions()
        every = [part for some in parts.values() for part in some]
        begins, ends = self._metadata.begins(every), self._metadata.ends(every)
        committed = self._metadata.committed(
            [name for name in self._metadata.groups() if name.startswith(self._prefix)]
        )
        return sorted(
            (
                Behind(
                    group.removeprefix(self._prefix),
                    topic,
                    sum(max(0, ends[part] - max(begins[part], places.get(part, 0))) for part in some),
                    not topic.state,
                )
                for group, places in committed.items()
                for topic, some in parts.items()
                if not places.keys().isdisjoint(some)
            ),
            key=lambda one: (one.group, [*Topic].index(one.topic)),
        )

    @contextmanager
    def reading(self, topic: Topic, note: Callable[[str], None]) -> Iterator[Reading]:
        """See the port."""
        name = self._metadata.name(topic)
        if name not in self._metadata.shapes([name]):
            raise self._no_such(topic)
        consumer = self._consumer()
        try:
            yield KafkaReading(unstoppable(consumer), self._metadata, topic, note)
        finally:
            with suppress(KafkaError):
                consumer.close(autocommit=False, timeout_ms=2000)

    @contextmanager
    def sending(self) -> Iterator[Send]:
        """See the port."""
        producer = connected(
            lambda options: KafkaProducer(
                **options,
                acks="all",
                enable_idempotence=False,  # each is waited for; and without WRITE it is the topic that is named
                metrics_enabled=False,
                max_block_ms=ASK_MS,
                delivery_timeout_ms=round(SENT_S * 1000),
                request_timeout_ms=ASK_MS,
                reconnect_backoff_max_ms=1000,
            ),
            self._options,
            self._security,
        )

        def send(found: Found) -> None:
            name = self._metadata.name(found.topic)
            try:
                some = producer.partitions_for(name)
                fits = found.partition in some  # else the topic has other partitions than it had
                number = found.partition if fits else crc32(found.key or b"") % len(some)
                sent = producer.send(name, found.value, found.key, [*found.headers], partition=number)
                sent.get(timeout=SENT_S)
            except AuthorizationError as error:
                raise BusRefused(f"this user may not write to {name} (grant it WRITE on the topic)") from error
            except KafkaError as error:
                kind = BusUnavailable if isinstance(error, RetriableError) else BusRefused
                raise kind(f"the broker does not take a message for {name}: {type(error).__name__} {error}") from error

        try:
            yield send
        finally:
            producer._sender.force_close()  # whatever it still has was told as not sent
            with suppress(KafkaError):
                producer.close(timeout=2.0)

    def close(self) -> None:
        """See the port."""
        self._metadata.close()

    def _consumer(self) -> KafkaConsumer:
        return connected(
            lambda options: KafkaConsumer(**options, **CONSUMING, group_id=None, auto_offset_reset="none"),
            self._options,
            self._security,
        )

    def _no_such(self, topic: Topic) -> BadInput:
        return no_such_topic(topic, self._prefix, self._metadata.prefixes(topic), self._where)

    def _partitions(self) -> tuple[dict[Topic, list[TopicPartition]], set[Topic]]:
        """The partitions of the topics that there are, and the topics that this user may not see."""
        names = {self._metadata.name(topic): topic for topic in Topic}
        shapes, hidden = self._metadata.visible_shapes(names)
        parts = {
            topic: [TopicPartition(name, number) for number in range(shapes[name][1])]
            for name, topic in names.items()
            if name in shapes
        }
        return parts, {names[name] for name in hidden}


class KafkaReading:
    """See ``connectors.bus.inspection.Reading``."""

    def __init__(
        self,
        consumer: KafkaConsumer,
        metadata: TopicMetadata,
        topic: Topic,
        note: Callable[[str], None],
    ) -> None:
        self._consumer = consumer
        self._metadata = metadata
        self._topic = topic
        self._name = metadata.name(topic)
        self._note = note
        self._shape: Shape | None = None
        self._look_at_s = 0.0
        self._away = False
        self._ends: dict[TopicPartition, int] = {}
        self._next: dict[TopicPartition, int] = {}

    def start(self, back: int | None) -> bool:
        """See the port."""
        self._shape = self._metadata.shapes([self._name]).get(self._name)
        self._look_at_s = time.monotonic() + LOOK_S
        parts = self._parts()
        begins, self._ends = self._metadata.begins(parts), dict(self._metadata.ends(parts))
        self._go_to(
            {part: begins[part] if back is None else max(begins[part], self._ends[part] - back) for part in parts}
        )
        return self._next == begins

    def poll(self, timeout_s: float) -> list[Found]:
        """See the port."""
        self._look()
        try:
            fetched = self._consumer.poll(round(timeout_s * 1000), max_records=CHUNK)
        except PLACELESS:
            self._note("messages were deleted before they could be shown")
            self._go_to(self._metadata.begins(self._parts()))
            return []
        except UnsupportedCodecError as error:
            raise BusRefused(f"{self._name} is compressed in a way that cannot be read here: {error}") from error
        except KafkaError as error:
            raise unavailable(error, f"what is on {self._name}") from error
        return [found for part, records in fetched.items() for found in self._taken(part, records)]

    def caught_up(self) -> bool:
        """See the port."""
        try:
            return all(
                (self._consumer.position(part, timeout_ms=ASK_MS) or 0) >= end for part, end in self._ends.items()
            )
        except KafkaError as error:
            raise unavailable(error, f"how far {self._name} was read") from error

    def _taken(self, part: TopicPartition, records: Sequence[Any]) -> list[Found]:
        self._next[part] = records[-1].offset + 1
        for one in records:
            if isinstance(one.value, Damaged):
                self._note(f"{self._topic}, partition {part.partition}: {one.value.decode()}")
        return [
            Found(
                self._topic,
                part.partition,
                one.offset,
                one.timestamp / 1000,
                one.key,
                one.value,
                tuple((name, text or b"") for name, text in one.headers),
            )
            for one in records
            if not isinstance(one.value, Damaged)
        ]

    def _go_to(self, places: Mapping[TopicPartition, int]) -> None:
        self._next = dict(places)
        self._consumer.assign([*self._next])
        for part, place in self._next.items():
            self._consumer.seek(part, place)

    def _parts(self) -> list[TopicPartition]:
        return [TopicPartition(self._name, number) for number in range(self._shape[1] if self._shape else 0)]

    def _look(self) -> None:
        """Notice a broker that is away, a topic that was made anew, and one that has more partitions now."""
        if time.monotonic() < self._look_at_s:
            return
        try:
            shape = self._metadata.shapes([self._name], patience_s=0).get(self._name)
        except BusUnavailable as error:
            if not self._away:
                self._note(f"waiting, since there is no answer: {error}")
            self._away = True
            return
        finally:
            self._look_at_s = time.monotonic() + LOOK_S
        if self._away:
            self._note("the broker answers again")
        self._away = False
        if shape is None or shape == self._shape:
            return
        known, self._shape = self._shape, shape
        is_new = known is None or known[0] != shape[0]
        self._note(f"{self._name} was made anew" if is_new else f"{self._name} has {shape[1]} partitions now")
        begins = self._metadata.begins(self._parts())
        self._go_to(begins if is_new else {**begins, **self._next})
