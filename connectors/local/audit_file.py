"""The audit in a file: one line of JSON for each entry, on disk before the act that it tells of is taken."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator
from contextlib import suppress
from pathlib import Path

from basics.file_lock import is_named, try_lock
from basics.own_file import bad_file
from basics.whole_file import sync_folder
from connectors.local.audit_json import BEGINNING, KINDS, decode, encode
from models.audit import Decided, Entry
from models.errors import BadInput, Unrecorded
from models.plans import Switch

LINE_MOST = 64 << 20  # bytes of one entry; a decision about 10 000 nodes takes about 5 MiB
_BLOCK = 1 << 16
_ELSEWHERE = "move it away, or name another one"


class AuditFile:
    """An audit that is kept in one file, as the port ``AuditLog``; only one process at a time can write it.

    A decision is written, with all that it was made from, when it moves a node, turns a hand-over back, is held up by
    other switches than the one before, or is the first without a move after one that was only recommended; any other
    changes nothing and is left out. With ``sync`` every entry is on
    disk when ``append`` returns; without it a power cut can take the latest ones.

    An entry that could be written only in part is cut off again, so that every line can be read. When the file is
    moved or removed, as to begin a new one each day, the next entry begins a new one under the old name.
    """

    def __init__(self, path: Path, *, sync: bool = True) -> None:
        """Open the file, or make it. Raises BadInput when that cannot be done, or it is no audit."""
        self._path = path
        self._sync = sync
        self._torn_at: int | None = None
        self._switches: list[Switch] | None = None
        self._recommends = False
        self._fd = _open(path)

    def append(self, entry: Entry) -> None:
        """Keep the entry for good. Raises Unrecorded when that cannot be done, and then nothing of it is kept."""
        try:
            if not is_named(self._fd, self._path):
                self._begin_anew()
            if isinstance(entry, Decided) and not self._tells(entry):
                return
            line = encode(entry)
            if len(line) > LINE_MOST:
                raise Unrecorded(f"{self._path}: an entry of {len(line)} bytes is larger than the {LINE_MOST} allowed")
            self._write(line)
        except (BadInput, ValueError) as error:
            raise Unrecorded(f"the audit could not be written: {error}") from error
        except OSError as error:
            raise Unrecorded(f"the audit could not be written: {bad_file(error, self._path)}") from error
        if isinstance(entry, Decided):
            self._switches = _switches(entry)
            self._recommends = not entry.epoch and bool(entry.plan.moves)

    def close(self) -> None:
        """Let another process write the file."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _tells(self, entry: Decided) -> bool:
        """Whether the decision does something, or is held up otherwise than the last one that was written."""
        acts = bool(entry.plan.moves or entry.plan.cancellations) and not entry.plan.holds
        ends = self._recommends and not entry.plan.moves
        return acts or ends or _switches(entry) != self._switches

    def _begin_anew(self) -> None:
        fd = _open(self._path)
        self.close()
        self._fd, self._torn_at, self._switches = fd, None, None

    def _write(self, line: bytes) -> None:
        if self._torn_at is not None:
            os.ftruncate(self._fd, self._torn_at)
        self._torn_at = os.fstat(self._fd).st_size
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._fd, rest) :]
            if self._sync:
                os.fsync(self._fd)
        except OSError:
            with suppress(OSError):  # where even that fails, it is tried again before the next entry
                os.ftruncate(self._fd, self._torn_at)
            raise
        self._torn_at = None


def read_audit(path: Path, kinds: Container[str] = tuple(KINDS), *, last: int | None = None) -> Iterator[Entry]:
    """The entries of ``kinds`` (decided, asked, answered, entered) in the order in which they were written.

    A last line without an end is one that was never wholly written, and is left out. With ``last`` only whole lines of
    so many bytes at the end are read. Raises BadInput, with file and line (counted from there), for any other damage,
    and when the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            number = 0
            if last is not None and (begin := os.fstat(file.fileno()).st_size - last) > 0:
                file.seek(begin)
                file.readline()
                number = 1
            while line := file.readline(LINE_MOST + 1):
                number += 1
                if number == 1 and line[:5] != b'{"v":'[: len(line)]:
                    raise BadInput("holds something else than an audit", where=str(path), remedy=_NO_AUDIT)
                if not line.endswith(b"\n"):
                    if len(line) > LINE_MOST:
                        raise _bad(path, number, BadInput(f"is longer than {LINE_MOST} bytes", remedy=_NO_AUDIT))
                    return
                try:
                    entry = decode(line, kinds)
                except BadInput as error:
                    raise _bad(path, number, error) from error
                if entry is not None:
                    yield entry
    except OSError as error:
        what = (error.strerror or type(error).__name__).lower()
        raise BadInput(f"cannot be read: {what}", where=str(path), remedy=_NO_AUDIT) from error


_NO_AUDIT = "give the file of an audit, such as tidegate replay --audit FILE writes"


def _bad(path: Path, number: int, error: BadInput) -> BadInput:
    return BadInput(f"the line {error.what}", where=f"{path}:{number}", remedy=error.remedy)


def _switches(entry: Decided) -> list[Switch]:
    return sorted(hold.switch for hold in entry.plan.holds)


def _open(path: Path) -> int:
    """The file, locked for this process, whole, and at its end; raises BadInput when it is no file for an audit."""
    fd = try_lock(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    if fd is None:
        remedy = "end that process, or write to another file"
        raise BadInput("another process writes it", where=str(path), remedy=remedy)
    try:
        _cut_torn(fd, path)
        if not os.fstat(fd).st_size:
            sync_folder(path.parent)
    except (OSError, BadInput) as error:
        os.close(fd)
        raise bad_file(error, path) if isinstance(error, OSError) else error from error
    return fd


def _cut_torn(fd: int, path: Path) -> None:
    """Cut off a last line without an end: it was never wholly written. Touches no file that is not an audit."""
    begins = os.pread(fd, len(BEGINNING), 0)
    if begins != BEGINNING[: len(begins)]:
        raise BadInput("holds something else than an audit", where=str(path), remedy=_ELSEWHERE)
    end = size = os.fstat(fd).st_size
    while end:
        start = max(0, end - _BLOCK)
        newline = os.pread(fd, end - start, start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    if end < size:
        os.ftruncate(fd, end)
