"""Producing to a broker that comes and goes: nothing is lost that is not counted, and memory is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError, TopicAuthorizationFailedError

from connectors.bus.broker import producer as producing
from connectors.bus.broker.producer import Producing
from connectors.bus.broker.spool import Spool
from connectors.bus.wire.codec import Message
from models.bus import BusCounts
from models.errors import BusUnavailable

WINDOW = 8


class Sent:
    """What the client gives for a message that it has taken."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.is_done = False
        self.exception: BaseException | None = None

    def succeeded(self) -> bool:
        return self.is_done and self.exception is None

    def failed(self) -> bool:
        return self.exception is not None

    def get(self, timeout: float) -> None:
        if not self.is_done:
            raise KafkaTimeoutError
        if self.exception is not None:
            raise self.exception


class Client:
    """A producer whose broker answers when it is told to. As a real one, it takes nothing more after it was refused one
    message: all others fail with the very same error."""

    def __init__(self, too_large: set[int], missing: set[str]) -> None:
        self.there = True
        self.missing = missing
        self.too_large = too_large
        self.fatal: BaseException | None = None
        self.refuses: KafkaError | None = None  # at ``send``
        self.held: list[Sent] = []
        self.log: list[int] = []

    def send(self, topic: str, value: bytes | None, key: bytes | None, headers: list[tuple[str, bytes]]) -> Sent:
        if self.refuses is not None:
            raise self.refuses
        if topic in self.missing:
            raise KafkaTimeoutError("Failed to update metadata")
        sent = Sent(Message(topic, key, value, headers))
        self.held.append(sent)
        if self.there:
            self.answer()
        return sent

    def answer(self, error: BaseException | None = None, most: int | None = None) -> None:
        """Acknowledge what is held, or fail it."""
        now, self.held = self.held[:most], self.held[len(self.held) if most is None else most :]
        if error is None and any(number_of(sent.message) in self.too_large for sent in now):
            self.fatal = MessageSizeTooLargeError()
        for sent in now:
            sent.is_done, sent.exception = True, error or self.fatal
            if sent.exception is None:
                self.log.append(number_of(sent.message))

    def flush(self, timeout: float) -> None:
        if self.there:
            self.answer()
        if self.held:
            raise KafkaTimeoutError

    def close(self, timeout: float) -> None:
        """Nothing."""

    @property
    def _sender(self) -> Client:
        return self

    def force_close(self) -> None:
        """What is under way fails, as by a real one."""
        self.answer(KafkaError("the producer is closed"))


class Bench:
    def __init__(self, path: Path, most: int = 10**9) -> None:
        self.clients: list[Client] = []
        self.too_large: set[int] = set()
        self.missing: set[str] = set()
        self.counts = BusCounts()
        self.buried: dict[int, str] = {}
        self.spool = Spool(path, most)
        self.producing = Producing(self._client, self.spool, self.counts, self._bury)  # type: ignore[arg-type]

    def _bury(self, one: Message, reason: str) -> None:
        self.buried[number_of(one)] = reason

    def _client(self, alone: bool) -> Client:
        self.clients.append(Client(self.too_large, self.missing))
        return self.client

    @property
    def client(self) -> Client:
        return self.clients[-1]

    @property
    def log(self) -> list[int]:
        return [number for client in self.clients for number in client.log]

    def send(self, *numbers: int, topic: str = "t") -> None:
        for number in numbers:
            self.producing.send(message(number, topic))


def message(number: int, topic: str = "t") -> Message:
    return Message(topic, b"k", b"v" * 50, [("n", b"%d" % number)])


def number_of(one: Message) -> int:
    return int(one.headers[0][1])


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producing, "WINDOW", WINDOW)
    monkeypatch.setattr(producing, "PATIENCE_S", 0.0)
    monkeypatch.setattr(producing, "PAUSE_S", 0.0)
    monkeypatch.setattr(producing, "RENEW_PAUSE_S", 0.0)
    monkeypatch.setattr(producing, "LOOK_S", 0.0)
    monkeypatch.setattr(producing, "CHUNK", 3)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "spool")
    yield made
    made.spool.close()


