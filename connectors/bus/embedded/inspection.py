"""Looking into the file of the embedded bus from outside, without writing to it or beside it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from stat import S_ISREG
from urllib.parse import quote

import msgspec

from connectors.bus.embedded.errors import DAMAGED, FORBIDDEN, explained, primary
from connectors.bus.embedded.file import APPLICATION, BUSY_S, FORMAT, EventFile, Row
from connectors.bus.embedded.reader import PARTITION, UNREADABLE, unpacked
from connectors.bus.inspection import Behind, Extent, Found, Headers, Reading, Send, no_such_topic
from models.errors import BadInput, BusRefused
from models.events import Topic

ASK_S = 0.2  # between two looks whether there is more
CHUNK = 500  # messages read at once
_OTHER = "give the file of an event bus"
_READ = (
    "SELECT id, at_s, CAST(key AS BLOB), CAST(value AS BLOB), CAST(headers AS BLOB) FROM {} WHERE id >= ?"
    " ORDER BY id LIMIT ?"
)
_ENDS = "SELECT coalesce(min(id), 1), coalesce(max(id), 0) + 1 FROM {}"
_COUNT = "SELECT count(*) FROM {} WHERE id >= ?"


class SqliteInspection:
    """See ``connectors.bus.inspection.Inspection``. A topic has one partition.

    The file is opened for every question, so that one that is replaced meanwhile is noticed. Raises BadInput when there
    is no such file.
    """

    def __init__(self, path: Path, *, prefix: str = "", clock: Callable[[], float] = time.time) -> None:
        self._path = path.absolute()
        self._where = f"sqlite:{path}"
        self._prefix = prefix
        self._clock = clock
        with self.asked():
            pass

    def extents(self) -> list[Extent]:
        """See the port."""
        with self.asked() as db:
            names = _tables(db)
            found = [
                Extent(topic, 1, _one(db, _COUNT.format(self.table(topic)), 0))
                for topic in Topic
                if self.prefixed(topic) in names
            ]
        if not found:
            raise self._no_such(Topic.WORK, names)
        return found

    def behind(self) -> list[Behind]:
        """See the port."""
        with self.asked() as db:
            names = _tables(db)
            topics = {name: topic for topic in Topic if (name := self.prefixed(topic)) in names}
            places = db.execute("SELECT reader, topic, next FROM positions").fetchall() if "positions" in names else []
            found = [
                Behind(
                    reader.removeprefix(self._prefix),
                    topics[name],
                    _one(db, _COUNT.format(self.table(topics[name])), place),
                )
                for reader, name, place in places
                if name in topics and reader.startswith(self._prefix)
            ]
        return sorted(found, key=lambda one: (one.group, [*Topic].index(one.topic)))

    @contextmanager
    def reading(self, topic: Topic, note: Callable[[str], None]) -> Iterator[Reading]:
        """See the port."""
        with self.asked() as db:
            names = _tables(db)
        if self.prefixed(topic) not in names:
            raise self._no_such(topic, names)
        yield SqliteReading(self, topic, note)

    @contextmanager
    def sending(self) -> Iterator[Send]:
        """See the port."""
        file = EventFile(self._path, self._prefix, self._clock)

        def send(found: Found) -> None:
            row = Row(self._clock(), _version(found), found.key, found.value, _packed(found.headers))
            file.append({found.topic: [row]}, (), BUSY_S)

        with closing(file):
            yield send

    def close(self) -> None:
        """See the port."""

    def prefixed(self, topic: Topic) -> str:
        """What the topic is called in this file."""
        return self._prefix + topic

    def table(self, topic: Topic) -> str:
        """The same, as SQL has it."""
        return '"' + self.prefixed(topic).replace('"', '""') + '"'

    def name(self) -> tuple[int, int]:
        """What the path names now."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            remedy = "give the file that the parts of Tidegate are started with"
            raise BadInput("there is no such file", where=self._where, remedy=remedy) from None
        except OSError as error:
            raise BusRefused(f"{self._path} cannot be read: {error.strerror}") from error
        if not S_ISREG(found.st_mode):
            raise BadInput("is no file", where=self._where, remedy=_OTHER)
        return found.st_dev, found.st_ino

    @contextmanager
    def asked(self) -> Iterator[sqlite3.Connection]:
        """The database, to be read from. It is the same to its end."""
        self.name()
        # Where nobody has the file open there is no log beside it, and reading in the usual way would leave one.
        how = "mode=ro" if Path(f"{self._path}-wal").exists() else "mode=ro&immutable=1"
        try:
            with closing(
                sqlite3.connect(
                    f"file:{quote(bytes(self._path))}?{how}", uri=True, isolation_level=None, timeout=BUSY_S
                )
            ) as db:
                db.execute("BEGIN")
                self._check(db)
                yield db
        except sqlite3.Error as error:
            if primary(error) in FORBIDDEN:
                remedy = f"let this user read it, and {self._path.name}-wal and -shm beside it"
                raise BusRefused(f"{self._path} cannot be read: {error} ({remedy})") from error
            if primary(error) in DAMAGED:
                what = f"{self._path} is no event bus, or a damaged one ({_OTHER}): {error}"
                raise BusRefused(what) from error
            raise explained(error, self._path) from error

    def _no_such(self, topic: Topic, names: set[str]) -> BadInput:
        prefixes = [name.removesuffix(topic) for name in names if name.endswith(topic)]
        return no_such_topic(topic, self._prefix, prefixes, self._where)

    def _check(self, db: sqlite3.Connection) -> None:
        application, form = _one(db, "PRAGMA application_id"), _one(db, "PRAGMA user_version")
        if _tables(db) and application != APPLICATION:
            raise BusRefused(f"{self._path} is a database of another program ({_OTHER})")
        if _tables(db) and form != FORMAT:
            raise BusRefused(
                f"{self._path} is of format {form}, and this release reads {FORMAT} (use the one that made it)"
            )


