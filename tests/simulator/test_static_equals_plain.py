"""The fixed split: without pods it is the plain simulation, its cost has a closed form, and the best is best."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from models.policies import Shares, Weights
from simulator.compare import compare, simulate_hpc, with_beginning, with_span
from simulator.frontier import point
from simulator.machine import Workload
from simulator.static import best_split, replay_static, replay_static_before, run_fixed
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
    assert best_split(with_span(world), quiet).nodes == 0


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
    best = best_split(world, quiet)
    assert (costs[best.nodes], best.nodes) == min((cost, k) for k, cost in costs.items())
    assert 0 < best.tried <= len(costs)


def test_the_best_split_is_found_also_where_the_cost_has_two_valleys():
    """A gang that needs all but one node: giving Kubernetes a little is of no use, giving it nearly all is."""
    world = small_world(0, nodes=20, days=1, pods=0)
    gang = tuple(replace(_pod(), id=f"p{number}") for number in range(18))
    work = Workload(jobs=world.workload.jobs[:5], gangs=(gang,))
    world = replace(world, workload=work, policy=policy(weights=Weights(hpc=1.0, kubernetes=1.0)))
    costs = {k: run_fixed(world, k).meter.cost(world.weights) for k in range(world.nodes + 1)}
    best = best_split(world, quiet).nodes
    assert costs[best] == min(costs.values()), costs


def _pod():
    return small_world(0, nodes=20, days=1, pods=1).workload.gangs[0][0]


def test_the_best_split_keeps_to_the_policy():
    world = small_world(4, nodes=12, days=1, rules=policy(floor=Shares(kubernetes=2), ceiling=Shares(kubernetes=3)))
    assert best_split(world, quiet).nodes in (2, 3)


@pytest.mark.parametrize(
    ("nodes", "jobs_alone", "splits"),
    [
        pytest.param(12, False, range(13), id="all of a small pool"),
        pytest.param(41, False, range(0, 42, 2), id="of a larger one every second, and the last"),
        pytest.param(12, True, range(0), id="none without requests"),
    ],
)
def test_the_frontier_has_splits_all_over_as_they_run(nodes: int, jobs_alone: bool, splits: range):
    world = small_world(4, nodes=nodes, days=0.2)
    if jobs_alone:
        world = replace(world, workload=replace(world.workload, rate_steps=()))
    points = replay_static(world, quiet).splits
    settings = [round(one.setting) for one in points]
    assert settings == sorted(set(settings))
    assert set(splits) <= set(settings)
    assert not splits or nodes in settings
    assert points == tuple(point(run_fixed(world, k).figures(world), k) for k in settings)


def test_all_policies_begin_at_the_split_that_was_best_in_the_period_before():
    dear = policy(weights=Weights(kubernetes=30))
    earlier, world = (small_world(seed, nodes=12, days=0.5, rules=dear) for seed in (5, 6))
    best = best_split(earlier, quiet).nodes
    outcomes = compare(replace(world, before=earlier.workload), ("static-before", "reactive"), processes=1)
    before, reactive = (outcome.timeline for outcome in outcomes)
    assert set(before.kubernetes_nodes) == {best}
    assert best != 6
    assert reactive.kubernetes_nodes[0] <= best <= reactive.kubernetes_nodes[0] + reactive.moving_nodes[0]
    assert outcomes[0].figures == run_fixed(world, best).figures(world)
    assert with_beginning(replace(world, before=earlier.workload)).first_split == best


def test_who_says_where_to_begin_is_heard_and_without_a_period_before_it_is_half():
    world = small_world(6, nodes=12, days=0.5)
    assert with_beginning(replace(world, before=world.workload, kubernetes_nodes_first=2)).first_split == 2
    assert with_beginning(world).first_split == 6
    with pytest.raises(ValueError, match="period before"):
        replay_static_before(world)


def test_a_run_that_was_given_up_says_so():
    world = small_world(4, nodes=12, days=1)
    fixed = run_fixed(world, 0, give_up_at=0.001)
    assert not fixed.complete
    assert fixed.meter.cost(world.weights) > 0.001
