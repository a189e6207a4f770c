"""Producing: hands messages to the broker, and keeps them on disk while it is away.

Each topic has a lane of its own, so that one that is gone or closed to us holds up no other.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zlib import crc32

from kafka import KafkaProducer
from kafka.errors import (
    AuthorizationError,
    InvalidRecordError,
    InvalidTimestampError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    SaslAuthenticationFailedError,
    UnsupportedForMessageFormatError,
)
from kafka.partitioner.abc import Partitioner
from kafka.producer.future import FutureRecordMetadata

from connectors.bus.broker.spool import Spool
from connectors.bus.wire.codec import Message
from models.bus import BusCounts
from models.errors import TidegateError

WINDOW = 10_000  # messages that the broker has not acknowledged yet; so many stay in memory, no more
WINDOW_BYTES = 32 * 2**20
PATIENCE_S = 1.0  # without a single acknowledgement while the window is full: the broker is away
PAUSE_S = 5.0  # after a topic could not take a message, until it is asked again
RENEW_PAUSE_S = 30.0  # after no new client could be made, which takes seconds to find out
CLOSE_S = 2.0
LOOK_S = 0.05  # while there is nothing to wait for but that a pause ends
CHUNK = 500  # messages taken from the spool at once
_RIGHTS = (AuthorizationError, SaslAuthenticationFailedError)
_REFUSALS = (  # of this very message, whoever sends it and whenever
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    InvalidRecordError,
    InvalidTimestampError,
    PolicyViolationError,
    UnsupportedForMessageFormatError,
)

log = logging.getLogger("tidegate.bus")


class ByKey(Partitioner):  # type: ignore[misc]  # the client has no types
    """All events of a key go to one partition, by CRC-32 as librdkafka does: the client's own hash is slow Python."""

    def partition(
        self, topic: str, key: object, serialized_key: bytes, value: object, serialized_value: object, cluster: Any
    ) -> int:
        """See the client's port."""
        return crc32(serialized_key) % len(cluster.partitions_for_topic(topic))


class _Sent(NamedTuple):
    """A message that the client has, and its number in the spool, 0 for one that is not there. One that was sent
    ``alone`` was the only one under way: what the broker says is about it."""

    future: FutureRecordMetadata
    message: Message
    number: int
    alone: bool


@dataclass(slots=True)
class _Lane:
    """The messages of one topic: those under way, and up to which number those of the spool were read, delivered and
    removed. ``suspects`` are the numbers of those that may have been refused themselves."""

    topic: str
    unread: int = 0
    sent: deque[_Sent] = field(default_factory=deque)
    read: int = 0
    delivered: int = 0
    removed: int = 0
    suspects: set[int] = field(default_factory=set)
    pause_until: float = 0.0

    @property
    def paused(self) -> bool:
        return self.pause_until > 0 and time.monotonic() < self.pause_until