class SqliteReading:
    """See ``connectors.bus.inspection.Reading``."""

    def __init__(self, inspection: SqliteInspection, topic: Topic, note: Callable[[str], None]) -> None:
        self._inspection = inspection
        self._topic = topic
        self._table = inspection.table(topic)
        self._note = note
        self._file: tuple[int, int] | None = None
        self._next = self._end = 1

    def start(self, back: int | None) -> bool:
        """See the port."""
        self._file = self._inspection.name()
        with self._inspection.asked() as db:
            begin, self._end = db.execute(_ENDS.format(self._table)).fetchone()
        self._next = begin if back is None else max(begin, self._end - back)
        return bool(self._next == begin)

    def poll(self, timeout_s: float) -> list[Found]:
        """See the port."""
        deadline = time.monotonic() + timeout_s
        while not (rows := self._rows()) and (left_s := deadline - time.monotonic()) > 0:
            time.sleep(min(ASK_S, left_s))
        found = [
            Found(self._topic, PARTITION, number, at_s, key, value, tuple(unpacked(headers)))
            for number, at_s, key, value, headers in rows
        ]
        self._next = found[-1].offset + 1 if found else self._next
        return found

    def caught_up(self) -> bool:
        """See the port."""
        return self._next >= self._end

    def _rows(self) -> list[tuple[int, float, bytes | None, bytes | None, bytes | None]]:
        name = self._inspection.name()
        if name != self._file:
            self._note("the file was replaced; what is in it now follows")
            self._file, self._next = name, 1
        with self._inspection.asked() as db:
            if self._inspection.prefixed(self._topic) not in _tables(db):
                return []
            if self._next > db.execute(_ENDS.format(self._table)).fetchone()[1]:
                self._note("the topic was made anew; what is on it now follows")
                self._next = 1
            return db.execute(_READ.format(self._table), (self._next, CHUNK)).fetchall()


def _tables(db: sqlite3.Connection) -> set[str]:
    return {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _one(db: sqlite3.Connection, question: str, *values: int) -> int:
    return int(db.execute(question, values).fetchone()[0])


def _version(found: Found) -> int:
    """By which compaction knows the newest of a key; 0 for what is no event, as for what other programs write."""
    event = found.event
    return 0 if isinstance(event, str) else event.version


def _packed(headers: Headers) -> bytes:
    """The headers as they were in the file; see ``unpacked``."""
    if [name for name, _ in headers] == [UNREADABLE]:
        return headers[0][1]
    return msgspec.msgpack.encode([*headers])
