"""The fixed split: without pods it is the plain simulation, its cost has a closed form, and the best is best."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from models.policies import Shares, Weights
from simulator.compare import simulate_hpc, with_span
from simulator.machine import Workload
from simulator.static import best_split, replay_static, run_fixed
from simulator.world import World, quiet
from tests.simulator.small_worlds import DAY_S, policy, small_world


def hpc_only(seed: int, **changes: object) -> World:
    world = small_world(seed, nodes=12, days=1)
    return replace(world, workload=Workload(jobs=world.workload.jobs), span_s=None, **changes)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("discipline", ["easy", "fifo"])
def test_static_with_all_nodes_for_hpc_equals_the_plain_simulation(seed: int, discipline: str):
    world = hpc_only(seed, discipline=discipline, policy=policy(ceiling=Shares(kubernetes=0)))
    plain = simulate_hpc(world).figures
    assert replay_static(with_span(world), quiet).figures == plain
    assert plain["hpc_jobs_finished"] == plain["hpc_jobs_in"] > 0


@pytest.mark.parametrize("seed", range(3))
def test_the_best_split_of_first_come_first_served_gives_all_nodes_to_jobs_when_there_is_nothing_else(seed: int):
    world = hpc_only(seed, discipline="fifo")
    assert best_split(with_span(world), quiet)[0] == 0


@pytest.mark.parametrize("nodes", [0, 1, 3, 6, 12])
def test_the_kubernetes_side_of_a_fixed_split_is_the_integral_of_what_is_missing(nodes: int):
    world = small_world(1, nodes=12, days=1, pods=0)
    world = replace(world, workload=replace(world.workload, jobs=()))
    steps = [*world.workload.rate_steps, (DAY_S, 0.0)]
    missing_s = served = asked = 0.0
    for (at_s, per_s), (next_s, _) in pairwise(steps):
        need = -(-per_s // world.workload.rate_per_node)
        missing_s += max(0.0, need - nodes) * (next_s - at_s)
        asked += per_s * (next_s - at_s)
        served += min(per_s, nodes * world.workload.rate_per_node) * (next_s - at_s)
    meter = run_fixed(world, nodes).meter
    assert meter.unmet_kubernetes == pytest.approx(missing_s)
    assert meter.requests == pytest.approx(asked)
    assert meter.unserved_requests == pytest.approx(asked - served)
    assert meter.unmet_hpc == 0


@pytest.mark.parametrize("pods", [0, 8], ids=["without pods", "with gangs"])
@pytest.mark.parametrize("seed", range(6))
def test_the_best_split_costs_no_more_than_any(seed: int, pods: int):
    world = small_world(seed, nodes=20, days=1, pods=pods)
    costs = {k: run_fixed(world, k).meter.cost(world.weights) for k in range(world.nodes + 1)}
    best, tried = best_split(world, quiet)
    assert (costs[best], best) == min((cost, k) for k, cost in costs.items())
    assert 0 < tried <= len(costs)


def test_the_best_split_is_found_also_where_the_cost_has_two_valleys():
    """A gang that needs all but one node: giving Kubernetes a little is of no use, giving it nearly all is."""
    world = small_world(0, nodes=20, days=1, pods=0)
    gang = tuple(replace(_pod(), id=f"p{number}") for number in range(18))
    work = Workload(jobs=world.workload.jobs[:5], gangs=(gang,))
    world = replace(world, workload=work, policy=policy(weights=Weights(hpc=1.0, kubernetes=1.0)))
    costs = {k: run_fixed(world, k).meter.cost(world.weights) for k in range(world.nodes + 1)}
    best = best_split(world, quiet)[0]
    assert costs[best] == min(costs.values()), costs


def _pod():
    return small_world(0, nodes=20, days=1, pods=1).workload.gangs[0][0]


def test_the_best_split_keeps_to_the_policy():
    world = small_world(4, nodes=12, days=1, rules=policy(floor=Shares(kubernetes=2), ceiling=Shares(kubernetes=3)))
    assert best_split(world, quiet)[0] in (2, 3)


def test_a_run_that_was_given_up_says_so():
    world = small_world(4, nodes=12, days=1)
    fixed = run_fixed(world, 0, give_up_at=0.001)
    assert not fixed.complete
    assert fixed.meter.cost(world.weights) > 0.001
