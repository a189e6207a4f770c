"""The page's server on a socket: what is no HTTP, connections that say nothing, and an end in time."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from service.page.app import make_app
from service.page.server import HEAD_MOST, PageServer, listen
from service.page.shown import Shown
from service.page.static import Static
from tests.patience import until
from tests.service.page_sample import Book, events, heard_of, shown_of

STATIC = Static()


@pytest.fixture
def shown() -> Shown:
    return shown_of(heard_of(events(8, days=0.1)), None, Book())


@pytest.fixture
def port(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr("service.page.impatient.HEAD_S", 0.1)
    listening = listen("127.0.0.1", 0)
    number = listening.getsockname()[1]
    server = PageServer(make_app(shown, STATIC), listening)
    yield number
    shown.closing = True
    server.close()
    assert not server._thread.is_alive()


def lives(port: int) -> bool:
    with urlopen(f"http://127.0.0.1:{port}/livez") as answer:
        return answer.read() == b"ok\n"


def said(port: int, sent: bytes) -> bytes:
    """All that is answered until the server closes the connection."""
    found = b""
    with socket.create_connection(("127.0.0.1", port)) as one:
        one.sendall(sent)
        try:
            while more := one.recv(65_536):
                found += more
        except ConnectionResetError:
            return found
    return found


@pytest.mark.parametrize(
    ("sent", "begins"),
    [
        (b"", b""),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX-", b""),
        (b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\nGET / HT", b"HTTP/1.1 200"),
        (b"\x16\x03\x01\x02\x00\x01\x00", b"HTTP/1.1 400"),
        (b"nonsense\r\n\r\n", b"HTTP/1.1 400"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 2 * HEAD_MOST + b"\r\n\r\n", b"HTTP/1.1 400"),
    ],
    ids=["nothing", "half a head", "one and a half", "TLS", "no HTTP", "a long head"],
)
def test_a_connection_on_which_no_request_becomes_whole_is_closed(port: int, sent: bytes, begins: bytes):
    found = said(port, sent)
    assert found.startswith(begins)
    assert bool(found) is bool(begins)
    assert lives(port)


def test_bytes_at_random_leave_it_alive(port: int, shown: Shown):
    random_ = random.Random(17)
    before = shown.versions()
    for _ in range(40):
        head = random_.choice(
            [b"", b"GET ", b"POST /api/pause HTTP/1.1\r\n", b"GET /api/status HTTP/1.1\r\nHost: a\r\n"]
        )
        found = said(port, head + random_.randbytes(random_.randint(0, 300)) + b"\r\n\r\n")
        assert found[9:10] in (b"", b"2", b"4"), found[:100]
    assert lives(port)
    assert shown.versions() == before


def test_it_ends_in_time_while_clients_listen(port: int):
    """The fixture's end says whether it did."""
    with socket.create_connection(("127.0.0.1", port)) as one:
        one.sendall(b"GET /api/events HTTP/1.1\r\nHost: a\r\n\r\n")
        assert one.recv(12) == b"HTTP/1.1 200"


def test_no_more_clients_listen_than_there_may_and_one_that_goes_is_let_go_of(
    port: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("service.page.sse.CLIENTS_MOST", 1)

    def listening() -> tuple[socket.socket, bytes]:
        one = socket.create_connection(("127.0.0.1", port))
        one.sendall(b"GET /api/events HTTP/1.1\r\nHost: a\r\n\r\n")
        return one, one.recv(12)

    def answered() -> bytes:
        one, said_ = listening()
        one.close()
        return said_

    first, begins = listening()
    assert begins == b"HTTP/1.1 200"
    assert answered() == b"HTTP/1.1 503"
    first.close()
    until(lambda: answered() == b"HTTP/1.1 200")
