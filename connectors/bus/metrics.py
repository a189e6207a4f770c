"""The metrics of the event bus, as Prometheus reads them: what was lost or put aside must be seen by somebody."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from models.bus import Bus

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


class BusMetrics(Collector):
    """Read from a bus whenever someone asks. The only label is the role of the process that has the bus."""

    def __init__(self, bus: Bus, role: str) -> None:
        self._bus = bus
        self._role = role

    def collect(self) -> Iterator[Metric]:
        """One counter for each thing that is counted."""
        counts = self._bus.counts
        for name, text in HELP.items():
            counter = CounterMetricFamily(f"tidegate_bus_{name}", text, labels=["role"])
            counter.add_metric([self._role], getattr(counts, name))
            yield counter
