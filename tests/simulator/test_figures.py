"""Figures whose value can be worked out by hand: waits of jobs that still wait, and of large ones; where a replay
begins."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.policies import Shares
from simulator.compare import replay
from simulator.hpc import NodeKind
from simulator.machine import Workload
from simulator.static import run_fixed
from simulator.work import Job
from simulator.world import World
from tests.simulator.small_worlds import SHAPE, policy, small_world

HOUR_S = 3600


def world(*jobs: tuple[int, int, int], cores: int = 1, shared: bool = False, hours: int = 10) -> World:
    """Jobs as (submitted, run, processors) in hours on four nodes, all for HPC."""
    work = tuple(
        Job(number, submit * HOUR_S, run * HOUR_S, run * HOUR_S, procs)
        for number, (submit, run, procs) in enumerate(jobs)
    )
    kinds = (NodeKind("", 4, cores),)
    return World(Workload(jobs=work), kinds, SHAPE, policy(), hours * HOUR_S, shared_cores=shared)


@pytest.mark.parametrize(
    ("made", "so_far_h", "started_h", "large_node_h"),
    [
        pytest.param(world((0, 3, 3), (1, 1, 4)), 1, 1, 8, id="a job of all nodes waits two hours"),
        pytest.param(world((0, 3, 3), (1, 1, 2)), 1, 1, 0, id="half of the pool is not more than half"),
        pytest.param(world((0, 20, 3), (2, 1, 3)), 4, 0, 24, id="what still waits counts with its wait so far"),
        pytest.param(world((0, 20, 3), (2, 1, 2)), 4, 0, 0, id="small, and still waits"),
        pytest.param(world((0, 20, 6), (2, 1, 6), cores=2), 4, 0, 24, id="whole nodes of several processors"),
        pytest.param(world((0, 20, 8), (2, 1, 6), cores=2, shared=True), 4, 0, 24, id="shared nodes by processors"),
        pytest.param(world((0, 1, 5)), 0, 0, 0, id="refused, so it does not wait"),
        pytest.param(world(), 0, 0, 0, id="no jobs"),
    ],
)
def test_waits_worked_out_by_hand(made: World, so_far_h: float, started_h: float, large_node_h: float):
    figures = run_fixed(made, 0).figures(made)
    assert figures["hpc_wait_so_far_mean_s"] == pytest.approx(so_far_h * HOUR_S)
    assert figures["hpc_wait_mean_s"] == pytest.approx(started_h * HOUR_S)
    assert figures["large_jobs_wait_node_h"] == pytest.approx(large_node_h)


@pytest.mark.parametrize(
    ("first", "floor", "ceiling", "begins_with"),
    [
        pytest.param(None, None, None, 8, id="half, where nobody says"),
        pytest.param(3, None, None, 3, id="as it says"),
        pytest.param(1, 4, None, 4, id="not below the floor"),
        pytest.param(15, None, 6, 6, id="not above the ceiling"),
    ],
)
def test_where_nodes_move_the_replay_begins_at_the_split_that_was_given(
    first: int | None, floor: int | None, ceiling: int | None, begins_with: int
):
    rules = policy(floor=Shares(kubernetes=floor), ceiling=Shares(kubernetes=ceiling))
    made = replace(small_world(1, days=0.1, pods=0, rules=rules), kubernetes_nodes_first=first)
    line = replay(replace(made, workload=Workload()), "reactive").timeline
    assert line.kubernetes_nodes[0] + line.moving_nodes[0] == begins_with == 16 - line.hpc_nodes[0]
