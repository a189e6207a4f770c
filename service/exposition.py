"""What a process shows to Prometheus: the families of all its parts, each once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from service.part import Part


def exposition(parts: Iterable[Part]) -> bytes:
    """The text as Prometheus reads it."""
    registry = CollectorRegistry()
    registry.register(_Joined([collector for part in parts for collector in part.metrics()]))
    return generate_latest(registry)


def joined(collectors: Iterable[Collector]) -> Iterator[Metric]:
    """Families of one name, which several parts may have, become one: a scrape that has one twice is refused."""
    families: dict[str, Metric] = {}
    for collector in collectors:
        for metric in collector.collect():
            if (known := families.get(metric.name)) is None:
                families[metric.name] = metric
            else:
                known.samples.extend(metric.samples)
    yield from families.values()


class _Joined(Collector):
    def __init__(self, collectors: list[Collector]) -> None:
        self._collectors = collectors

    def collect(self) -> Iterator[Metric]:
        return joined(self._collectors)
