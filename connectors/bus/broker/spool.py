"""The spool: messages on disk, in their order, while the broker is away."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from basics.file_lock import try_lock
from basics.own_file import make_own
from connectors.bus.wire.codec import Headers, Message
from models.errors import BadInput, BusRefused, BusUnavailable

APPLICATION = 0x54695370  # names the file as ours, in its header
FORMAT = 1

_PACK = msgspec.msgpack.Encoder()
_UNPACK = msgspec.msgpack.Decoder(Headers)
_TABLE = """CREATE TABLE IF NOT EXISTS spool
 (id INTEGER PRIMARY KEY AUTOINCREMENT,
  topic TEXT NOT NULL, key BLOB, value BLOB, headers BLOB NOT NULL, size INTEGER NOT NULL)"""
_INDEX = "CREATE INDEX IF NOT EXISTS by_topic ON spool (topic, id)"
_PUT = "INSERT INTO spool (topic, key, value, headers, size) VALUES (?, ?, ?, ?, ?)"
_GET = "SELECT id, topic, key, value, headers FROM spool WHERE topic = ? AND id > ? ORDER BY id LIMIT ?"
_OLDEST = "SELECT id, topic, size FROM spool WHERE topic != ? ORDER BY id"

log = logging.getLogger("tidegate.bus")


class Spool:
    """At most ``most_bytes`` of messages in an SQLite file of one process; when there are more, the oldest are dropped.

    Those of the topic ``precious`` never are. ``counts`` is how many there are of each topic. ``dropped`` names the
    topics of those that were, one for each, until the caller takes it. What was appended survives the end of this
    process however it ends; of what was appended within the last seconds before a loss of power, the newest may be
    missing. Raises BusRefused for a file that cannot be a spool or is another process's, BusUnavailable when it cannot
    be read.
    """

    def __init__(self, path: Path, most_bytes: int, precious: str = "") -> None:
        self.dropped: list[str] = []
        self._most = most_bytes
        self._precious = precious
        self._path = path
        self._lock = _locked(path)
        try:
            self._file = _opened(path)
            rows = self._file.execute("SELECT topic, count(*), total(size) FROM spool GROUP BY topic").fetchall()
        except BaseException as error:
            os.close(self._lock)
            if isinstance(error, sqlite3.Error):
                raise _unusable(path, error) from error
            raise
        self.counts = Counter({topic: int(count) for topic, count, _ in rows})
        self._size = sum(int(size) for _, _, size in rows)

    def __len__(self) -> int:
        return self.counts.total()

    def append(self, message: Message) -> int:
        """Add the message at the end; its number, 0 when there was no room on the disk and it counts as dropped.

        Raises BusUnavailable for a precious one that could not be kept.
        """
        topic, key, value, headers = message
        packed = _PACK.encode(headers)
        size = len(key or b"") + len(value or b"") + len(packed) + 64
        try:
            number = self._file.execute(_PUT, (topic, key, value, packed, size)).lastrowid or 0
        except sqlite3.OperationalError as error:  # a full disk, most of all
            if topic == self._precious:
                raise BusUnavailable(f"the spool {self._path} cannot be written: {error}") from error
            log.error(
                "the spool %s cannot be written (%s): an event is dropped, and told anew later", self._path, error
            )
            self.dropped.append(topic)
            return 0
        self.counts[topic] += 1
        self._size += size
        if self._size > self._most:
            self._make_room()
        return number

    def _make_room(self) -> None:
        """Drop the oldest tenth or so, so that this is not done for every message."""
        gone = []
        with self._asked():
            for ident, topic, size in self._file.execute(_OLDEST, (self._precious,)):
                if self._size <= self._most * 9 // 10:
                    break
                gone.append((ident,))
                self.dropped.append(topic)
                self.counts[topic] -= 1
                self._size -= size
            self._file.executemany("DELETE FROM spool WHERE id = ?", gone)

    def after(self, topic: str, number: int, most: int) -> list[tuple[int, Message]]:
        """The oldest messages of the topic with a greater number, each with its own; damaged ones are removed."""
        with self._asked():
            rows = self._file.execute(_GET, (topic, number, most)).fetchall()
        found = []
        for ident, name, key, value, headers in rows:
            try:
                found.append((ident, Message(name, key, value, _UNPACK.decode(headers))))
            except (msgspec.DecodeError, TypeError) as error:
                log.error("a message for %s in the spool %s is damaged and is removed: %s", topic, self._path, error)
                self._remove("id = ? AND topic = ?", ident, topic)
                self.dropped.append(topic)
        return found

    def remove_until(self, topic: str, number: int) -> None:
        """Remove every message of the topic up to this number: they were delivered."""
        self._remove("id <= ? AND topic = ?", number, topic)

    def _remove(self, which: str, number: int, topic: str) -> None:
        with self._asked():
            found = f"FROM spool WHERE {which}"
            count, size = self._file.execute(f"SELECT count(*), total(size) {found}", (number, topic)).fetchone()
            self._file.execute(f"DELETE {found}", (number, topic))
        self.counts[topic] -= int(count)
        self._size -= int(size)

    def close(self) -> None:
        """Let go of the file; safe to repeat."""
        self._file.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    @contextmanager
    def _asked(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise BusUnavailable(f"the spool {self._path} cannot be read: {error}") from error


def _locked(path: Path) -> int:
    """A lock beside the file for as long as this process has it. Raises BusRefused when another one has."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = try_lock(path.with_name(path.name + ".lock"))
    except (OSError, BadInput) as error:
        raise _unusable(path, error) from error
    if lock is None:
        raise BusRefused(f"the spool {path} is in use by another process (give each process a file of its own)")
    return lock


def _opened(path: Path) -> sqlite3.Connection:
    try:
        make_own(path)  # it tells whose jobs run
    except BadInput as error:
        raise _unusable(path, error) from error
    file = sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)
    try:
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("PRAGMA synchronous=NORMAL")
        (tables,) = file.execute("SELECT count(*) FROM sqlite_master").fetchone()
        named = (file.execute("PRAGMA application_id").fetchone()[0], file.execute("PRAGMA user_version").fetchone()[0])
        if tables and named != (APPLICATION, FORMAT):
            raise BusRefused(f"the file {path} is no spool of this release (name a new file)")
        for setting in (f"PRAGMA application_id={APPLICATION}", f"PRAGMA user_version={FORMAT}", _TABLE, _INDEX):
            file.execute(setting)
    except BaseException:
        file.close()
        raise
    return file


def _unusable(path: Path, error: Exception) -> BusRefused:
    return BusRefused(f"the spool {path} cannot be used: {error} (name a file on a disk that can be written to)")
