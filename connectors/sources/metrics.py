"""The metrics of a source: when it was last read, and whether it can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from connectors.sources.standing import Standing
from models.metrics import POOL, SIDE, Family, Kind, Unit
from models.nodes import Side

READ = Family(
    "tidegate_source_read_timestamp_seconds",
    Kind.GAUGE,
    Unit.TIME,
    "When the side was as it was last seen; it is looked at again for each decision at the latest.",
    (POOL, SIDE),
)
UNREAD = Family(
    "tidegate_source_unread",
    Kind.GAUGE,
    Unit.TRUTH,
    "Whether the side could not be read when that was last tried: what it showed before still stands.",
    (POOL, SIDE),
)
FAMILIES = (READ, UNREAD)


class SourceMetrics(Collector):
    """One side of each pool."""

    def __init__(self, side: Side, sources: Mapping[str, Standing[Any]]) -> None:
        self._side = side
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """A source that was never read has no time."""
        read = ((pool, source.shown_s) for pool, source in self._sources.items())
        yield READ.of(((pool, self._side), at_s) for pool, at_s in read if at_s is not None)
        yield UNREAD.of(((pool, self._side), source.unread) for pool, source in self._sources.items())
