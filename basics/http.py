"""A limit on a whole call over HTTP: a socket's own timeout begins anew at each byte."""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import suppress
from types import TracebackType


class Deadline:
    """Ends what the connection waits for after so many seconds, by TimeoutError; to be used ``with``."""

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
