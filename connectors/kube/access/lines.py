"""The lines of a stream, however its bytes come in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.client import HTTPException

CHUNK = 2**18  # bytes read at a time
LINE_MOST = 8 * 2**20  # bytes; etcd holds no object of more than 1.5 MiB unless a site says otherwise


def lines_of(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Each line that is not empty. Raises HTTPException for one that is too long, or has no end."""
    parts: list[bytes] = []  # of the line that has not ended yet
    size = 0
    while chunk := read(CHUNK):
        first, newline, rest = chunk.partition(b"\n")
        parts.append(first)
        size += len(first)
        if newline:
            if line := b"".join(parts).strip():
                yield line
            *lines, last = rest.split(b"\n")
            yield from filter(None, map(bytes.strip, lines))
            parts, size = [last], len(last)
        if size > LINE_MOST:
            raise HTTPException(f"a line of it is longer than {LINE_MOST} bytes")
    if size:
        raise HTTPException("it ends in the middle of a line")
