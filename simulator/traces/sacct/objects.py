"""Objects out of a JSON document that is too long to hold: one at a time, as bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

from models.errors import BadInput

OBJECT_BYTES_MAX = 32 * 2**20
"""Bytes of one object. A job has some 5 kB, each of its steps 3 kB: a job of 10,000 steps."""

_CHUNK_BYTES = 1 << 20
_CHUNKS_MAX = 16  # read at once
# Up to the next brace outside of a string; possessive, so that a long text without one is looked at once.
_TO_BRACE = re.compile(rb'(?:[^{}"]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+([{}])', re.DOTALL)
_KEY = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")\s*+(:?)', re.DOTALL)


class Objects:
    """The objects directly below the outermost one, as pairs of key and bytes: of ``{"a": [{...}, {...}]}`` two of "a".

    ``line`` is the line at which the object told last begins, of a stream that begins at ``line``; ``whole`` whether
    the document had come to its end, and ``behind`` what stands behind that. Nothing is checked but braces and strings.
    Raises BadInput for an object that is too long, and for a NUL.
    """

    def __init__(self, stream: IO[bytes], path: str, line: int = 1) -> None:
        self.line = line
        self.whole = True
        self.behind = b""
        self._stream = stream
        self._path = path
        self._text = b""
        self._at = 0  # up to here it has been looked at
        self._counted = 0  # up to here lines have been counted
        self._reads = 1

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        depth, begin, key, ended = 0, 0, b"", False
        while True:
            match = _TO_BRACE.match(self._text, self._at)
            if match is None:
                kept = begin if depth > 1 else self._at
                if not self._more(kept):
                    break
                begin -= kept
                continue
            opens, end = match[1] == b"{", match.end()
            if opens and depth == 1:
                key, begin = _last_key(self._text[self._at : end - 1], key), end - 1
            depth += 1 if opens else -1
            self._at, self._reads = end, 1
            if not opens and depth == 1:
                self._count_lines(begin)
                yield key, self._text[begin:end]
            depth = max(0, depth)
            ended = depth == 0
        rest = self._text[self._at :].strip()
        self.whole = depth == 0 and (ended or not rest)
        self.behind = rest if self.whole else b""

    def _more(self, kept: int) -> bool:
        """Forget what is before ``kept`` and read on, the more the longer nothing was found; False at the end."""
        self._count_lines(kept)
        chunk = self._stream.read(self._reads * _CHUNK_BYTES)
        if b"\0" in chunk:
            raise BadInput("this is not text", where=self._path, remedy="give what sacct --json tells, plain or gzip")
        self._text = self._text[kept:] + chunk
        self._at -= kept
        self._counted -= kept
        self._reads = min(2 * self._reads, _CHUNKS_MAX)
        if len(self._text) > OBJECT_BYTES_MAX + _CHUNKS_MAX * _CHUNK_BYTES:
            what = f"one record has more than {OBJECT_BYTES_MAX // 2**20} MiB"
            raise BadInput(what, where=f"{self._path}:{self.line}", remedy="sacct -X leaves the steps of jobs out")
        return bool(chunk)

    def _count_lines(self, until: int) -> None:
        self.line += self._text.count(b"\n", self._counted, until)
        self._counted = max(self._counted, until)


def _last_key(gap: bytes, before: bytes) -> bytes:
    """The last key in what stands between two objects; the one before when there is none."""
    keys = [text[1:-1] for text, colon in _KEY.findall(gap) if colon]
    return keys[-1] if keys else before
