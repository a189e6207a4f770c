"""The event bus on Apache Kafka."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from connectors.bus.broker.consumer import KafkaSubscription
from connectors.bus.broker.metadata import TopicMetadata
from connectors.bus.broker.producer import ByKey, Producing
from connectors.bus.broker.spool import Spool
from connectors.bus.topics import LONGEST
from connectors.bus.wire.codec import Message, encode
from connectors.bus.wire.receiver import Receiver, dead_letter_event, too_large, unsendable
from connectors.kafka_client.client_patches import unstoppable
from connectors.kafka_client.connect_errors import CONSUMING, admin_client, connected
from connectors.kafka_client.metadata import unavailable
from connectors.kafka_client.security import Security
from models.bus import BusCounts, Subscription
from models.errors import BusRefused, BusUnavailable
from models.events import DeadLetter, Event, Latest, Topic

SPOOL_MOST = 256 * 2**20  # bytes
SURELY_FITS = LONGEST // 2  # bytes of a body: key and headers are never so long as to make it too large
LINGER_MS = 25  # to wait for company when nobody flushes: fewer, larger requests
BATCH_BYTES = 128 * 1024
TOPICS_S = 5.0  # how often to look whether topics are still the ones that they were
AWAY_S = 60.0  # the same, after the broker did not say
LETTERS_KNOWN = 10_000  # places of messages put aside that one process remembers
ASK_MS = 4_000  # until a question that the broker does not answer is given up
SESSION_MS = 15_000  # without a word from a member, until its part goes to the others
LONG_POLL_MS = 100  # a fetch that waits for one partition's messages holds up those that others have already
FOR_EVER_MS = 2**31 - 1  # the client never gives a message up: what it has is in our window, and counted
READ_S = 60.0  # longest time to read a whole topic of state

log = logging.getLogger("tidegate.bus")


class KafkaBus:
    """See ``models.bus.Bus``. Topics are made when they are missing, and checked when they are there.

    ``servers`` are ``host:port`` each; topics and groups begin with ``prefix``. While the broker is away events wait in
    ``spool``, a file of at most ``spool_most`` bytes that a later process goes on with; without a path it is a
    temporary one, that ends with this bus. ``metadata`` tells of topics and groups. Raises BusUnavailable when no
    broker answers, BusRefused when one says no.
    """

    def __init__(
        self,
        servers: Collection[str],
        *,
        prefix: str = "",
        security: Security | None = None,
        spool: Path | None = None,
        spool_most: int = SPOOL_MOST,
        client_id: str = "tidegate",
    ) -> None:
        self._options = {"bootstrap_servers": list(servers), "client_id": client_id}
        self._prefix = prefix
        self._security = security or Security()
        self.counts = BusCounts()
        self._buried = 0
        self._known_letters: set[tuple[str, int, int]] = set()
        self._idents: dict[str, object] = {}
        self._topics_due_s = 0.0
        self.metadata = TopicMetadata(admin_client(self._options, self._security, ASK_MS), prefix)
        self._temporary = Path(tempfile.mkdtemp(prefix="tidegate-spool-")) if spool is None else None
        self._spool: Spool | None = None
        self._producing: Producing | None = None
        try:
            self.metadata.ensure()
            shapes = self.metadata.shapes(map(self.metadata.name, Topic))
            self._idents = {name: ident for name, (ident, _) in shapes.items()}
            self._topics_due_s = time.monotonic() + TOPICS_S
            self._spool = Spool(
                spool or (self._temporary or Path()) / "spool.sqlite", spool_most, precious=prefix + Topic.DEAD_LETTER
            )
            self._producing = Producing(self._producer, self._spool, self.counts, self._bury_sent)
        except BaseException:
            self.close(0)
            raise

    def publish(self, event: Event) -> None:
        """See the port."""
        producing, message = self._open, encode(event)
        self.counts.published += 1
        if len(message.value or b"") > SURELY_FITS and (letter := too_large(message)):
            self._bury(letter)
        else:
            producing.send(self._named(message))
        if (refused := producing.refused) is not None:
            raise BusRefused(
                f"the broker does not take events for {event.topic}: {type(refused).__name__} {refused}"
                " (they are kept; grant this user WRITE on the topic)"
            )

    def flush(self, timeout_s: float) -> int:
        """See the port."""
        return self._open.flush(timeout_s)

    def take_resyncs(self) -> frozenset[Topic]:
        """See the port. A topic that was deleted or made anew has lost all that was told on it, too."""
        self._look_at_topics()
        producing, ours = self._open, {self.metadata.name(topic): topic for topic in Topic}
        lost = frozenset(ours[name] for name in producing.lost if name in ours)
        producing.lost = set()
        return lost

    def _look_at_topics(self) -> None:
        """Notice, every few seconds, topics that are not the ones that they were; make again those that are gone."""
        now_s = time.monotonic()
        if now_s < self._topics_due_s:
            return
        self._topics_due_s = now_s + AWAY_S
        try:
            shapes = self.metadata.shapes(map(self.metadata.name, Topic), patience_s=0)
            if len(shapes) < len(Topic):
                log.error("topics of the bus are gone; they are made again, and what was on them is told anew")
                self.metadata.ensure()
                shapes = self.metadata.shapes(map(self.metadata.name, Topic), patience_s=0)
        except (BusUnavailable, BusRefused) as error:
            log.warning("whether the topics are still there is not known: %s", error)
            return
        self._topics_due_s = now_s + TOPICS_S
        idents = {name: ident for name, (ident, _) in shapes.items()}
        self._open.lost |= {name for name, ident in idents.items() if self._idents.get(name, ident) != ident}
        self._idents |= idents

    def subscribe(self, topics: Collection[Topic], group: str) -> Subscription:
        """See the port."""
        consumer = self._consumer(group_id=self._prefix + group)
        names = {self.metadata.name(topic): topic for topic in topics}
        try:
            return KafkaSubscription(
                consumer,
                names,
                Receiver(self.counts, self._bury_read),
                self.counts,
                self.metadata,
                self._settle,
            )
        except BaseException:
            consumer.close(autocommit=False)
            raise

    def latest_state(self, topic: Topic) -> Mapping[str, Event]:
        """See the port."""
        consumer, receiver = unstoppable(self._consumer(group_id=None)), Receiver(self.counts, self._bury_read)
        latest, deadline = Latest(), time.monotonic() + READ_S
        try:
            partitions = self.metadata.partitions(self.metadata.name(topic))
            if not partitions:
                raise BusUnavailable(f"topic {self.metadata.name(topic)} is not there (has somebody deleted it?)")
            ends = self.metadata.ends(partitions)
            consumer.assign(partitions)
            consumer.seek_to_beginning()
            while any((consumer.position(partition) or 0) < end for partition, end in ends.items() if end):
                if time.monotonic() > deadline:
                    raise BusUnavailable(f"{topic} could not be read within {READ_S:.0f} s")
                for partition, records in consumer.poll(1000, max_records=2000).items():
                    for one in records:
                        event = receiver.read(topic, partition.partition, one.offset, one.key, one.value, one.headers)
                        if event is not None:
                            latest.take(event)
        except KafkaError as error:
            raise unavailable(error, f"what is on {topic}") from error
        finally:
            consumer.close(autocommit=False)
        self._settle()
        return latest.state

    def tidy(self) -> None:
        """Nothing: a broker does so itself."""

    def discard(self) -> None:
        """Delete the topics of this bus, and all that is on them."""
        self.metadata.discard()

    def close(self, timeout_s: float = 5.0) -> None:
        """See the port; safe to repeat."""
        producing, self._producing = self._producing, None
        spool, self._spool = self._spool, None
        left = 0
        with ExitStack() as at_end:
            at_end.callback(self.metadata.close)
            if self._temporary is not None:
                at_end.callback(shutil.rmtree, self._temporary, ignore_errors=True)
            if spool is not None:
                at_end.callback(spool.close)
            if producing is not None:
                left = producing.close(timeout_s)
        if left and self._temporary is not None:
            log.error("%d events could not be delivered before the end, and are lost: there is no spool file", left)

    @property
    def _open(self) -> Producing:
        if self._producing is None:
            raise BusUnavailable("the bus is closed")
        return self._producing

    def _connect(self, make: Callable[[dict[str, Any]], Any]) -> Any:
        return connected(make, self._options, self._security)

    def _producer(self, alone: bool) -> KafkaProducer:
        """A client; one that sends messages one by one does not wait for company."""
        return self._connect(
            lambda options: KafkaProducer(
                **options,
                acks="all",
                metrics_enabled=False,  # what counts is in ``counts``; the client's own cost a tenth of its time
                reconnect_backoff_max_ms=1000,
                linger_ms=0 if alone else LINGER_MS,
                batch_size=BATCH_BYTES,
                partitioner=ByKey(),
                delivery_timeout_ms=FOR_EVER_MS,
                max_block_ms=500,
            )
        )

    def _consumer(self, group_id: str | None) -> KafkaConsumer:
        return self._connect(
            lambda options: KafkaConsumer(
                **options,
                **CONSUMING,
                group_id=group_id,
                auto_offset_reset="none",
                session_timeout_ms=SESSION_MS,
                fetch_max_wait_ms=LONG_POLL_MS,
            )
        )

    def _bury(self, letter: DeadLetter) -> None:
        self.counts.dead_letters += 1
        self._buried += 1
        log.warning("a message for %s is put aside: %s", letter.topic, letter.reason)
        self._open.send(self._named(encode(dead_letter_event(letter, time.time()))))

    def _named(self, message: Message) -> Message:
        """The message for the topic as it is called on this broker."""
        topic, key, value, headers = message
        return Message(self._prefix + topic, key, value, headers)

    def _bury_read(self, letter: DeadLetter) -> None:
        """Put a message that was read aside, once in a process: topics of state are read again and again."""
        place = (letter.topic, letter.partition, letter.offset or 0)
        if place in self._known_letters:
            return
        self._bury(letter)
        if len(self._known_letters) < LETTERS_KNOWN:
            self._known_letters.add(place)

    def _bury_sent(self, message: Message, reason: str) -> None:
        """The broker will not take this message; a dead letter that it will not take ends here."""
        if message.topic == self.metadata.name(Topic.DEAD_LETTER):
            log.error("a dead letter is not taken by the broker and is lost (%s): %r", reason, message.key)
            return
        ours = message._replace(topic=message.topic.removeprefix(self._prefix))
        self._bury(unsendable(ours, f"the broker does not take it: {reason}"))

    def _settle(self) -> None:
        """Dead letters are on the broker, or in a spool that outlives us, before what they stand for is committed."""
        if self._buried:
            if self._open.flush(10.0) and self._temporary is not None:
                raise BusUnavailable("dead letters could not be delivered yet, so nothing is committed")
            self._buried = 0
