"""A call over HTTP that is ended by its deadline says that it timed out, whatever the socket says."""

from __future__ import annotations

import http.client
import socket

import pytest

from basics.http import Deadline


def ask(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/")
    connection.getresponse()


def test_silence_ends_in_a_time_out_and_not_in_a_connection_that_was_closed():
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.getsockname()[1], timeout=5)
        with pytest.raises(TimeoutError, match="timed out"), Deadline(connection, 0.05):
            ask(connection)
        connection.close()


def test_what_fails_in_time_is_told_as_it_is():
    connection = http.client.HTTPConnection("127.0.0.1", 1, timeout=5)
    with pytest.raises(ConnectionRefusedError), Deadline(connection, 5):
        ask(connection)
