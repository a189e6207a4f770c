"""What every event bus must do, by the one on a real broker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from kafka import KafkaProducer

from connectors.bus.broker.bus import KafkaBus
from models.bus import Bus
from models.events import Topic
from tests.real.kafka.broker import Broker

pytest.register_assert_rewrite("tests.conformance.bus_suite")

from tests.conformance.bus_suite import BusSuite  # noqa: E402 - its assertions tell more once they are rewritten

SEND_S = 10.0


class KafkaBench:
    """Topics of their own on a broker that others use too."""

    def __init__(self, broker: Broker, prefix: str) -> None:
        self._broker = broker
        self._prefix = prefix
        self._other = KafkaProducer(bootstrap_servers=broker.address())
        self.bus = self._opened()

    def _opened(self) -> KafkaBus:
        return KafkaBus([self._broker.address()], prefix=self._prefix)

    def restart(self) -> Bus:
        self.bus.close()
        self.bus = self._opened()
        return self.bus

    def put(self, topic: Topic, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> None:
        self._other.send(self._prefix + topic, value, key, [*headers]).get(SEND_S)

    def close(self) -> None:
        self._other.close(timeout=SEND_S)
        self.bus.close()


@pytest.fixture
def bench(broker: Broker, prefix: str) -> Iterator[KafkaBench]:
    made = KafkaBench(broker, prefix)
    yield made
    made.close()


class TestBus(BusSuite):
    """The suite."""
