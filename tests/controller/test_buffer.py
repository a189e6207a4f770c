"""Kubernetes' buffer: for which weights there is one, what it keeps and what it fetches ahead."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.decide.buffer import buffer_level, foreseen_nodes, nodes_ahead, nodes_kept
from controller.decide.decide import decide
from controller.decide.transit import Flow
from models.demand import Demand
from models.forecasts import Forecast, Source
from models.nodes import Node, Side
from models.plans import Plan, Reason
from models.policies import MovesPolicy, PoolPolicy, Weights
from models.snapshot import SideView
from models.work import WaitingWork
from tests.controller.test_decide import DOWN, FREE, NOW_S, UP, hpc_nodes, kubernetes_nodes, planned, snapshot

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
AT_S = np.arange(150.0, 7200.0, 300.0)
NO_TIMES = np.zeros(0)


def rising(*values: float, now: float = 0.0) -> Forecast:
    """The same quantiles in a quarter of an hour and in two."""
    return Forecast(Side.KUBERNETES, NOW_S, now, (900, 7200), LEVELS, (values, values), Source.MODEL)


# Kubernetes' weight against HPC's 1, whether jobs wait -> the level
LEVEL = {
    "the default while jobs wait: a node short costs what one withheld costs": (3.0, True, None),
    "twice that: as likely as not": (6.0, True, 0.5),
    "ten times": (10.0, True, 0.7),
    "thirty times": (30.0, True, 0.9),
    "no further than a forecast knows": (1e4, True, 0.99),
    "the default while none waits": (3.0, False, 0.75),
    "no job waits, and HPC is the dearer side": (1.0, False, None),
}


@pytest.mark.parametrize(("weight", "jobs_wait", "level"), LEVEL.values(), ids=LEVEL.keys())
def test_what_a_node_short_costs_says_how_likely_its_need_must_be(weight: float, jobs_wait: bool, level: float | None):
    found = buffer_level(Weights(hpc=1.0, kubernetes=weight), jobs_wait=jobs_wait)
    assert found == (None if level is None else pytest.approx(level))


def arriving(*leaves_s: float, lead_s: float = 600.0) -> Flow:
    leaves = np.array(leaves_s)
    return Flow(NO_TIMES, NO_TIMES, 0, leaves, leaves + lead_s)


# nodes foreseen by time, candidates, those that can be turned back, jobs wait -> how many are fetched; Kubernetes has 2
AHEAD = {
    "nothing more is foreseen": (np.full(24, 2.0), arriving(0, 0), 0, True, 0),
    "two more at once": (np.full(24, 4.0), arriving(0, 0, 0), 0, True, 2),
    "a rise after the node would be there": (np.where(AT_S > 1600, 4.0, 2.0), arriving(0, 0), 0, True, 0),
    "a rise as soon as the node would be there": (np.where(AT_S > 600, 4.0, 2.0), arriving(0, 0), 0, True, 2),
    "busy nodes come late: fetched only if they are early enough": (
        np.where(AT_S > 3000, 4.0, 2.0),
        arriving(0, 2400),
        0,
        True,
        0,
    ),
    "a busy one while none waits": (np.full(24, 4.0), arriving(60, 60), 0, False, 0),
    "an empty one while none waits": (np.full(24, 4.0), arriving(0, 60), 0, False, 1),
    "those that can turn back come first": (np.full(24, 4.0), arriving(0), 1, True, 2),
    "no node to fetch": (np.full(24, 4.0), arriving(), 0, True, 0),
}


@pytest.mark.parametrize(("foreseen", "up", "back", "jobs_wait", "more"), AHEAD.values(), ids=AHEAD.keys())
def test_what_is_fetched_ahead(foreseen: np.ndarray, up: Flow, back: int, jobs_wait: bool, more: int):
    assert nodes_ahead(foreseen, AT_S, up, back, 2, jobs_wait=jobs_wait) == more


def test_what_is_kept_is_the_most_that_is_foreseen_after_a_lead_time():
    foreseen = np.where(AT_S < 600, 9.0, np.where(AT_S < 3600, 5.0, 7.0))
    assert nodes_kept(foreseen, AT_S, 600) == 7
    assert nodes_kept(foreseen, AT_S, 0) == 9
    assert nodes_kept(foreseen, AT_S, 90_000) == 7


def pool(weight: float) -> PoolPolicy:
    return PoolPolicy(name="pool", unmet_cost=Weights(hpc=1.0, kubernetes=weight))


def plan_of(nodes: list[Node], weight: float, forecast: Forecast, *jobs: float, moves: MovesPolicy = FREE) -> Plan:
    found = snapshot(nodes, hpc=jobs, forecasts={Side.KUBERNETES: forecast})
    return planned(found, pool(weight), moves)


LIKELY = rising(0.0, 2.0, 3.0, 4.0, 5.0)
# idle HPC nodes (6), Kubernetes' weight, jobs that wait -> how many go ahead of the demand
FETCHED = {
    "no job waits: three nodes in four cases": (3.0, (), 4),
    "a job waits that six nodes could not start": (3.0, (7.0,), 0),
    "the same at ten times": (10.0, (7.0,), 4),
    "the same at thirty times": (30.0, (7.0,), 5),
}


@pytest.mark.parametrize(("weight", "jobs", "more"), FETCHED.values(), ids=FETCHED.keys())
def test_the_forecast_speaks_while_no_job_waits_or_kubernetes_is_dear(
    weight: float, jobs: tuple[float, ...], more: int
):
    plan = plan_of(hpc_nodes(6) + kubernetes_nodes(1, pods=1), weight, LIKELY, *jobs)
    assert [move.direction for move in plan.moves] == [UP] * max(0, more - 1)
    assert all("ahead of its demand" in move.text for move in plan.moves)


# Kubernetes' weight -> how many of its six idle nodes it gives to six jobs
GIVEN = {"all": (3.0, 6), "but those needed in 70 of 100 cases": (10.0, 2), "in 90 of 100": (30.0, 1)}


@pytest.mark.parametrize(("weight", "given"), GIVEN.values(), ids=GIVEN.keys())
def test_a_node_that_would_not_come_back_in_time_is_kept_by_what_it_is_worth(weight: float, given: int):
    plan = plan_of(kubernetes_nodes(6), weight, LIKELY, *(1.0,) * 6)
    assert [move.direction for move in plan.moves] == [DOWN] * given
    kept = [refused for refused in plan.rejections if refused.reason is Reason.KEPT]
    assert all("Kubernetes keeps" in refused.text for refused in kept)
    assert bool(kept) == (given < 6)


def test_what_is_fetched_ahead_must_be_worth_its_friction():
    nodes = hpc_nodes(6)
    assert plan_of(nodes, 3.0, LIKELY).moves
    assert not plan_of(nodes, 3.0, LIKELY, moves=MovesPolicy(at_once="100%", dwell="0s", min_gain=1000)).moves


def test_while_none_waits_nodes_go_to_what_is_there_before_any_go_ahead_of_it():
    short = snapshot(
        hpc_nodes(6), kubernetes=(1.0,), forecasts={Side.KUBERNETES: rising(4.0, 4.0, 4.0, 4.0, 4.0, now=1)}
    )
    assert len(planned(short, pool(3.0)).moves) == 1
    assert not any("ahead" in move.text for move in planned(short, pool(3.0)).moves)


VALUES = st.lists(st.floats(0, 12), min_size=5, max_size=5).map(lambda values: tuple(sorted(values)))
WEIGHTS = st.floats(0.1, 100)


@settings(max_examples=100)
@given(values=VALUES, running=st.floats(0, 8), level=st.floats(0.5, 0.99), further=st.floats(0, 0.4))
def test_what_is_foreseen_is_no_less_than_what_is_there_and_rises_with_the_level(
    values: tuple[float, ...], running: float, level: float, further: float
):
    side = SideView(
        Demand(Side.KUBERNETES, NOW_S, running, 0.0),
        WaitingWork(Side.KUBERNETES, ()),
        rising(*values, now=running),
    )
    found = foreseen_nodes(side, level, AT_S)
    assert (found >= running).all()
    assert (foreseen_nodes(side, min(0.99, level + further), AT_S) >= found - 1e-9).all()


@settings(max_examples=100)
@given(
    values=VALUES,
    more=st.floats(0, 6),
    weight=WEIGHTS,
    jobs=st.lists(st.sampled_from([1.0, 2.0, 5.0]), max_size=4),
    hpc=st.integers(0, 6),
    kubernetes=st.integers(0, 6),
)
def test_more_that_is_foreseen_never_means_fewer_nodes_for_kubernetes(
    values: tuple[float, ...], more: float, weight: float, jobs: list[float], hpc: int, kubernetes: int
):
    nodes = hpc_nodes(hpc) + kubernetes_nodes(kubernetes)
    less = snapshot(nodes, hpc=tuple(jobs), forecasts={Side.KUBERNETES: rising(*values)})
    raised = rising(*(value + more for value in values))
    greater = snapshot(nodes, hpc=tuple(jobs), forecasts={Side.KUBERNETES: raised})
    assert decide(greater, pool(weight), FREE).target >= decide(less, pool(weight), FREE).target
