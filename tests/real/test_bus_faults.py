"""The bus on a real broker that is killed, cut off, emptied and remade: no event is lost in silence or counts twice."""

from __future__ import annotations

import resource
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from kafka import TopicPartition

from connectors.bus.broker.bus import KafkaBus
from models.bus import Delivery, Subscription
from models.errors import BusUnavailable
from models.events import Event, Latest, Topic
from models.nodes import Side
from models.work import WorkRecord, WorkState
from tests.real.bus_events import KEYS, READY_S, demand, drain, opened, wait_for, work
from tests.real.kafka.broker import PROXIED, Broker
from tests.real.proxy import Proxy


def fault_free(events: list[Event]) -> dict[str, Event]:
    latest = Latest()
    for event in events:
        latest.take(event)
    return latest.state


class Applying(threading.Thread):
    """A consumer that applies what it gets and commits, until everything is there."""

    def __init__(self, bus: KafkaBus, wanted: int) -> None:
        super().__init__(daemon=True)
        self.applied: Counter[str] = Counter()
        self.latest = Latest()
        self.received = 0
        self.error: Exception | None = None
        self.ended = threading.Event()
        self._subscription = bus.subscribe([Topic.WORK], "consumer")
        self._wanted = wanted

    def run(self) -> None:
        try:
            while len(self.applied) < self._wanted and not self.ended.is_set():
                with suppress(BusUnavailable):  # the broker is away; the port says that nothing is lost by asking again
                    self._apply(self._subscription.poll(0.5))
        except Exception as error:
            self.error = error
        finally:
            self._subscription.close()

    def _apply(self, delivery: Delivery) -> None:
        for event in delivery.events:
            self.received += 1
            if self.latest.take(event):
                self.applied[event.id] += 1


def test_d1_a_broker_killed_while_100000_events_flow_loses_none_and_none_counts_twice(
    own_broker: Callable[..., Broker],
):
    broker = own_broker()
    events = [work(number) for number in range(100_000)]
    with opened(broker.address()) as bus, opened(broker.address()) as other:
        consumer = Applying(other, len(events))
        consumer.start()
        for number, event in enumerate(events):
            if number == 40_000:
                broker.kill()
            bus.publish(event)
        assert bus.counts.spooled > 0
        broker.start()
        assert bus.flush(READY_S) == 0
        consumer.join(READY_S)
        consumer.ended.set()
        assert not consumer.is_alive()
        if consumer.error is not None:
            raise consumer.error
        assert (bus.counts.published, bus.counts.dropped) == (100_000, 0)
        assert set(consumer.applied) == {event.id for event in events}, "none is lost"
        assert set(consumer.applied.values()) == {1}, "none is applied twice"
        assert consumer.latest.state == fault_free(events)


def test_d1_ten_minutes_without_a_broker_at_1000_events_a_second_take_disk_and_not_memory(
    own_broker: Callable[..., Broker], tmp_path: Path
):
    broker = own_broker()
    with opened(broker.address(), spool=tmp_path / "spool") as bus:
        bus.publish(work(0))
        bus.flush(READY_S)
        broker.kill()
        for number in range(1, 20_000):
            bus.publish(work(number))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(20_000, 600_000):
            bus.publish(work(number))
        grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown_kib < 32 * 1024
        assert bus.counts.spooled + bus.counts.delivered > 580_000


def test_d1_when_the_spool_is_full_the_oldest_are_dropped_counted_and_told_anew(
    own_broker: Callable[..., Broker], tmp_path: Path
):
    broker = own_broker()
    with opened(broker.address(), spool=tmp_path / "spool", spool_most=200_000) as bus:
        bus.flush(READY_S)
        broker.kill()
        for number in range(15_000):
            bus.publish(work(number))
        assert bus.counts.dropped > 0
        assert bus.take_resyncs() == {Topic.WORK}
        assert bus.take_resyncs() == frozenset()
        broker.start()
        assert bus.flush(READY_S) == 0
        assert bus.counts.delivered == 15_000 - bus.counts.dropped
        assert bus.latest_state(Topic.WORK)["hpc/job/999"] == work(14_999)


def test_d1_what_waits_on_disk_is_delivered_by_the_next_process(own_broker: Callable[..., Broker], tmp_path: Path):
    broker = own_broker()
    with opened(broker.address(), spool=tmp_path / "spool") as bus:
        broker.kill()
        for number in range(500):
            bus.publish(work(number))
        bus.close(0)
    broker.start()
    with opened(broker.address(), spool=tmp_path / "spool") as bus:
        assert bus.flush(READY_S) == 0
        assert len(bus.latest_state(Topic.WORK)) == 500


