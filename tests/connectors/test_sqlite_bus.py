"""The bus in one file: what is kept and what is not, other programs, other processes, and what a crash leaves."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from connectors.bus.embedded import bus as sqlite
from connectors.bus.embedded import file as sqlite_file
from connectors.bus.embedded import writer as sqlite_writing
from connectors.bus.embedded.bus import SqliteBus
from connectors.bus.topics import TOPICS
from connectors.bus.wire.codec import encode
from models.bus import Subscription
from models.errors import BusUnavailable
from models.events import Event, Topic
from tests.conformance.bus_benches import insert
from tests.conformance.bus_poison import POISON
from tests.conformance.bus_suite import demand, drained, letters, read, told, work
from tests.patience import LONG_S

ROOT = Path(__file__).parent.parent.parent
KEPT_S = TOPICS[Topic.DEMAND].kept_s


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_772_438_400.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bus.sqlite"


@pytest.fixture
def bus(path: Path, clock: Clock) -> Iterator[SqliteBus]:
    with closing(SqliteBus(path, clock=clock)) as opened:
        yield opened


def rows(path: Path, topic: Topic) -> list[tuple[int, str]]:
    """Number and key of each message."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute(f'SELECT id, CAST(key AS TEXT) FROM "{topic}" ORDER BY id').fetchall()  # noqa: S608


