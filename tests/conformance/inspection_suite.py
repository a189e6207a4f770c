"""What looking into a bus must do. A fixture ``bench`` gives a bus, and ``look`` looks into it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from connectors.bus.dead_letters import Letter, Letters, letters, outdated
from connectors.bus.inspection import Extent, Found, Inspection, Reading, everything, newest
from connectors.bus.topics import LONGEST
from connectors.bus.wire.codec import Message, encode
from models.events import DeadLetter, Event, Topic
from models.forecasts import Forecast, Source
from models.nodes import Side
from tests.conformance.bus_benches import BusBench
from tests.conformance.bus_poison import POISON
from tests.conformance.bus_suite import AT_S, POLL_S, POLLS_MOST, demand, read, told, work


def silent(text: str) -> None:
    raise AssertionError(f"nothing was to be noted, but: {text}")


def raw(found: Found) -> tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]:
    return found.key, found.value, found.headers


def raw_of(message: Message) -> tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]:
    return message.key, message.value, tuple(message.headers)


def messages(look: Inspection, topic: Topic) -> list[Found]:
    with look.reading(topic, silent) as reading:
        return [*everything(reading)]


def next_ones(reading: Reading) -> list[Found]:
    for _ in range(POLLS_MOST):
        if some := reading.poll(POLL_S):
            return some
    raise AssertionError("nothing comes")


def all_letters(look: Inspection) -> Letters:
    return letters(look, 1000, silent)


def extent(look: Inspection, topic: Topic) -> Extent:
    return next(one for one in look.extents() if one.topic is topic)


def put(bench: BusBench, topic: Topic, message: Message) -> None:
    bench.put(topic, message.key, message.value, message.headers)


def send(look: Inspection, some: Sequence[Letter]) -> None:
    with look.sending() as sending:
        for letter in some:
            sending(letter.message)


class InspectingSuite:
    """Everything is seen, and nothing of it changes by being looked at."""

    def test_how_much_there_is_on_each_topic(self, bench: BusBench, look: Inspection):
        assert [one.topic for one in look.extents()] == [*Topic]
        assert {one.messages for one in look.extents()} == {0}
        told(bench.bus, [demand(1), demand(2), work("a", 1)])
        assert extent(look, Topic.DEMAND) == Extent(Topic.DEMAND, 1, 2)
        assert extent(look, Topic.WORK).messages == 1

    def test_a_group_is_behind_by_what_came_after_its_commit(self, bench: BusBench, look: Inspection):
        assert look.behind() == []
        told(bench.bus, [demand(1), work("a", 1)])
        read(bench.bus, [Topic.DEMAND, Topic.WORK], "one")
        read(bench.bus, Topic.DEMAND, "idle", commit=False)
        told(bench.bus, [demand(2), demand(3), work("a", 2)])
        read(bench.bus, Topic.DEMAND, "two")
        found = [(one.group, one.topic, one.messages) for one in look.behind()]
        assert found == [("one", Topic.WORK, 1), ("one", Topic.DEMAND, 2), ("two", Topic.DEMAND, 0)]

    def test_looking_changes_nothing(self, bench: BusBench, look: Inspection):
        told(bench.bus, [demand(1), demand(2)])
        subscription = bench.bus.subscribe([Topic.DEMAND], "g")
        subscription.commit()
        before = look.extents(), look.behind()
        messages(look, Topic.DEMAND)
        with look.reading(Topic.DEMAND, silent) as reading:
            newest(reading, 1)
        assert (look.extents(), look.behind()) == before
        assert [event.version for event in subscription.poll(POLL_S).events] == [1, 2]
        subscription.close()

    def test_everything_is_read_as_it_stands_whatever_it_is(self, bench: BusBench, look: Inspection):
        for message in POISON.values():
            put(bench, Topic.DEMAND, message)
        told(bench.bus, [demand(7)])
        assert [*map(raw, messages(look, Topic.DEMAND))] == [*map(raw_of, POISON.values()), raw_of(encode(demand(7)))]

    @pytest.mark.parametrize(("most", "versions"), [(0, []), (1, [5]), (3, [3, 4, 5]), (50, [1, 2, 3, 4, 5])])
    def test_the_newest_and_then_what_comes(self, bench: BusBench, look: Inspection, most: int, versions: list[int]):
        told(bench.bus, [demand(number) for number in range(1, 6)])
        with look.reading(Topic.DEMAND, silent) as reading:
            assert [raw(found) for found in newest(reading, most)] == [raw_of(encode(demand(n))) for n in versions]
            assert reading.poll(0) == []
            told(bench.bus, [demand(6)])
            assert [raw(found) for found in next_ones(reading)] == [raw_of(encode(demand(6)))]

    def test_all_partitions_are_read(self, bench: BusBench, look: Inspection):
        told(bench.bus, [work(key, 1) for key in "abcdefgh"])
        with look.reading(Topic.WORK, silent) as reading:
            assert {found.key for found in everything(reading)} == {key.encode() for key in "abcdefgh"}
            told(bench.bus, [work("i", 1)])
            assert [found.key for found in next_ones(reading)] == [b"i"]

    def test_each_message_that_was_put_aside_is_one_letter_however_many_readers_there_were(
        self, bench: BusBench, look: Inspection
    ):
        for message in list(POISON.values())[:3]:
            put(bench, Topic.DEMAND, message)
        for group in ("one", "two"):
            read(bench.bus, Topic.DEMAND, group)
        found = all_letters(look)
        assert (found.total, found.strange) == (3, 0)
        assert [letter.key for letter in found.newest] == [letter.key for letter in all_letters(look).newest]
        assert {letter.dead.value for letter in found.newest} == {one.value for one in list(POISON.values())[:3]}
        assert letters(look, 2, silent).newest == found.newest[1:]
        assert letters(look, 9, silent, lambda key, at_s: key == found.newest[0].key).newest == found.newest[:1]

    def test_what_is_no_letter_is_counted(self, bench: BusBench, look: Inspection):
        bench.put(Topic.DEAD_LETTER, b"k", b"v", [])
        assert all_letters(look) == Letters((), 0, 1)

    def test_a_message_is_sent_again_byte_for_byte_and_put_aside_again(self, bench: BusBench, look: Inspection):
        for message in POISON.values():
            put(bench, Topic.DEMAND, message)
        read(bench.bus, Topic.DEMAND, "g")
        before = all_letters(look)
        assert {letter.refusal for letter in before.newest} == {""}
        assert all(letter.problem for letter in before.newest)
        send(look, before.newest)
        on_topic = [*map(raw, messages(look, Topic.DEMAND))]
        assert on_topic[len(POISON) :] == [raw(letter.message) for letter in before.newest]
        assert sorted(map(repr, on_topic[: len(POISON)])) == sorted(map(repr, on_topic[len(POISON) :]))
        read(bench.bus, Topic.DEMAND, "g")
        after = all_letters(look)
        assert after.newest[: before.total] == before.newest
        assert after.total == 2 * before.total

    def test_what_can_be_read_after_all_is_an_event_once_it_is_sent_again(self, bench: BusBench, look: Inspection):
        letter = letter_of(encode(demand(5)))
        assert (letter.refusal, letter.problem) == ("", "")
        send(look, [letter])
        assert read(bench.bus, Topic.DEMAND, "g") == [demand(5)]

    def test_what_is_too_large_or_was_never_sent_is_not_sent_again(self, bench: BusBench, look: Inspection):
        horizons, levels = tuple(range(300, 180_001, 300)), tuple(number / 1001 for number in range(1, 1001))
        forecast = Forecast(Side.HPC, 100, 3.0, horizons, levels, ((1.0,) * 1000,) * 600, Source.MODEL)
        told(bench.bus, [Event(Topic.FORECASTS, "pool/hpc", forecast, 1, "/tests", AT_S)])
        put(bench, Topic.DEMAND, POISON["no headers"]._replace(value=b"x" * (LONGEST // 2 + 1)))
        read(bench.bus, Topic.DEMAND, "g")
        refusals = [letter.refusal for letter in all_letters(look).newest]
        assert len(refusals) == 2
        assert "before it was sent" in refusals[0]
        assert "only the beginnings" in refusals[1]

    def test_on_a_topic_of_state_what_is_not_the_last_of_its_key_is_outdated(self, bench: BusBench, look: Inspection):
        for key, value in ((b"a", b"1"), (b"b", b"2"), (b"a", b"3")):
            bench.put(Topic.WORK, key, value, [])
        read(bench.bus, Topic.WORK, "g")
        found = {letter.dead.value: letter for letter in all_letters(look).newest}
        assert outdated(look, found.values(), silent) == {found[b"1"]}
        send(look, [found[b"2"], found[b"3"]])
        assert outdated(look, found.values(), silent) == {*found.values()}


def letter_of(message: Message) -> Letter:
    """A message that an older release put aside."""
    topic, key, value, headers = message
    size = len(key or b"") + len(value or b"") + sum(len(name) + len(text) for name, text in headers)
    return Letter("k", AT_S, 1, DeadLetter(topic, 0, 0, "unknown", key, value, tuple(headers), size))
