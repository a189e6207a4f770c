"""Trust: every forecast is scored when its hour has come, and a model counts for as much as it has lately earned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_TRAILING_S = 5 * 86_400
_PRIOR_S = 6 * 3600
_TEMPERATURE = 0.01
_SHARES = np.array([0.0, 0.25, 0.5, 0.75, 1.0])


@dataclass(frozen=True, slots=True)
class Skill:
    """How what was published did at one horizon, against rolling persistence, over everything scored so far.

    ``pinball`` and ``mae`` are means in nodes (of the levels, and of the middle level); a skill is
    1 - own / persistence's, above zero where the forecast was better; ``coverage`` is the share of what came true
    within the outermost levels and ``coverage_wanted`` what it should be; ``share`` is the model's present weight.
    """

    horizon_s: int
    scored: int
    pinball: float
    pinball_persistence: float
    mae: float
    mae_persistence: float
    coverage: float
    coverage_wanted: float
    share: float

    @property
    def pinball_skill(self) -> float:
        """1 - pinball / persistence's; 0 where persistence made no error."""
        return 1 - self.pinball / self.pinball_persistence if self.pinball_persistence > 0 else 0.0

    @property
    def mae_skill(self) -> float:
        """1 - MAE / persistence's; 0 where persistence made no error."""
        return 1 - self.mae / self.mae_persistence if self.mae_persistence > 0 else 0.0


def pinball(error: NDArray[np.float64], levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pinball loss (Koenker and Bassett, 1978) of ``error`` = truth - quantile, along the last axis, in nodes."""
    loss: NDArray[np.float64] = np.maximum(levels * error, (levels - 1.0) * error)
    return loss


class Trust:
    """One side's record of forecasts made and what came of them.

    Persistence and the model are mixed, level by level, ``(1 - share) * persistence + share * model``. Each of a grid
    of shares is scored by its exponentially fading mean pinball loss, over about 5 days; the share in force is the
    mean of the grid weighted by ``exp(-excess / temperature)`` where excess is the loss relative to persistence's.
    A model that loses to persistence is thus out within a few multiples of the temperature (1 %).
    """

    def __init__(self, *, steps: NDArray[np.int64], levels: NDArray[np.float64], step_s: int) -> None:
        horizons, count = steps.size, levels.size
        self._steps, self._levels, self._step_s = steps, levels, step_s
        self._ring = int(steps.max()) + 1
        self._slots = np.full(self._ring, -1, dtype=np.int64)
        self._modelled = np.zeros(self._ring, dtype=np.bool_)
        self._made = np.zeros((self._ring, 3, horizons, count))  # persistence, model, published
        self._every = np.arange(horizons)
        self._fade = np.exp(-step_s / _TRAILING_S)
        self._losses = np.zeros((horizons, _SHARES.size))
        self._mass = np.zeros(horizons)
        self._totals = np.zeros((5, horizons))  # published and persistence: pinball, absolute error; covered
        self._scored = np.zeros(horizons, dtype=np.int64)
        self.shares = np.full(horizons, float(_SHARES.mean()))

    def mix(self, persistence: NDArray[np.float64], model: NDArray[np.float64] | None) -> NDArray[np.float64]:
        """The quantiles to publish, shape (H, Q), from persistence's and, where there is a model, the model's."""
        if model is None:
            return persistence
        return persistence + self.shares[:, None] * (model - persistence)

    def record(
        self,
        slot: int,
        persistence: NDArray[np.float64],
        model: NDArray[np.float64] | None,
        published: NDArray[np.float64],
    ) -> None:
        """Keep the forecasts made at ``slot`` (all of shape (H, Q), nodes) until they can be scored."""
        at = slot % self._ring
        self._slots[at] = slot
        self._modelled[at] = model is not None
        self._made[at, 0] = persistence
        self._made[at, 1] = persistence if model is None else model
        self._made[at, 2] = published

    def score(self, slot: int, truth: float) -> None:
        """Score every forecast that was made for ``slot``, now that its demand is known to be ``truth`` nodes."""
        origins = slot - self._steps
        at = origins % self._ring
        due = self._slots[at] == origins
        if not due.any():
            return
        made = self._made[at, :, self._every]  # (H, 3, Q)
        loss = pinball(truth - made, self._levels).mean(axis=2)  # (H, 3)
        self._count(made, loss, truth, due)
        modelled = due & self._modelled[at]
        if modelled.any():
            self._learn(made, truth, modelled)

    def _count(
        self, made: NDArray[np.float64], loss: NDArray[np.float64], truth: float, due: NDArray[np.bool_]
    ) -> None:
        """Add to the totals that ``skill`` reports."""
        middle = np.abs(truth - made[:, :, self._levels.size // 2])
        covered = (made[:, 2, 0] <= truth) & (truth <= made[:, 2, -1])
        self._totals += due * np.stack([loss[:, 2], loss[:, 0], middle[:, 2], middle[:, 0], covered])
        self._scored += due

    def _learn(self, made: NDArray[np.float64], truth: float, due: NDArray[np.bool_]) -> None:
        """Score the grid of shares and set the share in force."""
        mixed = made[:, :1] + _SHARES[:, None] * (made[:, 1:2] - made[:, :1])
        loss = pinball(truth - mixed, self._levels).mean(axis=2)
        fade = np.where(due, self._fade, 1.0)
        self._losses = self._losses * fade[:, None] + due[:, None] * loss
        self._mass = self._mass * fade + due
        mean = self._losses / np.maximum(self._mass, 1.0)[:, None]
        usual = mean[:, :1]
        excess = np.where(usual > 0, (mean - usual) / np.where(usual > 0, usual, 1.0), 0.0)
        sure = self._mass / (self._mass + _PRIOR_S / self._step_s)
        weights = np.exp(-np.clip(sure[:, None] * (excess - excess.min(axis=1, keepdims=True)) / _TEMPERATURE, 0, 50))
        self.shares = (weights @ _SHARES) / weights.sum(axis=1)

    def skill(self) -> tuple[Skill, ...]:
        """How the published forecasts did so far, one per horizon."""
        means = self._totals / np.maximum(self._scored, 1)
        wanted = float(self._levels[-1] - self._levels[0])
        return tuple(
            Skill(int(step) * self._step_s, int(scored), *map(float, column), wanted, float(share))
            for step, scored, column, share in zip(self._steps, self._scored, means.T, self.shares, strict=True)
        )
