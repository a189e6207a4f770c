"""Somebody apart who asks an API server: bare HTTPS and JSON, nothing of the connector's."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from tests.real.kube.certificates import Pair

TIMEOUT_S = 30.0
JSON = "application/json"
MERGE = "application/merge-patch+json"
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Answer(NamedTuple):
    """The status, the body (text if it is no JSON), the headers, and how long it took."""

    status: int
    body: Any
    headers: Mapping[str, str]
    seconds: float


class RefusedError(Exception):
    """The API server said no: ``status`` is HTTP's, ``reason`` its own word, ``body`` all it said."""

    def __init__(self, what: str, answer: Answer) -> None:
        self.status = answer.status
        self.body = answer.body
        self.reason = answer.body.get("reason", "") if isinstance(answer.body, dict) else ""
        message = answer.body.get("message") if isinstance(answer.body, dict) else answer.body
        super().__init__(f"{what}: {answer.status} {self.reason}: {message}")


class Client:
    """Asks the server at ``url``, with a client certificate or a token; each thread has a connection of its own."""

    def __init__(self, url: str, ca: Path, *, pair: Pair | None = None, token: str = "") -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 443
        self._tls = ssl.create_default_context(cafile=str(ca))
        if pair:
            self._tls.load_cert_chain(pair.certificate, pair.key)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._own = threading.local()
        self._open: list[HTTPSConnection] = []

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, Any] = NOTHING,
        content_type: str = JSON,
        timeout_s: float = TIMEOUT_S,
    ) -> Answer:
        """One request, and whatever is answered. Raises OSError or HTTPException when no answer comes."""
        began = time.monotonic()
        response = self._response(method, path, body, query, content_type, timeout_s)
        text = response.read().decode()
        taken_s = time.monotonic() - began
        try:
            return Answer(response.status, json.loads(text), dict(response.headers), taken_s)
        except ValueError:
            return Answer(response.status, text, dict(response.headers), taken_s)

    def call(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        """The body of a yes. Raises RefusedError for a no."""
        answer = self.ask(method, path, body, **more)
        if not 200 <= answer.status < 300:
            raise RefusedError(f"{method} {path}", answer)
        return answer.body

    def get(self, path: str, **query: Any) -> Any:
        return self.call("GET", path, query=query)

    def items(self, path: str, **query: Any) -> list[Any]:
        """What is in a list, whole."""
        return list(self.get(path, **query)["items"] or ())

    def create(self, path: str, body: object) -> Any:
        return self.call("POST", path, body)

    def patch(self, path: str, body: object, **query: Any) -> Any:
        """Merge into what is there."""
        return self.call("PATCH", path, body, query=query, content_type=MERGE)

    def delete(self, path: str, **query: Any) -> Any:
        return self.call("DELETE", path, query=query)

    def watch(self, path: str, *, timeout_s: float = TIMEOUT_S, **query: Any) -> Iterator[dict[str, Any]]:
        """The events of a watch, until the server ends it. Raises OSError when it is silent for so long."""
        connection = self._connect(timeout_s)
        try:
            connection.request("GET", f"{path}?{urlencode({'watch': 'true', **query})}", headers=self._headers)
            response = connection.getresponse()
            if response.status != 200:
                body = json.loads(response.read())
                raise RefusedError(f"watch {path}", Answer(response.status, body, dict(response.headers), 0.0))
            while line := response.readline():
                yield json.loads(line)
        finally:
            connection.close()

    def close(self) -> None:
        for connection in self._open:
            connection.close()
        self._open.clear()

    def _response(
        self, method: str, path: str, body: object, query: Mapping[str, Any], content_type: str, timeout_s: float
    ) -> HTTPResponse:
        """Where a kept connection was ended meanwhile, asked again on a new one: so it may be asked twice."""
        content = None if body is None else json.dumps(body)
        headers = self._headers | ({"Content-Type": content_type} if content else {})
        address = f"{path}?{urlencode(query)}" if query else path
        kept: HTTPSConnection | None = getattr(self._own, "connection", None)
        if kept:
            try:
                return _asked(kept, method, address, content, headers, timeout_s)
            except (ConnectionError, HTTPException, ssl.SSLError):
                self._forget(kept)
            except OSError:
                self._forget(kept)
                raise
        self._own.connection = new = self._connect(timeout_s)
        self._open.append(new)
        try:
            return _asked(new, method, address, content, headers, timeout_s)
        except (OSError, HTTPException):
            self._forget(new)
            raise

    def _connect(self, timeout_s: float) -> HTTPSConnection:
        return HTTPSConnection(self._host, self._port, timeout=timeout_s, context=self._tls)

    def _forget(self, connection: HTTPSConnection) -> None:
        connection.close()
        self._own.connection = None
        if connection in self._open:
            self._open.remove(connection)


def _asked(
    connection: HTTPSConnection, method: str, address: str, content: str | None, headers: dict[str, str], wait_s: float
) -> HTTPResponse:
    connection.timeout = wait_s
    if isinstance(connection.sock, socket.socket):
        connection.sock.settimeout(wait_s)
    connection.request(method, address, content, headers)
    return connection.getresponse()
