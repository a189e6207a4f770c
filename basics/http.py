"""HTTP with a limit on the whole call and on the answer, over which one server cannot hold anybody up."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from urllib.parse import SplitResult

CHUNK = 2**20  # bytes read at a time


class Deadline:
    """Ends what the connection waits for after so many seconds, by TimeoutError; to be used ``with``.

    A socket's own timeout begins anew at each byte.
    """

    def __init__(self, connection: http.client.HTTPConnection, seconds: float) -> None:
        self._connection = connection
        self._passed = False
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Deadline:
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        if isinstance(error, OSError | http.client.HTTPException):  # the other end seems to have hung up, but we did
            self.check()

    def check(self) -> None:
        """Raise TimeoutError when the time is over."""
        if self._passed:
            raise TimeoutError("timed out")

    def _cut(self) -> None:
        self._passed = True
        with suppress(OSError, AttributeError):  # not connected yet, or already closed
            socket.socket.shutdown(self._connection.sock, socket.SHUT_RDWR)  # also of a socket with TLS


Reader = Callable[[http.client.HTTPResponse, Deadline], bytes]
"""Takes from an answer what is wanted of its body."""


def whole(most: int) -> Reader:
    """Reads the whole body. Raises HTTPException when it is cut off, or larger than ``most`` bytes."""

    def read(response: http.client.HTTPResponse, deadline: Deadline) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while chunk := response.read(CHUNK):
            deadline.check()
            chunks.append(chunk)
            size += len(chunk)
            if size > most:
                raise http.client.HTTPException(f"the answer is larger than {most} bytes")
        deadline.check()
        if response.length:
            raise http.client.HTTPException(f"the answer ended {response.length} bytes early")
        return b"".join(chunks)

    return read


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent; ``path`` has the query."""

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpClient:
    """One server. No redirection is followed, no proxy asked; with TLS its name and certificate are checked.

    GETs share a connection that is kept open; all else has its own, so that what fails was not lost before it was sent
    because the old connection had ended.
    """

    def __init__(self, address: SplitResult, *, ca_file: Path | None = None) -> None:
        self._address = address
        self._tls = ssl.create_default_context(cafile=ca_file) if address.scheme == "https" else None
        self._lock = threading.Lock()
        self._kept: http.client.HTTPConnection | None = None

    def send(self, request: Request, read: Reader, *, timeout_s: float) -> tuple[int, bytes]:
        """The status, and what ``read`` took, within ``timeout_s`` but for the search of the host's address.

        Raises OSError or HTTPException when there is no whole answer, ValueError when HTTP has no way to say it.
        """
        if request.method != "GET":
            return self._once(self._connection(timeout_s), request, read, timeout_s)
        with self._lock:
            kept, self._kept = self._kept, None
            if kept is not None:
                kept.sock.settimeout(timeout_s)
                with suppress(ConnectionError, http.client.BadStatusLine):  # ended since: a read can be asked again
                    return self._once(kept, request, read, timeout_s)
            return self._once(self._connection(timeout_s), request, read, timeout_s)

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            if self._kept is not None:
                self._kept.close()
                self._kept = None

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        host, port = self._address.hostname or "", self._address.port
        if self._tls is not None:
            return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=self._tls)
        return http.client.HTTPConnection(host, port, timeout=timeout_s)

    def _once(
        self, connection: http.client.HTTPConnection, request: Request, read: Reader, timeout_s: float
    ) -> tuple[int, bytes]:
        """One request on the connection, which is kept if more can follow."""
        keep = False
        try:
            with Deadline(connection, timeout_s) as deadline:
                if connection.sock is None:
                    connection.connect()
                    deadline.check()
                connection.request(request.method, request.path, request.body, dict(request.headers))
                response = connection.getresponse()
                deadline.check()
                body = read(response, deadline)
            keep = request.method == "GET" and not response.will_close
            return response.status, body
        finally:
            if keep:
                self._kept = connection
            else:
                connection.close()