def test_while_the_broker_answers_nothing_touches_the_disk(bench: Bench):
    bench.send(*range(100))
    assert bench.producing.flush(1) == 0
    assert (bench.log, bench.counts.delivered, bench.counts.spooled) == (list(range(100)), 100, 0)


def test_while_it_is_away_a_window_stays_in_memory_and_the_rest_goes_to_disk(bench: Bench):
    bench.client.there = False
    bench.send(*range(100))
    assert len(bench.client.held) == WINDOW
    assert len(bench.spool) == 100 - WINDOW
    assert bench.producing.flush(0) == 100


def test_when_it_is_back_everything_arrives_in_its_order(bench: Bench):
    bench.client.there = False
    bench.send(*range(100))
    bench.client.there = True
    bench.send(100)
    assert bench.producing.flush(5) == 0
    assert bench.log == list(range(101))
    assert len(bench.spool) == 0


def test_what_could_not_be_delivered_before_the_end_is_there_for_the_next_process(bench: Bench, tmp_path: Path):
    bench.client.there = False
    bench.send(*range(20))
    assert bench.producing.close(0) == 20
    bench.spool.close()
    after = Bench(tmp_path / "spool")
    assert after.producing.flush(5) == 0
    assert sorted(after.log) == list(range(20))
    after.spool.close()


def test_when_the_disk_is_full_of_them_the_oldest_are_dropped_counted_and_a_resync_is_asked_for(tmp_path: Path):
    bench = Bench(tmp_path / "spool", most=20 * 310)
    bench.client.there = False
    bench.send(*range(100))
    assert bench.counts.dropped > 0
    assert bench.producing.lost == {"t"}
    bench.client.there = True
    assert bench.producing.flush(5) == 0
    assert len(bench.log) == 100 - bench.counts.dropped
    assert bench.log[-1] == 99
    bench.spool.close()


def test_only_the_message_that_the_broker_finds_too_large_is_buried_and_all_others_arrive(bench: Bench):
    bench.too_large.update({3, 5})
    bench.client.there = False
    bench.send(*range(8))
    bench.client.there = True
    bench.send(*range(8, 20))
    assert bench.producing.flush(5) == 0
    assert sorted(bench.buried) == [3, 5]
    assert "MessageSizeTooLarge" in bench.buried[3]
    assert sorted(bench.log) == sorted(set(range(20)) - {3, 5})


def test_a_right_that_is_missing_is_told_and_the_message_kept_until_it_is_granted(bench: Bench):
    bench.client.there = False
    bench.send(1)
    bench.client.answer(TopicAuthorizationFailedError("t"))
    assert bench.producing.flush(0) == 1
    assert isinstance(bench.producing.refused, TopicAuthorizationFailedError)
    bench.client.there = True
    assert bench.producing.flush(5) == 0
    assert bench.producing.refused is None
    assert bench.log == [1]


@pytest.mark.parametrize("error", [KafkaTimeoutError("no metadata"), KafkaError("the producer has failed for good")])
def test_a_client_that_takes_nothing_loses_nothing(bench: Bench, error: KafkaError):
    bench.client.refuses = error
    bench.send(1, 2, 3)
    bench.client.refuses = None
    assert bench.producing.flush(5) == 0
    assert sorted(bench.log) == [1, 2, 3]


def test_a_topic_that_is_gone_holds_up_no_other_and_its_messages_wait(bench: Bench):
    bench.missing.add("gone")
    bench.send(*range(50), topic="gone")
    bench.send(*range(50, 100))
    assert bench.producing.flush(0) == 50
    assert bench.log == list(range(50, 100))
    bench.missing.clear()
    assert bench.producing.flush(5) == 0
    assert bench.log[50:] == list(range(50))


