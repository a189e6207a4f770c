"""Opening a bus by its address."""

from __future__ import annotations

from typing import Protocol

from connectors.bus.address import read_address
from connectors.bus.embedded.bus import SqliteBus
from connectors.bus.embedded.inspection import SqliteInspection
from connectors.bus.inspection import Inspection
from connectors.bus.settings import BusSettings
from models.bus import Bus
from models.errors import BadInput


class OpenedBus(Bus, Protocol):
    """A bus of which one user has all topics of a prefix."""

    def tidy(self) -> None:
        """Let go of what topics keep no longer, where nobody else sees to that: to be called once a day."""

    def discard(self) -> None:
        """Delete the topics of this bus's prefix, and all that is on them."""


def open_bus(address: str, prefix: str | None = None, settings: BusSettings | None = None) -> OpenedBus:
    """The bus at ``memory``, ``sqlite:FILE`` or ``kafka:HOST:PORT[,HOST:PORT]``, its topics beginning with ``prefix``.

    Without a prefix it is that of the settings, of which all else is about a broker. The bus in memory is nobody
    else's, and ends with the process. Raises BadInput, BusUnavailable or BusRefused.
    """
    at, settings = read_address(address), settings or BusSettings()
    prefix = settings.prefix if prefix is None else prefix
    if at.servers:
        from connectors.bus.broker.bus import KafkaBus  # noqa: PLC0415 - the client takes a while to import

        return KafkaBus(
            at.servers,
            prefix=prefix,
            security=settings.secure(),
            spool=settings.spool,
            spool_most=settings.spool_most,
        )

    return SqliteBus(at.file, prefix=prefix)


def open_inspection(address: str, prefix: str | None = None, settings: BusSettings | None = None) -> Inspection:
    """A look into the bus at ``sqlite:FILE`` or ``kafka:HOST:PORT[,HOST:PORT]``; see ``open_bus``.

    Nothing is made that is not there. Raises BadInput, BusUnavailable or BusRefused.
    """
    at, settings = read_address(address), settings or BusSettings()
    prefix = settings.prefix if prefix is None else prefix
    if at.servers:
        from connectors.bus.broker.inspection import KafkaInspection  # noqa: PLC0415 - as above

        return KafkaInspection(at.servers, prefix=prefix, security=settings.secure())
    if at.file is None:
        wrong = "is only in the memory of the process that opened it, and cannot be looked into"
        raise BadInput(wrong, where=f"--bus {address}", remedy="give sqlite:FILE or kafka:HOST:PORT")

    return SqliteInspection(at.file, prefix=prefix)
