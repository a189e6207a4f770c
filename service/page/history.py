"""What came and what had been said, of the last two days: thinned to a grid and bounded, however much is told."""

from __future__ import annotations

from collections import deque

from models.forecasts import Forecast
from models.plans import Plan
from service.page.model import Line

GRID_S = 300
KEPT_S = 2 * 86_400
MOST = KEPT_S // GRID_S
SAID_S = 3600  # how long before a time what was forecast for it is compared


class Track:
    """Rows of numbers over time: the first of each ``GRID_S``, and the newest."""

    def __init__(self) -> None:
        self._rows: deque[tuple[int, tuple[float, ...]]] = deque(maxlen=MOST)
        self._newest: tuple[int, tuple[float, ...]] | None = None

    def take(self, at_s: int, row: tuple[float, ...]) -> None:
        """Add a row; one that is earlier than the newest changes nothing."""
        if self._newest is not None and at_s <= self._newest[0]:
            return
        self._newest = at_s, row
        if not self._rows or at_s // GRID_S > self._rows[-1][0] // GRID_S:
            self._rows.append((at_s, row))

    def line(self, now_s: int) -> Line:
        """What there is of the last two days."""
        rows = [one for one in self._rows if one[0] >= now_s - KEPT_S]
        if self._newest is not None and rows and rows[-1] != self._newest:
            rows.append(self._newest)
        return Line(tuple(at_s for at_s, _ in rows), tuple(row for _, row in rows))


class SideHistory:
    """One side's demand as it came, and as it had been forecast an hour before."""

    def __init__(self) -> None:
        self.came = Track()
        self.said = Track()

    def take(self, forecast: Forecast) -> None:
        """A forecast tells what is there, and what will be: that is compared once its hour has come."""
        self.came.take(forecast.made_at_s, (round(forecast.now, 2),))
        horizon_s = min(forecast.horizons_s, key=lambda one: abs(one - SAID_S))
        if SAID_S / 2 <= horizon_s <= 2 * SAID_S:
            row = forecast.values[forecast.horizons_s.index(horizon_s)]
            shown = tuple(round(value, 2) for value in (row[0], row[len(row) // 2], row[-1]))
            self.said.take(forecast.made_at_s + horizon_s, shown)


def owned_by(plan: Plan, left_out: int) -> tuple[float, float, float]:
    """How many nodes HPC has, how many Kubernetes, and how many are in between, at the time of a plan.

    A plan counts those on their way with the side that they go to, so none are in between.
    """
    whole = len(plan.moves) + sum(len(one.nodes) for one in plan.rejections) + left_out
    kubernetes = min(plan.current, whole)
    return float(whole - kubernetes), float(kubernetes), 0.0
