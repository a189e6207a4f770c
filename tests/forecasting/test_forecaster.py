"""The forecasters behind their port: no future, no chance, no nonsense, whatever the series."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from forecasting.boosting import Boosting
from forecasting.forecaster import HORIZONS_S, DemandForecaster, NowForecaster, PersistenceForecaster
from forecasting.tree_fitting import Growth
from models.forecasts import Forecast, Source
from models.nodes import Side
from models.observations import Observation
from models.ports import Forecaster
from models.work import WorkRecord, WorkState
from tests.forecasting.demand_series import DAY, STEP_S, daily, demand, drive

TRACES = Path(__file__).parents[3] / "shared" / "traces"
FEW = Boosting(own=Growth(iterations=3), shared=Growth(iterations=3))
DAYS = 86_400


def quick(seed: int = 0, pool_nodes: float | None = 100.0) -> DemandForecaster:
    """A forecaster whose fits take a few milliseconds."""
    return DemandForecaster(pool_nodes=pool_nodes, seed=seed, how=FEW)


MAKERS: dict[str, Callable[[], Forecaster]] = {
    "now": NowForecaster,
    "persistence": PersistenceForecaster,
    "model": quick,
}


def values_of(forecasts: Iterable[Forecast]) -> list[tuple[tuple[float, ...], ...]]:
    return [each.values for each in forecasts]


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_first_forecast_says_what_is_there_stays(make: Callable[[], Forecaster]):
    first = next(drive(make(), [7.0]))
    assert {value for row in first.values for value in row} == {7.0}
    assert first.now == 7.0
    assert tuple(first.horizons_s) == HORIZONS_S


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_before_any_observation_there_is_no_forecast(make: Callable[[], Forecaster]):
    assert make().forecast(0) == {}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_the_future_cannot_be_seen(make: Callable[[], Forecaster]):
    series = daily(2.5)
    other = series.copy()
    cut = int(1.8 * DAY)
    other[cut:] = 90.0
    before = list(drive(make(), series))
    after = list(drive(make(), other))
    assert values_of(before[:cut]) == values_of(after[:cut])
    assert values_of(before[cut:]) != values_of(after[cut:])


def test_equal_calls_give_equal_bytes_and_another_seed_other_trees():
    series = daily(1.5)
    assert values_of(drive(quick(), series)) == values_of(drive(quick(), series))
    assert values_of(drive(quick(1), series)) != values_of(drive(quick(2), series))


def test_a_forecast_asked_for_twice_is_the_same():
    forecaster = quick()
    last = list(drive(forecaster, daily(1.5)))[-1]
    again = forecaster.forecast(last.made_at_s)[Side.KUBERNETES]
    assert again.values == last.values


def test_the_model_takes_over_after_a_day_and_says_so():
    forecasts = list(drive(DemandForecaster(pool_nodes=100), daily(3)))
    assert {each.source for each in forecasts[: DAY + 24]} == {Source.PERSISTENCE}
    assert {each.source for each in forecasts[2 * DAY :]} == {Source.MODEL}


def test_a_daily_wave_is_learnt():
    forecaster = DemandForecaster(pool_nodes=100)
    for _ in drive(forecaster, daily(5)):
        pass
    for score in forecaster.skill()[Side.KUBERNETES][1:]:
        assert score.pinball_skill > 0.15
        assert score.mae_skill > 0.15
        assert score.coverage > 0.8


def test_persistence_is_what_the_model_is_measured_against():
    baseline = PersistenceForecaster(pool_nodes=100)
    for _ in drive(baseline, daily(2)):
        pass
    assert all(score.pinball_skill == 0 and score.share == 0 for score in baseline.skill()[Side.KUBERNETES])


@pytest.mark.parametrize(("name", "series"), [("constant", [5.0] * 3 * DAY), ("nothing", [0.0] * 2 * DAY)])
def test_a_series_that_does_not_move_has_no_model(name: str, series: list[float]):
    last = list(drive(quick(), series))[-1]
    assert last.source is Source.PERSISTENCE
    assert {value for row in last.values for value in row} == {series[-1]}


def test_a_series_that_stops_moving_has_no_spread_for_long():
    calm = list(drive(quick(), [*daily(1), *[20.0] * 4 * DAY]))[-1]
    assert (np.abs(np.array(calm.values)[:, 1:4] - 20.0) < 3.0).all()


values = st.one_of(st.floats(0, 200), st.sampled_from([0.0, 1e-300, 1e9, 1e300]))
runs = st.lists(st.tuples(values, st.integers(1, 60), st.integers(1, 40)), min_size=1, max_size=25)
QUIET = ((16, 10), (26, 18), (23, 3), (7, 2), (50, 12), (1, 33), (26, 39), (32, 25), (36, 19), (38, 6), (51, 25))
NEARLY_NOTHING = [(1e-300, 50, 1), *((1e9 if count == 23 else 0.0, count, gap) for count, gap in QUIET)]


@settings(max_examples=20)
@given(runs, st.sampled_from([None, 100.0]), st.booleans())
@example([*NEARLY_NOTHING, (1.0, 58, 26), (1e-300, 59, 24)], None, False)
def test_any_series_gives_a_forecast_that_makes_sense(of: list[tuple[float, int, int]], pool_nodes, wavy):
    """Constant runs, spikes, gaps of any length: finite, not negative, not crossing (Forecast checks), capped."""
    forecaster = quick(pool_nodes=pool_nodes)
    start_s = 0
    if wavy:  # far enough for a model
        start_s = 400 * STEP_S
        for _ in drive(forecaster, daily(400 / DAY)):
            pass
    slot, most = 0, 100.0
    for value, count, gap in of:
        slot += gap
        for _ in range(count):
            now_s = start_s + slot * STEP_S
            seen = demand(Side.KUBERNETES, now_s, min(value, 100), value)
            forecaster.observe(Observation(now_s, {Side.KUBERNETES: seen}))
            most = max(most, value)
            forecast = forecaster.forecast(now_s)[Side.KUBERNETES]
            slot += 1
    if pool_nodes is not None:
        assert max(max(row) for row in forecast.values) <= pool_nodes + 2 * min(most, 1e9)


def test_both_sides_and_the_other_sides_level():
    forecaster = quick()
    series = daily(2)
    records = (WorkRecord("a", Side.HPC, WorkState.RUNNING, 3.0, 0, limit_s=9000, started_s=0),)
    for slot, nodes in enumerate(series):
        now_s = slot * STEP_S
        both = {side: demand(side, now_s, nodes, waiting=1.0) for side in Side}
        forecaster.observe(Observation(now_s, both, records if slot == 0 else ()))
        forecasts = forecaster.forecast(now_s)
        assert set(forecasts) == set(Side)
    assert forecasts[Side.HPC].source is Source.MODEL
    assert set(forecaster.skill()) == set(Side)


def test_no_more_is_foreseen_than_came_in_the_week_before_once_a_day_is_known():
    forecaster = PersistenceForecaster()

    def most(slot: int, nodes: float) -> float:
        forecaster.observe(Observation(slot * STEP_S, {Side.HPC: demand(Side.HPC, slot * STEP_S, nodes)}))
        return max(max(row) for row in forecaster.forecast(slot * STEP_S)[Side.HPC].values)

    found = [most(slot, 8.0 * (slot // 3 % 2)) for slot in range(2 * DAY)]
    assert max(found[: DAY - 1]) > 8.0
    assert max(found[DAY:]) == 8.0
    assert most(2 * DAY, 20.0) == 20.0
    assert most(2 * DAY + 1, 8.0) > 8.0


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_side_that_was_not_seen_lately_is_not_forecast(make: Callable[[], Forecaster]):
    forecaster = make()
    forecaster.observe(Observation(0, {side: demand(side, 0, 5.0) for side in Side}))
    forecaster.observe(Observation(3600, {Side.HPC: demand(Side.HPC, 3600, 5.0)}))
    assert set(forecaster.forecast(3600)) == {Side.HPC}


def test_a_pool_that_grows_or_shrinks_bounds_what_is_forecast_from_then_on():
    """An observation without a size leaves it as it was; one that comes late does, too."""
    forecaster = PersistenceForecaster(pool_nodes=8)
    slots = DAY - 6  # within the first day the most demand seen is no bound

    def most(slot: int, pool_nodes: int | None = None) -> float:
        nodes = 8.0 * (slot // 3 % 2)
        forecaster.observe(
            Observation(slot * STEP_S, {Side.HPC: demand(Side.HPC, slot * STEP_S, nodes)}, (), pool_nodes)
        )
        return max(max(row) for row in forecaster.forecast(slot * STEP_S)[Side.HPC].values)

    assert [most(slot) for slot in range(slots)][-6:] == [8.0, 8.0, 8.0, 16.0, 16.0, 16.0]
    assert [most(slots, 2), most(slots + 1)] == [4.0, 4.0]
    late = {Side.HPC: demand(Side.HPC, 300, 0.0)}
    forecaster.observe(Observation(300, late, pool_nodes=100))
    assert most(slots + 2) == 4.0
    assert most(slots + 6, 100) == 8.0


def test_a_late_observation_changes_nothing():
    forecaster = quick()
    list(drive(forecaster, [1.0, 2.0, 3.0]))
    forecaster.observe(Observation(300, {Side.KUBERNETES: demand(Side.KUBERNETES, 300, 99.0)}))
    assert forecaster.forecast(600)[Side.KUBERNETES].now == 3.0


def test_a_forecast_for_a_time_before_the_last_observation_is_refused():
    forecaster = quick()
    list(drive(forecaster, [1.0, 2.0, 3.0]))
    with pytest.raises(ValueError, match="cannot be made after"):
        forecaster.forecast(300)


def test_calls_off_the_grid_and_faster_than_it():
    forecaster = DemandForecaster(every_s=60, how=FEW)
    for minute, nodes in enumerate(np.repeat(daily(1.3), 5)):
        now_s = 17 + minute * 60 + (minute % 3)
        forecaster.observe(Observation(now_s, {Side.HPC: demand(Side.HPC, now_s, nodes)}))
        forecast = forecaster.forecast(now_s)[Side.HPC]
    assert forecast.source is Source.MODEL
    scored = [score.scored for score in forecaster.skill()[Side.HPC]]
    assert max(scored) <= 1.3 * DAY + 1


def test_horizons_of_a_second_and_of_days():
    horizons_s = (1, 300, 2 * DAYS)
    forecaster = DemandForecaster(horizons_s=horizons_s, how=FEW)
    forecasts = list(drive(forecaster, daily(4)))
    assert forecasts[-1].source is Source.MODEL
    assert tuple(forecasts[-1].horizons_s) == horizons_s


@pytest.mark.parametrize("every_s", [600, 1800])
def test_a_slower_pace(every_s: int):
    forecaster = DemandForecaster(every_s=every_s, how=FEW)
    for slot, nodes in enumerate(daily(4)[:: every_s // 300]):
        forecaster.observe(Observation(slot * every_s, {Side.HPC: demand(Side.HPC, slot * every_s, nodes)}))
        forecast = forecaster.forecast(slot * every_s)[Side.HPC]
    assert forecast.source is Source.MODEL
    assert tuple(forecast.horizons_s) == HORIZONS_S


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"horizons_s": ()}, "horizons must rise"),
        ({"horizons_s": (0, 300)}, "horizons must rise"),
        ({"horizons_s": (600, 300)}, "horizons must rise"),
        ({"horizons_s": (31 * DAYS,)}, "horizons must rise"),
        ({"levels": (0.5, 0.5)}, "levels must rise"),
        ({"levels": (0.0, 0.5)}, "levels must rise"),
        ({"every_s": 0}, "every_s must be above zero"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        DemandForecaster(**settings)  # type: ignore[arg-type]


@pytest.mark.shared
def test_five_cold_days_of_a_real_service_beat_persistence():
    trace = TRACES / "servegen_m_small_10min.csv.gz"
    if not trace.exists():
        pytest.skip(f"{trace.name} is not here: the shared traces are not part of the project")
    rates = np.loadtxt(trace, delimiter=",", skiprows=1)[: 5 * 144, 1]
    forecaster = DemandForecaster(pool_nodes=100)
    for _ in drive(forecaster, np.repeat(np.ceil(rates * 60 / rates.max()), 2)):
        pass
    for score in forecaster.skill()[Side.KUBERNETES]:
        assert score.pinball_skill > 0.03
        assert 0.75 < score.coverage < 0.95
