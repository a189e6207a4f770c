"""Opening a recorded text, plain or gzip, so that whatever is wrong with it is told by file and line."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, BinaryIO, cast

from models.errors import BadInput
from simulator.work import ReadNotes

LINE_BYTES_MAX = 64 * 1024
"""Bytes of one line. Real lines have a few hundred; the bound keeps a file without line ends out of memory."""

LINES_MAX = 20_000_000
"""Lines of one file. All records are held at once, about 200 bytes each: this is some 4 GB."""

_BUFFER_BYTES = 1 << 16
_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_TEXT_REMEDY = "give plain text (UTF-8) or text packed with gzip"
_BROKEN_REMEDY = "fetch or pack the file again"


class Lines:
    """The lines of a file as bytes, one at a time, with their line ends; iterate once.

    ``notes`` counts what was read and what was left out. With ``strict`` the first bad line raises
    :class:`models.errors.BadInput` instead of being counted. With ``stream``, what :func:`opened` gave, the lines come
    from there and ``path`` is only told.
    """

    def __init__(self, path: Path | str, *, strict: bool = False, stream: IO[bytes] | None = None) -> None:
        self.path = Path(path)
        self.strict = strict
        self.notes = ReadNotes()
        self.line = 0  # where the record read last begins, if records are not lines
        self._stream = stream

    @property
    def where(self) -> str:
        """The place read last, ``file:line``; before the first line only the file."""
        line = self.line or self.notes.lines
        return f"{self.path}:{line}" if line else str(self.path)

    def __iter__(self) -> Iterator[bytes]:
        with said_plainly(self.path, lambda: self.where):
            yield from self._read()

    def bad(self, what: str, reason: str = "") -> None:
        """Leave out the line read last: count it and say why, or raise BadInput when strict."""
        if self.strict:
            raise BadInput(what, where=self.where, remedy="mend or remove the line, or read without strict")
        self.notes.add_bad(f"{self.where}: {what}", reason)

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
        what = f"no usable {kind} ({self.notes.unit} read: {self.notes.lines}{first})"
        return BadInput(what, where=str(self.path), remedy="check that the file has the format it is read as")

    def _read(self) -> Iterator[bytes]:
        notes = self.notes
        with nullcontext(self._stream) if self._stream else opened(self.path) as stream:
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


@contextmanager
def opened(path: Path | str, raw: BinaryIO | None = None) -> Iterator[BufferedReader]:
    """The content of a file, unpacked if its first bytes say gzip, whatever it is called; with a ``peek``.

    With ``raw`` the content comes from there and ``path`` is only told. Raises BadInput, with the reason, when the
    file cannot be opened; what goes wrong later is raised as it is, see :func:`said_plainly`.
    """
    with ExitStack() as at_end:
        with said_plainly(Path(path), lambda: str(path)):
            file = raw or at_end.enter_context(Path(path).open("rb"))
            stream: BufferedReader = BufferedReader(cast(RawIOBase, file), _BUFFER_BYTES)
            at_end.callback(stream.detach)  # so that forgetting it does not close what we were given
            if stream.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC):
                stream = BufferedReader(cast(RawIOBase, gzip.GzipFile(fileobj=stream)), _BUFFER_BYTES)
                stream.peek()
        yield stream


@contextmanager
def said_plainly(path: Path, where: Callable[[], str]) -> Iterator[None]:
    """Turn what reading a file raises into something a person can act on."""
    try:
        yield
    except EOFError as error:
        raise BadInput("the gzip file ends early", where=where(), remedy=_BROKEN_REMEDY) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise BadInput(f"the gzip file is damaged: {error}", where=where(), remedy=_BROKEN_REMEDY) from error
    except OSError as error:
        raise _not_readable(path, error) from error


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
