"""Metric families as they are declared: from one value come what Prometheus reads, the reference page, and the checks.

Each layer declares those of what it knows, beside what fills them; ``service/metric_catalogue.py`` has them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from models.handovers import Direction
from models.nodes import Side

Sample = tuple[Sequence[str], float]  # the values of the labels, and the value


class Kind(StrEnum):
    """What the values of a family are."""

    GAUGE = "gauge"
    COUNTER = "counter"  # only ever rises, from 0 at each start; its name ends with _total
    HISTOGRAM = "histogram"  # counts by size; has _bucket, _sum and _count


class Unit(StrEnum):
    """What a value is measured in."""

    NODES = "nodes"
    SECONDS = "seconds"
    TIME = "seconds since 1970"
    SHARE = "share of one"
    COUNT = "number"
    TRUTH = "1 for yes, 0 for no"
    PRICE = "weighted node-hours"


@dataclass(frozen=True, slots=True)
class Label:
    """``values`` are all that it can have; where a policy says how many there are, they are empty and ``bound`` tells
    what does."""

    name: str
    values: tuple[str, ...] = ()
    bound: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """``name`` is without the endings that Prometheus gives a kind. ``lacks`` says when there is no sample: what is
    not known is left out and is no 0."""

    name: str
    kind: Kind
    unit: Unit
    help: str
    labels: tuple[Label, ...]
    lacks: str = ""

    @property
    def shown_as(self) -> str:
        """The name of its samples, as queries have it; a histogram's is without its endings."""
        return f"{self.name}_total" if self.kind is Kind.COUNTER else self.name

    def of(self, samples: Iterable[Sample] = ()) -> Metric:
        """The family with these samples; with none it is there all the same."""
        of_kind = CounterMetricFamily if self.kind is Kind.COUNTER else GaugeMetricFamily
        metric = of_kind(self.name, self.help, labels=[label.name for label in self.labels])
        for values, value in samples:
            metric.add_metric(values, value)
        return metric

    def of_sizes(self, samples: Iterable[tuple[Sequence[str], Sizes]]) -> Metric:
        """The same for a histogram."""
        metric = HistogramMetricFamily(self.name, self.help, labels=[label.name for label in self.labels])
        for values, sizes in samples:
            metric.add_metric(values, sizes.buckets(), sizes.sum)
        return metric


class Sizes:
    """How many values were no larger than each of ``bounds``, and what they come to together."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.sum = 0.0
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)

    def add(self, value: float) -> None:
        """Take in one value."""
        self.sum += value
        self._counts[sum(value > bound for bound in self._bounds)] += 1

    def buckets(self) -> list[tuple[str, float]]:
        """As Prometheus has them: each bucket holds the smaller ones, too."""
        names = [*map(repr, map(float, self._bounds)), "+Inf"]
        return [(name, float(sum(self._counts[: number + 1]))) for number, name in enumerate(names)]


POOL = Label("pool", bound="the pools of the policy")
SIDE = Label("side", tuple(Side))
DIRECTION = Label("direction", tuple(Direction))
HORIZON = Label("horizon", bound="the durations of `spec.forecast.horizons`, in their shortest form: `1h`, not `60m`")
