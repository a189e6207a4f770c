"""The metrics of the event bus, as Prometheus reads them: what was lost or put aside must be seen by somebody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from models.bus import Bus
from models.metrics import Family, Kind, Label, Unit

ROLE = Label("role", bound="the role of the process, as `tidegate run --role` has it")
READER = Label("reader", ("forecasting", "forecasts-for-control", "events-for-control", "page"))
HELP = {
    "published": "Events handed to the bus.",
    "delivered": "Events that the broker, or the file, has.",
    "spooled": "Events that waited on disk while the broker was away.",
    "dropped": "Events lost because too many waited; their topics were told anew.",
    "dead_letters": "Messages put aside because they could not be used or sent.",
    "received": "Messages read.",
    "unknown": "Messages of a type that this release does not know, ignored.",
    "gaps": "Times that a reader could not have seen everything.",
}
"""One counter for each field of ``BusCounts``."""
COUNTERS = {
    name: Family(f"tidegate_bus_{name}", Kind.COUNTER, Unit.COUNT, text, (ROLE,)) for name, text in HELP.items()
}
LAG = Family(
    "tidegate_bus_lag_messages",
    Kind.GAUGE,
    Unit.COUNT,
    "Messages on the bus that a reader has not read yet, as of at most half a minute ago.",
    (ROLE, READER),
    "while the bus does not say",
)
FAMILIES = (*COUNTERS.values(), LAG)


class BusMetrics(Collector):
    """Read from a bus whenever someone asks; ``lags`` is by reader. ``role`` is that of the process with the bus."""

    def __init__(self, bus: Bus, role: str, lags: Mapping[str, int]) -> None:
        self._bus = bus
        self._role = role
        self._lags = lags

    def collect(self) -> Iterator[Metric]:
        """One counter for each thing that is counted, and how far behind each reader is."""
        counts = self._bus.counts
        for name, family in COUNTERS.items():
            yield family.of([((self._role,), getattr(counts, name))])
        yield LAG.of(((self._role, reader), lag) for reader, lag in self._lags.items())
