"""What the suite of the event bus asks of an implementation, and a bench for each embedded one.

Another directory tries its own bus by a fixture ``bench`` and a class that inherits ``BusSuite``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Protocol

import msgspec

from connectors.bus.embedded.bus import SqliteBus
from models.bus import Bus
from models.events import Topic

Headers = Iterable[tuple[str, bytes]]


class BusBench(Protocol):
    """A bus with nothing on it at first."""

    @property
    def bus(self) -> Bus:
        """The bus as it is open now."""
        ...

    def restart(self) -> Bus:
        """Close the bus and open it again, as the next process does; one that ends with its process stays open."""
        ...

    def put(self, topic: Topic, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        """Another program puts a message onto the topic, whatever is in it."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class FileBench:
    """One file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bus.sqlite"
        self.bus = SqliteBus(self.path)

    def restart(self) -> Bus:
        self.bus.close()
        self.bus = SqliteBus(self.path)
        return self.bus

    def put(self, topic: Topic, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as db:
            insert(db, topic, key, value, headers)

    def close(self) -> None:
        self.bus.close()


class MemoryBench:
    """In memory."""

    def __init__(self, folder: Path) -> None:
        self.bus = SqliteBus(None)

    def restart(self) -> Bus:
        return self.bus

    def put(self, topic: Topic, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        db = self.bus._file._db
        assert db is not None
        insert(db, topic, key, value, headers)

    def close(self) -> None:
        self.bus.close()


def insert(db: sqlite3.Connection, topic: Topic, key: object, value: object, headers: Headers | bytes | None) -> None:
    """A row as another program may write it."""
    packed = headers if isinstance(headers, bytes | None) else msgspec.msgpack.encode(list(headers))
    db.execute(f'INSERT INTO "{topic}" (key, value, headers) VALUES (?, ?, ?)', (key, value, packed))  # noqa: S608


BUSES: dict[str, Callable[[Path], BusBench]] = {"in a file": FileBench, "in memory": MemoryBench}
