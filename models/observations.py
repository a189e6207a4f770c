"""Observations: everything that a forecaster may learn from one instant, and nothing from after it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from models.demand import Demand
from models.nodes import Side
from models.signals import SIGNALS_MOST
from models.work import WorkRecord


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen at ``at_s``.

    ``demand`` by side, without a side that could not be seen; ``records`` is every one that changed since the last
    observation; ``pool_nodes`` the nodes of the pool, None where it is as before. ``signals`` are Prometheus series by
    name, each with its value then, a series without one left out. What is known to begin later is in the demand.
    """

    at_s: int
    demand: Mapping[Side, Demand]
    records: tuple[WorkRecord, ...] = ()
    pool_nodes: int | None = None
    signals: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.pool_nodes is not None and self.pool_nodes < 0:
            raise ValueError(f"a pool cannot have {self.pool_nodes} nodes")
        if len(self.signals) > SIGNALS_MOST or not all(map(math.isfinite, self.signals.values())):
            raise ValueError(f"signals are at most {SIGNALS_MOST} finite numbers, not {dict(self.signals)}")
