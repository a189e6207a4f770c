"""The file of the embedded bus: a table of messages for each topic, and how far each group has read."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from basics.own_file import make_own
from connectors.bus.embedded.errors import explained, primary
from connectors.bus.topics import TOPICS
from models.errors import BadInput, BusRefused, BusUnavailable
from models.events import Topic

BUSY_S = 5.0  # longest time to wait while another process writes
READ_MOST = 16 * 2**20  # bytes of values that one read brings together, and one message more
TIDY_ROWS = 100_000  # messages written to a topic from one tidying to the next, or more where more of them stay
APPLICATION = 0x54694761  # names the file as ours, in its header
FORMAT = 1

_SETTINGS = (
    "PRAGMA synchronous=NORMAL",  # a process may be killed at any time; a loss of power takes the newest, no more
    "PRAGMA cache_size=-16384",  # KiB
    f"PRAGMA journal_size_limit={64 * 2**20}",
)
_SHARED_TABLES = (
    "CREATE TABLE IF NOT EXISTS topics (name TEXT PRIMARY KEY, tidied INTEGER NOT NULL DEFAULT 0,"
    " stayed INTEGER NOT NULL DEFAULT 0, forgotten INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS positions (reader TEXT, topic TEXT, next INTEGER NOT NULL,"
    " PRIMARY KEY (reader, topic)) WITHOUT ROWID",
)
_TABLE = """CREATE TABLE IF NOT EXISTS {} (
 id INTEGER PRIMARY KEY, at_s REAL NOT NULL DEFAULT (CAST(strftime('%s', 'now') AS REAL)),
 version INTEGER NOT NULL DEFAULT 0 CHECK (typeof(version) = 'integer'), key BLOB, value BLOB, headers BLOB)"""
_PUT = "INSERT INTO {} (at_s, version, key, value, headers) VALUES (?, ?, ?, ?, ?)"
_GET = (
    "SELECT id, CAST(key AS BLOB), CAST(value AS BLOB), CAST(headers AS BLOB) FROM {} WHERE id >= ? ORDER BY id LIMIT ?"
)
_BEGIN = "SELECT coalesce(min(id), 1) FROM {}"
_END = "SELECT coalesce(max(id), 0) + 1 FROM {}"
_COUNT = "SELECT count(*) FROM {}"
_HOLDS = "SELECT 1 FROM {} WHERE key = ?"
_EXPIRE = (
    "DELETE FROM {0} WHERE id < coalesce((SELECT id FROM {0} WHERE at_s >= ? ORDER BY id LIMIT 1),"
    " (SELECT max(id) FROM {0}))"
)
_COMPACT = (
    "DELETE FROM {0} WHERE id < (SELECT max(id) FROM {0})"
    " AND id NOT IN (SELECT id FROM (SELECT max(version), id FROM {0} GROUP BY key))"
)
_OLD_MARKS = (
    " FROM {0} WHERE value IS NULL AND at_s < ? AND id < (SELECT max(id) FROM {0})"
    " AND key IS NOT (SELECT key FROM {0} ORDER BY id DESC LIMIT 1)"
)
_COMMIT = (
    "INSERT INTO positions (reader, topic, next) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (reader, topic) DO UPDATE SET next = CASE WHEN ?4 THEN ?3 ELSE max(next, ?3) END"
)

log = logging.getLogger("tidegate.bus")


class Row(NamedTuple):
    """A message as it is written: when, the version by which compaction knows the newest of a key, and what it says."""

    at_s: float
    version: int
    key: bytes | None
    value: bytes | None
    headers: bytes


Position = tuple[str, Topic, int, bool]  # group, topic, number of its next message, whether it may be a lower one
Stored = tuple[int, bytes | None, bytes | None, bytes | None]  # number, key, value, headers


class EventFile:
    """One database of SQLite's, in a file or, without a path, in memory; what several processes have open at once.

    Messages of a topic are numbered from 1, and no number is used twice: the newest message is never deleted. Whoever
    removes or replaces the file does so while no process has it open; if it happens all the same, ``look`` notices.
    Raises BusUnavailable and BusRefused, and says what to do.
    """

    def __init__(self, path: Path | None, prefix: str, clock: Callable[[], float]) -> None:
        self.generation = 0
        self._path = None if path is None else path.absolute()
        self._prefix = prefix
        self._clock = clock
        self._tables = {topic: _quoted(prefix + topic) for topic in Topic}
        self._untidied = dict.fromkeys(Topic, 0)
        self._db: sqlite3.Connection | None = self._opened()
        self._named = self._name()
        self._changed_ns = 0  # when the file was last written to, as far as we have looked
        self._overwritten = False
        for topic in Topic:
            self.tidy_if_possible(topic)

    def look(self) -> bool:
        """Whether ours was removed or replaced since the last look: then we go on with what has its name now.

        Raises BusRefused when something else was written over it.
        """
        if self._path is None or self._db is None:
            return False
        if self._name() == self._named:
            self._look_at_what_it_is(self._path)
            return False
        log.error("the bus in %s was removed or replaced; what was on it is lost, and told anew", self._path)
        old, self._db = self._db, self._opened()
        self._named, self._overwritten = self._name(), False
        self.generation += 1
        with suppress(sqlite3.Error):
            old.close()
        return True

    def append(self, rows: Mapping[Topic, Iterable[Row]], positions: Iterable[Position], wait_s: float) -> None:
        """Write messages and positions, all or nothing."""
        with self._asked() as db, _transaction(db, wait_s):
            for topic, some in rows.items():
                self._untidied[topic] += db.executemany(_PUT.format(self._tables[topic]), some).rowcount
            for group, topic, number, anew in positions:
                db.execute(_COMMIT, (self._prefix + group, self._prefix + topic, number, anew))
        for topic in rows:
            if self._untidied[topic] >= TIDY_ROWS:
                self.tidy_if_possible(topic)

    def read(self, topic: Topic, start: int, most: int) -> list[Stored]:
        """The first messages from this number on."""
        room, rows = READ_MOST, []
        with self._asked() as db, closing(db.execute(_GET.format(self._tables[topic]), (start, most))) as found:
            for row in found:
                rows.append(row)
                room -= len(row[2] or b"")
                if room < 0:
                    break
        return rows

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads within see the same."""
        with self._asked() as db:
            db.execute("BEGIN")
            try:
                yield
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")

    def begin(self, topic: Topic) -> int:
        """The number of the earliest message that there is, or that there will be."""
        return self._number(_BEGIN, topic)

    def end(self, topic: Topic) -> int:
        """The number that the next message will have."""
        return self._number(_END, topic)

    def position(self, group: str, topic: Topic) -> int | None:
        """Where the group goes on; None when it has never said."""
        with self._asked() as db:
            found = db.execute(
                "SELECT next FROM positions WHERE reader = ? AND topic = ?",
                (self._prefix + group, self._prefix + topic),
            ).fetchone()
        return found and int(found[0])

    def forgotten(self, topic: Topic) -> int:
        """The number of the last message of a topic of state that was deleted although nothing newer tells the same."""
        with self._asked() as db:
            found = db.execute("SELECT forgotten FROM topics WHERE name = ?", (self._prefix + topic,)).fetchone()
        return int(found[0]) if found else 0

    def holds(self, topic: Topic, key: bytes | None) -> bool:
        """Whether there is a message with this key."""
        with self._asked() as db:
            return db.execute(_HOLDS.format(self._tables[topic]), (key,)).fetchone() is not None

    def discard(self) -> None:
        """Delete the tables of this prefix, and where its readers are."""
        with self._asked() as db, _transaction(db):
            for topic, table in self._tables.items():
                db.execute(f"DROP TABLE IF EXISTS {table}")
                db.execute("DELETE FROM topics WHERE name = ?", (self._prefix + topic,))
                db.execute("DELETE FROM positions WHERE topic = ?", (self._prefix + topic,))

    @property
    def closed(self) -> bool:
        """Whether nothing can be asked any more."""
        return self._db is None

    def close(self) -> None:
        """Let go of the file; safe to repeat."""
        db, self._db = self._db, None
        if db is not None:
            db.close()

    def _number(self, question: str, topic: Topic) -> int:
        with self._asked() as db:
            return int(db.execute(question.format(self._tables[topic])).fetchone()[0])

    @contextmanager
    def _asked(self) -> Iterator[sqlite3.Connection]:
        if self._db is None:
            raise BusUnavailable("the bus is closed")
        try:
            yield self._db
        except sqlite3.Error as error:
            raise explained(error, self._path) from error

    def tidy_if_possible(self, topic: Topic) -> None:
        """Delete what the topic does not keep any longer, or say in the log why not."""
        try:
            self._tidy(topic)
        except (BusUnavailable, BusRefused) as error:  # the next time, then
            log.warning("what is old on %s stays for now: %s", topic, error)

    def _tidy(self, topic: Topic) -> None:
        """Delete what its topic does not keep any longer."""
        self._untidied[topic] = 0
        table, name, old_s = self._tables[topic], self._prefix + topic, self._clock() - TOPICS[topic].kept_s
        with self._asked() as db:
            if not topic.state:
                db.execute(_EXPIRE.format(table), (old_s,))
                return
            found = db.execute("SELECT tidied, stayed FROM topics WHERE name = ?", (name,)).fetchone()
            tidied, stayed = found or (0, 0)  # none once the topics were discarded
            if self.end(topic) - tidied < max(TIDY_ROWS, stayed):
                return
            with _transaction(db):
                db.execute(_COMPACT.format(table))
                (last,) = db.execute(("SELECT coalesce(max(id), 0)" + _OLD_MARKS).format(table), (old_s,)).fetchone()
                db.execute(("DELETE" + _OLD_MARKS).format(table), (old_s,))
                (stayed,) = db.execute(_COUNT.format(table)).fetchone()
                db.execute(
                    "UPDATE topics SET tidied = ?, stayed = ?, forgotten = max(forgotten, ?) WHERE name = ?",
                    (self.end(topic), stayed, last, name),
                )

    def _look_at_what_it_is(self, path: Path) -> None:
        """SQLite has most of the file in memory, and may not notice for hours that it is not there any more."""
        with suppress(OSError):
            if (changed_ns := path.stat().st_mtime_ns) != self._changed_ns:
                self._changed_ns = changed_ns
                self._overwritten = self._overwritten or not _is_database(path)
        if self._overwritten:
            raise BusRefused(
                f"the bus in {path} was overwritten, and is no database of SQLite's any more (move it away: then it is"
                " made anew at once, without what was on it; or stop Tidegate and put back a copy)"
            )

    def _name(self) -> tuple[int, int] | None:
        """What the path names now."""
        if self._path is None:
            return None
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _opened(self) -> sqlite3.Connection:
        """The database, made when it is not there. Raises BusRefused for one that is not ours."""
        where = self._path or ":memory:"
        try:
            if self._path is not None:
                make_own(self._path)
            db = sqlite3.connect(where, isolation_level=None, timeout=BUSY_S, check_same_thread=False)
            try:
                self._prepare(db)
            except BaseException:
                db.close()
                raise
        except sqlite3.Error as error:
            raise explained(error, self._path) from error
        except BadInput as error:
            raise BusRefused(f"the bus in {error}") from error
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        self._check(db)
        if self._path is not None:
            db.execute("PRAGMA page_size=8192")
            if (mode := _write_ahead(db)) != "wal":
                raise BusRefused(
                    f"the bus in {self._path} cannot be shared by processes: the file system allows no more than"
                    f" journal_mode={mode} (name a file on a local disk)"
                )
        for setting in _SETTINGS:
            db.execute(setting)
        with _transaction(db):
            self._check(db)
            db.execute(f"PRAGMA application_id={APPLICATION}")
            db.execute(f"PRAGMA user_version={FORMAT}")
            for table in (*_SHARED_TABLES, *(_TABLE.format(table) for table in self._tables.values())):
                db.execute(table)
            db.executemany("INSERT OR IGNORE INTO topics (name) VALUES (?)", [(self._prefix + name,) for name in Topic])
            index = _quoted(f"{self._prefix}{Topic.DEAD_LETTER}.key")
            db.execute(f"CREATE INDEX IF NOT EXISTS {index} ON {self._tables[Topic.DEAD_LETTER]} (key)")

    def _check(self, db: sqlite3.Connection) -> None:
        (application,) = db.execute("PRAGMA application_id").fetchone()
        (form,) = db.execute("PRAGMA user_version").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and application != APPLICATION:
            raise BusRefused(f"the bus in {self._path} is a database of another program (give the name of a new file)")
        if tables and form != FORMAT:
            raise BusRefused(
                f"the bus in {self._path} is of format {form}, and this release reads {FORMAT}"
                " (use the release that made it, or give the name of a new file)"
            )


def _write_ahead(db: sqlite3.Connection) -> str:
    """How the database keeps its journal now. Who else opens it at the same time makes this fail at once, for once."""
    until = time.monotonic() + BUSY_S
    while True:
        try:
            return str(db.execute("PRAGMA journal_mode=WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if primary(error) != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _is_database(path: Path) -> bool:
    """Whether the file begins as each database does. It is not locked, nor is the log beside it looked at."""
    if path.stat().st_size == 0:
        return False
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            db.execute("PRAGMA schema_version").fetchone()
    except sqlite3.Error as error:
        return primary(error) != sqlite3.SQLITE_NOTADB
    return True


@contextmanager
def _transaction(db: sqlite3.Connection, wait_s: float | None = None) -> Iterator[None]:
    """All or nothing, by the only writer; waits so long to become it."""
    try:
        db.execute(f"PRAGMA busy_timeout={round((BUSY_S if wait_s is None else wait_s) * 1000)}")
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    finally:
        db.execute(f"PRAGMA busy_timeout={round(BUSY_S * 1000)}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
