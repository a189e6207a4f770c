"""The address of a bus, as a person writes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from models.errors import BadInput

_SERVER = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")
EXAMPLES = "give memory, sqlite:tidegate.db or kafka:broker1:9092,broker2:9092"


class Address(NamedTuple):
    """A file or servers (``host:port`` each); neither is the memory of this process."""

    file: Path | None = None
    servers: tuple[str, ...] = ()


def read_address(text: str) -> Address:
    """``memory``, ``sqlite:FILE`` or ``kafka:HOST:PORT[,HOST:PORT]``. Raises BadInput for anything else.

    Whether anybody answers there is another matter.
    """
    kind, _, rest = text.partition(":")
    if text == "memory":
        return Address()
    if kind == "sqlite" and rest:
        return Address(file=Path(rest))
    if kind == "kafka" and rest:
        return Address(servers=tuple(_server(server.strip(), text) for server in rest.split(",")))
    raise BadInput("is no address of an event bus", where=f"--bus {text}", remedy=EXAMPLES)


def _server(server: str, text: str) -> str:
    there = _SERVER.fullmatch(server)
    if there is None or not 0 < int(there[1]) < 65536:
        wrong = f"has {server!r} where a host and a port belong"
        raise BadInput(wrong, where=f"--bus {text}", remedy="give kafka:broker1:9092,broker2:9092")
    return server
