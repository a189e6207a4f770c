"""Opening a bus by its address."""

from __future__ import annotations

from typing import Protocol

from connectors.bus.address import read_address
from models.bus import Bus


class OpenedBus(Bus, Protocol):
    """A bus of which one user has all topics of a prefix."""

    def discard(self) -> None:
        """Delete the topics of this bus's prefix, and all that is on them."""
        ...


def open_bus(address: str, prefix: str = "") -> OpenedBus:
    """The bus at ``memory``, ``sqlite:FILE`` or ``kafka:HOST:PORT[,HOST:PORT]``, its topics beginning with ``prefix``.

    The one in memory is nobody else's, and ends with the process. Raises BadInput, BusUnavailable or BusRefused.
    """
    at = read_address(address)
    if at.servers:
        from connectors.bus.broker import KafkaBus  # noqa: PLC0415 - the client takes a while to import

        return KafkaBus(at.servers, prefix=prefix)
    from connectors.bus.sqlite import SqliteBus  # noqa: PLC0415

    return SqliteBus(at.file, prefix=prefix)
