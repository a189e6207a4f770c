"""The search for a price: what it tries, what it answers, and that the replays behind it are those of the twin."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.policies import MovesPolicy, PoolPolicy, Weights
from models.pools import PoolInKubernetes
from simulator.compare import replay
from simulator.hpc import NodeKind
from simulator.machine import Workload
from simulator.outcome import Outcome
from simulator.tuning import (
    CLOSE,
    TRIES_MOST,
    Served,
    Tried,
    at_fixed_price,
    at_split,
    cheapest,
    prices,
    search,
    split_that_meets,
    with_pool,
)
from simulator.work import Job
from simulator.world import World
from tests.simulator.small_worlds import DAY_S, SHAPE, policy, small_world

BOUNDS = (1.0, 100.0)


@pytest.mark.parametrize(
    ("hpc", "bounds"), [(1.0, (6.0, 100.0)), (2.0, (12.0, 200.0)), (1e5, (6e5, 1e6)), (1e6, (1e6, 1e6))]
)
def test_prices_that_may_be_tried(hpc: float, bounds: tuple[float, float]):
    assert prices(PoolPolicy(name="a", unmet_cost=Weights(hpc=hpc))) == bounds


def served_from(threshold: float):
    """The level of 1 % holds from that price on."""
    return lambda price: Served(0.005 if price >= threshold else 0.03, 60.0 * price, 0)


@pytest.mark.parametrize(
    ("threshold", "begins", "prices"),
    [
        pytest.param(0.5, 3.0, [3.0, 1.0], id="even the least price holds it"),
        pytest.param(200.0, 3.0, [3.0, 9.0, 27.0, 81.0, 100.0], id="not even the most does"),
        pytest.param(8.0, 3.0, [3.0, 9.0, 5.2, 6.84, 7.85], id="dearer, then between"),
        pytest.param(4.0, 9.0, [9.0, 3.0, 5.2, 3.95, 4.53], id="cheaper, then between"),
        pytest.param(2.0, 500.0, [100.0, 33.3, 11.1, 3.7, 1.23, 2.13, 1.62, 1.86], id="it begins within the bounds"),
    ],
)
def test_prices_that_are_tried(threshold: float, begins: float, prices: list[float]):
    assert [one.price for one in search(served_from(threshold), 0.01, begins, BOUNDS)] == prices


@given(st.floats(0.3, 150), st.floats(0.5, 200))
def test_the_answer_is_as_cheap_as_a_dozen_replays_can_tell(threshold: float, begins: float):
    tried = list(search(served_from(threshold), 0.01, begins, BOUNDS))
    assert len(tried) <= TRIES_MOST
    best = cheapest(tried, 0.01)
    if threshold > BOUNDS[1]:
        assert best is None
        return
    assert best is not None
    assert best.price >= threshold
    if len(tried) < TRIES_MOST:
        assert best.price <= max(BOUNDS[0], CLOSE * threshold)


def test_whoever_stops_early_has_the_best_so_far():
    tried = list(islice(search(served_from(8.0), 0.01, 3.0, BOUNDS), 3))
    best = cheapest(tried, 0.01)
    assert best is not None
    assert best.price == 9.0


def test_of_prices_that_hold_it_the_cheapest_counts_however_it_was_found():
    tried = [Tried(9.0, Served(0.001, 90.0, 0)), Tried(4.0, Served(0.01, 80.0, 0)), Tried(5.0, Served(0.02, 70.0, 0))]
    assert cheapest(tried, 0.01) == tried[1]
    assert cheapest(tried, 0.0) is None


def bursty(days: float, *, at_most: str | None = None, price: float = 20.0) -> World:
    """Eight nodes: jobs for four of them, and a service that wants two nodes, and now and then five."""
    span_s = round(days * DAY_S)
    jobs = tuple(Job(str(at_s), at_s, 1500, 1800, 1, "u") for at_s in range(0, span_s, 400))
    steps = tuple((at_s, 50.0 if at_s // 1800 * 7919 % 13 < 3 else 20.0) for at_s in range(0, span_s, 1800))
    rules = policy(weights=Weights(kubernetes=price), moves=MovesPolicy(dwell="5m", lead_time="2m"))
    world = World(Workload(jobs, (), steps, 10.0), (NodeKind("", 8),), SHAPE, rules, span_s, handover_s=120)
    level = PoolInKubernetes(unmet_at_most=at_most, waits_at_most="0s")
    return with_pool(world, rules.spec.pools[0].model_copy(update={"kubernetes": level}))


def test_a_fixed_price_is_the_plain_replay_at_that_weight():
    plain = replay(bursty(0.25, price=7.0), "predictive").figures
    served = Served(plain["unmet_requests_share"], plain["hpc_wait_so_far_mean_s"], int(plain["hpc_jobs_queued"]))
    assert at_fixed_price(bursty(0.25), 7.0) == served
    assert at_fixed_price(bursty(0.25, at_most="1%"), 7.0) == served, "it follows nothing"


def unmet_on(day: int, outcome: Outcome) -> float:
    line = outcome.timeline
    of_the_day = line.times_s // DAY_S == day
    wanted = line.kubernetes_demand[of_the_day]
    return float(np.maximum(0.0, wanted - line.kubernetes_nodes[of_the_day]).sum() / wanted.sum())


def test_the_price_rises_until_the_level_holds():
    """At a fixed price the bursts come too fast, day by day; one that follows rises until nodes are kept for them."""
    alone, following = (replay(bursty(5, at_most=level), "persistence") for level in (None, "0.4%"))
    assert all(unmet_on(day, alone) > 0.015 for day in range(5))
    assert unmet_on(0, following) > 0.015
    assert all(unmet_on(day, following) < 0.01 for day in (3, 4))


def test_the_split_of_equal_service_is_the_smallest_that_serves_so_much():
    world = small_world(3, pods=0)
    low, high = world.bounds
    all_of_them = [at_split(world, nodes) for nodes in range(low, high + 1)]
    for at_most in (0.2, 0.01):
        meeting = [one for one in all_of_them if one.served.unmet <= at_most]
        assert split_that_meets(world, at_most) == meeting[0]


def test_pods_count_by_node_hours():
    world = small_world(3)
    few, many = at_split(world, 2).served, at_split(world, 14).served
    assert 0 <= many.unmet < few.unmet < 1
