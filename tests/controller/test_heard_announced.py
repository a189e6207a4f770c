"""What a side itself announces may be foreseen beside ``forecast.aheadMost``; what only the bus says may not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.decide.decide import decide
from controller.heard_forecasts import counted
from forecasting.forecaster import PersistenceForecaster
from models.announced import Announced
from models.demand import Demand
from models.forecasts import Forecast, Source
from models.nodes import Side
from models.observations import Observation
from models.policies import MovesPolicy
from models.snapshot import SideView
from models.work import WaitingWork
from tests.connectors.local.entries import decided

KUBERNETES = Side.KUBERNETES
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


@pytest.mark.parametrize(
    ("begins_in_s", "lasts_s", "moves"),
    [(None, None, 0), (900, None, 4), (3600, None, 0), (7 * 3600, None, 0), (800, 60, 0), (-60, None, 0)],
    ids=[
        "nothing is announced",
        "as soon as a node can be there",
        "there is time yet",
        "beyond the look-ahead",
        "it is over by then",
        "it has begun, and so is demand",
    ],
)
def test_nodes_are_there_for_what_is_announced(begins_in_s: int | None, lasts_s: int | None, moves: int):
    entry = decided(now_s=NOW_S)
    later = () if begins_in_s is None else (Announced(NOW_S + begins_in_s, KUBERNETES, 4.0, "nightly", lasts_s),)
    demand = Demand(KUBERNETES, NOW_S, 0.0, 0.0, later)
    forecaster = PersistenceForecaster(pool_nodes=8)
    forecaster.observe(Observation(NOW_S, {KUBERNETES: demand}))
    heard = counted(forecaster.forecast(NOW_S)[KUBERNETES], demand, 8, 1)
    side = SideView(demand, WaitingWork(KUBERNETES, ()), heard)
    snapshot = replace(entry.snapshot, sides={**entry.snapshot.sides, KUBERNETES: side})
    assert len(decide(snapshot, entry.pool, MovesPolicy(at_once="100%")).moves) == moves
