"""Messages on a real broker that are no events, or that nobody can take apart: they are put aside, and nothing else is
skipped, comes out of its order, or waits for ever."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

import pytest
from kafka import KafkaProducer

from connectors.bus.broker.bus import KafkaBus
from connectors.bus.wire.codec import encode
from models.bus import Subscription
from models.events import Event, Topic
from tests.real.bus_events import READY_S, NotText, demand, drain, opened, work
from tests.real.kafka.broker import Broker

SEND_S = 10.0
CPU_S = 10.0  # far more than it takes to read some hundred messages, far less than a poll that never ends
PARTITIONS = 6  # of the topic of work
STRANGE = [(NotText("h"), b"1")]


@pytest.fixture(autouse=True)
def _finite() -> Iterator[None]:
    """A poll that turns round and round in the client ends here, and not with the whole run."""

    def end(*_: object) -> None:
        raise TimeoutError("this takes too long")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, READY_S)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@contextmanager
def stranger(broker: Broker, **options: object) -> Iterator[KafkaProducer]:
    producer = KafkaProducer(bootstrap_servers=broker.address(), **options)
    yield producer
    producer.close(timeout=SEND_S)


def break_in(broker: Broker, topic: str, partitions: Collection[int] = (0,), times: int = 1) -> None:
    """Messages that the client alone cannot take apart, each sent by itself."""
    with stranger(broker) as producer:
        for partition in [*partitions] * times:
            producer.send(topic, b"x", b"k", STRANGE, partition=partition).get(SEND_S)


def tell(bus: KafkaBus, events: Sequence[Event]) -> None:
    for event in events:
        bus.publish(event)
    assert bus.flush(READY_S) == 0


def versions(subscription: Subscription) -> list[int]:
    return [event.version for event in drain(subscription)[0]]


def by_partition(events: Sequence[Event]) -> Mapping[int, list[int]]:
    """The versions that came from each partition of the topic of work, in their order."""
    found: dict[int, list[int]] = {number: [] for number in range(PARTITIONS)}
    for event in events:
        found[crc32(event.key.encode()) % PARTITIONS].append(event.version)
    return found


def put_aside(bus: KafkaBus) -> list[tuple[int, int | None]]:
    """Partition and offset of every dead letter that is on the bus."""
    letters = bus.subscribe([Topic.DEAD_LETTER], "letters")
    found = [(event.payload.partition, event.payload.offset) for event in drain(letters)[0]]
    letters.close()
    return sorted(found)


def test_a_foreign_message_without_a_key_or_headers_is_put_aside_and_the_next_is_read(broker: Broker, prefix: str):
    with opened(broker.address(), prefix) as bus:
        with stranger(broker) as producer:
            producer.send(prefix + Topic.DEMAND, b"hello").get(SEND_S)
        tell(bus, [demand(1)])
        subscription = bus.subscribe([Topic.DEMAND], "g")
        assert drain(subscription)[0] == [demand(1)]
        subscription.commit()
        letters = bus.subscribe([Topic.DEAD_LETTER], "letters")
        (letter,) = drain(letters)[0]
        assert (letter.payload.value, letter.payload.offset) == (b"hello", 0)
        for member in (subscription, letters):
            member.close()


def test_d4_a_header_whose_name_is_no_text_is_put_aside_with_all_that_it_has(broker: Broker, prefix: str):
    with opened(broker.address(), prefix) as bus:
        tell(bus, [demand(0)])
        break_in(broker, prefix + Topic.DEMAND)
        tell(bus, [demand(number) for number in range(1, 4)])
        subscription = bus.subscribe([Topic.DEMAND], "g")
        assert versions(subscription) == [1, 2, 3, 4]
        subscription.commit()
        letters = bus.subscribe([Topic.DEAD_LETTER], "letters")
        (letter,) = drain(letters)[0]
        read = letter.payload
        assert (read.partition, read.offset, read.key, read.value, read.headers) == (0, 1, b"k", b"x", (("??", b"1"),))
        for member in (subscription, letters):
            member.close()


def test_d4_two_in_two_partitions_cost_no_other_message_and_no_order(broker: Broker, prefix: str):
    events = [work(number, keys=60) for number in range(600)]
    began_s = time.process_time()
    with opened(broker.address(), prefix) as bus:
        tell(bus, events[:300])
        break_in(broker, prefix + Topic.WORK, (1, 4))
        tell(bus, events[300:])
        subscription = bus.subscribe([Topic.WORK], "g")
        got, gaps = drain(subscription)
        assert by_partition(got) == by_partition(events)
        assert (gaps, bus.counts.dead_letters) == ([], 2)
        subscription.commit()
        subscription.close()
        assert [partition for partition, _ in put_aside(bus)] == [1, 4]
        assert len(bus.latest_state(Topic.WORK)) == 60
    assert time.process_time() - began_s < CPU_S


@pytest.mark.parametrize("most", [1, 7, 500])
def test_d4_so_it_is_however_few_are_polled_at_a_time(broker: Broker, prefix: str, most: int):
    events = [work(number, keys=10) for number in range(60)]
    with opened(broker.address(), prefix) as bus:
        tell(bus, events[:30])
        break_in(broker, prefix + Topic.WORK, range(PARTITIONS), times=2)
        tell(bus, events[30:])
        subscription = bus.subscribe([Topic.WORK], "g")
        got: list[Event] = []
        while len(got) < len(events) or subscription.lag():
            got += subscription.poll(1.0, most).events
        assert by_partition(got) == by_partition(events)
        subscription.close()
        assert bus.counts.dead_letters == 2 * PARTITIONS


def test_d4_one_after_the_other_at_the_beginning_and_at_the_end(broker: Broker, prefix: str):
    with opened(broker.address(), prefix) as bus:
        break_in(broker, prefix + Topic.DEMAND, times=2)
        tell(bus, [demand(number) for number in range(3)])
        break_in(broker, prefix + Topic.DEMAND, times=3)
        subscription = bus.subscribe([Topic.DEMAND], "g")
        assert versions(subscription) == [1, 2, 3]
        subscription.commit()
        tell(bus, [demand(number) for number in range(3, 6)])
        assert versions(subscription) == [4, 5, 6]
        subscription.close()
        assert put_aside(bus) == [(0, offset) for offset in (0, 1, 5, 6, 7)]


def test_d4_good_messages_that_were_sent_together_with_it_arrive(broker: Broker, prefix: str):
    with opened(broker.address(), prefix) as bus:
        with stranger(broker, linger_ms=5_000) as producer:
            for number in range(5):
                _, key, value, headers = encode(demand(number))
                producer.send(prefix + Topic.DEMAND, value, key, headers)
                producer.send(prefix + Topic.DEMAND, b"x", b"k", STRANGE)
            producer.flush(SEND_S)
        subscription = bus.subscribe([Topic.DEMAND], "g")
        assert subscription.poll(5.0, 2).events
        subscription.commit()  # in the midst of what was sent together
        subscription.close()
        again = bus.subscribe([Topic.DEMAND], "g")
        assert versions(again) == [2, 3, 4, 5]
        again.close()
        assert put_aside(bus) == [(0, offset) for offset in (1, 3, 5, 7, 9)]


def test_d4_what_was_passed_over_is_not_put_aside_again_after_a_restart(broker: Broker, prefix: str):
    with opened(broker.address(), prefix) as bus:
        tell(bus, [demand(0), demand(1)])
        break_in(broker, prefix + Topic.DEMAND)
        subscription = bus.subscribe([Topic.DEMAND], "g")
        assert versions(subscription) == [1, 2]
        subscription.commit()
        subscription.close()
        break_in(broker, prefix + Topic.DEMAND)
        tell(bus, [demand(2)])
    for expected in ([3], []):
        with opened(broker.address(), prefix) as bus:
            subscription = bus.subscribe([Topic.DEMAND], "g")
            assert versions(subscription) == expected
            assert bus.counts.dead_letters == len(expected)
            subscription.commit()
            subscription.close()
            assert put_aside(bus) == [(0, 2), (0, 3)]


def test_d4_a_topic_of_state_is_read_from_its_beginning_past_them_by_every_reader(broker: Broker, prefix: str):
    events = [work(number, keys=20) for number in range(60)]
    with opened(broker.address(), prefix) as bus:
        break_in(broker, prefix + Topic.WORK, (0, 3))
        tell(bus, events)
        break_in(broker, prefix + Topic.WORK, (3, 5))
        for group in ("g", "g", "h"):
            subscription = bus.subscribe([Topic.WORK], group)
            assert by_partition(drain(subscription)[0]) == by_partition(events)
            subscription.commit()
            subscription.close()
        assert len(bus.latest_state(Topic.WORK)) == 20
        assert bus.counts.dead_letters == 4, "each once in a process"


def damage_second_batch(log_file: Path) -> tuple[int, int]:
    """Turn one bit of its last byte round, as a disk may; its first offset, and that of the batch behind it."""
    wire = bytearray(log_file.read_bytes())
    begin = ends = 0
    for _ in range(2):  # a batch is its first offset in 8 bytes, the size of the rest in 4, and that rest
        begin, ends = ends, ends + 12 + int.from_bytes(wire[ends + 8 : ends + 12], "big")
    wire[ends - 1] ^= 1
    log_file.write_bytes(wire)
    return int.from_bytes(wire[begin : begin + 8], "big"), int.from_bytes(wire[ends : ends + 8], "big")


def test_d4_a_batch_that_the_broker_s_disk_damaged_is_a_gap_and_what_stands_behind_it_is_read(
    own_broker: Callable[..., Broker],
):
    broker = own_broker()
    with opened(broker.address()) as bus:
        for first in (0, 10, 20):
            tell(bus, [demand(number) for number in range(first, first + 10)])
    broker.stop()
    first, behind = damage_second_batch(broker.folder / "data" / f"{Topic.DEMAND}-0" / "00000000000000000000.log")
    assert 0 < first < behind < 30
    broker.start()
    with opened(broker.address()) as bus:
        subscription = bus.subscribe([Topic.DEMAND], "g")
        events, gaps = drain(subscription)
        assert [event.version for event in events] == [*range(1, first + 1), *range(behind + 1, 31)]
        assert gaps == [f"of partition 0 messages up to {behind - 1} are damaged: the checksum is wrong"]
        subscription.commit()
        subscription.close()
        assert put_aside(bus) == [(0, behind - 1)]
