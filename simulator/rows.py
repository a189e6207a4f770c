"""What is seen at each turn of a replay, for the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from models.demand import Demand
from models.forecasts import Forecast
from models.nodes import Side
from simulator.outcome import Band, Timeline

LEVELS_SHOWN = (0.1, 0.5, 0.9)


@dataclass(slots=True)
class Rows:
    """What was seen at each turn so far."""

    times_s: list[int] = field(default_factory=list)
    owned: list[tuple[int, int, int]] = field(default_factory=list)
    demand: list[tuple[float, float]] = field(default_factory=list)
    bands: dict[tuple[Side, int], list[tuple[float, float, float]]] = field(default_factory=dict)

    def note(
        self,
        now_s: int,
        demand: Mapping[Side, Demand],
        owned: tuple[int, int],
        nodes: int,
        forecasts: Mapping[Side, Forecast],
    ) -> None:
        """Note a turn: demand and forecasts as it met them, and how many of the ``nodes`` each side owned after it."""
        self.times_s.append(now_s)
        self.demand.append((demand[Side.HPC].nodes, demand[Side.KUBERNETES].nodes))
        self.owned.append((*owned, nodes - sum(owned)))
        for side, forecast in forecasts.items():
            if len(forecast.levels) == 1:
                continue
            for number, horizon_s in enumerate(forecast.horizons_s):
                band = np.interp(LEVELS_SHOWN, forecast.levels, forecast.values[number])
                self.bands.setdefault((side, horizon_s), []).append((band[0], band[1], band[2]))

    def timeline(self) -> Timeline:
        """The rows as columns."""
        owned = np.array(self.owned, dtype=np.float64).reshape(-1, 3)
        demand = np.array(self.demand, dtype=np.float64).reshape(-1, 2)
        times_s = np.array(self.times_s, dtype=np.int64)
        return Timeline(times_s, owned[:, 0], owned[:, 1], owned[:, 2], demand[:, 0], demand[:, 1])

    def shown_bands(self) -> tuple[Band, ...]:
        """The forecast bands as columns."""
        times_s = np.array(self.times_s, dtype=np.int64)
        return tuple(
            Band(side, horizon_s, times_s, *np.array(rows).T) for (side, horizon_s), rows in self.bands.items()
        )
