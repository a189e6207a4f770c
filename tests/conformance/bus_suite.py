"""What every event bus must do, sentence by sentence. Inherit ``BusSuite`` where a fixture ``bench`` gives a bench."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.bus.wire.codec import encode
from models.bus import Bus, Delivery, Gap, Subscription
from models.demand import Demand
from models.errors import BusUnavailable
from models.events import DeadLetter, Event, Latest, Payload, Planned, Topic
from models.forecasts import Forecast, Source, of_arrays
from models.handovers import Direction, Handover, Stage, Why
from models.nodes import HpcNode, KubernetesNode, NodeShape, Side
from models.plans import Hold, Move, Plan, Reason, Rejection, Switch
from models.work import WorkRecord, WorkState
from tests.conformance import bus_poison
from tests.conformance.bus_benches import BusBench
from tests.conformance.bus_poison import POISON

FLUSH_S = 20.0
POLL_S = 1.0
POLLS_MOST = 30  # until what is there has come
AT_S = 1_772_438_400.25

HANDOVER = Handover("h1", "b1", "n1", Direction.TO_HPC, Stage.CANCELLING, 10, 20, 30, 15, Why.LATE, 4, 12, uid="u1")
PLAN = Plan(
    100, 4, 5,
    (Move("n1", Direction.TO_KUBERNETES, Reason.DEMAND, "Grüße ☃", 1.25, 0.5),),
    ("h1", "h2"),
    (Rejection(("n2", "n3"), Reason.BUSY, "busy"),),
    (Hold(Switch.PAUSED, "paused"),),
)  # fmt: skip
SHAPE = NodeShape(64_000, 515_072, 0)
PAYLOADS: Sequence[tuple[Topic, Payload | None]] = (
    (Topic.WORK, WorkRecord("j1", Side.HPC, WorkState.RUNNING, 2.5, 100, 3600, 150, None, "ada")),
    (Topic.WORK, None),
    (Topic.NODES, HpcNode("n1", "a100", "tidegate:b1", True, 500, False, "someone", SHAPE, "boot 3")),
    (Topic.NODES, KubernetesNode("n1", None, True, 3, True, False, 90, SHAPE, "12", "u1", "{}", "karpenter")),
    (Topic.NODES, None),
    (Topic.DEMAND, Demand(Side.KUBERNETES, 100, 0.0, 1.5)),
    (Topic.FORECASTS, Forecast(Side.HPC, 100, 3.0, (300, 900), (0.5, 0.9), ((1.0, 2.0), (1.5, 3.5)), Source.MODEL)),
    (Topic.PLANS, Planned(7, PLAN, 3)),
    (Topic.HANDOVERS, HANDOVER),
    (Topic.HANDOVERS, None),
    (Topic.DEAD_LETTER, DeadLetter("t", 3, 17, "why", b"\xff", None, (("h", b"\x00"), ("h", b"")), 9)),
)  # fmt: skip


def demand(number: int, key: str = "pool/hpc") -> Event:
    return Event(Topic.DEMAND, key, Demand(Side.HPC, number, float(number), 0.0), number, "/tests", AT_S)


def work(key: str, version: int, *, gone: bool = False) -> Event:
    record = WorkRecord(key, Side.HPC, WorkState.ELIGIBLE, float(version + 1), 100)
    return Event(Topic.WORK, key, None if gone else record, version, "/tests", AT_S)


def told(bus: Bus, events: Iterable[Event]) -> None:
    for event in events:
        bus.publish(event)
    assert bus.flush(FLUSH_S) == 0


@dataclass
class Drained:
    """All that a subscription brought until there was no more."""

    events: list[Event] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    def add(self, delivery: Delivery) -> None:
        self.events += delivery.events
        self.gaps += delivery.gaps


def drained(subscription: Subscription) -> Drained:
    """All that is there until now, after at most so many polls."""
    all_of_it = Drained()
    all_of_it.add(subscription.poll(0.0))
    for _ in range(POLLS_MOST):
        if not subscription.lag():
            return all_of_it
        all_of_it.add(subscription.poll(POLL_S))
    raise AssertionError(f"{subscription.lag()} messages are there and do not come; so far {all_of_it}")


def read(bus: Bus, topics: Topic | Iterable[Topic], group: str, *, commit: bool = True) -> list[Event]:
    """What a member of the group gets that comes and goes again."""
    subscription = bus.subscribe([topics] if isinstance(topics, Topic) else [*topics], group)
    try:
        found = drained(subscription)
        if commit:
            subscription.commit()
    finally:
        subscription.close()
    assert not found.gaps
    return found.events


def letters(bus: Bus, group: str = "letters") -> list[DeadLetter]:
    found = [event.payload for event in read(bus, Topic.DEAD_LETTER, group)]
    assert all(isinstance(letter, DeadLetter) for letter in found)
    return [letter for letter in found if isinstance(letter, DeadLetter)]


Told = tuple[int, int, bool]  # key, version, whether it is gone


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Told], list[Told]]:
    """Events, each once and in order, and as they arrive."""
    pairs = draw(st.sets(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=12))
    gone = draw(st.sets(st.sampled_from(sorted(pairs))))
    events = [(key, version, (key, version) in gone) for key, version in sorted(pairs)]
    again = draw(st.lists(st.sampled_from(events), max_size=8))
    return events, draw(st.permutations(events + again))


class BusSuite:
    """At-least-once delivery, and what could not be delivered is said aloud."""

    def test_an_event_of_every_type_comes_back_equal(self, bench: BusBench):
        events = [
            Event(topic, f"Ключ/{number}", payload, 10 + number, "/tests", AT_S)
            for number, (topic, payload) in enumerate(PAYLOADS)
        ]
        told(bench.bus, events)
        found = {event.key: event for event in read(bench.bus, Topic, "g")}
        assert found == {event.key: event for event in events}

    def test_the_events_of_one_key_keep_their_order(self, bench: BusBench):
        told(bench.bus, [work(f"hpc/{number % 7}", number) for number in range(700)])
        found = read(bench.bus, Topic.WORK, "g")
        for key in range(7):
            assert [event.version for event in found if event.key == f"hpc/{key}"] == list(range(key, 700, 7))

    def test_one_who_was_there_before_gets_what_comes(self, bench: BusBench):
        subscription = bench.bus.subscribe([Topic.DEMAND, Topic.WORK], "g")
        assert drained(subscription).events == []
        told(bench.bus, [demand(1), work("hpc/1", 2)])
        assert sorted(drained(subscription).events, key=lambda event: event.version) == [demand(1), work("hpc/1", 2)]
        told(bench.bus, [demand(3)])
        assert drained(subscription).events == [demand(3)]
        subscription.close()

    def test_where_nothing_is_a_poll_brings_nothing(self, bench: BusBench):
        subscription = bench.bus.subscribe([Topic.DEMAND], "g")
        assert subscription.poll(0.0) == Delivery()
        assert subscription.poll(0.1) == Delivery()
        subscription.commit()
        subscription.close()

    def test_the_next_member_begins_after_what_was_committed(self, bench: BusBench):
        told(bench.bus, [demand(1), demand(2)])
        assert read(bench.bus, Topic.DEMAND, "g") == [demand(1), demand(2)]
        told(bench.bus, [demand(3)])
        assert read(bench.restart(), Topic.DEMAND, "g") == [demand(3)]
        assert read(bench.restart(), Topic.DEMAND, "g") == []

    def test_what_was_not_committed_is_delivered_again(self, bench: BusBench):
        told(bench.bus, [demand(1), demand(2)])
        subscription = bench.bus.subscribe([Topic.DEMAND], "g")
        assert drained(subscription).events == [demand(1), demand(2)]
        subscription.commit()
        told(bench.bus, [demand(3), demand(4)])
        assert drained(subscription).events == [demand(3), demand(4)]
        subscription.close()
        assert read(bench.restart(), Topic.DEMAND, "g", commit=False) == [demand(3), demand(4)]
        assert read(bench.restart(), Topic.DEMAND, "g") == [demand(3), demand(4)]

    def test_each_of_two_groups_gets_everything(self, bench: BusBench):
        told(bench.bus, [demand(1), demand(2)])
        assert read(bench.bus, Topic.DEMAND, "g") == read(bench.bus, Topic.DEMAND, "h") == [demand(1), demand(2)]

    def test_a_topic_of_state_is_read_from_its_beginning_whatever_was_committed(self, bench: BusBench):
        told(bench.bus, [work("hpc/1", 1), demand(2)])
        assert len(read(bench.bus, [Topic.WORK, Topic.DEMAND], "g")) == 2
        assert read(bench.restart(), [Topic.WORK, Topic.DEMAND], "g") == [work("hpc/1", 1)]

    def test_the_latest_state_is_the_newest_of_each_key_and_not_what_is_gone(self, bench: BusBench):
        events = [
            work("a", 5), work("a", 3), work("b", 1), work("b", 2, gone=True), work("c", 4, gone=True), work("c", 2),
            work("d", 1, gone=True), work("d", 2), work("e", 0),
        ]  # fmt: skip
        told(bench.bus, events)
        assert dict(bench.bus.latest_state(Topic.WORK)) == {"a": work("a", 5), "d": work("d", 2), "e": work("e", 0)}
        assert dict(bench.bus.latest_state(Topic.NODES)) == {}

    def test_what_arrives_twice_or_late_changes_nothing(self, bench: BusBench):
        subscription = bench.bus.subscribe([Topic.WORK], "g")

        @settings(max_examples=30)
        @given(story=stories())
        def holds(story: tuple[list[Told], list[Told]]) -> None:
            in_order, arriving = story
            mine = f"{bench.bus.counts.published}/"  # keys that no example before this one has
            expected, found = Latest(), Latest()
            for key, version, gone in in_order:
                expected.take(work(f"{mine}{key}", version, gone=gone))
            told(bench.bus, [work(f"{mine}{key}", version, gone=gone) for key, version, gone in arriving])
            for event in drained(subscription).events:
                found.take(event)
            shown = bench.bus.latest_state(Topic.WORK)
            assert found.state == expected.state
            assert {key: event for key, event in shown.items() if key.startswith(mine)} == expected.state

        holds()
        subscription.close()

    def test_what_is_no_event_is_put_aside_as_it_was_and_stops_nothing(self, bench: BusBench):
        told(bench.bus, [demand(1)])
        for message in POISON.values():
            bench.put(Topic.DEMAND, message.key, message.value, message.headers)
        told(bench.bus, [demand(2)])
        assert read(bench.bus, Topic.DEMAND, "g") == [demand(1), demand(2)]
        found = letters(bench.bus)
        for letter, (what, message) in zip(found, POISON.items(), strict=True):
            assert (letter.key, letter.value, list(letter.headers)) == message[1:], what
            assert (letter.topic, letter.partition) == (Topic.DEMAND, 0), what
            assert letter.reason, what
        offsets = [letter.offset for letter in found]
        assert offsets == list(range(offsets[0] or 0, (offsets[0] or 0) + len(POISON)))
        assert bench.bus.counts.dead_letters == len(POISON)

    def test_what_was_put_aside_is_not_met_again_after_a_restart(self, bench: BusBench):
        message = POISON["not JSON"]
        bench.put(Topic.DEMAND, message.key, message.value, message.headers)
        assert read(bench.bus, Topic.DEMAND, "g") == []
        bus = bench.restart()
        told(bus, [demand(1)])
        assert read(bus, Topic.DEMAND, "g") == [demand(1)]
        assert len(letters(bus)) == 1

    def test_what_is_no_event_hides_no_state(self, bench: BusBench):
        told(bench.bus, [work("a", 1)])
        message = encode(work("a", 2))
        bench.put(Topic.WORK, message.key, b"{", message.headers)
        told(bench.bus, [work("b", 3)])
        assert dict(bench.bus.latest_state(Topic.WORK)) == {"a": work("a", 1), "b": work("b", 3)}
        assert sorted(event.key for event in read(bench.bus, Topic.WORK, "g")) == ["a", "b"]

    @pytest.mark.parametrize("name", [b"dev.tidegate.demand.v99", b"com.example.invoice"])
    def test_a_type_that_is_not_known_is_counted_and_ignored(self, bench: BusBench, name: bytes):
        message = bus_poison.header("ce_type", name)
        bench.put(Topic.DEMAND, message.key, b'{"anything":true}', message.headers)
        told(bench.bus, [demand(1)])
        assert read(bench.bus, Topic.DEMAND, "g") == [demand(1)]
        assert letters(bench.bus) == []
        assert bench.bus.counts.unknown == 1

    def test_a_field_that_is_not_known_is_ignored(self, bench: BusBench):
        message = bus_poison.body(colour='{"of":["the","rainbow"]}')
        bench.put(Topic.DEMAND, message.key, message.value, message.headers)
        (event,) = read(bench.bus, Topic.DEMAND, "g")
        assert event == replace(bus_poison.GOOD, payload=Demand(Side.HPC, 1, 3.0, 1.5))
        assert letters(bench.bus) == []

    def test_an_event_that_is_too_large_is_told_of_in_short(self, bench: BusBench):
        levels = np.linspace(0.123456789, 0.987654321, 1000)
        forecast = of_arrays(
            Side.HPC, 100, 3.0, np.arange(1, 601) * 300, levels, np.tile(levels * 1000, (600, 1)), Source.MODEL
        )
        bench.bus.publish(Event(Topic.FORECASTS, "pool/hpc", forecast, 1, "/tests", AT_S))
        told(bench.bus, [demand(1)])
        (letter,) = letters(bench.bus)
        assert (letter.topic, letter.partition, letter.offset) == (Topic.FORECASTS, -1, None)
        assert letter.size > 10_000_000
        assert (letter.value or b"").startswith(b'{"side":"hpc"')
        assert len(letter.value or b"") < 10_000
        assert read(bench.bus, [Topic.FORECASTS, Topic.DEMAND], "g") == [demand(1)]
        assert bench.bus.counts.dead_letters == 1
        assert bench.bus.take_resyncs() == frozenset()

    def test_the_lag_is_what_is_there_and_was_not_polled(self, bench: BusBench):
        told(bench.bus, [demand(number) for number in range(5)])
        subscription, seen = bench.bus.subscribe([Topic.DEMAND, Topic.PLANS], "g"), 0
        assert subscription.lag() == 5
        for _ in range(POLLS_MOST):
            seen += len(subscription.poll(POLL_S, most=2).events)
            assert subscription.lag() == 5 - seen
            if seen == 5:
                break
        told(bench.bus, [demand(9)])
        assert subscription.lag() == 1
        subscription.close()

    def test_what_was_flushed_is_there_when_the_bus_is_opened_again(self, bench: BusBench):
        told(bench.bus, [demand(1), work("hpc/1", 1)])
        bus = bench.restart()
        assert len(read(bus, [Topic.DEMAND, Topic.WORK], "g")) == 2
        assert dict(bus.latest_state(Topic.WORK)) == {"hpc/1": work("hpc/1", 1)}

    def test_what_was_not_flushed_is_there_when_the_bus_was_closed(self, bench: BusBench):
        bench.bus.publish(demand(1))
        assert read(bench.restart(), Topic.DEMAND, "g") == [demand(1)]

    def test_what_happened_is_counted(self, bench: BusBench):
        told(bench.bus, [demand(1), demand(2), work("hpc/1", 1)])
        counts = bench.bus.counts
        assert (counts.published, counts.delivered, counts.received) == (3, 3, 0)
        message, other = POISON["not JSON"], bus_poison.header("ce_type", b"com.example.invoice")
        bench.put(Topic.DEMAND, message.key, message.value, message.headers)
        bench.put(Topic.DEMAND, other.key, other.value, other.headers)
        assert len(read(bench.bus, [Topic.DEMAND, Topic.WORK], "g")) == 3
        assert bench.bus.flush(FLUSH_S) == 0
        assert (counts.received, counts.unknown, counts.dead_letters) == (5, 1, 1)
        assert (counts.published, counts.delivered) == (3, 4)
        assert (counts.spooled, counts.dropped, counts.gaps) == (0, 0, 0)
        assert bench.bus.take_resyncs() == frozenset()

    def test_what_no_reader_would_take_is_not_published(self, bench: BusBench):
        with pytest.raises(ValueError, match="cannot be sent"):
            bench.bus.publish(replace(demand(1), topic=Topic.WORK))
        told(bench.bus, [demand(2)])
        assert read(bench.bus, [Topic.DEMAND, Topic.WORK], "g") == [demand(2)]

    def test_a_closed_bus_says_so_and_can_be_closed_again(self, bench: BusBench):
        bench.bus.close()
        bench.bus.close()
        with pytest.raises(BusUnavailable, match="closed"):
            bench.bus.publish(demand(1))
