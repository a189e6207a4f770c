"""The fake API server behind a socket: who asks, and what goes wrong on the way."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors.kube.access.api import Answer, ApiRefused
from tests.connectors.kube.fake_api import FakeApi, refused
from tests.patience import LONG_S

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ0aWRlZ2F0ZSJ9.NOBODYS"  # noqa: S105 - of nobody
Wrong = Callable[["Request"], None]


class Request(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: FakeHttp

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (OSError, ValueError):
            self.close_connection = True

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        address = urlsplit(self.path)
        query = dict(parse_qsl(address.query))
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        if self.server.tokens and self.headers.get("Authorization") not in {f"Bearer {t}" for t in self.server.tokens}:
            self.say(refused(401, "Unauthorized", "Unauthorized"))
        elif (wrong := self.server.instead.get(address.path)) is not None:
            wrong(self)
        elif query.get("watch"):
            self.stream(address.path, query)
        else:
            kind = self.headers.get("Content-Type", "application/json")
            self.say(self.server.api.ask(self.command, address.path, query=query, body=body, content_type=kind))

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

    def say(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.body)))
        if answer.retry_after_s is not None:
            self.send_header("Retry-After", f"{answer.retry_after_s:.0f}")
        self.end_headers()
        self.wfile.write(answer.body)

    def stream(self, path: str, query: dict[str, str]) -> None:
        try:
            with self.server.api.watch(path, query=query, silence_s=LONG_S) as lines:
                self.begin()
                for line in lines:
                    self.chunk(line + b"\n")
                self.chunk(b"")
        except ApiRefused as error:
            self.say(refused(error.status, error.reason, str(error)))

    def begin(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))


class FakeHttp(ThreadingHTTPServer):
    """``tokens`` are those that are accepted, without any everybody is; ``instead`` serves paths wrongly."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, api: FakeApi) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.api = api
        self.tokens: set[str] = set()
        self.instead: dict[str, Wrong] = {}
        self.headers: list[dict[str, str]] = []
        self.over = threading.Event()
        self.scheme = "http"

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a client that does not like the certificate hangs up."""

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"


@contextmanager
def serving(api: FakeApi, certificate: tuple[Path, Path] | None = None) -> Iterator[FakeHttp]:
    server = FakeHttp(api)
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*certificate)
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.scheme = "https"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        api.close()
        server.shutdown()
        server.server_close()


# ---- what goes wrong ----


def silence(request: Request) -> None:
    """No answer, as long as the server is there."""
    request.server.over.wait(LONG_S)


def silent_stream(request: Request) -> None:
    """A watch that begins, and never says a word."""
    request.begin()
    request.server.over.wait(LONG_S)


def cut_stream(request: Request) -> None:
    """A watch that breaks off in the middle of an event."""
    request.begin()
    request.wfile.write(b'40\r\n{"type": "ADDED", ')
    hang_up(request)


def half(request: Request) -> None:
    """Half of what was announced."""
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b'{"items": [')
    hang_up(request)


def hang_up(request: Request) -> None:
    request.close_connection = True
    with suppress(OSError):
        request.connection.shutdown(socket.SHUT_RDWR)


def elsewhere(request: Request) -> None:
    """A redirection, to where a token must not go."""
    request.send_response(302)
    request.send_header("Location", "/api/v1/nodes")
    request.send_header("Content-Length", "0")
    request.end_headers()


def made_certificate(folder: Path, names: str = "IP:127.0.0.1") -> tuple[Path, Path]:
    """A certificate that signed itself, and its key."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("there is no openssl to make a certificate")
    certificate, key = folder / "server.pem", folder / "server.key"
    made = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=fake"]
    made += ["-addext", f"subjectAltName={names}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    return certificate, key
