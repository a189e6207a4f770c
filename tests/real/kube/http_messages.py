"""HTTP/1.1 as far as a proxy reads it: the head of a message, and where its body ends."""

from __future__ import annotations

import json
from asyncio import IncompleteReadError, StreamReader
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import NamedTuple

LONGEST_HEAD = 1 << 20  # bytes
AT_ONCE = 65_536
END = b"\r\n\r\n"
REASONS = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}  # the words of an API server


class Head(NamedTuple):
    """The first line in its parts, the headers in small letters, and all of it as it came."""

    first: list[str]
    headers: Mapping[str, str]
    raw: bytes

    @property
    def is_chunked(self) -> bool:
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    @property
    def length(self) -> int | None:
        told = self.headers.get("content-length")
        return None if told is None else int(told)

    @property
    def status(self) -> int:
        """Of an answer."""
        return int(self.first[1])


async def head(reader: StreamReader) -> Head | None:
    """The next message's head; None when there is no next one."""
    try:
        raw = await reader.readuntil(END)
    except IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = raw.decode("latin-1").split("\r\n")
    named = (line.partition(":") for line in lines if line)
    return Head(first.split(" ", 2), {name.strip().lower(): value.strip() for name, _, value in named}, raw)


async def whole(reader: StreamReader, of: Head) -> bytes:
    """The body of a request, framed as it came."""
    if not of.is_chunked and of.length is None:
        return b""
    return b"".join([piece async for piece in pieces(reader, of)])


async def pieces(reader: StreamReader, of: Head) -> AsyncIterator[bytes]:
    """A body as it comes, framed as it came; without a length or chunks it ends with the connection."""
    if of.is_chunked:
        size = -1
        while size != 0:
            line = await reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            yield line + await reader.readexactly(size + 2)
    elif (left := of.length) is not None:
        while left:
            data = await reader.read(min(left, AT_ONCE))
            if not data:
                raise IncompleteReadError(b"", left)
            left -= len(data)
            yield data
    else:
        while data := await reader.read(AT_ONCE):
            yield data


def answer(status: int, body: bytes | None, retry_after_s: float | None) -> bytes:
    """What an API server says that answers so; without a body it is a Status with its usual word."""
    if body is None:
        details = {} if retry_after_s is None else {"details": {"retryAfterSeconds": int(retry_after_s)}}
        said = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": status}
        said |= {"reason": REASONS.get(status, ""), "message": f"a test answers {status}", **details}
        body = json.dumps(said).encode()
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body)}"]
    lines += [] if retry_after_s is None else [f"Retry-After: {int(retry_after_s)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