class Producing:
    """One producer. The client tries again for as long as it takes, so what it has is delivered or still in its window;
    what does not fit into the window waits in the spool and keeps its order.

    A client that was refused one message refuses all others from then on, with the very same error. Then a new one is
    made, and what failed is sent again one by one, until it is known which was meant: that is buried.

    ``refused`` is the latest answer about our rights; ``lost`` are the topics of which something was dropped.
    """

    def __init__(
        self,
        make_client: Callable[[bool], KafkaProducer],
        spool: Spool,
        counts: BusCounts,
        bury: Callable[[Message, str], None],
    ) -> None:
        self.lost: set[str] = set()
        self.refused: BaseException | None = None
        self._make_client = make_client
        self._client: KafkaProducer | None = make_client(False)
        self._spool = spool
        self._counts = counts
        self._bury = bury
        self._lanes = {topic: _Lane(topic, unread=count) for topic, count in spool.counts.items() if count}
        self._under_way = 0
        self._bytes = 0
        self._one_by_one = False
        self._stalled = False  # the window is full, and nothing has been acknowledged since that was seen
        self._pause_until = 0.0

    def send(self, message: Message) -> None:
        """Hand the message on; waits for an absent broker no longer than ``PATIENCE_S``, and not for every message."""
        lane = self._lanes.get(message.topic)
        if lane is None:
            lane = self._lanes[message.topic] = _Lane(message.topic)
        if lane.sent:
            self._settle(lane)
        if lane.unread or self._one_by_one or lane.paused or self._is_full():
            self._keep(lane, message)
            self._refill()
        else:
            self._hand(lane, message, 0)

    def flush(self, timeout_s: float) -> int:
        """Wait until everything is delivered; how many messages are not."""
        deadline = time.monotonic() + timeout_s
        while True:
            self._settle_all()
            self._refill()
            left_s, waiting = deadline - time.monotonic(), self.waiting
            if not waiting or left_s <= 0:
                return waiting
            if self._under_way and self._client is not None:
                with suppress(KafkaError):
                    self._client.flush(left_s)
            else:
                time.sleep(min(left_s, LOOK_S))

    @property
    def waiting(self) -> int:
        """How many messages are not delivered yet, as far as was looked."""
        return self._under_way + sum(lane.unread for lane in self._lanes.values())

    def close(self, timeout_s: float) -> int:
        """Flush, then let go. How many messages stay behind, in the spool."""
        try:
            self.flush(timeout_s)
        finally:
            if self._client is not None:
                _end(self._client)
            self._client = None
            for lane in self._lanes.values():
                self._keep_undelivered(lane)
        return len(self._spool)

    def _keep_undelivered(self, lane: _Lane) -> None:
        """Put what is under way back into the spool, and read that anew: whatever became of it, nobody will say."""
        for sent in lane.sent:
            self._took_leave(sent)
            if not sent.number and not sent.future.succeeded():
                self._keep(lane, sent.message)
        lane.sent.clear()
        if lane.delivered > lane.removed:
            self._spool.remove_until(lane.topic, lane.delivered)
            lane.removed = lane.delivered
        lane.read, lane.unread = lane.delivered, self._spool.counts[lane.topic]

    def _keep(self, lane: _Lane, message: Message) -> int:
        number = self._spool.append(message)
        if number:
            lane.unread += 1
            self._counts.spooled += 1
        dropped, self._spool.dropped = self._spool.dropped, []
        if dropped:
            if not self.lost:
                log.error("more events wait than there is room for: the oldest are dropped, and told anew later")
            self._counts.dropped += len(dropped)
            self.lost.update(dropped)
            for one in self._lanes.values():
                one.unread = min(one.unread, self._spool.counts[one.topic])
        return number

    def _hand(self, lane: _Lane, message: Message, number: int, alone: bool = False) -> bool:
        """Give the message to the client; whether it took it."""
        try:
            if self._client is None:
                raise KafkaTimeoutError("there is no client")
            future = self._client.send(message.topic, message.value, message.key, message.headers)
        except KafkaError as error:  # nothing is known of the topic, or not any more; or the client has given up
            lane.pause_until = time.monotonic() + PAUSE_S
            if not number:
                self._keep(lane, message)
            if isinstance(error, _RIGHTS):
                self.refused = error
            elif not isinstance(error, KafkaTimeoutError):
                self._renew(error)
            return False
        if number:
            lane.read = number
            lane.unread -= 1
        lane.sent.append(_Sent(future, message, number, alone))
        self._under_way += 1
        self._bytes += _size(message)
        return True

    def _settle_all(self) -> None:
        for lane in list(self._lanes.values()):
            if lane.sent:
                self._settle(lane)

    def _settle(self, lane: _Lane) -> None:
        """Take note of what has become of the messages that were handed on, the oldest first."""
        sent, broken, refused = lane.sent, None, None
        while sent and sent[0].future.is_done:
            self._stalled = False
            one = sent[0]
            error = one.future.exception
            if error is not None and isinstance(error, _REFUSALS) and not one.alone:
                broken = error  # perhaps not about this one: what is in ``sent`` is sorted out with the client's end
                break
            self._took_leave(sent.popleft())
            if error is None:
                self._counts.delivered += 1
                self.refused = None
            elif isinstance(error, _REFUSALS):
                refused = one.message
                broken = error
            else:
                broken = self._failed(lane, one.message, error) or broken
            if one.number:
                lane.suspects.discard(one.number)
                lane.delivered = one.number
        if lane.delivered - lane.removed >= CHUNK or (lane.delivered > lane.removed and not sent):
            self._spool.remove_until(lane.topic, lane.delivered)
            lane.removed = lane.delivered
        if broken is not None:
            self._renew(broken)
        if refused is not None:
            self._bury(refused, str(broken))

    def _took_leave(self, one: _Sent) -> None:
        self._under_way -= 1
        self._bytes -= _size(one.message)

    def _failed(self, lane: _Lane, message: Message, error: BaseException) -> BaseException | None:
        """Keep a message that was not taken; the error when the client can take no other after it."""
        lane.pause_until = time.monotonic() + PAUSE_S
        log.warning("an event for %s was not taken (%s); it is kept and sent again", lane.topic, error)
        self._keep(lane, message)
        if isinstance(error, _RIGHTS):
            self.refused = error
        return None if isinstance(error, KafkaTimeoutError) else error

    def _renew(self, error: BaseException | None) -> None:
        """Begin again with a new client, which sends one by one while there are suspects."""
        if error is not None:
            log.warning("the client of the broker has failed and is made anew: %s", error)
        if self._client is not None:
            _end(self._client)
        self._client = None
        self._one_by_one = False
        for lane in self._lanes.values():
            if lane.sent:
                self._sort_out(lane)
            self._keep_undelivered(lane)
            self._one_by_one = self._one_by_one or bool(lane.suspects)
        self._make()

    def _sort_out(self, lane: _Lane) -> None:
        """Of what was under way in a client that has ended: what may have been refused itself stays, and is suspect."""
        for one in list(lane.sent):
            if isinstance(one.future.exception, _REFUSALS):
                lane.suspects.add(one.number or self._keep(lane, one.message))
                lane.sent.remove(one)
                self._took_leave(one)
        lane.suspects.discard(0)

    def _make(self) -> None:
        try:
            self._client = self._make_client(self._one_by_one)
        except (TidegateError, KafkaError, OSError) as unable:
            self._pause_until = time.monotonic() + RENEW_PAUSE_S
            log.warning("it could not be made anew yet: %s", unable)

    def _is_full(self) -> bool:
        """Whether nothing can be handed on now: then the broker is away, or as good as that."""
        if self._stalled or self._client is None:
            return True
        if self._under_way < WINDOW and self._bytes < WINDOW_BYTES:
            return False
        self._settle_all()
        if self._under_way >= WINDOW or self._bytes >= WINDOW_BYTES:
            for lane in self._lanes.values():
                if lane.sent:
                    with suppress(KafkaError):  # what it is, ``_settle`` sees
                        lane.sent[0].future.get(timeout=PATIENCE_S)
                    break
            self._settle_all()
        self._stalled = self._under_way >= WINDOW or self._bytes >= WINDOW_BYTES
        return self._stalled

    def _refill(self) -> None:
        """Hand on from the spool as much as may be under way."""
        if self._client is None:
            if time.monotonic() < self._pause_until:
                return
            self._make()
        if self._one_by_one:
            self._refill_one()
            return
        for lane in list(self._lanes.values()):
            while lane.unread and not lane.paused and not self._stalled and self._client is not None:
                room = min(CHUNK, WINDOW - self._under_way)
                if room <= 0 or self._bytes >= WINDOW_BYTES or not self._hand_some(lane, room):
                    break

    def _hand_some(self, lane: _Lane, most: int) -> bool:
        chunk = self._spool.after(lane.topic, lane.read, most)
        if not chunk:
            lane.unread = 0
        return bool(chunk) and all(self._hand(lane, message, number) for number, message in chunk)

    def _refill_one(self) -> None:
        """While there are suspects only one message is under way at a time."""
        if self._under_way:
            return
        if not any(lane.suspects for lane in self._lanes.values()):
            self._renew(None)
            return
        for lane in self._lanes.values():
            if lane.suspects and not lane.paused:
                found = self._spool.after(lane.topic, lane.read, 1)
                if not found:
                    lane.suspects.clear()
                    lane.unread = 0
                    continue
                ((number, message),) = found
                self._hand(lane, message, number, alone=True)
                return


def _size(message: Message) -> int:
    return len(message.value or b"") + len(message.key or b"") + 512


def _end(client: KafkaProducer) -> None:
    """Close the client whatever it still has: its own ``close`` gives up, and goes on living, when it cannot flush."""
    client._sender.force_close()
    with suppress(KafkaError):
        client.close(timeout=CLOSE_S)
