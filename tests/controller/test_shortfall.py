"""What a side leaves undone: tables worked out by hand, and what must hold of any of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.decide.shortfall import expected_shortfall, usable_nodes
from models.demand import Demand
from models.forecasts import Forecast, Source, flat
from models.nodes import Side
from models.snapshot import SideView
from models.work import WaitingWork


def view(running: float, sizes: tuple[float, ...], forecast: Forecast | None = None) -> SideView:
    demand = Demand(Side.HPC, 0, running, sum(sizes))
    return SideView(
        demand, WaitingWork(Side.HPC, sizes), forecast or flat(Side.HPC, 0, demand.nodes, (3600,), Source.NOW)
    )


def foreseen(now: float, rows: dict[int, tuple[float, ...]], levels: tuple[float, ...] = (0.5,)) -> Forecast:
    return Forecast(Side.HPC, 0, now, tuple(rows), levels, tuple(rows.values()), Source.MODEL)


# running, waiting sizes, pool -> shortfall with x = 0, 1, ... nodes
NOW = {
    "nothing there": (0, (), 3, [0, 0, 0, 0]),
    "running only": (2, (), 4, [2, 1, 0, 0, 0]),
    "three single jobs wait": (0, (1, 1, 1), 4, [3, 2, 1, 0, 0]),
    "a job that needs three at once": (0, (3,), 4, [3, 3, 3, 0, 0]),
    "a large job and a small one that may pass": (0, (3, 1), 4, [4, 3, 3, 1, 0]),
    "running work comes first": (2, (2,), 5, [4, 3, 2, 2, 0, 0]),
    "a job larger than the pool is hopeless": (1, (9,), 3, [1, 0, 0, 0]),
    "parts of nodes": (0, (0.5, 0.5, 0.5), 2, [1.5, 0.5, 0]),
}


@pytest.mark.parametrize(("running", "sizes", "nodes", "expected"), NOW.values(), ids=NOW.keys())
def test_shortfall_now_by_hand(running: float, sizes: tuple[float, ...], nodes: int, expected: list[float]):
    found = expected_shortfall(view(running, sizes), np.array([300.0]), nodes, 0.0)
    assert found[0].tolist() == pytest.approx(expected)


def test_a_job_of_thirty_nodes_gains_nothing_from_fewer_than_it_needs():
    """20 run, 14 are idle, a 30-node job waits: up to 49 nodes nothing changes, with 50 all is well."""
    found = expected_shortfall(view(20, (30,)), np.array([300.0]), 64, 0.0)[0]
    assert found[20:50].tolist() == [30] * 30
    assert found[50:].tolist() == [0] * 15


RISES = {
    "before the horizon it is in between": (1800.0, 3),
    "at the horizon": (3600.0, 5),
    "beyond the last horizon it stays": (7200.0, 5),
}


@pytest.mark.parametrize(("at_s", "missing"), RISES.values(), ids=RISES.keys())
def test_demand_that_is_foreseen_counts(at_s: float, missing: int):
    found = expected_shortfall(view(1, (), foreseen(1, {3600: (5.0,)})), np.array([at_s]), 8, 0.0)
    assert found[0, 0] == missing


def test_relief_is_not_believed_within_the_lead_time():
    side = view(4, (), foreseen(4, {3600: (0.0,)}))
    found = expected_shortfall(side, np.array([600.0, 3600.0]), 6, 600.0)
    assert found[:, 0].tolist() == [4, 0]


def test_a_spread_of_forecasts_costs_what_it_costs_on_average():
    side = view(4, (), foreseen(4, {3600: (2.0, 4.0, 6.0)}, (0.1, 0.5, 0.9)))
    found = expected_shortfall(side, np.array([3600.0]), 10, 0.0)[0]
    assert found[4] > 0  # sometimes more comes than the median says
    assert found[0] == pytest.approx(4.0, abs=0.35)  # symmetric around what there is
    assert found[10] == 0


SIZES = st.lists(st.integers(1, 9), max_size=6).map(lambda sizes: tuple(float(size) for size in sizes))


@settings(max_examples=100)
@given(
    running=st.integers(0, 12),
    sizes=SIZES,
    nodes=st.integers(1, 12),
    values=st.lists(st.floats(0, 20), min_size=3, max_size=3).map(sorted),
    relief_s=st.sampled_from([0.0, 600.0, 4000.0]),
)
def test_shortfall_is_never_negative_and_never_rises_with_nodes(
    running: int, sizes: tuple[float, ...], nodes: int, values: list[float], relief_s: float
):
    forecast = foreseen(running + sum(sizes), {1800: tuple(values)}, (0.1, 0.5, 0.9))
    found = expected_shortfall(view(running, sizes, forecast), np.array([300.0, 1500.0, 3000.0]), nodes, relief_s)
    assert found.shape == (3, nodes + 1)
    assert (found >= 0).all()
    assert (np.diff(found, axis=1) <= 1e-9).all()
    assert (found[:, -1] == 0).all()


@settings(max_examples=100)
@given(running=st.integers(0, 12), sizes=SIZES, nodes=st.integers(1, 12))
def test_no_more_is_used_than_there_is(running: int, sizes: tuple[float, ...], nodes: int):
    x = np.arange(-nodes, 2 * nodes + 1)
    used = usable_nodes(float(running), sizes, nodes)
    assert (used <= x).all()
    assert (used <= running + sum(sizes)).all()
