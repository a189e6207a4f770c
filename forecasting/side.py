"""One side's forecaster: its history, its experts, and how far the model is trusted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forecasting.announced import added
from forecasting.boosting import FORESTS, Boosting, QuantileModel, fit
from forecasting.features import COLUMNS, DAY_S, Features
from forecasting.history import History
from forecasting.persistence import RollingPersistence
from forecasting.trust import Trust
from models.announced import Announced
from models.demand import Demand
from models.forecasts import Source

GRID_MIN_S = 300
STALE_S = 1800
DEMAND_MAX = 1e9  # nodes; more is taken as this many, so that no sum of squares can overflow
_HISTORY_MAX_S = 120 * DAY_S
_FIRST_FIT_S = DAY_S
_WEEK_S = 7 * DAY_S
_REFIT_GAP_MIN_S = DAY_S // 2
_TRUSTED_SHARE = 0.1  # with less of the model in the mix than this, the forecast is called persistence


class SideForecaster:
    """Forecasts one side's demand at every horizon and level.

    ``horizons_s`` has shape (H,), ``levels`` (Q,). ``origin_s`` is the time of slot 0 of the grid. ``signals`` columns
    follow those of ``COLUMNS``. ``pool_nodes`` is what the pool has until an observation says it.
    """

    def __init__(
        self,
        *,
        origin_s: int,
        step_s: int,
        horizons_s: NDArray[np.int64],
        levels: NDArray[np.float64],
        refit_every_s: int | None,
        seed: int,
        how: Boosting,
        signals: int = 0,
    ) -> None:
        self._origin_s, self._step_s = origin_s, step_s
        self._steps = np.maximum(1, -(-horizons_s // step_s))
        self._levels = levels
        self.pool_nodes: float | None = None
        self._refit_every_s = refit_every_s
        self._seed, self._how = seed, how
        self._features = Features(step_s=step_s, steps=self._steps)
        self._history = History(
            step_s=step_s,
            slots_max=_HISTORY_MAX_S // step_s,
            lookback=self._features.lookback,
            width=len(COLUMNS) + signals,
            held=len(COLUMNS),
        )
        self._persistence = RollingPersistence(steps=self._steps, levels=levels)
        self._model: QuantileModel | None = None
        self._first_slot: int | None = None
        self._refit_slot = 0
        self._queue_max = 0.0
        self._announced: tuple[Announced, ...] = ()
        experts = 1 if refit_every_s is None else 1 + len(FORESTS)
        self.trust = Trust(steps=self._steps, levels=levels, step_s=step_s, experts=experts)
        self.seen_s = origin_s
        self.refits = 0

    @property
    def fitted(self) -> bool:
        """Whether there is a model, trusted or not."""
        return self._model is not None

    def observe(
        self, now_s: int, demand: Demand, columns: NDArray[np.float64], pool_nodes: float | None = None
    ) -> None:
        """Take in one sample, score what was forecast for it, and refit when that is due.

        Of several samples for one slot of the grid the last counts, and the first is scored; a late one is ignored.
        """
        if now_s < self.seen_s:
            return
        self.seen_s = now_s
        self._announced = demand.announced
        if pool_nodes is not None:
            self.pool_nodes = pool_nodes
        slot = (now_s - self._origin_s + self._step_s // 2) // self._step_s
        value = min(demand.nodes, DEMAND_MAX)
        self._queue_max = max(self._queue_max, min(demand.waiting, DEMAND_MAX))
        if self._first_slot is None:
            self._first_slot = slot
            self._refit_slot = slot + _FIRST_FIT_S // self._step_s + int(self._steps.max())
        if not self._history.put(slot, value, columns):
            return
        self.trust.score(slot, value)
        if self._refit_every_s is not None and slot >= self._refit_slot:
            self._refit(self._refit_every_s, (slot - self._first_slot) * self._step_s)

    def _refit(self, every_s: int, age_s: int) -> None:
        """Fit on all that is known. The next fit comes after half the history's age: from half a day to ``every_s``."""
        gap_s = min(every_s, max(_REFIT_GAP_MIN_S, age_s // 2))
        self._refit_slot = self._history.last_slot + max(1, gap_s // self._step_s)
        self.refits += 1
        self._model = fit(
            self._history,
            self._features,
            self._steps,
            self._levels,
            origin_s=self._origin_s,
            seed=self._seed,
            how=self._how,
        )

    def forecast(self, now_s: int) -> tuple[float, NDArray[np.float64], Source]:
        """Demand now, its quantiles of shape (H, Q) in nodes, and where they come from. What is announced is in them.

        ValueError for a ``now_s`` before the last observation: what was seen since would be a look into the future.
        """
        if now_s < self.seen_s:
            raise ValueError(f"a forecast for {now_s} s cannot be made after an observation at {self.seen_s} s")
        history = self._history
        now = float(history.values[-1])
        persistence = self._possible(now + self._persistence.offsets(history), now)
        models = None
        if self._model is not None:
            models = self._possible(now + self._model.moves(self._row()), now)
        published = self.trust.publish(history.last_slot, persistence, models)
        trusted = models is not None and float(self.trust.weights[:, 0].min()) <= 1.0 - _TRUSTED_SHARE
        source = Source.MODEL if trusted else Source.PERSISTENCE
        return now, published + self._on_top(now_s, source)[:, None], source

    def _on_top(self, now_s: int, source: Source) -> NDArray[np.float64]:
        """What is announced and not in the forecast already, at each horizon, shape (H,)."""
        return added(
            self._announced,
            self._history if source is Source.MODEL else None,
            origin_s=self._origin_s,
            now_s=now_s,
            horizons_s=self._steps * self._step_s,
        )

    def _row(self) -> NDArray[np.float64]:
        """The features of the last sample, shape (F,)."""
        history = self._history
        rows = np.array([history.size - 1], dtype=np.int64)
        times_s = self._origin_s + (history.first_slot + rows) * self._step_s
        row: NDArray[np.float64] = self._features.matrix(history.values, history.columns, rows, times_s)[0]
        return row

    def _possible(self, values: NDArray[np.float64], now: float) -> NDArray[np.float64]:
        """Quantiles brought into [0, pool + queue], where the queue may double and counts as one pool at least.

        Once a day is known none exceeds the most demand of the last week either: moves from a high level are seldom
        upward, which the few that were seen from there do not tell.
        """
        most = np.inf
        if self.pool_nodes is not None:
            most = self.pool_nodes + max(self.pool_nodes, 2 * self._queue_max)
        if self._history.samples * self._step_s >= DAY_S:
            most = min(most, float(np.nanmax(self._history.values[-(_WEEK_S // self._step_s) :])))
        return np.clip(values, 0.0, max(most, now))