def test_what_failed_behind_one_that_is_still_under_way_is_kept_at_the_end(bench: Bench):
    bench.client.there = False
    bench.send(0, 1, 2)
    for sent in bench.client.held[1:]:
        sent.is_done, sent.exception = True, KafkaError("aborted")
    bench.client.held = bench.client.held[:1]
    assert bench.producing.close(0) == 3


def test_what_was_delivered_leaves_the_spool_while_more_waits(bench: Bench):
    bench.client.there = False
    bench.send(*range(100))
    for _ in range(60):
        bench.client.answer(most=1)
        bench.producing.send(message(999))
    assert len(bench.spool) <= 100 + 60 - 60 + producing.CHUNK


def test_a_client_that_cannot_be_made_anew_loses_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    bench.too_large.add(3)
    bench.client.there = False
    bench.send(*range(6))
    make, failing = bench.producing._make_client, [BrokenPipeError("no pipe"), BusUnavailable("no broker")]

    def sometimes(alone: bool) -> object:
        if failing:
            raise failing.pop()
        return make(alone)

    monkeypatch.setattr(bench.producing, "_make_client", sometimes)
    bench.client.there = True
    assert bench.producing.flush(5) == 0
    assert sorted(bench.log) == [0, 1, 2, 4, 5]
    assert sorted(bench.buried) == [3]


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(1, 12)),
        st.tuples(st.just("send to another"), st.integers(1, 12)),
        st.tuples(st.sampled_from(["away", "back", "broken", "gone", "there"]), st.just(0)),
        st.tuples(st.sampled_from(["answer", "fail", "refuse", "flush"]), st.integers(1, 5)),
    ),
    max_size=40,
)


@settings(max_examples=300)
@given(actions=ACTIONS)
def test_whatever_the_broker_does_each_message_arrives_at_least_once(
    actions: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
):
    path = tmp_path_factory.mktemp("spool") / "s"
    bench, count = Bench(path), 0
    for action, amount in actions:
        client = bench.client
        match action:
            case "send" | "send to another":
                topic = "t" if action == "send" else "u"
                bench.send(*range(count, count + amount), topic=topic)
                count += amount
            case "away" | "back":
                client.there = action == "back"
            case "gone" | "there":
                bench.missing.add("u") if action == "gone" else bench.missing.clear()
            case "answer":
                client.answer(most=amount)
            case "fail":
                client.answer(KafkaTimeoutError("given up"), most=amount)
            case "refuse":
                bench.too_large.add(count + amount)
            case "flush":
                bench.producing.flush(0)
            case "broken":
                client.refuses = KafkaError("failed for good")
        assert bench.producing._under_way <= WINDOW
    bench.missing.clear()
    bench.client.there, bench.client.refuses = True, None
    assert bench.producing.flush(5) == 0
    assert len(bench.spool) == 0
    assert set(bench.buried) == bench.too_large & set(range(count))
    assert set(bench.log) == set(range(count)) - bench.too_large
    bench.spool.close()


@settings(max_examples=100)
@given(actions=ACTIONS)
def test_and_what_has_not_arrived_at_the_end_is_there_for_the_next_process(
    actions: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
):
    path = tmp_path_factory.mktemp("spool") / "s"
    bench, count = Bench(path), 0
    for action, amount in actions:
        match action:
            case "send" | "send to another":
                bench.send(*range(count, count + amount), topic="t" if action == "send" else "u")
                count += amount
            case "away" | "back":
                bench.client.there = action == "back"
            case "answer":
                bench.client.answer(most=amount)
            case "refuse":
                bench.too_large.add(count + amount)
    bench.producing.close(0)
    bench.spool.close()
    after = Bench(path)
    after.too_large.update(bench.too_large)
    assert after.producing.flush(5) == 0
    buried = set(bench.buried) | set(after.buried)
    assert set(bench.log) | set(after.log) | buried == set(range(count))
    assert buried <= bench.too_large
    after.spool.close()
