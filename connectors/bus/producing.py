"""Producing: hands messages to the broker, and keeps them on disk while it is away."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple
from zlib import crc32

from kafka import KafkaProducer
from kafka.errors import (
    AuthorizationError,
    BrokerResponseError,
    KafkaError,
    KafkaTimeoutError,
    RetriableError,
    SaslAuthenticationFailedError,
)
from kafka.partitioner.abc import Partitioner
from kafka.producer.future import FutureRecordMetadata

from connectors.bus.codec import Message
from connectors.bus.spool import Spool
from models.bus import BusCounts
from models.errors import TidegateError

WINDOW = 10_000  # messages that the broker has not acknowledged yet; so many stay in memory, no more
PATIENCE_S = 1.0  # without a single acknowledgement while the window is full: the broker is away
PAUSE_S = 5.0  # after the client could not take a message, until it is asked again
RENEW_PAUSE_S = 30.0  # after no new client could be made, which takes seconds to find out
CLOSE_S = 2.0
LOOK_S = 0.05  # while there is nothing to wait for but that a pause ends
CHUNK = 500  # messages taken from the spool at once
_RIGHTS = (AuthorizationError, SaslAuthenticationFailedError)

log = logging.getLogger("tidegate.bus")


class ByKey(Partitioner):  # type: ignore[misc]  # the client has no types
    """All events of a key go to one partition, by CRC-32 as librdkafka does: the client's own hash is slow Python."""

    def partition(
        self, topic: str, key: object, serialized_key: bytes, value: object, serialized_value: object, cluster: Any
    ) -> int:
        """See the client's port."""
        return crc32(serialized_key) % len(cluster.partitions_for_topic(topic))


class _Sent(NamedTuple):
    """A message that the client has, and its number in the spool, 0 for one that never was there."""

    future: FutureRecordMetadata
    message: Message
    number: int


