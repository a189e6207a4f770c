"""The spool: messages on disk, in their order, while the broker is away."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import msgspec

from connectors.bus.codec import Headers, Message
from models.errors import BusRefused

_PACK = msgspec.msgpack.Encoder()
_UNPACK = msgspec.msgpack.Decoder(Headers)
_TABLE = """CREATE TABLE IF NOT EXISTS spool
 (id INTEGER PRIMARY KEY AUTOINCREMENT,
  topic TEXT NOT NULL, key BLOB, value BLOB, headers BLOB NOT NULL, size INTEGER NOT NULL)"""
_PUT = "INSERT INTO spool (topic, key, value, headers, size) VALUES (?, ?, ?, ?, ?)"
_GET = "SELECT id, topic, key, value, headers FROM spool WHERE id > ? ORDER BY id LIMIT ?"
_OLDEST = "SELECT id, topic, size FROM spool ORDER BY id"


class Spool:
    """At most ``most_bytes`` of messages in one SQLite file; when there are more, the oldest are dropped.

    What was appended survives the end of this process however it ends, and is there when the file is opened again;
    of what was appended within the last seconds before a loss of power, the newest may be missing.
    """

    def __init__(self, path: Path, most_bytes: int) -> None:
        self._most = most_bytes
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # it tells whose jobs run
            self._file = sqlite3.connect(path, isolation_level=None, timeout=5.0)
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=NORMAL")
            self._file.execute(_TABLE)
            count, size = self._file.execute("SELECT count(*), total(size) FROM spool").fetchone()
        except (sqlite3.Error, OSError) as error:
            raise BusRefused(
                f"the spool {path} cannot be used: {error} (name a file on a disk that can be written to)"
            ) from error
        self._count, self._size = int(count), int(size)

    def __len__(self) -> int:
        return self._count

    def append(self, messages: Iterable[Message]) -> list[str]:
        """Add the messages at the end; the topics of those that were dropped to make room, one for each."""
        rows = [
            (topic, key, value, _PACK.encode(headers), _size(key, value)) for topic, key, value, headers in messages
        ]
        try:
            self._file.execute("BEGIN IMMEDIATE")
            self._file.executemany(_PUT, rows)
            self._file.execute("COMMIT")
        except sqlite3.Error:  # a full disk, most of all
            if self._file.in_transaction:
                self._file.execute("ROLLBACK")
            return [row[0] for row in rows]
        self._count += len(rows)
        self._size += sum(row[4] for row in rows)
        return self._make_room() if self._size > self._most else []

    def _make_room(self) -> list[str]:
        """Drop the oldest tenth or so, so that this is not done for every message."""
        dropped, last = [], 0
        for ident, topic, size in self._file.execute(_OLDEST):
            if self._size <= self._most * 9 // 10:
                break
            dropped.append(topic)
            last = ident
            self._size -= size
        self._count -= len(dropped)
        self._file.execute("DELETE FROM spool WHERE id <= ?", (last,))
        return dropped

    def after(self, ident: int, most: int) -> list[tuple[int, Message]]:
        """The oldest messages whose number is greater than ``ident``, each with its number."""
        rows = self._file.execute(_GET, (ident, most)).fetchall()
        return [
            (number, Message(topic, key, value, _UNPACK.decode(headers))) for number, topic, key, value, headers in rows
        ]

    def remove_until(self, ident: int) -> None:
        """Remove every message up to this number: they were delivered."""
        row = self._file.execute("SELECT count(*), total(size) FROM spool WHERE id <= ?", (ident,)).fetchone()
        self._file.execute("DELETE FROM spool WHERE id <= ?", (ident,))
        self._count -= row[0]
        self._size -= int(row[1])

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _size(key: bytes | None, value: bytes | None) -> int:
    return len(key or b"") + len(value or b"") + 256  # headers and what the file adds
