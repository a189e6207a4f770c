"""Ports to listen on."""

from __future__ import annotations

import random
import socket
from pathlib import Path

FIRST = 10_240
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free(count: int) -> list[int]:
    """So many different free ports.

    They lie below those that the system gives to connections. Else a client that tries a stopped server's port again
    and again would one day be given that very port, and be connected with itself.
    """
    last = int(EPHEMERAL.read_text().split()[0]) if EPHEMERAL.exists() else 32_768
    found: set[int] = set()
    while len(found) < count:
        port = random.randrange(FIRST, last)
        if _is_free(port):
            found.add(port)
    return list(found)


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