class Producing:
    """One producer. The client tries again for as long as it takes, so what it has is delivered or still in its window;
    what does not fit into the window waits in the spool and keeps its order.

    ``refused`` is the latest answer of the broker that a retry does not help against.
    """

    def __init__(
        self,
        make_client: Callable[[], KafkaProducer],
        spool: Spool,
        counts: BusCounts,
        bury: Callable[[Message, str], None],
    ) -> None:
        self.lost: set[str] = set()
        self.refused: KafkaError | None = None
        self._make_client = make_client
        self._client = make_client()
        self._spool = spool
        self._counts = counts
        self._bury = bury
        self._sent: deque[_Sent] = deque()
        self._suspects: list[Message] = []  # the broker has refused one of them, or more
        self._read = 0  # number of the last message that was taken from the spool
        self._delivered = 0  # number of the last one of it that was delivered
        self._stalled = False  # the window is full, and nothing has been acknowledged since that was seen
        self._pause_until = 0.0

    def send(self, message: Message) -> None:
        """Hand the message on; waits for an absent broker no longer than ``PATIENCE_S``, and not for every message."""
        self._settle()
        if self._spool or self._is_full():
            self._keep((message,))
            self._refill()
        else:
            self._hand(message, 0)

    def flush(self, timeout_s: float) -> int:
        """Wait until everything is delivered; how many messages are not."""
        deadline = time.monotonic() + timeout_s
        while True:
            self._settle()
            self._refill()
            left_s, waiting = deadline - time.monotonic(), self.waiting
            if not waiting or left_s <= 0:
                return waiting
            if self._sent:
                with suppress(KafkaError):
                    self._client.flush(left_s)
            else:
                time.sleep(min(left_s, LOOK_S))

    @property
    def waiting(self) -> int:
        """How many messages are not delivered yet."""
        return len(self._spool) + sum(not sent.number for sent in self._sent)

    def close(self, timeout_s: float) -> int:
        """Flush, then let go. How many messages stay behind, in the spool."""
        self.flush(timeout_s)
        self._keep(tuple(sent.message for sent in self._sent if not sent.number and not sent.future.is_done))
        _end(self._client)
        self._sent.clear()
        return len(self._spool)

    def _keep(self, messages: tuple[Message, ...]) -> None:
        dropped = self._spool.append(messages)
        self._counts.spooled += len(messages)
        self._counts.dropped += len(dropped)
        if dropped and not self.lost:
            log.error("the broker has been away for too long: the oldest events are dropped, and told anew later")
        self.lost.update(dropped)

    def _hand(self, message: Message, number: int) -> bool:
        """Give the message to the client; whether it took it."""
        try:
            future = self._client.send(message.topic, message.value, message.key, message.headers)
        except KafkaError as error:  # nothing is known of the topic, or not any more; or the client has given up
            self._pause_until = time.monotonic() + PAUSE_S
            if not number:
                self._keep((message,))
            if isinstance(error, _RIGHTS):
                self.refused = error
            elif not isinstance(error, KafkaTimeoutError):
                self._renew(error)
            return False
        self._read = max(self._read, number)
        self._sent.append(_Sent(future, message, number))
        return True

    def _renew(self, error: BaseException | None) -> None:
        """Begin again with a new client: one that was refused a single message refuses all others from then on, with
        the very same error. What it had is sent again, and what may have been refused itself is tried alone."""
        log.warning("the client of the broker has failed and is made anew: %s", error)
        _end(self._client)
        self._keep(tuple(sent.message for sent in self._sent if not sent.number))
        self._sent.clear()
        self._read = self._delivered
        suspects, self._suspects = self._suspects, []
        try:
            self._client = self._make_client()
        except TidegateError as unable:
            self._pause_until = time.monotonic() + RENEW_PAUSE_S
            self._keep(tuple(suspects))
            log.warning("it could not be made anew yet: %s", unable)
            return
        for message in suspects:
            self._try_alone(message)

    def _try_alone(self, message: Message) -> None:
        """Send a message on its own, so that an answer of the broker is about it and no other."""
        try:
            self._client.send(message.topic, message.value, message.key, message.headers).get(timeout=PATIENCE_S)
        except KafkaError as error:
            if _is_refusal(error):
                self._bury(message, str(error))
                self._renew(error)
            else:
                self._keep((message,))
        else:
            self._counts.delivered += 1

    def _settle(self) -> None:
        """Take note of what has become of the messages that were handed on, the oldest first."""
        sent, before = self._sent, self._delivered
        broken: BaseException | None = None
        while sent and sent[0].future.is_done:
            self._stalled = False
            future, message, number = sent.popleft()
            if future.failed():
                broken = self._failed(message, future.exception) or broken
            else:
                self._counts.delivered += 1
                self.refused = None
            self._delivered = number or self._delivered
        if self._delivered - before >= CHUNK or (self._delivered > before and self._read == self._delivered):
            self._spool.remove_until(self._delivered)
        if broken is not None:
            self._renew(broken)

    def _failed(self, message: Message, error: BaseException | None) -> BaseException | None:
        """Keep a message that was not taken; the error when the client can take no other after it."""
        if error is not None and _is_refusal(error):
            self._suspects.append(message)
            return error
        self._pause_until = time.monotonic() + PAUSE_S
        log.warning("an event for %s was not taken (%s); it is kept and sent again", message.topic, error)
        self._keep((message,))
        if isinstance(error, _RIGHTS):
            self.refused = error
        return error if error is not None and not isinstance(error, KafkaTimeoutError) else None

    @property
    def _paused(self) -> bool:
        return self._stalled or (self._pause_until > 0 and time.monotonic() < self._pause_until)

    def _is_full(self) -> bool:
        """Whether nothing can be handed on now: then the broker is away, or as good as that."""
        if self._paused:
            return True
        if len(self._sent) >= WINDOW:
            self._wait_for_head(PATIENCE_S)
            self._settle()
            self._stalled = len(self._sent) >= WINDOW
        return self._stalled

    def _refill(self) -> None:
        """Hand on from the spool as many as the window has room for."""
        while self._spool and len(self._sent) < WINDOW and not self._paused:
            chunk = self._spool.after(self._read, min(CHUNK, WINDOW - len(self._sent)))
            if not chunk:
                return
            if not all(self._hand(message, number) for number, message in chunk):
                return

    def _wait_for_head(self, timeout_s: float) -> None:
        try:
            self._sent[0].future.get(timeout=timeout_s)
        except KafkaError:
            return  # what it is, ``_settle`` sees


def _is_refusal(error: BaseException) -> bool:
    """Whether the broker will never take this very message (it is too large, most of all), whoever sends it."""
    return isinstance(error, BrokerResponseError) and not isinstance(error, (RetriableError, *_RIGHTS))


def _end(client: KafkaProducer) -> None:
    """Close the client whatever it still has: its own ``close`` gives up, and goes on living, when it cannot flush."""
    client._sender.force_close()
    with suppress(KafkaError):
        client.close(timeout=CLOSE_S)
