"""What the broker tells of its topics, and how they must be: made where we may, checked and explained where not."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.errors import (
    AuthorizationError,
    GroupAuthorizationFailedError,
    KafkaError,
    PolicyViolationError,
    RetriableError,
    SaslAuthenticationFailedError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)

from connectors.bus.topics import TOPICS, Kept
from models.errors import BusRefused, BusUnavailable
from models.events import Topic

AT = "--bootstrap-server HOST:PORT"  # in the commands that we advise
READABLE = ("producer", "uncompressed", "gzip")  # compressions that need no further library to be read
PATIENCE_S = 10.0  # with a broker that is coming back
AGAIN_S = 0.2

log = logging.getLogger("tidegate.bus")

Shape = tuple[object, int]  # a topic's id, which is another once it is made anew, and how many partitions it has


class Lookup:
    """Questions to the broker over a connection of their own. Raises BusUnavailable when it does not answer."""

    def __init__(self, client: KafkaAdminClient, prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    def name(self, topic: Topic) -> str:
        """What the topic is called on this broker."""
        return self._prefix + topic.value

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
                f" kafka-acls.sh {AT} --add --allow-principal User:NAME --operation Read --topic {hidden[0]})"
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

    def prefixes(self, topic: Topic) -> list[str]:
        """With which prefixes there is such a topic that this user may see."""
        names = _ask("which topics it has", self._client.list_topics)
        return sorted(name.removesuffix(topic) for name in names if name.endswith(topic))

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

    def ensure(self) -> None:
        """See to it that every topic exists and is kept as it must be. Raises BusRefused with what to run where not."""
        names = {self.name(topic): kept for topic, kept in TOPICS.items()}
        there = self.shapes(names)
        missing = {name: kept for name, kept in names.items() if name not in there}
        if missing:
            self._make(missing)
        self._check(names.keys() - missing.keys())

    def discard(self) -> None:
        """Delete every topic of this prefix; those that are not there do not matter."""
        there = self.shapes(self.name(topic) for topic in TOPICS)
        try:
            self._client.delete_topics(list(there), timeout_ms=10_000)
        except UnknownTopicOrPartitionError:
            return
        except AuthorizationError as error:
            raise BusRefused(
                f"this user may not delete topics, so those that begin with {self._prefix}tidegate. are still there"
                f" (grant it DELETE, for example: kafka-acls.sh {AT} --add --allow-principal User:NAME"
                f" --operation Delete --topic {self._prefix} --resource-pattern-type prefixed)"
            ) from error
        except KafkaError as error:
            raise unavailable(error, "that topics are deleted") from error

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _make(self, missing: Mapping[str, Kept]) -> None:
        wanted = {
            name: {"num_partitions": kept.partitions, "configs": self._settings(name)} for name, kept in missing.items()
        }
        try:
            self._client.create_topics(wanted, timeout_ms=15_000, wait_for_metadata=True)
        except TopicAlreadyExistsError:
            return  # another process of ours began at the same time
        except (AuthorizationError, PolicyViolationError) as error:
            commands = "\n".join(
                f"  kafka-topics.sh {AT} --create --topic {name} --partitions {kept.partitions} "
                + " ".join(f"--config {key}={value}" for key, value in self._settings(name).items())
                for name, kept in missing.items()
            )
            raise BusRefused(
                f"these topics are missing and this user may not make them ({type(error).__name__});"
                f" grant it CREATE on topics beginning with {self._prefix}tidegate., or make them yourself:\n{commands}"
            ) from error
        except KafkaError as error:
            raise unavailable(error, "that topics are made") from error

    def _check(self, names: Iterable[str]) -> None:
        """A topic of state that forgets by age, or one that keeps only the newest where all count, loses data."""
        keys = dict.fromkeys(("cleanup.policy", "retention.ms", "compression.type"))
        resources = [ConfigResource(ConfigResourceType.TOPIC, name, keys) for name in names]
        if not resources:
            return
        try:
            told = self._client.describe_configs(resources, config_filter="all")
        except AuthorizationError:
            log.warning("how the topics are kept cannot be checked: this user may not describe their configuration")
            return
        except KafkaError as error:
            raise unavailable(error, "how its topics are kept") from error
        for name, settings in _settings_of(told).items():
            self._check_one(name, settings)

    def _check_one(self, name: str, found: Mapping[str, str]) -> None:
        wanted = self._settings(name)
        policy, compression = found.get("cleanup.policy"), found.get("compression.type", READABLE[0])
        if policy is not None and policy != wanted["cleanup.policy"]:
            raise _must_be(name, "cleanup.policy", policy, wanted["cleanup.policy"])
        if compression not in READABLE:
            raise _must_be(name, "compression.type", compression, READABLE[0])
        kept_ms, least_ms = int(found.get("retention.ms", "-1")), int(wanted.get("retention.ms", "0"))
        if 0 <= kept_ms < least_ms:
            log.warning(
                "topic %s keeps events for %d h, less than the %d h that are best",
                name,
                *(ms // 3_600_000 for ms in (kept_ms, least_ms)),
            )

    def _settings(self, name: str) -> dict[str, str]:
        topic = Topic(name.removeprefix(self._prefix))
        kept_ms = str(TOPICS[topic].kept_s * 1000)
        if topic.state:
            return {"cleanup.policy": "compact", "delete.retention.ms": kept_ms}
        return {"cleanup.policy": "delete", "retention.ms": kept_ms}


def _must_be(name: str, key: str, found: str, wanted: str) -> BusRefused:
    return BusRefused(
        f"topic {name} has {key}={found} and must have {wanted}; run kafka-configs.sh {AT} --alter"
        f" --entity-type topics --entity-name {name} --add-config {key}={wanted}"
    )


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


def _settings_of(told: Mapping[Any, Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, str]]:
    """The configuration of each topic, as plain text."""
    return {
        name: {key: str(value["value"] if isinstance(value, Mapping) else value) for key, value in settings.items()}
        for by_name in told.values()
        for name, settings in by_name.items()
    }
