"""What looking into a bus must do, by a real broker; and with which rights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from connectors.bus.broker.inspection import KafkaInspection
from connectors.bus.inspection import Inspection
from tests.conformance.inspection_suite import InspectingSuite
from tests.real.kafka.broker import Broker
from tests.real.test_bus import KafkaBench


@pytest.fixture
def bench(broker: Broker, prefix: str) -> Iterator[KafkaBench]:
    with closing(KafkaBench(broker, prefix)) as made:
        yield made


@pytest.fixture
def look(broker: Broker, bench: KafkaBench, prefix: str) -> Iterator[Inspection]:
    with closing(KafkaInspection([broker.address()], prefix=prefix)) as opened:
        yield opened


class TestInspecting(InspectingSuite):
    """The suite."""
