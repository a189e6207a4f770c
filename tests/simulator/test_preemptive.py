"""The pre-emptive ideal by hand, and that no fixed split of jobs of one node costs less."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.hpc import NodeKind
from simulator.machine import Workload
from simulator.preemptive import preemptive_ideal
from simulator.static import run_fixed
from simulator.work import Job, Pod
from simulator.world import World
from tests.simulator.small_worlds import SHAPE, policy

HOUR_S = 3600


def world(
    jobs: list[tuple[int, int, int]],
    rates: tuple[tuple[int, float], ...] = (),
    pods: tuple[tuple[int, int], ...] = (),
    hours: int = 10,
) -> World:
    """Four nodes; jobs as (submitted, run, nodes), rates as (from, nodes), pods of a node as (created, run); hours."""
    work = tuple(Job(n, at * HOUR_S, run * HOUR_S, run * HOUR_S, nodes) for n, (at, run, nodes) in enumerate(jobs))
    gangs = tuple((Pod(f"p{n}", at * HOUR_S, run * HOUR_S, 8000, 1, 0),) for n, (at, run) in enumerate(pods))
    steps = tuple((at * HOUR_S, nodes) for at, nodes in rates)
    return World(Workload(work, gangs, steps), (NodeKind("", 4),), SHAPE, policy(), hours * HOUR_S)


@pytest.mark.parametrize(
    ("made", "hpc", "kubernetes"),
    [
        pytest.param(world([]), 0, 0, id="nothing"),
        pytest.param(world([(0, 2, 4)], ((0, 0), (4, 4))), 0, 0, id="one after the other"),
        pytest.param(world([(0, 2, 4)], ((0, 0), (1, 1), (2, 0))), 4, 0, id="stopped for an hour as a whole"),
        pytest.param(world([(0, 2, 2), (0, 1, 4)]), 0, 0, id="what waits could not be helped by more nodes"),
        pytest.param(world([(0, 2, 2), (0, 1, 2)], ((0, 2), (5, 0))), 2 * 2, 0, id="waits for a side's nodes"),
        pytest.param(world([(0, 2, 2), (0, 1, 2)], (), ((0, 1), (0, 1))), 2, 0, id="pods for an hour"),
        pytest.param(world([], ((0, 6), (3, 0))), 0, 2 * 3, id="more than there is"),
        pytest.param(world([(0, 1, 5)], ((0, 4),)), 0, 0, id="larger than the machine"),
        pytest.param(world([(0, 30, 4)], ((0, 4),)), 4 * 10, 0, id="never runs"),
    ],
)
def test_worked_out_by_hand(made: World, hpc: float, kubernetes: float):
    found = preemptive_ideal(made)
    assert found["unmet_hpc_node_h"] == pytest.approx(hpc)
    assert found["unmet_kubernetes_node_h"] == pytest.approx(kubernetes)
    assert found["unmet_cost"] == pytest.approx(hpc + 3 * kubernetes)


JOBS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5), st.just(1)), max_size=8)
RATES = st.lists(st.integers(0, 5), min_size=10, max_size=10)


@settings(max_examples=40)
@given(JOBS, RATES)
def test_no_fixed_split_of_jobs_of_one_node_costs_less(jobs: list[tuple[int, int, int]], rates: list[int]):
    made = world(sorted(jobs), tuple(enumerate(map(float, rates))))
    least = min(run_fixed(made, nodes).meter.cost(made.weights) for nodes in range(5))
    assert preemptive_ideal(made)["unmet_cost"] <= least + 1e-9


def test_without_an_end_there_is_none():
    with pytest.raises(ValueError, match="known span"):
        preemptive_ideal(World(Workload(), (NodeKind("", 4),), SHAPE, policy(), None))
