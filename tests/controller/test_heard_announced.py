"""What a side itself announces may be foreseen beside ``forecast.aheadMost``; what only the bus says may not."""

from __future__ import annotations

import pytest

from controller.heard_forecasts import counted
from models.announced import Announced
from models.demand import Demand
from models.forecasts import Forecast, Source
from models.nodes import Side

NOW_S, POOL, AHEAD_MOST = 1_000_000, 40, 8


def forecast(*values: float) -> Forecast:
    """Of a quarter of an hour, an hour and two hours ahead; demand is 10 now."""
    rows = tuple((value,) for value in values)
    return Forecast(Side.HPC, NOW_S, 10.0, (900, 3600, 7200), (0.5,), rows, Source.MODEL)


@pytest.mark.parametrize(
    ("announced", "told", "counts"),
    [
        ((), (18, 18, 18), (18, 18, 18)),
        ((), (30, 30, 30), (18, 18, 18)),
        ((Announced(NOW_S + 1800, Side.HPC, 12.0, "a"),), (18, 30, 30), (18, 30, 30)),
        ((Announced(NOW_S + 1800, Side.HPC, 12.0, "a"),), (30, 35, 35), (18, 30, 30)),
        ((Announced(NOW_S + 1800, Side.HPC, 12.0, "a", 3600),), (30, 35, 35), (18, 30, 18)),
        ((Announced(NOW_S + 1800, Side.HPC, 90.0, "a"),), (10, 99, 99), (10, 40, 40)),
    ],
    ids=[
        "within the bound",
        "beyond it, and nothing is announced",
        "what is announced comes on top from its hour on",
        "and no more than that",
        "until it has ended",
        "and no more than the pool has",
    ],
)
def test_how_far_a_forecast_counts(announced, told, counts):
    demand = Demand(Side.HPC, NOW_S, 10.0, 0.0, announced)
    assert [row[0] for row in counted(forecast(*told), demand, POOL, AHEAD_MOST).values] == list(counts)
