"""Trust: every forecast is scored when its hour has come, and a model counts for as much as it has lately earned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.conformal import AdaptiveWidth

_TRAILING_S = 5 * 86_400
_PRIOR_S = 6 * 3600
_TEMPERATURE = 0.003


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

    ``experts`` forecasts are mixed level by level; the first is persistence. Each mixture of a small grid is scored by
    its exponentially fading mean pinball loss, over about 5 days. The weights in force, ``weights`` (H, E), are the
    mean of the grid weighted by ``exp(-excess / temperature)``, where excess is the loss above the best mixture's,
    relative to persistence's. A model that loses to persistence is thus out within a few multiples of the temperature
    (0.3 %). What is mixed is stretched by ``AdaptiveWidth``; persistence alone is published as it is.
    """

    def __init__(self, *, steps: NDArray[np.int64], levels: NDArray[np.float64], step_s: int, experts: int = 1) -> None:
        horizons, count = steps.size, levels.size
        self._steps, self._levels, self._step_s = steps, levels, step_s
        self._ring = int(steps.max()) + 1
        self._slots = np.full(self._ring, -1, dtype=np.int64)
        self._modelled = np.zeros(self._ring, dtype=np.bool_)
        self._made = np.zeros((self._ring, horizons, experts + 1, count))  # the experts', then the published
        self._every = np.arange(horizons)
        self._grid = _grid(experts)
        self._width = AdaptiveWidth(horizons=horizons, levels=levels)
        self._fade = np.exp(-step_s / _TRAILING_S)
        self._losses = np.zeros((horizons, len(self._grid)))
        self._mass = np.zeros(horizons)
        self._totals = np.zeros((5, horizons))  # published and persistence: pinball, absolute error; covered
        self._scored = np.zeros(horizons, dtype=np.int64)
        self.weights = np.tile(self._grid.mean(axis=0), (horizons, 1))

    def publish(
        self, slot: int, persistence: NDArray[np.float64], models: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """The quantiles to publish at ``slot``, (H, Q), from persistence's (H, Q) and the models' (E - 1, H, Q).

        Without models it is persistence. They are kept, with what they were mixed from, until they can be scored.
        """
        at = slot % self._ring
        self._slots[at] = slot
        self._modelled[at] = models is not None
        made = self._made[at]
        made[:] = persistence[:, None]
        if models is not None:
            made[:, 1:-1] = models.swapaxes(0, 1)
            made[:, -1] = np.maximum(self._width.apply((self.weights[:, None] @ made[:, :-1])[:, 0]), 0.0)
        published: NDArray[np.float64] = made[:, -1].copy()
        return published

    def score(self, slot: int, truth: float) -> None:
        """Score every forecast that was made for ``slot``, now that its demand is known to be ``truth`` nodes."""
        origins = slot - self._steps
        at = origins % self._ring
        due = self._slots[at] == origins
        if not due.any():
            return
        made = self._made[at, self._every]  # (H, E + 1, Q)
        self._count(made, truth, due)
        modelled = due & self._modelled[at]
        if modelled.any():
            self._learn(made[:, :-1], truth, modelled)
            self._width.learn(made[:, -1], truth, modelled)

    def _count(self, made: NDArray[np.float64], truth: float, due: NDArray[np.bool_]) -> None:
        """Add to the totals that ``skill`` reports."""
        ends = made[:, [-1, 0]]
        loss = pinball(truth - ends, self._levels).mean(axis=2)
        middle = np.abs(truth - ends[:, :, self._levels.size // 2])
        covered = (made[:, -1, 0] <= truth) & (truth <= made[:, -1, -1])
        self._totals += due * np.concatenate([loss.T, middle.T, covered[None]])
        self._scored += due

    def _learn(self, made: NDArray[np.float64], truth: float, due: NDArray[np.bool_]) -> None:
        """Score the grid of mixtures and set the weights in force."""
        loss = pinball(truth - self._grid @ made, self._levels).mean(axis=2)
        fade = np.where(due, self._fade, 1.0)
        self._losses = self._losses * fade[:, None] + due[:, None] * loss
        self._mass = self._mass * fade + due
        mean = self._losses / np.maximum(self._mass, 1.0)[:, None]
        usual = np.where(mean[:, :1] > 0, mean[:, :1], 1.0)
        sure = self._mass / (self._mass + _PRIOR_S / self._step_s)
        with np.errstate(over="ignore"):  # by a usual loss near zero; it is bounded right after
            excess = (mean - mean.min(axis=1, keepdims=True)) / usual
            odds = np.exp(-np.minimum(sure[:, None] * excess / _TEMPERATURE, 50.0))
        self.weights = (odds @ self._grid) / odds.sum(axis=1, keepdims=True)

    def skill(self) -> tuple[Skill, ...]:
        """How the published forecasts did so far, one per horizon."""
        means = self._totals / np.maximum(self._scored, 1)
        wanted = float(self._levels[-1] - self._levels[0])
        share = 1.0 - self.weights[:, 0]
        return tuple(
            Skill(
                horizon_s=int(step) * self._step_s,
                scored=int(self._scored[at]),
                pinball=float(means[0, at]),
                pinball_persistence=float(means[1, at]),
                mae=float(means[2, at]),
                mae_persistence=float(means[3, at]),
                coverage=float(means[4, at]),
                coverage_wanted=wanted,
                share=float(share[at]),
            )
            for at, step in enumerate(self._steps)
        )


def _grid(experts: int) -> NDArray[np.float64]:
    """All ways to hand out four quarters of the weight among the experts, shape (G, E)."""
    ways = [[quarters] for quarters in range(5)]
    for _ in range(experts - 1):
        ways = [[*way, quarters] for way in ways for quarters in range(5 - sum(way))]
    return np.array([way for way in ways if sum(way) == 4]) / 4.0
