"""Opening a recorded text, plain or gzip, so that whatever is wrong with it is told by file and line."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from io import BufferedReader
from pathlib import Path
from typing import IO, cast

from models.errors import BadInput
from simulator.work import ReadNotes

LINE_BYTES_MAX = 64 * 1024
"""Bytes of one line. Real lines have a few hundred; the bound keeps a file without line ends out of memory."""

LINES_MAX = 20_000_000
"""Lines of one file. All records are held at once, about 200 bytes each: this is some 4 GB."""

_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_TEXT_REMEDY = "give plain text (UTF-8) or text packed with gzip"
_BROKEN_REMEDY = "fetch or pack the file again"


class Lines:
    """The lines of a file as bytes, one at a time, with their line ends; iterate once.

    ``notes`` counts what was read and what was left out. With ``strict`` the first bad line raises
    :class:`models.errors.BadInput` instead of being counted.
    """

    def __init__(self, path: Path | str, *, strict: bool = False) -> None:
        self.path = Path(path)
        self.strict = strict
        self.notes = ReadNotes()

    @property
    def where(self) -> str:
        """The place read last, ``file:line``; before the first line only the file."""
        return f"{self.path}:{self.notes.lines}" if self.notes.lines else str(self.path)

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._read()
        except EOFError as error:
            raise BadInput("the gzip file ends early", where=self.where, remedy=_BROKEN_REMEDY) from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise BadInput(f"the gzip file is damaged: {error}", where=self.where, remedy=_BROKEN_REMEDY) from error
        except OSError as error:
            raise _not_readable(self.path, error) from error

    def bad(self, what: str) -> None:
        """Leave out the line read last: count it and say why, or raise BadInput when strict."""
        if self.strict:
            raise BadInput(what, where=self.where, remedy="mend or remove the line, or read without strict")
        self.notes.add_bad(f"{self.where}: {what}")

    def text(self, line: bytes) -> str:
        """A line as text without its line end; raises BadInput when it is not UTF-8."""
        try:
            return line.decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise self.not_text() from error

    def not_text(self) -> BadInput:
        """The error for a file that holds something other than text."""
        return BadInput("this is not text", where=self.where, remedy=_TEXT_REMEDY)

    def none_usable(self, kind: str) -> BadInput:
        """The error for a file that was read to its end without one usable ``kind`` of record."""
        if not self.notes.lines:
            return BadInput("the file is empty", where=str(self.path), remedy=f"give a file with at least one {kind}")
        first = f"; the first bad line: {self.notes.bad[0]}" if self.notes.bad else ""
        what = f"no usable {kind} (lines read: {self.notes.lines}{first})"
        return BadInput(what, where=str(self.path), remedy="check that the file has the format it is read as")

    def _read(self) -> Iterator[bytes]:
        notes = self.notes
        with self.path.open("rb") as raw, _unpacked(raw) as stream:
            while line := stream.readline(LINE_BYTES_MAX + 1):
                notes.lines += 1
                if notes.lines > LINES_MAX:
                    raise BadInput(f"more than {LINES_MAX} lines", where=str(self.path), remedy="cut the trace")
                if b"\0" in line:
                    raise self.not_text()
                if len(line) > LINE_BYTES_MAX:
                    _skip_to_line_end(stream, line)
                    self.bad(f"the line is longer than {LINE_BYTES_MAX} bytes")
                else:
                    yield line.removeprefix(_BYTE_ORDER_MARK) if notes.lines == 1 else line


def _unpacked(raw: BufferedReader) -> AbstractContextManager[IO[bytes]]:
    """The stream's content, unpacked if its first bytes say gzip, whatever the file is called."""
    packed = raw.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC)
    return cast(AbstractContextManager[IO[bytes]], gzip.GzipFile(fileobj=raw) if packed else raw)


def _skip_to_line_end(stream: IO[bytes], line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = stream.readline(LINE_BYTES_MAX)


def _not_readable(path: Path, error: OSError) -> BadInput:
    remedies: dict[type[OSError], tuple[str, str]] = {
        FileNotFoundError: ("there is no such file", "check the path"),
        IsADirectoryError: ("this is a directory", "give the path of one file"),
        PermissionError: ("no permission to read the file", "let the user that runs tidegate read it"),
    }
    what, remedy = remedies.get(type(error), (f"the file cannot be read: {error.strerror or error}", "check the path"))
    return BadInput(what, where=str(path), remedy=remedy)
