"""What a side is expected to need at one hour, as far as its forecast and its outlook reach. Pure."""

from __future__ import annotations

import numpy as np

from models.forecasts import Forecast


def expected(forecast: Forecast, at_s: int) -> float:
    """The median of demand at one time, in nodes; before and beyond all that is foreseen the nearest holds."""
    known = {forecast.made_at_s: forecast.now}
    outlook = forecast.outlook
    if outlook is not None and outlook.levels:
        known |= _medians(outlook.made_at_s, outlook.horizons_s, outlook.levels, outlook.values)
        known = {when_s: nodes for when_s, nodes in known.items() if when_s > reach_s(forecast, alone=True)}
        known[forecast.made_at_s] = forecast.now
    known |= _medians(forecast.made_at_s, forecast.horizons_s, forecast.levels, forecast.values)
    times = sorted(known)
    return float(np.interp(at_s, times, [known[when_s] for when_s in times]))


def reach_s(forecast: Forecast, *, alone: bool = False) -> int:
    """The last time of which anything is foreseen; ``alone``: by the forecast without its outlook."""
    last_s = forecast.made_at_s + forecast.horizons_s[-1]
    outlook = forecast.outlook
    if alone or outlook is None or not outlook.horizons_s:
        return last_s
    return max(last_s, outlook.made_at_s + outlook.horizons_s[-1])


def _medians(
    made_at_s: int, horizons_s: tuple[int, ...], levels: tuple[float, ...], values: tuple[tuple[float, ...], ...]
) -> dict[int, float]:
    rows = zip(horizons_s, values, strict=True)
    return {made_at_s + ahead_s: float(np.interp(0.5, levels, row)) for ahead_s, row in rows}
