"""The event bus of a process."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from prometheus_client.registry import Collector

from connectors.bus.metrics import BusMetrics
from connectors.bus.open_bus import OpenedBus, open_bus
from models.errors import BusRefused, BusUnavailable
from service.calendar import CalendarTask
from service.part import Part, Status, Step
from service.process import Process

RESYNC_S = 5.0
LAG_S = 30.0  # between two looks at how far behind the readers are: a broker has to be asked for that
TIDY_AT = "30 3 * * *"  # each day, in UTC


class BusPart(Part):
    """The bus, which all parts of the process share."""

    name = "bus"

    def __init__(self, bus: OpenedBus, role: str, parts: Sequence[Part]) -> None:
        self.bus = bus
        self._role = role
        self._parts = parts  # of the process: those that are opened later come into it
        self._lags: dict[str, int] = {}  # by reader, as of the last look
        self._made_up = 0  # of the events that were lost: since then all was told anew

    def steps(self) -> Sequence[Step]:
        """See the base. What was lost, every part that told it tells again."""
        tidying = CalendarTask(TIDY_AT, self.bus.tidy)
        return (
            Step("resync", self.resync, RESYNC_S),
            Step("bus lag", self.look_at_lag, 1.0),
            Step("tidy", tidying.take, tidying.take()),
        )

    def resync(self) -> float:
        """Take what was lost once, for all parts."""
        with suppress(BusUnavailable, BusRefused):  # the next time, then
            dropped = self.bus.counts.dropped
            if lost := self.bus.take_resyncs():
                for part in self._parts:
                    part.tell_anew(lost)
            self._made_up = dropped
        return RESYNC_S

    def look_at_lag(self) -> float:
        """How far behind everyone is who reads the bus in this process; who cannot be told is left out."""
        self._lags.clear()
        for part in self._parts:
            with suppress(BusUnavailable, BusRefused):
                self._lags |= part.lags()
        return LAG_S

    def metrics(self) -> Sequence[Collector]:
        """See the base."""
        return (BusMetrics(self.bus, self._role, self._lags),)

    def status(self) -> Status:
        """See the base."""
        counts = self.bus.counts
        lost = f", {counts.dropped} lost" if counts.dropped else ""
        text = f"{counts.published} events told, {counts.received} heard, {counts.spooled} waited on disk{lost}"
        return Status(self.name, counts.dropped == self._made_up, text)


def open_bus_part(process: Process) -> BusPart:
    """Open the bus of the site. Raises BadInput, BusUnavailable or BusRefused."""
    bus = open_bus(process.site.spec.bus.address or "", settings=process.bus_settings)
    process.at_end.callback(bus.close)
    return BusPart(bus, process.role, process.parts)