def foreign(path: Path, statement: str, *values: object) -> None:
    """Another program writes into the file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(statement, values)


def test_it_lives_in_one_file_that_any_other_program_can_open(path: Path, bus: SqliteBus):
    told(bus, [demand(1)])
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        message = encode(demand(1))
        assert db.execute('SELECT key, value FROM "tidegate.demand"').fetchall() == [(message.key, message.value)]


def test_buses_of_two_prefixes_share_a_file_and_know_nothing_of_each_other(
    path: Path, caplog: pytest.LogCaptureFixture
):
    with closing(SqliteBus(path, prefix='a".')) as one, closing(SqliteBus(path, prefix="b.")) as other:
        told(one, [demand(1), work("x", 1)])
        assert read(other, Topic, "g") == []
        told(other, [demand(2)])
        assert read(other, Topic.DEMAND, "g") == [demand(2)]
        other.publish(demand(4))
        other.discard()
        assert read(one, Topic.DEMAND, "g") == [demand(1)]
    assert caplog.text == ""
    with closing(SqliteBus(path, prefix="b.")) as again:
        told(again, [demand(3)])
        assert read(again, Topic, "g") == [demand(3)]


# what is kept


def test_a_reader_hears_of_what_was_deleted_before_it_came_and_goes_on(path: Path, clock: Clock):
    with closing(SqliteBus(path, clock=clock)) as bus:
        told(bus, [demand(1), demand(2)])
        read(bus, Topic.DEMAND, "slow")
        told(bus, [demand(3), demand(4)])
        clock.now_s += KEPT_S + 1
        told(bus, [demand(5), demand(6)])
    with closing(SqliteBus(path, clock=clock)) as bus:
        subscription = bus.subscribe([Topic.DEMAND], "slow")
        found = drained(subscription)
        assert found.events == [demand(5), demand(6)]
        assert [gap.topic for gap in found.gaps] == [Topic.DEMAND]
        assert bus.counts.gaps == 1
        subscription.commit()
        subscription.close()
        assert read(bus, Topic.DEMAND, "slow") == []
        assert read(bus, Topic.DEMAND, "new") == [demand(5), demand(6)]


def test_a_reader_that_is_here_hears_of_what_another_process_deleted(path: Path, clock: Clock, bus: SqliteBus):
    subscription = bus.subscribe([Topic.DEMAND], "g")
    told(bus, [demand(1), demand(2)])
    clock.now_s += KEPT_S + 1
    told(bus, [demand(3)])
    SqliteBus(path, clock=clock).close()
    found = drained(subscription)
    assert found.events == [demand(3)]
    assert len(found.gaps) == 1


def test_the_newest_message_stays_so_that_no_number_is_used_twice(path: Path, clock: Clock):
    for number in range(1, 4):
        with closing(SqliteBus(path, clock=clock)) as bus:
            told(bus, [demand(number)])
        clock.now_s += 2 * KEPT_S
        SqliteBus(path, clock=clock).close()
        assert rows(path, Topic.DEMAND) == [(number, "pool/hpc")]


def test_a_message_that_another_program_deleted_is_missed(path: Path, bus: SqliteBus):
    told(bus, [demand(number) for number in range(1, 6)])
    foreign(path, 'DELETE FROM "tidegate.demand" WHERE id = 3')
    found = drained(bus.subscribe([Topic.DEMAND], "g"))
    assert [event.version for event in found.events] == [1, 2, 4, 5]
    assert len(found.gaps) == 1


@pytest.mark.parametrize("topic", [Topic.DEMAND, Topic.WORK])
def test_a_reader_that_was_further_than_the_end_begins_anew_and_says_so(path: Path, bus: SqliteBus, topic: Topic):
    make = demand if topic is Topic.DEMAND else lambda number: work(f"w{number}", number)
    told(bus, [make(number) for number in range(1, 6)])
    subscription = bus.subscribe([topic], "g")
    assert len(drained(subscription).events) == 5
    subscription.commit()
    foreign(path, f'DELETE FROM "{topic}" WHERE id > 2')  # noqa: S608
    found = drained(subscription)
    assert [event.version for event in found.events] == [1, 2]
    assert [gap.topic for gap in found.gaps] == [topic]
    subscription.commit()
    subscription.close()
    told(bus, [make(9)])
    assert [event.version for event in read(bus, topic, "g")] == ([9] if topic is Topic.DEMAND else [1, 2, 9])


def test_compacting_keeps_the_newest_of_each_key_and_the_marks_that_keys_are_gone(
    path: Path, bus: SqliteBus, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sqlite_file, "TIDY_ROWS", 10)
    story = [work("a", 1), work("b", 1), work("a", 7), work("c", 1), work("a", 4), work("c", 2, gone=True)]
    told(bus, story)
    before = dict(bus.latest_state(Topic.WORK))
    told(bus, [work("d", number) for number in range(6)])
    assert rows(path, Topic.WORK) == [(2, "b"), (3, "a"), (6, "c"), (12, "d")]
    assert dict(bus.latest_state(Topic.WORK)) == before | {"d": work("d", 5)}
    assert {event.key for event in read(bus, Topic.WORK, "g")} == {"a", "b", "c", "d"}


def test_compacting_waits_until_there_is_as_much_to_compact_as_stays(
    path: Path, bus: SqliteBus, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sqlite_file, "TIDY_ROWS", 10)
    told(bus, [work(f"w{number}", 1) for number in range(40)])
    for version in range(2, 5):
        told(bus, [work("again", 10 * version + number) for number in range(10)])
        assert len(rows(path, Topic.WORK)) == 40 + 10 * (version - 1)
    told(bus, [work("again", 100 + number) for number in range(10)])
    assert len(rows(path, Topic.WORK)) == 41


def test_compacting_leaves_the_last_message_and_a_mark_that_it_would_come_back_from(
    path: Path, bus: SqliteBus, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sqlite_file, "TIDY_ROWS", 5)
    told(bus, [work("a", 1), work("a", 3, gone=True), work("b", 1, gone=True)])
    clock.now_s += TOPICS[Topic.WORK].kept_s + 1
    told(bus, [work("c", 1), work("a", 2)])
    assert rows(path, Topic.WORK) == [(2, "a"), (4, "c"), (5, "a")]
    told(bus, [work("d", 1)])
    assert rows(path, Topic.WORK)[-1] == (6, "d")
    assert bus.latest_state(Topic.WORK).keys() == {"c", "d"}


def test_the_latest_state_is_that_of_one_moment_whatever_is_compacted_meanwhile(
    path: Path, bus: SqliteBus, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sqlite, "CHUNK", 2)
    monkeypatch.setattr(sqlite_file, "TIDY_ROWS", 6)
    told(bus, [work(key, 1) for key in "abcd"])
    whole = bus._file.read

    def meanwhile(topic: Topic, start: int, most: int) -> list[sqlite_file.Stored]:
        found = whole(topic, start, most)
        if start == 1:
            with closing(SqliteBus(path)) as other:
                told(other, [work("d", 2), work("c", 2, gone=True)])
                told(other, [work("d", version) for version in range(3, 9)])
        return found

    with monkeypatch.context() as patched:
        patched.setattr(bus._file, "read", meanwhile)
        assert dict(bus.latest_state(Topic.WORK)) == {key: work(key, 1) for key in "abcd"}
    assert dict(bus.latest_state(Topic.WORK)) == {"a": work("a", 1), "b": work("b", 1), "d": work("d", 8)}


def test_a_reader_that_was_late_for_a_mark_begins_anew_and_says_so(
    bus: SqliteBus, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sqlite_file, "TIDY_ROWS", 5)
    subscription = bus.subscribe([Topic.WORK], "g")
    told(bus, [work("old", 1), work("a", 1), work("b", 1)])
    assert len(drained(subscription).events) == 3
    told(bus, [work("a", 2, gone=True)])
    clock.now_s += TOPICS[Topic.WORK].kept_s + 1
    told(bus, [work("b", 2), work("b", 3), work("c", 1)])
    found = drained(subscription)
    assert [gap.topic for gap in found.gaps] == [Topic.WORK]
    assert [(event.key, event.version) for event in found.events] == [("old", 1), ("b", 3), ("c", 1)]
    late = drained(bus.subscribe([Topic.WORK], "g"))
    assert len(late.events) == 3
    assert not late.gaps


# other programs


def test_a_file_that_was_replaced_is_gone_on_with_and_what_was_told_is_to_be_told_anew(path: Path, bus: SqliteBus):
    subscription = bus.subscribe([Topic.WORK, Topic.DEMAND], "g")
    told(bus, [work("a", 1), demand(1)])
    assert len(drained(subscription).events) == 2
    for name in ("bus.sqlite", "bus.sqlite-wal", "bus.sqlite-shm"):
        (path.parent / name).unlink()
    with closing(SqliteBus(path)) as other:
        told(other, [work("b", 1)])
        found = drained(subscription)
        assert {gap.topic for gap in found.gaps} == {Topic.WORK, Topic.DEMAND}
        assert found.events == [work("b", 1)]
        assert bus.take_resyncs() == {Topic.WORK, Topic.DEMAND}
        assert bus.take_resyncs() == frozenset()
        told(bus, [work("a", 2)])
        assert dict(other.latest_state(Topic.WORK)) == {"a": work("a", 2), "b": work("b", 1)}
        assert drained(subscription).events == [work("a", 2)]
        subscription.commit()


def test_the_lag_is_that_of_the_file_that_is_there_now(path: Path, bus: SqliteBus):
    subscription = bus.subscribe([Topic.DEMAND], "g")
    told(bus, [demand(number) for number in range(5)])
    assert len(drained(subscription).events) == 5
    for file in path.parent.iterdir():
        file.unlink()
    with closing(SqliteBus(path)) as other:
        told(other, [demand(1), demand(2)])
        assert subscription.lag() == 2


def test_a_file_that_was_removed_is_made_anew(path: Path, bus: SqliteBus):
    told(bus, [demand(1)])
    for file in path.parent.iterdir():
        file.unlink()
    told(bus, [demand(2)])
    assert bus.take_resyncs() == {Topic.DEMAND}
    assert read(bus, Topic.DEMAND, "g") == [demand(2)]
    assert path.exists()


def test_nothing_is_committed_into_a_file_that_took_the_place_of_the_one_that_was_read(path: Path, bus: SqliteBus):
    told(bus, [demand(number) for number in range(5)])
    subscription = bus.subscribe([Topic.DEMAND], "g")
    assert len(drained(subscription).events) == 5
    for file in path.parent.iterdir():
        file.unlink()
    with closing(SqliteBus(path)) as other:
        told(other, [demand(number) for number in range(10, 20)])
        subscription.commit()
        assert len(read(other, Topic.DEMAND, "g", commit=False)) == 10
        assert len(drained(subscription).events) == 10


def test_rows_that_another_program_wrote_in_its_own_way_are_put_aside_with_their_bytes(path: Path, bus: SqliteBus):
    message = encode(demand(1))
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        insert(db, Topic.DEMAND, message.key, message.value, b"\xc1 no MessagePack")
        insert(db, Topic.DEMAND, "text", "text as well", None)
        insert(db, Topic.DEMAND, 12, 1.5, [])
    told(bus, [demand(2)])
    assert read(bus, Topic.DEMAND, "g") == [demand(2)]
    first, second, third = letters(bus)
    assert (first.value, first.headers) == (message.value, (("headers", b"\xc1 no MessagePack"),))
    assert (second.key, second.value, second.headers) == (b"text", b"text as well", ())
    assert (third.key, third.value) == (b"12", b"1.5")


def test_a_message_is_put_aside_once_whoever_reads_it_and_however_often(path: Path, clock: Clock, bus: SqliteBus):
    message = POISON["not JSON"]
    for topic in (Topic.WORK, Topic.DEMAND):
        foreign(path, f'INSERT INTO "{topic}" (key, value) VALUES (?, ?)', message.key, message.value)  # noqa: S608
    for group in ("g", "h"):
        assert read(bus, [Topic.WORK, Topic.DEMAND], group) == []
        assert bus.latest_state(Topic.WORK) == {}
    with closing(SqliteBus(path, clock=clock)) as again:
        assert read(again, [Topic.WORK, Topic.DEMAND], "g") == []
        assert again.counts.dead_letters == 0
        assert {letter.topic for letter in letters(again)} == {Topic.WORK, Topic.DEMAND}


def test_a_dead_letter_is_in_the_file_when_the_message_is_committed(path: Path, bus: SqliteBus):
    foreign(path, 'INSERT INTO "tidegate.demand" (key, value) VALUES (?, ?)', b"k", b"v")
    subscription = bus.subscribe([Topic.DEMAND], "g")
    drained(subscription)
    subscription.commit()
    assert [key for _, key in rows(path, Topic.DEAD_LETTER)] == ["tidegate.demand/0/1"]


def test_a_thousand_messages_that_are_no_events_stop_nothing(path: Path, bus: SqliteBus):
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany('INSERT INTO "tidegate.work" (key, value) VALUES (?, ?)', [(b"k", b"v")] * 3000)
    told(bus, [work("a", 1)])
    assert bus.latest_state(Topic.WORK) == {"a": work("a", 1)}
    assert read(bus, Topic.WORK, "g") == [work("a", 1)]
    assert len(letters(bus)) == 3000


def test_what_could_not_all_be_read_is_read_again(bus: SqliteBus, monkeypatch: pytest.MonkeyPatch):
    told(bus, [demand(1), work("a", 1)])
    subscription = bus.subscribe([Topic.DEMAND, Topic.WORK], "g")
    whole = bus._file.read

    def half(topic: Topic, start: int, most: int) -> list[sqlite_file.Stored]:
        if topic is Topic.DEMAND:
            raise BusUnavailable("the disk is away")
        return whole(topic, start, most)

    with monkeypatch.context() as patched:
        patched.setattr(bus._file, "read", half)
        with pytest.raises(BusUnavailable):
            subscription.poll(0.0)
    assert len(drained(subscription).events) == 2


def test_no_topic_keeps_the_others_waiting_and_a_poll_brings_no_more_than_was_asked_for(bus: SqliteBus):
    told(bus, [demand(number) for number in range(20)] + [work("a", 1)])
    subscription = bus.subscribe([Topic.DEMAND, Topic.WORK], "g")
    polled = [subscription.poll(0.0, most=3).events for _ in range(2)]
    assert all(len(events) <= 3 for events in polled)
    assert work("a", 1) in polled[0] + polled[1]


def test_much_is_written_before_it_is_many(bus: SqliteBus, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite_writing, "BYTES", 10_000)
    for number in range(12):
        bus.publish(demand(number))
    assert bus.counts.delivered > 0


def test_a_closed_subscription_says_so(bus: SqliteBus):
    subscription = bus.subscribe([Topic.DEMAND], "g")
    subscription.close()
    subscription.close()
    for ask in (lambda: subscription.poll(0.0), subscription.commit, subscription.lag):
        with pytest.raises(BusUnavailable, match="closed"):
            ask()


def test_one_read_brings_no_more_than_there_is_room_for(bus: SqliteBus, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite_file, "READ_MOST", 200)
    told(bus, [demand(number) for number in range(50)])
    subscription = bus.subscribe([Topic.DEMAND], "g")
    assert 0 < len(subscription.poll(0.0).events) < 10
    assert len(drained(subscription).events) > 40


# other processes

PUBLISH = """
import sys; from pathlib import Path
from connectors.bus.embedded.bus import SqliteBus; from tests.conformance.bus_suite import work
name, bus = sys.argv[2], SqliteBus(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.readline()
for number in range(1, int(sys.argv[3]) + 1):
    bus.publish(work(f"{name}/{number % 5}", number))
    if number % 50 == 0:
        assert bus.flush(600) == 0
        print(number, flush=True)
bus.close()
"""


def publisher(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    """A process that publishes so many events, tells of every 50 that are flushed, and begins when it is told to."""
    command = [sys.executable, "-c", PUBLISH, str(path), name, str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def begin(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def followed(subscription: Subscription, count: int) -> list[Event]:
    """So many events, as they come."""
    events: list[Event] = []
    for _ in range(1000):
        if len(events) >= count:
            break
        delivery = subscription.poll(1.0)
        assert not delivery.gaps
        events += delivery.events
    return events


def test_processes_make_and_fill_one_file_together_while_another_reads_it(path: Path):
    count, names = 1000, ("a", "b", "c")
    processes = [publisher(path, name, count) for name in names]
    try:
        with closing(SqliteBus(path)) as bus:
            subscription = bus.subscribe([Topic.WORK], "g")
            assert [line(process) for process in processes] == ["open"] * 3
            for process in processes:
                begin(process)
            events = followed(subscription, 3 * count)
        for process in processes:
            process.communicate(timeout=LONG_S)
            assert process.returncode == 0
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    for name in names:
        mine = [event.version for event in events if event.key.startswith(name)]
        assert mine == list(range(1, count + 1))


def test_what_was_flushed_survives_a_process_that_is_killed_in_the_middle(path: Path):
    process = publisher(path, "a", 10**6)
    try:
        assert line(process) == "open"
        begin(process)
        flushed = [int(line(process)) for _ in range(20)][-1]
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with closing(SqliteBus(path)) as bus:
        versions = [event.version for event in read(bus, Topic.WORK, "g")]
        assert len(versions) >= flushed
        assert versions == list(range(1, len(versions) + 1))
        told(bus, [work("b", 1)])
        assert read(bus, Topic.WORK, "g")[-1] == work("b", 1)


def test_two_members_of_one_group_get_everything_and_neither_takes_it_back(path: Path, clock: Clock, bus: SqliteBus):
    told(bus, [demand(1), demand(2)])
    with closing(SqliteBus(path, clock=clock)) as other:
        slow, quick = other.subscribe([Topic.DEMAND], "g"), bus.subscribe([Topic.DEMAND], "g")
        assert [event.version for event in slow.poll(0.0, most=1).events] == [1]
        assert drained(quick).events == [demand(1), demand(2)]
        quick.commit()
        slow.commit()
    assert read(bus, Topic.DEMAND, "g") == []
