"""Errors of SQLite in words that say what, where and what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from shlex import quote

from models.errors import BusRefused, BusUnavailable

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
DAMAGED = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
FORBIDDEN = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
_OTHERWISE = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH}


def explained(error: sqlite3.Error, path: Path | None) -> BusRefused | BusUnavailable:
    """The error as one of the bus; ``path`` is None for a bus in memory."""
    code, where = primary(error), f"the bus in {path or 'memory'}"
    if code in _BUSY:
        return BusUnavailable(
            f"{where} has been locked by another process for too long"
            f" (find it with: fuser -v {quote(str(path))}): {error}"
        )
    if code == sqlite3.SQLITE_FULL:
        return BusUnavailable(f"{where} has no room left (free space on its disk): {error}")
    if code in DAMAGED:
        return BusRefused(
            f"{where} is no database of SQLite's, or a damaged one"
            f" (give the name of a new file, or move this one away together with {path}-wal): {error}"
        )
    if code in FORBIDDEN:
        return BusRefused(f"{where} cannot be opened for writing ({_remedy(path)}): {error}")
    if code in _OTHERWISE:
        return BusRefused(f"{where} is not as it was made (give the name of a new file): {error}")
    return BusUnavailable(f"{where} does not answer (look at its disk): {error}")


def primary(error: sqlite3.Error) -> int:
    """SQLite's code of the kind of error; 0 for one that it has not made."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _remedy(path: Path | None) -> str:
    if path is None:
        return "free memory"
    try:
        if path.is_dir():
            return "give the name of a file in it"
        if not path.parent.exists():
            return f"create the folder {path.parent} first"
    except OSError:
        pass
    return f"let this user write {path} and make files in {path.parent}"
