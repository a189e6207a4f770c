"""What the event bus can carry, in events each second.

* decode, validate and apply, without any bus: the bar is 200,000 a second on one core;
* the embedded bus, end to end (published, stored, polled, decoded, applied): the bar is 50,000 a second;
* a real broker, end to end, against a bare loop of the same client with the same keys, values and headers, in turn
  within this run: the bar is 0.8 of it. The bare loop neither makes the messages nor reads them; it has the client's
  own partitioner and metrics, and waits 5 ms for batches of 64 KiB.

The bars are told and not enforced, because they depend on the machine; only what goes wrong fails this benchmark.
Without Java the broker's part is left out, and that is said.
"""

from __future__ import annotations

import gc
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer

from connectors.bus.broker.bus import KafkaBus
from connectors.bus.embedded.bus import SqliteBus
from connectors.bus.wire.codec import Message, decode, encode
from models.bus import Bus
from models.events import Event, Latest, Topic
from models.nodes import Side
from models.work import WorkRecord, WorkState
from tests.real.kafka.broker import Broker
from tests.real.kafka.install import version as kafka_version
from tests.real.packages import MissingError

EVENTS = 60_000
KEYS = 5_000
RUNS = 9
PRODUCER = {"acks": "all", "linger_ms": 5, "batch_size": 64 * 1024}


def events() -> list[Event]:
    """A site's jobs, told again and again as they change; about 420 bytes each with key and headers."""
    return [
        Event(
            topic=Topic.WORK,
            key=f"campus/gpu/hpc/job/{number % KEYS}",
            payload=WorkRecord(
                id=f"job/{number % KEYS}",
                side=Side.HPC,
                state=WorkState.RUNNING,
                nodes=float(1 + number % 16),
                submitted_s=1_700_000_000 + number % KEYS,
                limit_s=3600,
                started_s=1_700_000_100 + number,
                user=f"user{number % 97:03d}",
            ),
            version=number + 1,
            source="/tidegate/campus/gpu/connector",
            at_s=1_700_000_000.0 + number // 500,
        )
        for number in range(EVENTS)
    ]


def rate(work: Callable[[], None]) -> float:
    """Events a second of one run. What was made before it is no burden to the garbage collector, in any of the runs."""
    gc.collect()
    gc.freeze()
    try:
        began = time.perf_counter()
        work()
        return EVENTS / (time.perf_counter() - began)
    finally:
        gc.unfreeze()


def read_only(messages: list[Message]) -> None:
    """Decode and apply every message."""
    latest = Latest()
    for message in messages:
        latest.take(decode(Topic.WORK, message.key, message.value, message.headers))
    check(latest)


def through(bus: Bus, group: str) -> Callable[[], None]:
    """All events through the bus, until each has been applied."""

    def work() -> None:
        for event in told:
            bus.publish(event)
        if bus.flush(60):
            sys.exit("the broker did not take everything within a minute")
        latest, seen = Latest(), 0
        while seen < EVENTS:
            events = subscription.poll(1.0, 500).events
            for event in events:
                latest.take(event)
            seen += len(events)
        subscription.commit()
        check(latest)

    told, subscription = events(), bus.subscribe([Topic.WORK], group)
    return work


def bare(broker: Broker, topic: str) -> Callable[[], None]:
    """The same messages through the bare client."""
    broker.create(topic, partitions=6, settings={"cleanup.policy": "compact"})
    messages = [encode(event) for event in events()]
    producer = KafkaProducer(bootstrap_servers=broker.address(), **PRODUCER)
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=broker.address(),
        group_id=topic,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    consumer.poll(3000)

    def work() -> None:
        for message in messages:
            producer.send(topic, message.value, message.key, message.headers)
        producer.flush(60)
        seen = 0
        while seen < EVENTS:
            seen += sum(map(len, consumer.poll(1000, max_records=500).values()))
        consumer.commit()
        producer.close(timeout=5)
        consumer.close(autocommit=False)

    return work


def check(latest: Latest) -> None:
    """Whether everything has been applied."""
    if len(latest.state) != KEYS:
        sys.exit(f"{len(latest.state)} keys were applied, not {KEYS}")


@contextmanager
def opened(bus: Bus) -> Iterator[Bus]:
    """The bus, closed at the end."""
    try:
        yield bus
    finally:
        bus.close()


def tell(what: str, rates: list[float], bar: str) -> None:
    """One line of figures."""
    print(f"{what:<34} {statistics.median(rates):>9,.0f}/s  ({min(rates):,.0f} to {max(rates):,.0f}; {bar})")


def embedded(folder: Path, run: int) -> float:
    """Events a second through one file."""
    with opened(SqliteBus(folder / f"{run}.sqlite")) as bus:
        return rate(through(bus, "benchmark"))


def brokers_part(folder: Path) -> None:
    """Ours and the bare client's loop in turn, on one broker."""
    broker = Broker(folder / "broker")
    broker.start()
    try:
        ours, bares = [], []
        for run in range(RUNS):
            bares.append(rate(bare(broker, f"bare-{run}")))
            with opened(KafkaBus([broker.address()], prefix=f"run{run}.")) as bus:
                ours.append(rate(through(bus, "benchmark")))
    finally:
        broker.stop()
    tell("real broker, bare client's loop", bares, "nothing is made or read")
    tell("real broker, end to end", ours, "decoded and applied")
    ratios = [one / other for one, other in zip(ours, bares, strict=True)]
    span = f"{min(ratios):.2f} to {max(ratios):.2f}; bar 0.8"
    print(f"{'ratio, pair by pair':<34} {statistics.median(ratios):>9.2f}    ({span})")


def main() -> None:
    """Run every part and tell its figures."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("kafka-python", "crc32c", "msgspec"))
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {packages}, Apache Kafka {kafka_version()}")
    messages = [encode(event) for event in events()]
    print(f"{EVENTS:,} events of {KEYS:,} jobs, {len(messages[0].value or b'')} bytes of body; median of {RUNS} runs")
    tell("decode, validate, apply", [rate(lambda: read_only(messages)) for _ in range(RUNS)], "bar 200,000")
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as name:
        folder = Path(name)
        tell("embedded bus, end to end", [embedded(folder, run) for run in range(RUNS)], "bar 50,000")
        try:
            brokers_part(folder)
        except MissingError as error:
            print(f"real broker: left out, {error}")


if __name__ == "__main__":
    main()
