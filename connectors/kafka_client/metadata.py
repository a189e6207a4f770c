"""What a broker tells of its topics, its groups, and how far both reach."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from shlex import quote
from typing import Any

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import (
    AuthorizationError,
    GroupAuthorizationFailedError,
    KafkaError,
    LogTruncationError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    RetriableError,
    SaslAuthenticationFailedError,
    for_code,
)

from models.errors import BusRefused, BusUnavailable

AT = "--bootstrap-server HOST:PORT"  # in the commands that we advise
PATIENCE_S = 10.0  # with a broker that is coming back
AGAIN_S = 0.2
PLACELESS = (NoOffsetForPartitionError, OffsetOutOfRangeError, LogTruncationError)  # there is no message to go on with

Shape = tuple[object, int]  # a topic's id, which is another once it is made anew, and how many partitions it has


class BrokerMetadata:
    """Questions to the broker over a connection of their own. Raises BusUnavailable when it does not answer."""

    def __init__(self, client: KafkaAdminClient) -> None:
        self._client = client

    def ends(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """For each partition the offset that its next message will have."""
        return self._offsets(partitions, OffsetSpec.LATEST)

    def begins(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """For each partition the offset of its earliest message."""
        return self._offsets(partitions, OffsetSpec.EARLIEST)

    def _offsets(self, partitions: Iterable[TopicPartition], where: OffsetSpec) -> Mapping[TopicPartition, int]:
        wanted = dict.fromkeys(partitions, where)
        found = _ask("how far its topics reach", lambda: self._client.list_partition_offsets(wanted))
        return {partition: at.offset for partition, at in found.items()}

    def shapes(self, names: Iterable[str], patience_s: float = PATIENCE_S) -> Mapping[str, Shape]:
        """Id and number of partitions of those topics that exist. Raises BusRefused when we may not see one."""
        shapes, hidden = self.visible_shapes(names, patience_s)
        if hidden:
            raise BusRefused(
                f"this user has no right to see topic {hidden[0]} (grant it READ or WRITE, for example:"
                f" kafka-acls.sh {AT} --add --allow-principal User:NAME --operation Read --topic {quote(hidden[0])})"
            )
        return shapes

    def visible_shapes(
        self, names: Iterable[str], patience_s: float = PATIENCE_S
    ) -> tuple[Mapping[str, Shape], Sequence[str]]:
        """The same, and those topics that we may not see, whether or not they exist."""
        wanted = list(names)
        described = _ask("which topics it has", lambda: self._client.describe_topics(wanted), patience_s)
        shapes, hidden = {}, []
        for topic in described:
            code = topic["error_code"]
            if code and issubclass(for_code(code), AuthorizationError):
                hidden.append(topic["name"])
            elif not code:
                shapes[topic["name"]] = (topic["topic_id"], len(topic["partitions"]))
        return shapes, hidden

    def prefixes(self, suffix: str) -> list[str]:
        """With which prefixes there is a topic of this end that this user may see."""
        names = _ask("which topics it has", self._client.list_topics)
        return sorted(name.removesuffix(suffix) for name in names if name.endswith(suffix))

    def partitions(self, name: str) -> list[TopicPartition]:
        """The partitions of a topic; none when it does not exist."""
        shape = self.shapes([name]).get(name)
        return [TopicPartition(name, number) for number in range(shape[1])] if shape else []

    def committed(self, groups: Iterable[str]) -> Mapping[str, Mapping[TopicPartition, int]]:
        """How far each group is in each partition of which it has committed anything."""
        wanted = dict.fromkeys(groups)
        found = _ask("how far its groups are", lambda: self._client.list_group_offsets(wanted)) if wanted else {}
        return {
            group: {partition: at.offset for partition, at in places.items() if at.offset >= 0}
            for group, places in found.items()
        }

    def groups(self) -> list[str]:
        """The names of all consumer groups that this user may see, sorted."""
        return sorted(group["group_id"] for group in _ask("which groups there are", self._client.list_groups))

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()


def _ask(what: str, question: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """The answer to a question, asked again while the broker is only just not there."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return question()
        except RetriableError as error:
            if time.monotonic() >= deadline:
                raise unavailable(error, what) from error
            time.sleep(AGAIN_S)
        except KafkaError as error:
            raise unavailable(error, what) from error


def unavailable(error: KafkaError, what: str) -> BusRefused | BusUnavailable:
    """A client's error in words that tell what to do."""
    if isinstance(error, GroupAuthorizationFailedError):
        remedy = f"kafka-acls.sh {AT} --add --allow-principal User:NAME --operation Read --group NAME"
        return BusRefused(f"this user may not read as group {error.args[0]} (grant it READ, for example: {remedy})")
    if isinstance(error, AuthorizationError):
        return BusRefused(f"the broker does not tell this user {what}: {type(error).__name__} {error}".rstrip())
    if isinstance(error, SaslAuthenticationFailedError):
        return BusRefused(f"the broker does not accept this user any more, and does not say {what}: {error}")
    return BusUnavailable(f"the broker does not say {what}: {type(error).__name__} {error}".rstrip())
