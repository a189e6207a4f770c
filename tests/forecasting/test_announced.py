"""What is announced comes on top of a forecast, and what the past has at that hour is not counted twice."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.announced import added, usual_step
from forecasting.boosting import Boosting
from forecasting.forecaster import DemandForecaster, NowForecaster, PersistenceForecaster
from forecasting.history import History
from forecasting.tree_fitting import Growth
from models.announced import Announced
from models.demand import Demand
from models.forecasts import Source
from models.nodes import Side
from models.observations import Observation

STEP_S, DAY = 300, 288
HORIZONS = np.array([900, 1800, 3600, 7200])
BEGINS = 24  # slots of each day: at two o'clock


def past(days: int, step: float = 0.0, on: tuple[int, ...] | None = None, noise: float = 0.0) -> History:
    """So many days and a quarter past one of the next; demand rises by ``step`` from two to four o'clock on days."""
    history = History(step_s=STEP_S, slots_max=40 * DAY, lookback=DAY, width=1)
    rng = np.random.default_rng(1)
    for slot in range(days * DAY + BEGINS - 9):
        rises = (on is None or slot // DAY in on) and BEGINS <= slot % DAY < 2 * BEGINS
        value = 20.0 + (step if rises else 0.0) + noise * rng.standard_normal()
        history.put(slot, max(0.0, value), np.zeros(1))
    return history


def tonight(days: int, nodes: float = 10.0, lasts_s: int | None = None) -> tuple[int, Announced]:
    """A quarter past one of the day after so many, and what is announced for two o'clock then."""
    now_s = (days * DAY + BEGINS - 10) * STEP_S
    return now_s, Announced((days * DAY + BEGINS) * STEP_S, Side.KUBERNETES, nodes, "nightly", lasts_s)


@pytest.mark.parametrize(
    ("history", "days", "expected"),
    [
        (None, 8, [0, 0, 10, 10]),
        (past(8), 8, [0, 0, 10, 10]),
        (past(8, 10.0), 8, [0, 0, 0, 0]),
        (past(8, 4.0), 8, [0, 0, 6, 6]),
        (past(8, 30.0), 8, [0, 0, 0, 0]),
        (past(8, -5.0), 8, [0, 0, 10, 10]),
        (past(8, 10.0, on=(4, 5, 6, 7)), 8, [0, 0, 0, 0]),
        (past(8, 10.0, on=(7,)), 8, [0, 0, 10, 10]),
        (past(14, 10.0, on=(0, 7)), 14, [0, 0, 0, 0]),
        (past(14, 10.0, on=(7,)), 14, [0, 0, 10, 10]),
        (past(1, 10.0), 1, [0, 0, 0, 0]),
        (past(0), 0, [0, 0, 10, 10]),
    ],
    ids=[
        "a forecast that knows no hours",
        "the past has nothing at that hour",
        "the past has all of it",
        "the past has some of it",
        "the past has more",
        "the past falls at that hour",
        "on most days",
        "on one day of seven",
        "on that day of the week, twice",
        "on that day of the week, once",
        "one day is known",
        "no day is known",
    ],
)
def test_what_exceeds_the_usual_step_of_that_hour_comes_on_top(history, days, expected):
    now_s, announced = tonight(days)
    on_top = added([announced], history, origin_s=0, now_s=now_s, horizons_s=HORIZONS)
    assert on_top.tolist() == expected


def test_what_ends_within_the_horizon_is_gone_by_then():
    now_s, announced = tonight(8, lasts_s=1800)
    assert added([announced], None, origin_s=0, now_s=now_s, horizons_s=HORIZONS).tolist() == [0, 0, 10, 0]


def test_of_several_that_begin_together_the_usual_step_is_taken_once():
    now_s, announced = tonight(8)
    on_top = added([announced, announced], past(8, 10.0), origin_s=0, now_s=now_s, horizons_s=HORIZONS)
    assert on_top.tolist() == [0, 0, 10, 10]


def test_noise_at_that_hour_is_taken_for_little():
    assert usual_step(past(8, noise=2.0), 8 * DAY + BEGINS) < 2.5
    assert 8.0 < usual_step(past(8, 10.0, noise=2.0), 8 * DAY + BEGINS) < 12.5


@pytest.mark.parametrize(
    ("make", "rises"),
    [
        (NowForecaster, 0.0),
        (PersistenceForecaster, 10.0),
        (lambda: DemandForecaster(how=Boosting(own=Growth(iterations=3), shared=Growth(iterations=3))), 10.0),
    ],
    ids=["now", "persistence", "no model yet"],
)
def test_a_forecaster_has_what_the_demand_announces(make, rises):
    forecasters = [make(), make()]
    for forecaster, announced in zip(forecasters, ((), (Announced(4000, Side.HPC, 10.0, "a"),)), strict=True):
        forecaster.observe(Observation(600, {Side.HPC: Demand(Side.HPC, 600, 20.0, 0.0, announced)}))
    without, with_it = (forecaster.forecast(600)[Side.HPC] for forecaster in forecasters)
    assert without.source in {Source.NOW, Source.PERSISTENCE}
    rise = np.asarray(with_it.values) - np.asarray(without.values)
    expected = [rises if 600 + ahead_s >= 4000 else 0.0 for ahead_s in with_it.horizons_s]
    assert [row.tolist() for row in rise] == [[more] * len(with_it.levels) for more in expected]
    assert with_it.now == without.now


def test_what_was_announced_is_forgotten_when_it_is_not_any_more():
    forecaster = PersistenceForecaster()
    for at_s, announced in ((600, (Announced(4000, Side.HPC, 10.0, "a"),)), (900, ())):
        forecaster.observe(Observation(at_s, {Side.HPC: Demand(Side.HPC, at_s, 20.0, 0.0, announced)}))
    assert {value for row in forecaster.forecast(900)[Side.HPC].values for value in row} == {20.0}
