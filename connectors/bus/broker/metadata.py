"""The topics of the bus on a broker: made where we may, checked and explained where not."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from shlex import quote
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import (
    AuthorizationError,
    KafkaError,
    PolicyViolationError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
)

from connectors.bus.topics import TOPICS, TopicRules
from connectors.kafka_client.metadata import AT, BrokerMetadata, unavailable
from models.errors import BusRefused
from models.events import Topic

READABLE = ("producer", "uncompressed", "gzip")  # compressions that need no further library to be read
log = logging.getLogger("tidegate.bus")


class TopicMetadata(BrokerMetadata):
    """What the broker tells, and the topics of one prefix. Raises BusUnavailable when it does not answer."""

    def __init__(self, client: KafkaAdminClient, prefix: str) -> None:
        super().__init__(client)
        self._prefix = prefix

    def name(self, topic: Topic) -> str:
        """What the topic is called on this broker."""
        return self._prefix + topic.value

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
                f" --operation Delete --topic {quote(self._prefix)} --resource-pattern-type prefixed)"
            ) from error
        except KafkaError as error:
            raise unavailable(error, "that topics are deleted") from error

    def _make(self, missing: Mapping[str, TopicRules]) -> None:
        wanted = {
            name: {"num_partitions": kept.partitions, "configs": self._settings(name)} for name, kept in missing.items()
        }
        try:
            self._client.create_topics(wanted, timeout_ms=15_000, wait_for_metadata=True)
        except TopicAlreadyExistsError:
            return  # another process of ours began at the same time
        except (AuthorizationError, PolicyViolationError) as error:
            commands = (
                f"  kafka-topics.sh {AT} --create --topic {quote(name)} --partitions {kept.partitions} "
                + " ".join(f"--config {key}={value}" for key, value in self._settings(name).items())
                for name, kept in missing.items()
            )
            raise BusRefused(
                f"these topics are missing and this user may not make them ({type(error).__name__});"
                f" grant it CREATE on topics beginning with {self._prefix}tidegate., or make them yourself:",
                *commands,
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
        f" --entity-type topics --entity-name {quote(name)} --add-config {key}={wanted}"
    )


def _settings_of(told: Mapping[Any, Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, str]]:
    """The configuration of each topic, as plain text."""
    return {
        name: {key: str(value["value"] if isinstance(value, Mapping) else value) for key, value in settings.items()}
        for by_name in told.values()
        for name, settings in by_name.items()
    }
