"""The forecasters: demand as it is seen goes in, quantiles of demand to come come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from forecasting.boosting import Boosting
from forecasting.demand import WorkLedger
from forecasting.side import DEMAND_MAX, GRID_MIN_S, STALE_S, SideForecaster
from forecasting.trust import Skill
from models.demand import Demand
from models.forecasts import Forecast, Source, flat, of_arrays
from models.nodes import Side
from models.observations import Observation

HORIZONS_S = (900, 1800, 3600, 7200)
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
DAY_S = 86_400
_HORIZON_MAX_S = 30 * DAY_S


class DemandForecaster:
    """Quantiles of each side's demand from the side's own past: boosted trees mixed with rolling persistence.

    Samples lie on a grid of ``every_s`` (at least 5 minutes) that begins at the first observation; a horizon is
    rounded up to whole steps. A side not observed within the last half hour (or two steps) is not forecast. The first
    model is fitted after a day; refits follow at a growing distance until they are ``refit_every_s`` apart. With
    ``pool_nodes``, or those of an observation, no quantile exceeds the pool plus its queue. Equal calls with an equal
    ``seed`` give equal bytes. Of an observation's signals those named in ``signals`` are learned from, and no others.
    """

    def __init__(
        self,
        *,
        pool_nodes: float | None = None,
        horizons_s: tuple[int, ...] = HORIZONS_S,
        every_s: int = 300,
        refit_every_s: int | None = DAY_S,
        seed: int = 0,
        levels: tuple[float, ...] = LEVELS,
        how: Boosting | None = None,
        signals: Sequence[str] = (),
    ) -> None:
        _check(horizons_s, levels, every_s)
        self._step_s = max(every_s, GRID_MIN_S)
        self._ledger = WorkLedger(step_s=self._step_s)
        self._origin_s: int | None = None
        self._horizons_s = np.asarray(horizons_s, dtype=np.int64)
        self._levels = np.asarray(levels, dtype=np.float64)
        self._pool_nodes = pool_nodes
        self._refit_every_s = refit_every_s
        self._seed = seed
        self._how = how or Boosting()
        self._signals = tuple(signals)
        self._sides: dict[Side, SideForecaster] = {}

    def observe(self, observation: Observation) -> None:
        """Take in what was seen. Of an instant before the last one only the records count."""
        now_s, demand = observation.at_s, observation.demand
        if self._origin_s is None:
            self._origin_s = now_s
        self._ledger.apply(observation.records, now_s)
        known = [observation.signals.get(name, np.nan) for name in self._signals]
        for side in sorted(demand):
            other = demand.get(side.other)
            level = np.nan if other is None else min(other.nodes, DEMAND_MAX)
            columns = np.append(self._ledger.queue_state(side, now_s), [level, *known])
            self._side(side, self._origin_s).observe(now_s, demand[side], columns, observation.pool_nodes)

    def _side(self, side: Side, origin_s: int) -> SideForecaster:
        """The side's forecaster, made when the side is first seen."""
        if side not in self._sides:
            self._sides[side] = SideForecaster(
                origin_s=origin_s,
                step_s=self._step_s,
                horizons_s=self._horizons_s,
                levels=self._levels,
                refit_every_s=self._refit_every_s,
                seed=self._seed,
                how=self._how,
                signals=len(self._signals),
            )
            self._sides[side].pool_nodes = self._pool_nodes
        return self._sides[side]

    def forecast(self, now_s: int) -> Mapping[Side, Forecast]:
        """One forecast per side that was observed lately. ValueError for a time before the last observation."""
        forecasts = {}
        for side, one in self._sides.items():
            if now_s - one.seen_s > max(STALE_S, 2 * self._step_s):
                continue
            now, values, source = one.forecast(now_s)
            forecasts[side] = of_arrays(side, now_s, now, self._horizons_s, self._levels, values, source)
        return forecasts

    @property
    def refits(self) -> int:
        """How many fits were tried so far, on all sides together."""
        return sum(one.refits for one in self._sides.values())

    @property
    def fitted(self) -> frozenset[Side]:
        """The sides for which there is a model, trusted or not."""
        return frozenset(side for side, one in self._sides.items() if one.fitted)

    def skill(self) -> Mapping[Side, tuple[Skill, ...]]:
        """Per side, one score per horizon of everything that came true so far."""
        return {side: one.trust.skill() for side, one in self._sides.items()}


class PersistenceForecaster(DemandForecaster):
    """Rolling persistence only: what is there stays, give or take what demand did over the last 7 days."""

    def __init__(
        self,
        *,
        pool_nodes: float | None = None,
        horizons_s: tuple[int, ...] = HORIZONS_S,
        every_s: int = 300,
        levels: tuple[float, ...] = LEVELS,
    ) -> None:
        super().__init__(
            pool_nodes=pool_nodes, horizons_s=horizons_s, every_s=every_s, refit_every_s=None, levels=levels
        )


class NowForecaster:
    """What is there now stays, without any spread: all that a reactive controller knows."""

    def __init__(self, *, horizons_s: tuple[int, ...] = HORIZONS_S) -> None:
        self._horizons_s = horizons_s
        self._latest: dict[Side, Demand] = {}

    def observe(self, observation: Observation) -> None:
        """Remember the demand."""
        self._latest |= observation.demand

    def forecast(self, now_s: int) -> Mapping[Side, Forecast]:
        """One flat forecast per side that was observed lately."""
        return {
            side: flat(side, now_s, latest.nodes, self._horizons_s, Source.NOW)
            for side, latest in self._latest.items()
            if now_s - latest.at_s <= STALE_S
        }


def _check(horizons_s: tuple[int, ...], levels: tuple[float, ...], every_s: int) -> None:
    """ValueError unless horizons rise within (0, 30 days] and levels within (0, 1)."""

    def rises(values: NDArray[np.float64]) -> bool:
        return values.size > 0 and bool((np.diff(values) > 0).all())

    if not rises(np.asarray(horizons_s, dtype=np.float64)) or not 0 < horizons_s[0] <= horizons_s[-1] <= _HORIZON_MAX_S:
        raise ValueError(f"horizons must rise within (0, {_HORIZON_MAX_S}] seconds, not {horizons_s}")
    if not rises(np.asarray(levels, dtype=np.float64)) or not 0 < levels[0] <= levels[-1] < 1:
        raise ValueError(f"levels must rise within (0, 1), not {levels}")
    if every_s <= 0:
        raise ValueError(f"every_s must be above zero, not {every_s}")
