"""The site's hook over HTTP: what is sent, what each answer means, and that no service can hold a call up for long."""

from __future__ import annotations

import http.server
import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from connectors.hooks.command import Commands
from connectors.hooks.http import ANSWER_MOST, outcome_of
from connectors.hooks.site_hook import SiteHook
from models.acts import Outcome
from models.handovers import Direction
from models.hooks import HookCall, Hooks
from models.identity import PoolId
from models.ports import Hook
from tests.patience import LONG_S

DONE, REFUSED, UNKNOWN = Outcome.DONE, Outcome.REFUSED, Outcome.UNKNOWN
UP = Direction.TO_KUBERNETES
POOL = PoolId("campus", "a100")
NO_COMMANDS = Commands(lambda: True)


class Called(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Site(http.server.ThreadingHTTPServer):
    """A service of a site, on a free port of this machine, that answers with ``status`` and ``text``."""

    def __init__(self, status: int, text: bytes = b"") -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.text = status, text
        self.calls: list[Called] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Site

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.append(Called(self.command, self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", str(len(self.server.text)))
        self.end_headers()
        self.wfile.write(self.server.text)

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def site(status: int, text: bytes = b"") -> Iterator[Site]:
    with Site(status, text) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def talking(*parts: bytes, then_wait: bool = False) -> Iterator[str]:
    """The address of a service that says ``parts`` and hangs up, or never says anything more."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        end = threading.Event()

        def talk() -> None:
            with listening.accept()[0] as one:
                one.recv(65536)
                for part in parts:
                    one.sendall(part)
                if then_wait:
                    end.wait(LONG_S)

        thread = threading.Thread(target=talk)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            end.set()
            thread.join()


def hook(url: str, timeout: str = "10s") -> SiteHook:
    call = HookCall(url=url, timeout=timeout)
    return SiteHook(Hooks(before=call, after=call), POOL, NO_COMMANDS)


def test_what_is_sent():
    with site(200) as server:
        hooks = Hooks(before=HookCall(url=f"{server.url}/prepare?site=a"), after=HookCall(url=server.url))
        one: Hook = SiteHook(hooks, POOL, NO_COMMANDS)
        assert one.before("gpu001", UP, "campus_a100.3.17") is DONE
        assert one.after("gpu001", UP, "campus_a100.3.17") is DONE
    for call, path, phase in zip(server.calls, ("/prepare?site=a", "/"), ("before", "after"), strict=True):
        assert (call.method, call.path) == ("POST", path)
        assert json.loads(call.body) == {
            "site": "campus",
            "pool": "a100",
            "node": "gpu001",
            "direction": "hpc->kubernetes",
            "handover": "campus_a100.3.17",
            "phase": phase,
        }
        assert call.headers["Idempotency-Key"] == f"campus_a100.3.17:{phase}"
        assert call.headers["Content-Type"] == "application/json"


def test_without_an_address_nothing_is_called_and_all_is_done():
    one = SiteHook(Hooks(), POOL, NO_COMMANDS)
    assert one.before("n", UP, "1.1") is DONE
    assert one.after("n", UP, "1.1") is DONE


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *((status, DONE) for status in (200, 201, 204, 299)),
        *((status, UNKNOWN) for status in (202, 408, 425, 429, 500, 502, 503, 504, 599, 101, 999)),
        *((status, REFUSED) for status in (300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 409, 410, 422, 499)),
    ],
)
def test_what_a_status_means(status: int, outcome: Outcome):
    assert outcome_of(status) is outcome


@pytest.mark.parametrize("status", [200, 202, 307, 409, 503])
def test_a_status_over_the_wire(status: int):
    with site(status) as server:
        assert hook(server.url).before("n", UP, "1.1") is outcome_of(status)
    assert [call.path for call in server.calls] == ["/"]  # a redirection is not followed


def test_the_reason_of_a_no_is_in_the_log_and_short(caplog: pytest.LogCaptureFixture):
    with site(409, b"the node has a bad fan " + b"x" * 10_000) as server:
        assert hook(server.url).before("gpu001", UP, "3.17") is REFUSED
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "hook before hand-over 3.17 of node gpu001 was refused: 409 'the node has a bad fan xx" in record.message
    assert len(record.message) < ANSWER_MOST + 300


SAID = {
    "nothing": b"",
    "no HTTP": b"hello\r\n\r\n",
    "half a status": b"HTTP/1.1 2",
    "a status that is none": b"HTTP/1.1 2000 OK\r\n\r\n",
    "a header without end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
    "headers without end": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200,
}


@pytest.mark.parametrize("said", SAID.values(), ids=SAID.keys())
def test_an_answer_that_is_none_is_unknown(said: bytes, caplog: pytest.LogCaptureFixture):
    with talking(said) as url:
        assert hook(url).before("n", UP, "1.1") is UNKNOWN
    assert "it is asked again" in caplog.text


def test_a_body_that_breaks_off_does_not_undo_a_status():
    with talking(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc") as url:
        assert hook(url).before("n", UP, "1.1") is DONE
    with talking(b"HTTP/1.1 404 No\r\nContent-Length: 1000\r\n\r\nabc") as url:
        assert hook(url).before("n", UP, "1.1") is REFUSED


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: y"], ids=["silent", "slow in its headers"])
def test_a_service_that_never_answers_is_given_up_after_the_timeout(said: bytes, caplog: pytest.LogCaptureFixture):
    with talking(said, then_wait=True) as url:
        assert hook(url, "1s").before("n", UP, "1.1") is UNKNOWN
    assert "timed out" in caplog.text or "closed connection" in caplog.text


def test_a_service_that_drips_is_given_up_after_the_timeout(monkeypatch: pytest.MonkeyPatch):
    """Each byte begins the socket's own timeout anew; the deadline of the call does not wait for it."""
    cut = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            with listening.accept()[0] as one:
                one.recv(65536)
                one.settimeout(0.05)
                for _ in range(int(LONG_S / 0.05)):
                    try:
                        one.sendall(b"H")
                        given_up = not one.recv(1)
                    except TimeoutError:
                        continue
                    except OSError:
                        given_up = True
                    if given_up:
                        cut.set()
                        break

        thread = threading.Thread(target=drip)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        assert hook(url, "1s").before("n", UP, "1.1") is UNKNOWN
        thread.join()
        assert cut.is_set()


def test_nobody_listens(caplog: pytest.LogCaptureFixture):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert hook(f"http://127.0.0.1:{port}").before("n", UP, "1.1") is UNKNOWN
    assert "refused" in caplog.text


def test_no_certificate_is_taken_on_trust():
    with talking(b"HTTP/1.1 200 OK\r\n\r\n") as url:
        assert hook(url.replace("http:", "https:")).before("n", UP, "1.1") is UNKNOWN


@pytest.mark.parametrize(
    ("url", "node", "ident"),
    [
        pytest.param("http://127.0.0.1:9", "n", "1.1\r\nX: y", id="an id with a line end"),
        pytest.param("http://127.0.0.1:9", "n", "1.\u2603", id="an id beyond latin-1"),
        pytest.param("http://127.0.0.1:9", "n" * 10_000, "1.1", id="a body beyond the limit"),
        pytest.param(f"http://{'a' * 80}.example", "n", "1.1", id="a host that is no name"),
    ],
)
def test_what_cannot_be_said_is_a_no(url: str, node: str, ident: str, caplog: pytest.LogCaptureFixture):
    with site(200) as server:
        one = hook(server.url if url.endswith(":9") else url)
        assert one.before(node, UP, ident) is REFUSED
    assert server.calls == []
    assert "call" in caplog.text
