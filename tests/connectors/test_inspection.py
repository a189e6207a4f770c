"""Looking into a bus: how far back the newest are looked for, and a file that is looked at by many and changes."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from connectors.bus import inspection as inspecting
from connectors.bus.dead_letters import Letter, letters
from connectors.bus.embedded.bus import SqliteBus
from connectors.bus.inspection import Found, Inspection, everything, newest
from connectors.bus.open_bus import open_inspection
from models.errors import BadInput, BusRefused, BusUnavailable, TidegateError
from models.events import DeadLetter, Topic
from tests.conformance.bus_suite import demand, read, told, work


def found(offset: int, partition: int = 0, at_s: float = 0.0) -> Found:
    return Found(Topic.WORK, partition, offset, at_s, b"k", None, ())


class Compacted:
    """Partitions of which compaction has left these places; ``began`` says how far back was looked."""

    def __init__(self, *parts: list[Found], ends: int) -> None:
        self._parts = parts
        self._end = ends
        self._rest: list[Found] = []
        self.began: list[int | None] = []

    def start(self, back: int | None) -> bool:
        self.began.append(back)
        start = 0 if back is None else max(0, self._end - back)
        self._rest = [one for part in self._parts for one in part if one.offset >= start]
        return start == 0

    def poll(self, timeout_s: float) -> list[Found]:
        some, self._rest = self._rest[:3], self._rest[3:]
        return some

    def caught_up(self) -> bool:
        return not self._rest


def test_it_is_looked_further_back_until_there_are_enough():
    reading = Compacted([found(10), found(500), found(999)], ends=1000)
    assert [one.offset for one in newest(reading, 2)] == [500, 999]
    assert reading.began == [2, 16, 128, 1024]


def test_where_there_are_fewer_all_of_them_are_the_newest():
    reading = Compacted([found(999)], ends=1000)
    assert [one.offset for one in newest(reading, 5)] == [999]


def test_of_several_partitions_the_newest_are_told_by_time_and_each_keeps_its_order():
    one = [found(0, 0, at_s=5.0), found(1, 0, at_s=3.0), found(2, 0, at_s=9.0)]  # its sender's clock went back
    other = [found(0, 1, at_s=4.0), found(1, 1, at_s=6.0)]
    told = [(each.partition, each.offset) for each in newest(Compacted(one, other, ends=3), 4)]
    assert told == [(0, 0), (0, 1), (1, 1), (0, 2)]


class Silent(Compacted):
    def caught_up(self) -> bool:
        return False


def test_what_does_not_come_although_it_is_there_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(inspecting, "PATIENCE_S", 0.0)
    with pytest.raises(BusUnavailable, match="although there are more"):
        list(everything(Silent(ends=1)))


# ---- the file ----


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bus.sqlite"


@pytest.fixture
def bus(path: Path) -> Iterator[SqliteBus]:
    with closing(SqliteBus(path)) as opened:
        yield opened


def look(path: Path, prefix: str = "") -> Inspection:
    return open_inspection(f"sqlite:{path}", prefix)


def looked_at(path: Path) -> None:
    one = look(path)
    one.extents()
    one.behind()
    with one.reading(Topic.DEMAND, print) as reading:
        list(everything(reading))


def test_a_file_that_nobody_has_open_is_left_as_it_is_with_nothing_beside_it(path: Path):
    with closing(SqliteBus(path)) as bus:
        told(bus, [demand(1)])
    before = path.read_bytes(), path.stat().st_mtime_ns
    looked_at(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [*path.parent.iterdir()] == [path]


def test_what_is_only_in_the_log_beside_the_file_is_seen(path: Path, bus: SqliteBus):
    told(bus, [demand(1)])
    with look(path).reading(Topic.DEMAND, print) as reading:
        assert len(newest(reading, 9)) == 1
        told(bus, [demand(2)])
        assert len(reading.poll(0)) == 1
        bus.close()
        with closing(SqliteBus(path)) as later:
            told(later, [demand(3)])
        assert [one.offset for one in reading.poll(0)] == [3]


def test_a_file_that_is_replaced_meanwhile_is_read_from_its_beginning(path: Path, bus: SqliteBus):
    notes: list[str] = []
    told(bus, [demand(number) for number in range(5)])
    with look(path).reading(Topic.DEMAND, notes.append) as reading:
        assert len([*everything(reading)]) == 5
        bus.close()
        path.rename(path.with_name("old"))
        with closing(SqliteBus(path)) as new:
            told(new, [demand(9)])
        assert [one.offset for one in reading.poll(0)] == [1]
    assert notes == ["the file was replaced; what is in it now follows"]


def test_a_topic_that_is_made_anew_meanwhile_is_read_from_its_beginning(path: Path, bus: SqliteBus):
    notes: list[str] = []
    told(bus, [demand(number) for number in range(5)])
    with look(path).reading(Topic.DEMAND, notes.append) as reading:
        assert len([*everything(reading)]) == 5
        bus.discard()
        assert reading.poll(0) == []
        bus.close()
        with closing(SqliteBus(path)) as new:
            told(new, [demand(9)])
        assert [one.offset for one in reading.poll(0)] == [1]
    assert notes == ["the topic was made anew; what is on it now follows"]


def test_a_prefix_has_its_own_topics_and_groups(path: Path):
    with closing(SqliteBus(path, prefix="a.")) as one, closing(SqliteBus(path, prefix="b.")) as other:
        told(one, [demand(1)])
        told(other, [demand(1), demand(2)])
        read(one, Topic.DEMAND, "g")
        assert [(each.group, each.messages) for each in look(path, "a.").behind()] == [("g", 0)]
        assert look(path, "b.").behind() == []
        assert [each.messages for each in look(path, "b.").extents() if each.topic is Topic.DEMAND] == [2]


@pytest.mark.parametrize(
    ("prefixes", "asked", "told"),
    [
        ([""], "x.", "no topic x.tidegate.work (there is tidegate.work: leave the prefix away)"),
        (["a.", "b."], "", "no topic tidegate.work (there is a.tidegate.work, b.tidegate.work: give that prefix)"),
    ],
)
def test_a_wrong_prefix_is_told_with_those_that_there_are(path: Path, prefixes: list[str], asked: str, told: str):
    for prefix in prefixes:
        SqliteBus(path, prefix=prefix).close()
    with pytest.raises(BadInput) as refused, look(path, asked).reading(Topic.WORK, print):
        pass
    assert told in str(refused.value)


def test_an_empty_file_is_a_bus_on_which_nobody_has_told_anything(path: Path):
    path.touch()
    assert look(path).behind() == []
    with pytest.raises(BadInput, match="nobody has opened this bus yet"), look(path).reading(Topic.WORK, print):
        pass
    with pytest.raises(BadInput, match="nobody has opened this bus yet"):
        look(path).extents()
    assert path.stat().st_size == 0


def other_program(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)


def another_database(path: Path) -> None:
    other_program(path, "CREATE TABLE mine (x)")


def a_later_format(path: Path) -> None:
    SqliteBus(path).close()
    other_program(path, "PRAGMA user_version=99")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, "there is no such file"),
        (Path.mkdir, "is no file"),
        (
            lambda path: path.write_text("not a database, by any means"),
            r"is no event bus, or a damaged one \(give the file of an event bus\)",
        ),
        (another_database, "is a database of another program"),
        (a_later_format, "is of format 99, and this release reads 1"),
    ],
    ids=["nothing", "a folder", "text", "another database", "a later format"],
)
def test_what_is_no_bus_is_told_and_not_made_one(path: Path, make, told: str):
    make(path)
    before = sorted(path.parent.iterdir())
    with pytest.raises(TidegateError, match=told):
        look(path)
    assert sorted(path.parent.iterdir()) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_file_that_may_not_be_read_is_told(path: Path):
    SqliteBus(path).close()
    path.chmod(0)
    with pytest.raises(BusRefused, match="let this user read it"):
        look(path)


def test_headers_that_another_program_wrote_otherwise_come_back_as_they_were(path: Path, bus: SqliteBus):
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute('INSERT INTO "tidegate.demand" (key, value, headers) VALUES (?, ?, ?)', (b"k", b"v", b"\xc1"))
    one = look(path)
    with one.reading(Topic.DEMAND, print) as reading, one.sending() as send:
        (found,) = everything(reading)
        send(found)
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute('SELECT key, value, headers, version FROM "tidegate.demand"').fetchall()
    assert rows == [(b"k", b"v", b"\xc1", 0)] * 2


def test_an_event_that_is_sent_again_keeps_its_version_so_that_compaction_knows_the_newest(path: Path, bus: SqliteBus):
    told(bus, [work("a", 7)])
    one = look(path)
    with one.reading(Topic.WORK, print) as reading, one.sending() as send:
        (found,) = everything(reading)
        send(found)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute('SELECT version FROM "tidegate.work"').fetchall() == [(7,), (7,)]


# ---- letters ----


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, ""),
        ({"offset": None, "partition": -1}, "it was refused before it was sent"),
        ({"size": 0, "key": None, "value": None, "headers": ()}, "nothing is known of it but its place"),
        ({"size": 5}, "it is too large: of its 5 bytes only the beginnings are here"),
        ({"topic": "tidegate.dead-letter"}, "no topic that it can be sent to"),
        ({"topic": "payroll"}, "payroll is no topic that it can be sent to"),
    ],
)
def test_what_can_be_sent_again(changed: dict[str, object], told: str):
    values = {"topic": "tidegate.demand", "partition": 0, "offset": 3, "reason": "bad", "key": b"k", "value": b"v"}
    dead = DeadLetter(**{**values, "headers": (("h", b"1"),), "size": 4, **changed})  # type: ignore[arg-type]
    assert told in Letter("k", 0.0, 1, dead).refusal
    assert bool(Letter("k", 0.0, 1, dead).refusal) == bool(told)


def test_letters_that_are_too_large_together_are_refused(path: Path, bus: SqliteBus, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("connectors.bus.dead_letters.BYTES_MOST", 30)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for number in range(4):
            db.execute('INSERT INTO "tidegate.demand" (key, value) VALUES (?, ?)', (b"%d" % number, b"v" * 11))
    read(bus, Topic.DEMAND, "g")
    assert letters(look(path), 2, print).total == 4
    with pytest.raises(BadInput, match="ask for fewer"):
        letters(look(path), 3, print)
