"""What the bus in one file says when it cannot be read or written, and what becomes of events meanwhile."""

from __future__ import annotations

import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from connectors.bus.embedded import file as sqlite_file
from connectors.bus.embedded import writer as sqlite_writing
from connectors.bus.embedded.bus import SqliteBus
from models.errors import BusRefused, BusUnavailable
from models.events import Topic
from tests.conformance.bus_suite import demand, drained, letters, read, told, work

NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bus.sqlite"


@pytest.fixture
def bus(path: Path) -> Iterator[SqliteBus]:
    with closing(SqliteBus(path)) as opened:
        yield opened


def room(bus: SqliteBus, pages: int) -> None:
    """As much room on the disk; SQLite takes no less than is in use."""
    assert bus._file._db is not None
    bus._file._db.execute(f"PRAGMA max_page_count={pages}")


@pytest.fixture
def full(bus: SqliteBus) -> SqliteBus:
    """A bus with one event, on a full disk."""
    told(bus, [work("first", 1)])
    room(bus, 1)
    return bus


MANY = [work(f"w{number}", number) for number in range(2500)]


def test_on_a_full_disk_events_are_kept_and_written_when_there_is_room(
    full: SqliteBus, caplog: pytest.LogCaptureFixture
):
    for event in MANY:
        full.publish(event)
    assert full.flush(0.0) == len(MANY)
    assert "free space on its disk" in caplog.text
    assert len(caplog.records) == 1
    assert read(full, Topic.WORK, "g", commit=False) == [work("first", 1)]
    room(full, 10**6)
    assert full.flush(5.0) == 0
    assert read(full, Topic.WORK, "g") == [work("first", 1), *MANY]
    assert (full.counts.published, full.counts.delivered, full.counts.dropped) == (2501, 2501, 0)
    assert full.take_resyncs() == frozenset()


def test_on_a_full_disk_nothing_is_committed_and_that_is_said(full: SqliteBus, path: Path):
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute('INSERT INTO "tidegate.demand" (key, value) VALUES (?, ?)', (b"k", b"v" * 300_000))
    subscription = full.subscribe([Topic.DEMAND], "g")
    assert drained(subscription).events == []
    with pytest.raises(BusUnavailable, match=f"{path} has no room left"):
        subscription.commit()
    with closing(SqliteBus(path)) as other:
        assert other.subscribe([Topic.DEMAND], "g").lag() == 1
    room(full, 10**6)
    subscription.commit()
    with closing(SqliteBus(path)) as other:
        assert other.subscribe([Topic.DEMAND], "g").lag() == 0
        assert len(read(other, Topic.DEAD_LETTER, "g")) == 1


def test_when_too_much_waits_the_oldest_are_dropped_and_are_to_be_told_anew(
    full: SqliteBus, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sqlite_writing, "HELD_MOST", 2_000_000)
    for event in MANY:
        full.publish(event)
    dropped = full.counts.dropped
    assert 0 < dropped < 1500
    assert full.take_resyncs() == {Topic.WORK}
    room(full, 10**6)
    assert full.flush(5.0) == 0
    assert read(full, Topic.WORK, "g") == [work("first", 1), *MANY[dropped:]]
    assert full.counts.published == full.counts.delivered + dropped


def test_what_was_put_aside_is_never_dropped(full: SqliteBus, path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite_writing, "HELD_MOST", 2_000_000)
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany('INSERT INTO "tidegate.demand" (key, value) VALUES (?, ?)', [(b"k", b"v")] * 4000)
    subscription = full.subscribe([Topic.DEMAND], "g")
    subscription.poll(0.0, most=3)
    for event in MANY:
        full.publish(event)
    assert full.counts.dropped > 500
    with pytest.raises(BusUnavailable, match="cannot be put aside"):
        drained(subscription)
    room(full, 10**6)
    assert full.flush(5.0) == 0
    assert drained(subscription).events == []
    subscription.commit()
    assert [letter.offset for letter in letters(full)] == list(range(1, 4001))


def test_what_cannot_be_written_until_the_end_is_said_to_be_lost(full: SqliteBus, caplog: pytest.LogCaptureFixture):
    for event in MANY[:900]:
        full.publish(event)
    full.close(0.0)
    assert "900 events could not be written before the end, and are lost" in caplog.text


def test_while_another_process_writes_events_are_kept(bus: SqliteBus, path: Path):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in range(5):
            bus.publish(demand(number))
        assert bus.flush(0.1) == 5
        subscription = bus.subscribe([Topic.DEMAND], "g")
        assert subscription.poll(0.0).events == ()
        other.execute("ROLLBACK")
    assert bus.flush(0.1) == 0
    assert len(drained(subscription).events) == 5


