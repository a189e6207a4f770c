"""A slurmrestd on loopback that does what it is told to, wrong things too."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from connectors.slurm.rest.client import Rest
from tests.connectors.slurm.makers import diagnosis, node, partition
from tests.patience import LONG_S

Handler = Callable[["Request"], None]
TRICKLES_S = 0.02  # from one byte to the next
SHORT_S = 0.3  # how long an answer is waited for that does not come
TOKEN = "eyJhbGciOiJIUzI1NiJ9.c2VjcmV0.SECRETSIGNATURE"  # noqa: S105 - of nobody
NAMES = ("n01", "n02", "n03")


def token(expires_s: int) -> str:
    """One that says when it expires."""
    middle = base64.urlsafe_b64encode(json.dumps({"exp": expires_s, "sun": "root"}).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{middle}.SECRETSIGNATURE"


class Request(BaseHTTPRequestHandler):
    """One request; what is done with it, the server says."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer goes out in two writes
    server: Fake

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, ValueError):
            self.close_connection = True

    def do_GET(self) -> None:
        self.server.take(self)

    do_POST = do_DELETE = do_GET

    def say(self, status: int, told: object) -> None:
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Fake(ThreadingHTTPServer):
    """Three nodes, no jobs. ``instead`` are handlers of paths (without version) that are served otherwise."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.versions = {"v0.0.44", "v0.0.45"}
        self.nodes = {name: node(name) for name in NAMES}
        self.reservations: dict[str, dict[str, Any]] = {}
        self.jobs: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.tokens = {TOKEN}
        self.instead: dict[str, Handler] = {}
        self.clients: list[Rest] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def take(self, request: Request) -> None:
        length = int(request.headers.get("Content-Length", 0))
        body = json.loads(request.rfile.read(length)) if length else None
        _, _, version, path = request.path.split("/", 3)
        self.asked.append(f"{request.command} {path}")
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        if request.headers.get("X-SLURM-USER-TOKEN") not in self.tokens:
            request.say(401, b"Authentication failure")
        elif version not in self.versions:
            request.say(404, b"Unable find requested URL.")
        elif (handler := self.instead.get(f"{request.command} {path}")) is not None:
            handler(request)
        else:
            self.serve(request, path, body)

    def serve(self, request: Request, path: str, body: Any) -> None:
        """As slurmrestd does."""
        if request.command != "GET":
            self.change(request, path, body)
            return
        partitions = [partition(nodes="n[01-03]")]
        told: dict[str, dict[str, Any]] = {
            "ping": {"pings": []},
            "diag": diagnosis(int(time.time())),
            "nodes/": {"nodes": list(self.nodes.values())},
            "jobs/": {"jobs": self.jobs},
            "partitions/": {"partitions": partitions},
            "reservations/": {"reservations": list(self.reservations.values())},
        }
        if path.startswith("node/"):
            name = path.removeprefix("node/")
            fault = {"error_number": 0, "error": "No error", "description": f"Failure to query node {name}"}
            told[path] = {"nodes": [self.nodes[name]]} if name in self.nodes else {"errors": [fault]}
        request.say(200, {"errors": [], "warnings": []} | told[path])

    def change(self, request: Request, path: str, body: Any) -> None:
        kind, _, name = path.partition("/")
        if kind == "reservation":
            if request.command == "POST":
                self.reservations[body["name"]] = {"name": body["name"], "node_list": ",".join(body["node_list"])}
            else:
                self.reservations.pop(name, None)
        for changed in [name] if kind == "node" else body["name"] if kind == "nodes" else []:
            self.set_state(changed, body)
        request.say(200, {"errors": [], "warnings": []})

    def set_state(self, name: str, body: Any) -> None:
        drained = body["state"] == ["DRAIN"]
        reason = body.get("reason", "")
        self.nodes[name] |= {"state": ["IDLE", "DRAIN"] if drained else ["IDLE"], "reason": reason}

    def drain(self, name: str, reason: str) -> None:
        self.set_state(name, {"state": ["DRAIN"], "reason": reason})

    def writes(self) -> list[str]:
        return [asked for asked in self.asked if not asked.startswith("GET")]


@contextmanager
def serving() -> Iterator[Fake]:
    server = Fake()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        for client in server.clients:
            client.close()
        server.shutdown()
        server.server_close()


def rest(server: Fake, folder: Path, *, timeout_s: float = LONG_S, user: str = "") -> Rest:
    file = folder / "token"
    if not file.exists():
        file.write_text(TOKEN)
    one = Rest(server.url, file, timeout_s=timeout_s, user=user)
    one._send = partial(unless_silent, server, one._send)
    server.clients.append(one)
    return one


def unless_silent(server: Fake, send: Callable[..., Any], method: str, path: str, body: Any, timeout_s: Any) -> Any:
    """Send, and wait long for an answer, but not where the server gives none."""
    handler = server.instead.get(f"{method} {path.split('/', 3)[3]}")
    within = handler.args[0] if isinstance(handler, partial) else handler
    return send(method, path, body, SHORT_S if within in (silence, trickle) else timeout_s)


# ---- what goes wrong ----


def say(status: int, told: object) -> Handler:
    return lambda request: request.say(status, told)


def silence(request: Request) -> None:
    """No answer, as long as the server is there."""
    request.server.over.wait(LONG_S)


def hang_up(request: Request) -> None:
    """The connection is closed without a word."""
    request.close_connection = True
    request.connection.shutdown(socket.SHUT_RDWR)


def half(request: Request) -> None:
    """Half of what was announced."""
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b'{"nodes": []')
    request.wfile.flush()
    hang_up(request)


def trickle(request: Request) -> None:
    """A byte at a time, for ever."""
    request.send_response(200)
    request.send_header("Content-Length", "100000")
    request.end_headers()
    for _ in range(100_000):
        request.wfile.write(b" ")
        request.wfile.flush()
        if request.server.over.wait(TRICKLES_S):
            break


def fault(number: int, status: int = 500) -> Handler:
    """A no of Slurm's."""
    return say(status, {"errors": [{"error_number": number, "error": "no", "description": "because"}]})
