"""The proxy does to a connection what its methods say."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from threading import Thread

import pytest

from tests.real.proxy import Proxy

SOON_S = 0.3
LONG_S = 10.0


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """In front of a server that sends back what it gets."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=_echo, args=(server,))
        thread.start()
        try:
            with Proxy(server.getsockname()[1]) as proxy:
                yield proxy
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def _echo(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection = server.accept()[0]
            with connection, suppress(OSError):
                while data := connection.recv(65_536):
                    connection.sendall(data)


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection((proxy.host, proxy.port), timeout=LONG_S)


def told(connection: socket.socket, count: int, wait_s: float = LONG_S) -> bytes:
    """What comes back, until there is so much of it or nothing for so long."""
    connection.settimeout(wait_s)
    data = b""
    with suppress(TimeoutError):
        while len(data) < count and (more := connection.recv(65_536)):
            data += more
    return data


def test_all_goes_through_as_it_is(proxy: Proxy):
    data = bytes(range(256)) * 4000
    with connect(proxy) as connection:
        Thread(target=connection.sendall, args=(data,)).start()
        assert told(connection, len(data)) == data


@pytest.mark.parametrize("most", [0, 1, 70_000])
def test_an_answer_is_cut_off_after_so_many_bytes(proxy: Proxy, most: int):
    data = b"x" * 100_000
    proxy.answer_most = most
    with connect(proxy) as connection:
        Thread(target=connection.sendall, args=(data,)).start()
        assert told(connection, len(data)) == data[:most]
        connection.settimeout(LONG_S)
        assert connection.recv(1) == b"", "it has ended"
    proxy.heal()
    with connect(proxy) as connection:
        connection.sendall(data[:10])
        assert told(connection, 10) == data[:10]


def test_latency_holds_up_each_direction_and_keeps_the_order(proxy: Proxy):
    proxy.latency_s = 0.1
    with connect(proxy) as connection:
        begun = time.monotonic()
        for piece in (b"one", b"two", b"three"):
            connection.sendall(piece)
        assert told(connection, 11) == b"onetwothree"
    assert 0.2 <= time.monotonic() - begun < LONG_S


def test_a_trickle_is_one_byte_at_a_time(proxy: Proxy):
    proxy.trickle = True
    with connect(proxy) as connection:
        connection.sendall(b"abcdefgh" * 100)
        assert told(connection, 800) == b"abcdefgh" * 100


def test_a_black_hole_takes_connections_and_answers_when_it_is_healed(proxy: Proxy):
    with connect(proxy) as before:
        before.sendall(b"1")
        assert told(before, 1) == b"1"
        proxy.black_hole()
        before.sendall(b"2")
        assert told(before, 1, SOON_S) == b""
        proxy.heal()
        assert told(before, 1) == b"2"
    proxy.black_hole()
    with connect(proxy) as after:
        after.sendall(b"3")
        assert told(after, 1, SOON_S) == b""
        proxy.heal()
        assert told(after, 1) == b"3"


def test_a_reset_ends_connections_and_not_the_next(proxy: Proxy):
    with connect(proxy) as connection:
        connection.sendall(b"1")
        assert told(connection, 1) == b"1"
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            told(connection, 1)
    with connect(proxy) as connection:
        connection.sendall(b"2")
        assert told(connection, 1) == b"2"


def test_a_cut_ends_connections_and_refuses_the_next(proxy: Proxy):
    with connect(proxy) as connection:
        connection.sendall(b"1")
        assert told(connection, 1) == b"1"
        proxy.cut()
        assert told(connection, 1) == b""
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    proxy.heal()
    with connect(proxy) as connection:
        connection.sendall(b"2")
        assert told(connection, 1) == b"2"


def test_what_one_side_says_last_gets_there_before_its_end(proxy: Proxy):
    proxy.latency_s = 0.05
    with connect(proxy) as connection:
        connection.sendall(b"last")
        connection.shutdown(socket.SHUT_WR)
        assert told(connection, 100) == b"last"