def test_a_file_that_is_locked_for_too_long_is_named_with_how_to_find_out_who_has_it(
    bus: SqliteBus, path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sqlite_file, "BUSY_S", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(BusUnavailable, match=f"{path} has been locked .*fuser -v {path}"):
            SqliteBus(path)
        other.execute("ROLLBACK")
    SqliteBus(path).close()


def test_what_is_no_database_is_refused_and_left_as_it_is(path: Path):
    garbage = b"not a database, and long enough to be taken for one" * 40
    path.write_bytes(garbage)
    with pytest.raises(BusRefused, match=rf"{path} is no database .*give the name of a new file"):
        SqliteBus(path)
    assert path.read_bytes() == garbage


def test_another_programs_database_is_refused_and_left_as_it_is(path: Path):
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
    before = path.read_bytes()
    with pytest.raises(BusRefused, match="database of another program"):
        SqliteBus(path)
    assert path.read_bytes() == before


def test_a_later_releases_file_is_refused(path: Path):
    SqliteBus(path).close()
    with closing(sqlite3.connect(path)) as later:
        later.execute("PRAGMA user_version=9")
    with pytest.raises(BusRefused, match="format 9, and this release reads 1"):
        SqliteBus(path)


def test_a_folder_is_refused(tmp_path: Path):
    with pytest.raises(BusRefused, match="give the name of a file in it"):
        SqliteBus(tmp_path)


def test_a_folder_that_is_missing_is_named(tmp_path: Path):
    with pytest.raises(BusRefused, match=f"create the folder {tmp_path}/no/where first"):
        SqliteBus(tmp_path / "no" / "where" / "bus.sqlite")


@pytest.fixture
def anybody() -> Iterator[None]:
    """Who runs the tests has no more rights than others: root may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    yield
    os.seteuid(0)


@pytest.fixture
def shown() -> Iterator[Path]:
    """A folder that everybody may read, and a bus in it."""
    with tempfile.TemporaryDirectory(prefix="tidegate-test-") as name:
        folder = Path(name)
        with closing(SqliteBus(folder / "bus.sqlite")) as bus:
            told(bus, [demand(1)])
        for file in folder.iterdir():
            file.chmod(0o444)
        folder.chmod(stat.S_IRUSR | stat.S_IXUSR | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
        yield folder
        folder.chmod(0o700)


@pytest.mark.parametrize("name", ["bus.sqlite", "new.sqlite"])
def test_a_file_that_may_not_be_written_is_named_with_what_to_allow(shown: Path, anybody: None, name: str):
    with pytest.raises(BusRefused, match=f"let this user write {shown / name} and make files in {shown}"):
        SqliteBus(shown / name)


def test_a_file_that_is_damaged_while_it_is_open_is_refused(path: Path):
    bus = SqliteBus(path)
    told(bus, MANY)
    bus.close()
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(8192 * 20))
    with pytest.raises(BusRefused, match="damaged"), closing(SqliteBus(path)) as again:
        read(again, Topic.WORK, "g")


def test_a_table_that_is_missing_is_said_and_events_are_kept(
    bus: SqliteBus, path: Path, monkeypatch: pytest.MonkeyPatch
):
    with closing(sqlite3.connect(path)) as other:
        other.execute('DROP TABLE "tidegate.demand"')
    bus.publish(demand(1))
    assert bus.flush(0.2) == 1
    with pytest.raises(BusRefused, match=r"not as it was made .*events are kept"):
        bus.publish(demand(2))
    assert bus.flush(0.2) == 2


@pytest.mark.parametrize("garbage", [b"", b"not a database, and long enough to be taken for one" * 400])
def test_a_file_that_is_overwritten_while_it_is_used_is_told_at_the_next_look_until_it_is_moved_away(
    bus: SqliteBus, path: Path, garbage: bytes
):
    subscription = bus.subscribe([Topic.DEMAND], "g")
    bus.publish(demand(0))
    assert bus.flush(1.0) == 0
    assert len(drained(subscription).events) == 1
    path.write_bytes(garbage)
    for _ in range(2):
        with pytest.raises(BusRefused, match=rf"{path} was overwritten, .*\(move it away"):
            subscription.poll(0.0)
    bus.publish(demand(1))
    assert bus.flush(0.1) == 1
    path.rename(path.with_name("garbage"))
    assert bus.flush(1.0) == 0
    assert [event.at_s for event in drained(subscription).events] == [demand(1).at_s]
    assert bus.take_resyncs() == {Topic.DEMAND}


def test_a_file_that_is_written_to_by_others_is_not_taken_for_an_overwritten_one(bus: SqliteBus, path: Path):
    with closing(SqliteBus(path)) as other:
        for number in range(3):
            other.publish(demand(number))
            assert other.flush(1.0) == 0
            with closing(sqlite3.connect(path)) as third:
                third.execute("PRAGMA wal_checkpoint(FULL)")
            assert bus.latest_state(Topic.NODES) == {}
    assert len(drained(bus.subscribe([Topic.DEMAND], "g")).events) == 3
