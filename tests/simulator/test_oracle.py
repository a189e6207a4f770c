"""The oracle costs no more than any policy that it may be compared with, and says so where it is no bound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models.policies import MovesPolicy, Weights
from simulator.compare import replay
from simulator.flat.rollout import Rollout
from simulator.hpc import NodeKind
from simulator.oracle import BOUNDED, replay_oracle
from simulator.outcome import Outcome
from simulator.static import best_split, run_fixed
from simulator.world import World, quiet
from tests.simulator.small_worlds import policy, small_world

TRACES = Path(__file__).resolve().parents[3] / "shared" / "traces"
WITHOUT_TREES = tuple(name for name in BOUNDED if name != "predictive")


def cost(outcome: Outcome) -> float:
    return float(outcome.figures["unmet_cost"])


def world_of(
    seed: int, weight: float, *, days: float = 1, handover_s: int = 1200, nodes: int = 16, every_s: int = 300
) -> World:
    rules = policy(weights=Weights(kubernetes=weight), moves=MovesPolicy(at_once="50%", every=f"{every_s}s"))
    world = small_world(seed, nodes=nodes, days=days, pods=0, handover_s=handover_s, rules=rules)
    return replace(world, kubernetes_nodes_first=nodes // 3)


@pytest.mark.parametrize(
    ("seed", "weight", "discipline", "every_s"),
    [(0, 3.0, "easy", 300), (1, 10.0, "easy", 420), (2, 30.0, "easy", 300), (3, 10.0, "fifo", 3500)],
)
def test_a_rollout_costs_what_its_plan_said_and_no_more_than_its_base_policies(
    seed: int, weight: float, discipline: str, every_s: int
):
    """Runs ahead and the replay are one and the same, so what is kept is never left for something dearer."""
    world = replace(world_of(seed, weight, every_s=every_s), discipline=discipline)
    rollout = Rollout(world)
    found = cost(rollout.run())
    assert found == pytest.approx(rollout.cost, rel=1e-9)
    assert found <= min(rollout.base_costs.values()) * (1 + 1e-9)
    told = {name: cost(replay(world, name)) for name in ("reactive", "perfect")}
    assert {name: rollout.base_costs[name] for name in told} == pytest.approx(told, rel=1e-9)
    standing = run_fixed(world, world.first_split).figures(world)["unmet_cost"]
    assert rollout.base_costs["stand still"] == pytest.approx(standing, rel=1e-9)


def test_a_rollout_finds_more_than_its_base_policies():
    """Else the plan would never be left, and the tests above would hold of a rollout that does nothing."""
    rollout = Rollout(world_of(1, 10.0, nodes=10))
    assert cost(rollout.run()) < 0.998 * min(rollout.base_costs.values())
    assert len(set(rollout.plan)) > 1


@pytest.mark.parametrize("handover_s", [0, 3000])
@pytest.mark.parametrize("weight", [3.0, 30.0])
@pytest.mark.parametrize("seed", range(2))
def test_no_policy_costs_less(seed: int, weight: float, handover_s: int):
    world = world_of(seed, weight, handover_s=handover_s, nodes=10)
    oracle = cost(replay(world, "oracle"))
    others = {name: cost(replay(world, name)) for name in BOUNDED}
    assert oracle <= min(others.values())
    splits = [run_fixed(world, nodes).figures(world)["unmet_cost"] for nodes in range(11)]
    assert oracle <= min(splits)


@pytest.mark.parametrize("cheap", WITHOUT_TREES)
def test_whichever_plan_is_cheapest_is_kept(cheap: str):
    """Where a policy does better than all that the rollout finds, it is the oracle's plan."""
    world = world_of(0, 3.0, days=0.2, nodes=6)

    def made_up(one: World, name: str) -> Outcome:
        outcome = replay(one, name if name != "predictive" else "reactive")
        lucky = {"unmet_cost": -1.0} if name == cheap else {}
        return replace(outcome, policy=name, figures={**outcome.figures, **lucky})

    found = replay_oracle(world, made_up, quiet)
    assert (found.policy, cost(found)) == ("oracle", -1.0)
    assert found.notes == (f"a bound: the cheapest of {len(BOUNDED) + 1} complete plans, found by {cheap}",)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kinds": (NodeKind("a", 3), NodeKind("b", 3))}, "several kinds of node"),
        ({"shared_cores": True}, "jobs share nodes"),
        ({"handover_s": 30_000}, "hand-overs that take longer"),
    ],
)
def test_where_it_is_no_bound_it_is_the_perfect_forecast_and_says_so(change: dict[str, object], why: str):
    world = replace(small_world(0, pods=0, days=0.5, nodes=6), **change)
    found, perfect = replay(world, "oracle"), replay(world, "perfect")
    assert found.figures == perfect.figures
    assert "no bound" in found.notes[-1]
    assert why in found.notes[-1]


def test_with_pods_it_is_no_bound():
    found = replay(small_world(0, pods=5, days=0.5, nodes=6), "oracle")
    assert "no bound" in found.notes[-1]
    assert "pods" in found.notes[-1]


@pytest.mark.skipif(not TRACES.is_dir(), reason="needs the traces beside the project (../shared/traces)")
@pytest.mark.parametrize("weight", [3.0, 10.0, 30.0])
def test_a_window_of_real_traces(weight: float):
    from benchmarks.scenarios.windows import window  # noqa: PLC0415 - only where there are traces

    found = window("kth200-small-5-3", TRACES)
    first = best_split(found.world_before(weight), quiet).nodes
    world = found.world(weight, 1, first)
    costs = {name: cost(replay(world, name)) for name in (*BOUNDED, "oracle")}
    assert costs["oracle"] == min(costs.values())
    assert costs["oracle"] < 0.97 * costs["reactive"]