def test_d2_a_whole_topic_told_again_changes_nothing(broker: Broker, prefix: str):
    events = [work(number) for number in range(3000)]
    with opened(broker.address(), prefix) as bus:
        for event in events + events:
            bus.publish(event)
        bus.flush(READY_S)
        subscription = bus.subscribe([Topic.WORK], "g")
        got, _ = drain(subscription)
        latest = Latest()
        assert sum(latest.take(event) for event in got) == 3000
        assert latest.state == fault_free(events)
        subscription.close()


def test_d5_only_the_message_that_this_broker_finds_too_large_is_put_aside(broker: Broker, prefix: str):
    settings = {"cleanup.policy": "compact", "max.message.bytes": "2000"}
    broker.create(prefix + Topic.WORK, partitions=6, settings=settings)
    with opened(broker.address(), prefix) as bus:
        for number in range(100):
            bus.publish(work(number))
        record = WorkRecord("large", Side.HPC, WorkState.RUNNING, 1.0, 0, None, 1, user="x" * 3000)
        bus.publish(Event(Topic.WORK, "hpc/large", record, 1, "/test", 0))
        for number in range(100, 200):
            bus.publish(work(number))
        assert bus.flush(READY_S) == 0
        assert bus.counts.dead_letters == 1
        assert {event.version for event in bus.latest_state(Topic.WORK).values()} == set(range(1, 201))


def test_d7_a_second_member_takes_its_part_in_mid_batch_and_every_event_is_applied(broker: Broker, prefix: str):
    events = [work(number) for number in range(6000)]
    with opened(broker.address(), prefix) as bus, opened(broker.address(), prefix) as other:
        for event in events:
            bus.publish(event)
        bus.flush(READY_S)
        first = bus.subscribe([Topic.WORK], "g")
        seen = {event.id for event in first.poll(5.0, 100).events}
        joining = threading.Thread(target=lambda: joined.append(other.subscribe([Topic.WORK], "g")))
        joined: list[Subscription] = []
        joining.start()
        while joining.is_alive():
            seen |= {event.id for event in first.poll(0.2, 100).events}
        first.commit()
        for member in (first, joined[0], first):
            seen |= {event.id for event in drain(member)[0]}
        assert seen == {event.id for event in events}
        for member in (first, joined[0]):
            member.commit()
            member.close()


def test_d7_what_a_member_did_not_commit_goes_to_the_next(broker: Broker, prefix: str):
    with opened(broker.address(), prefix) as bus:
        for number in range(100):
            bus.publish(demand(number))
        bus.flush(READY_S)
        first = bus.subscribe([Topic.DEMAND], "g")
        assert len(first.poll(5.0, 30).events) == 30
        first.commit()
        assert len(first.poll(5.0, 30).events) == 30
        first.close()
        second = bus.subscribe([Topic.DEMAND], "g")
        assert [event.version for event in drain(second)[0]] == list(range(31, 101))
        second.close()


def test_d7_a_commit_before_the_first_poll_skips_nothing(broker: Broker, prefix: str):
    with opened(broker.address(), prefix) as bus:
        for number in range(50):
            bus.publish(demand(number))
        bus.flush(READY_S)
        first = bus.subscribe([Topic.DEMAND], "g")
        first.commit()
        first.close()
        second = bus.subscribe([Topic.DEMAND], "g")
        assert len(drain(second)[0]) == 50
        second.close()


def test_d8_what_retention_has_deleted_is_a_gap_and_not_a_silent_skip(broker: Broker, prefix: str):
    with opened(broker.address(), prefix) as bus:
        for number in range(100):
            bus.publish(demand(number))
        bus.flush(READY_S)
        subscription = bus.subscribe([Topic.DEMAND], "g")
        assert len(subscription.poll(5.0, 10).events) == 10
        subscription.commit()
        subscription.close()
        with broker.admin() as admin:
            admin.delete_records({TopicPartition(prefix + Topic.DEMAND, 0): 60})
        subscription = bus.subscribe([Topic.DEMAND], "g")
        events, reasons = drain(subscription)
        assert [event.version for event in events] == list(range(61, 101))
        assert reasons == ["the messages that follow were deleted before they were read"]
        assert bus.counts.gaps == 1
        subscription.close()


