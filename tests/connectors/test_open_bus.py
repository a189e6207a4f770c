"""Opening a bus by its address: what a person may write, and what is said of anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.bus.address import Address, read_address
from connectors.bus.broker.bus import SPOOL_MOST
from connectors.bus.open_bus import open_bus, open_inspection
from connectors.bus.settings import BusSettings
from connectors.kafka_client.security import Security
from models.errors import BadInput
from models.events import Event, Topic
from models.nodes import Side
from models.work import WorkRecord, WorkState
from tests.list_bus import ListBus

JOB = WorkRecord("job/1", Side.HPC, WorkState.ELIGIBLE, 4.0, 0)
EVENT = Event(Topic.WORK, "hpc/job/1", JOB, 1, "test", 0.0)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("memory", Address()),
        ("sqlite:events.db", Address(file=Path("events.db"))),
        ("sqlite:/var/lib/tidegate/a:b.db", Address(file=Path("/var/lib/tidegate/a:b.db"))),
        ("kafka:broker:9092", Address(servers=("broker:9092",))),
        ("kafka:a:1, b.example:65535", Address(servers=("a:1", "b.example:65535"))),
        ("kafka:[::1]:9092,10.0.0.1:9092,a_b-c:1", Address(servers=("[::1]:9092", "10.0.0.1:9092", "a_b-c:1"))),
    ],
)
def test_what_can_be_opened(text: str, address: Address):
    assert read_address(text) == address


@pytest.mark.parametrize(
    "address",
    ["", "file", "memory:", "memory:x", "sqlite", "sqlite:", "kafka", "kafka:", "kafka:broker", "kafka::9092",
     "kafka:broker:port", "kafka:broker:0", "kafka:broker:65536", "kafka:a:1,", "kafka:a:1,b", "http://broker:9092",
     "kafka:http://b1:9092", "kafka:SASL_SSL://b1:9093", "kafka:b1:9092/topic", "kafka:me@b1:9092", "kafka:b 1:9092",
     "kafka:b1:²", "kafka:b1:1 b2:2"],
)  # fmt: skip
def test_what_is_no_address_is_told_with_an_example(address: str):
    with pytest.raises(BadInput, match=r"give .*kafka:broker1:9092,broker2:9092") as told:
        open_bus(address)
    assert f"--bus {address}" in str(told.value)


def test_the_bus_in_memory_is_nobody_else_s():
    one, other = open_bus("memory"), open_bus("memory")
    one.publish(EVENT)
    assert dict(one.latest_state(Topic.WORK)) == {EVENT.key: EVENT}
    assert dict(other.latest_state(Topic.WORK)) == {}


def test_a_file_is_shared_by_prefix_and_discarding_leaves_the_others(tmp_path: Path):
    address = f"sqlite:{tmp_path / 'events.db'}"
    one, same, other = open_bus(address, "one."), open_bus(address, "one."), open_bus(address, "other.")
    for bus in (one, other):
        bus.publish(EVENT)
        assert bus.flush(1.0) == 0
    assert dict(same.latest_state(Topic.WORK)) == {EVENT.key: EVENT}
    one.discard()
    assert dict(open_bus(address, "one.").latest_state(Topic.WORK)) == {}
    assert dict(other.latest_state(Topic.WORK)) == {EVENT.key: EVENT}


SETTINGS = BusSettings.model_validate(
    {
        "prefix": "site.",
        "spool": "/var/spool",
        "spoolMost": "2Mi",
        "security": {"caFile": "/ca", "username": "ada", "passwordFile": "/password"},
    }
)
SECURE = Security(ca_file=Path("/ca"), username="ada", password_file=Path("/password"))


@pytest.mark.parametrize(
    ("arguments", "prefix"), [(("run.", SETTINGS), "run."), ((None, SETTINGS), "site."), (("", SETTINGS), "")]
)
def test_a_broker_is_reached_by_all_its_addresses_and_as_the_settings_say(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str | None, BusSettings], prefix: str
):
    asked = []

    def noted(servers: tuple[str, ...], **options: object) -> ListBus:
        asked.append((servers, options))
        return ListBus()

    monkeypatch.setattr("connectors.bus.broker.bus.KafkaBus", noted)
    monkeypatch.setattr("connectors.bus.broker.inspection.KafkaInspection", noted)
    assert isinstance(open_bus("kafka:a:1, b.example:9092", *arguments), ListBus)
    open_inspection("kafka:a:1", *arguments)
    options = {"prefix": prefix, "security": SECURE}
    spool = {"spool": Path("/var/spool"), "spool_most": 2 * 2**20}
    assert asked == [(("a:1", "b.example:9092"), options | spool), (("a:1",), options)]


def test_without_settings_the_spool_is_as_large_as_a_bus_has_it():
    assert BusSettings().spool_most == SPOOL_MOST
    assert BusSettings().secure() == Security()


def test_the_bus_in_memory_cannot_be_looked_into():
    with pytest.raises(BadInput, match="only in the memory of the process"):
        open_inspection("memory")
