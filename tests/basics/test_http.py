"""A call over HTTP ends in time and takes no more than it is to; nobody but the server itself is asked."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from basics.http import Deadline, HttpClient, Request, whole
from tests.patience import LONG_S

FOUND = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"


def ask(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/")
    connection.getresponse()


def test_silence_ends_in_a_time_out_and_not_in_a_connection_that_was_closed():
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.getsockname()[1], timeout=LONG_S)
        with pytest.raises(TimeoutError, match="timed out"), Deadline(connection, 0.05):
            ask(connection)
        connection.close()


def test_what_fails_in_time_is_told_as_it_is():
    connection = http.client.HTTPConnection("127.0.0.1", 1, timeout=LONG_S)
    with pytest.raises(ConnectionRefusedError), Deadline(connection, LONG_S):
        ask(connection)


@contextmanager
def server(*answers: bytes, hang_up: bool = True) -> Iterator[tuple[HttpClient, list[bytes]]]:
    """A client of a server that answers so to what is asked, one connection after the other, and what it was asked."""
    asked: list[bytes] = []

    def serve(listening: socket.socket) -> None:
        left = list(answers)
        while left:
            with listening.accept()[0] as one:
                while left and (head := one.recv(65536)):
                    asked.append(head)
                    one.sendall(left.pop(0))
                    if hang_up:
                        break

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        client = HttpClient(urlsplit(f"http://127.0.0.1:{listening.getsockname()[1]}"))
        try:
            yield client, asked
        finally:
            client.close()
            thread.join()


def get(client: HttpClient, method: str = "GET") -> tuple[int, bytes]:
    return client.send(Request(method, "/a?b=c"), whole(10), timeout_s=LONG_S)


def test_a_whole_answer():
    with server(FOUND) as (client, asked):
        assert get(client) == (200, b"abc")
    assert asked[0].startswith(b"GET /a?b=c HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 11, "larger than 10 bytes", id="too large"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "6 bytes early", id="cut off"),
    ],
)
def test_an_answer_that_is_not_taken(answer: bytes, why: str):
    with server(answer) as (client, _), pytest.raises(http.client.HTTPException, match=why):
        get(client)


def test_a_redirection_is_an_answer_like_another_and_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with server(moved) as (client, asked):
        assert get(client) == (302, b"")
    assert len(asked) == 1


def test_a_read_is_asked_again_where_its_old_connection_has_ended_and_a_write_has_its_own():
    with server(FOUND, FOUND) as (client, asked):
        assert [get(client), get(client)] == [(200, b"abc")] * 2
    assert len(asked) == 2
    with server(FOUND, FOUND, hang_up=False) as (client, asked):
        assert [get(client), get(client)] == [(200, b"abc")] * 2  # on one connection: the server accepts no other
    assert len(asked) == 2
    with server(FOUND, b"") as (client, asked):
        get(client)
        with pytest.raises(http.client.RemoteDisconnected):
            get(client, "POST")
    assert len(asked) == 2