@pytest.mark.parametrize("topic", [Topic.WORK, Topic.DEMAND])
def test_d9_a_topic_that_was_made_anew_is_noticed_and_read_from_its_beginning(
    broker: Broker, prefix: str, topic: Topic, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("connectors.bus.broker.consumer.SHAPES_S", 0.1)
    make = work if topic is Topic.WORK else demand
    with opened(broker.address(), prefix) as bus:
        bus.publish(make(0))
        bus.flush(READY_S)
        subscription = bus.subscribe([topic], "g")
        assert len(drain(subscription)[0]) == 1
        bus.metadata.discard()
        with opened(broker.address(), prefix) as again:
            for number in range(1, 5):
                again.publish(make(number))
            again.flush(READY_S)
        events, reasons = wait_for(subscription, 4)
        assert sorted(event.version for event in events) == [2, 3, 4, 5]
        assert "it was made anew" in reasons
        subscription.close()


def test_d9_more_partitions_are_noticed_and_the_state_is_read_anew(
    broker: Broker, prefix: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("connectors.bus.broker.consumer.SHAPES_S", 0.1)
    with opened(broker.address(), prefix) as bus:
        for number in range(50):
            bus.publish(work(number))
        bus.flush(READY_S)
        subscription = bus.subscribe([Topic.WORK], "g")
        latest = Latest()
        for event in drain(subscription)[0]:
            latest.take(event)
        with broker.admin() as admin:
            admin.create_partitions({prefix + Topic.WORK: 9})
        with opened(broker.address(), prefix) as again:
            for number in range(50 + KEYS, 100 + KEYS):
                again.publish(work(number - 50))
            again.flush(READY_S)
        events, reasons = wait_for(subscription, 100)
        for event in events:
            latest.take(event)
        assert "it has 9 partitions now, not 6" in reasons
        assert {event.version for event in latest.state.values()} == set(range(KEYS + 1, KEYS + 51))
        subscription.close()


def test_d11_a_connection_that_goes_silent_stops_nobody_and_heals(own_broker: Callable[..., Broker]):
    broker = own_broker()
    with Proxy(broker.port(PROXIED), broker.proxy_port) as proxy, opened(proxy.address) as bus:
        bus.publish(work(0))
        assert bus.flush(READY_S) == 0
        subscription = bus.subscribe([Topic.WORK], "g")
        assert len(drain(subscription)[0]) == 1
        proxy.black_hole()
        began = time.monotonic()
        for number in range(1, 1000):
            bus.publish(work(number))
        assert bus.flush(1.0) > 0
        assert subscription.poll(0.5) == Delivery()
        assert time.monotonic() - began < 10
        proxy.heal()
        assert bus.flush(READY_S) == 0
        assert {event.version for event in wait_for(subscription, 999)[0]} >= set(range(2, 1001))
        subscription.close()


def test_d13_the_order_is_that_of_the_source_and_not_that_of_a_clock(broker: Broker, prefix: str):
    newer = Event(Topic.WORK, "hpc/job/1", work(1).payload, 2, "/a", at_s=10.0)
    older = Event(Topic.WORK, "hpc/job/1", work(1 + KEYS).payload, 1, "/a", at_s=9999.0)
    with opened(broker.address(), prefix) as bus:
        bus.publish(newer)
        bus.publish(older)
        bus.flush(READY_S)
        assert bus.latest_state(Topic.WORK) == {"hpc/job/1": newer}


def test_d8_a_gap_in_one_partition_has_the_whole_state_told_anew(
    broker: Broker, prefix: str, monkeypatch: pytest.MonkeyPatch
):
    """Whoever then doubts what he knows of the topic must hear of the keys of all other partitions again."""
    monkeypatch.setattr("connectors.bus.broker.metadata.TopicMetadata._check", lambda *_: None)
    broker.create(prefix + Topic.WORK, partitions=6, settings={"cleanup.policy": "compact,delete"})
    with opened(broker.address(), prefix) as bus:
        for number in range(60):
            bus.publish(work(number))
        bus.flush(READY_S)
        subscription = bus.subscribe([Topic.WORK], "g")
        drain(subscription)
        whole = TopicPartition(prefix + Topic.WORK, 0)
        with broker.admin() as admin:
            (end,) = bus.metadata.ends([whole]).values()
            admin.delete_records({whole: end})
        subscription._consumer.seek(whole, 0)  # as one who had not read so far yet
        events, reasons = wait_for(subscription, 60 - end)
        assert reasons == ["the messages that follow were deleted before they were read"]
        assert len({event.key for event in events}) == 60 - end
        subscription.close()


def test_a_topic_that_somebody_deletes_holds_up_no_other_and_is_told_anew(
    broker: Broker, prefix: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("connectors.bus.broker.bus.TOPICS_S", 0.1)
    monkeypatch.setattr("connectors.bus.broker.producer.PAUSE_S", 0.5)
    with opened(broker.address(), prefix) as bus:
        bus.publish(work(0))
        bus.flush(READY_S)
        with broker.admin() as admin:
            admin.delete_topics([prefix + Topic.WORK])
        bus.publish(work(1))
        for number in range(50):
            bus.publish(demand(number))
        bus.flush(2)
        subscription = bus.subscribe([Topic.DEMAND], "g")
        assert len(drain(subscription)[0]) == 50
        subscription.close()
        lost: set[Topic] = set()
        deadline = time.monotonic() + READY_S
        while Topic.WORK not in lost:
            lost |= bus.take_resyncs()
            assert time.monotonic() < deadline
        bus.publish(work(2))
        assert bus.flush(READY_S) == 0
        assert "hpc/job/2" in bus.latest_state(Topic.WORK)
