"""What holds for every plan: more demand never means fewer nodes, bounds hold, order and labels change nothing.

Where more demand may mean fewer nodes for a turn is told apart: work of several nodes, the first job that waits, and
what Kubernetes lacks while none does.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace as changed
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.decide.decide import decide
from controller.decide.guards import begun_lately, under_way
from controller.decide.node_hours import node_seconds_left
from models.errors import Unreachable
from models.fields import nodes_of
from models.forecasts import Forecast, Source
from models.handovers import Direction
from models.nodes import Node, Side
from models.plans import Plan
from models.policies import MovesPolicy, PoolPolicy, Weights
from models.snapshot import Due, Snapshot, Taken
from tests.controller.fleet import OLD_MARK, Machine
from tests.controller.test_controller import Site
from tests.controller.test_decide import (
    FREE,
    NOW_S,
    any_handover,
    closed_node,
    hpc_node,
    kubernetes_node,
    shares,
    snapshot,
)

FETCHES_BUSY = 6.0  # from this weight on nodes are held for Kubernetes while jobs wait
LEVELS = (0.1, 0.5, 0.9)
KINDS = ("idle", "busy", "long", "empty", "podded", "moving")
Spread = tuple[tuple[float, ...], tuple[float, ...]] | None


def node(name: str, kind: str) -> Node:
    if kind == "moving":
        return closed_node(name)
    if kind in ("empty", "podded"):
        return kubernetes_node(name, pods=int(kind == "podded"))
    return hpc_node(name, frees_in_s={"idle": None, "busy": 1200, "long": 9000}[kind])


def shown(
    kinds: tuple[str, ...], hpc: tuple[float, ...], kubernetes: tuple[float, ...], spread: Spread = None, dice: int = 0
) -> Snapshot:
    """A pool of such nodes. What Kubernetes' demand may change by is ``spread``; without it, it stays."""
    names = [f"n{number}" for number in range(len(kinds))]
    die = random.Random(dice)
    handovers = tuple(any_handover(die, name) for name, kind in zip(names, kinds, strict=True) if kind == "moving")
    now = kinds.count("podded") + sum(kubernetes)
    foreseen = None if spread is None else tuple(tuple(max(0.0, now + by) for by in row) for row in spread)
    forecasts = {}
    if foreseen is not None:
        forecasts[Side.KUBERNETES] = Forecast(Side.KUBERNETES, NOW_S, now, (900, 7200), LEVELS, foreseen, Source.MODEL)
    nodes = [node(name, kind) for name, kind in zip(names, kinds, strict=True)]
    return snapshot(nodes, hpc=hpc, kubernetes=kubernetes, handovers=handovers, forecasts=forecasts)


def pool(weight: float, hpc: int = 0, kubernetes: int = 0, most: int | None = None) -> PoolPolicy:
    ceiling = shares() if most is None else shares(kubernetes=most)
    floor = shares(hpc=hpc, kubernetes=kubernetes)
    return PoolPolicy(name="p", unmet_cost=Weights(hpc=1.0, kubernetes=weight), floor=floor, ceiling=ceiling)


NODES = st.lists(st.sampled_from(KINDS), min_size=2, max_size=6).map(tuple)
SINGLES = st.lists(st.sampled_from([0.5, 1.0]), max_size=4).map(tuple)
JOBS = st.integers(1, 4).map(lambda count: (1.0,) * count)
CHANGES = st.lists(st.integers(-2, 4).map(float), min_size=3, max_size=3).map(lambda row: tuple(sorted(row)))
SPREADS = st.none() | st.tuples(CHANGES, CHANGES)
POOLS = st.builds(pool, st.sampled_from([0.5, 1.0, 3.0, 10.0]), hpc=st.integers(0, 1), kubernetes=st.integers(0, 1))
MOVES = st.builds(
    MovesPolicy,
    at_once=st.sampled_from([1, 3, "100%"]),
    per_hour=st.sampled_from([2, "100%"]),
    node_hours_per_day=st.sampled_from([None, 0.5, 1]),
    min_gain=st.sampled_from([0, 0.35, 2]),
    evict=st.sampled_from(["never", "pods"]),
    dwell=st.just("0s"),
    look_ahead=st.just("2h"),
)


# ---- more demand ----


@settings(max_examples=150)
@given(NODES, JOBS, SINGLES, SPREADS, POOLS, MOVES, st.integers(0, 99))
def test_more_demand_of_single_nodes_never_means_fewer_nodes_while_jobs_wait(
    kinds: tuple[str, ...],
    hpc: tuple[float, ...],
    kubernetes: tuple[float, ...],
    spread: Spread,
    policy: PoolPolicy,
    moves: MovesPolicy,
    dice: int,
):
    less = decide(shown(kinds, hpc, kubernetes, spread, dice), policy, moves).target
    assert decide(shown(kinds, hpc, (*kubernetes, 1.0), spread, dice), policy, moves).target >= less
    assert decide(shown(kinds, (*hpc, 1.0), kubernetes, spread, dice), policy, moves).target <= less


@pytest.mark.parametrize("weight", [0.5, 3.0, 10.0])
def test_so_it_is_in_every_pool_of_up_to_four_nodes(weight: float):
    """Whatever state its nodes are in, and also while no job waits: with a forecast that demand stays."""
    policy, counts = pool(weight), range(3)
    kinds = [one for count in range(1, 5) for one in product(KINDS[:-1], repeat=count) if list(one) == sorted(one)]
    for nodes in kinds:
        found = {
            (jobs, pods): decide(shown(nodes, (1.0,) * jobs, (1.0,) * pods), policy, FREE).target
            for jobs, pods in product(counts, counts)
        }
        for (jobs, pods), target in found.items():
            assert target >= found.get((jobs, pods - 1), 0), (nodes, jobs, pods)
            if jobs > 1 or weight < FETCHES_BUSY or "busy" not in nodes:
                assert target <= found.get((jobs - 1, pods), len(nodes)), (nodes, jobs, pods)


def test_for_gangs_it_need_not_be_so_as_smaller_work_may_be_the_cheaper_start():
    """HPC has one node and a job waits that needs two; once one waits that needs one, that is started instead."""
    nodes, policy = ("idle", "empty", "podded"), pool(0.5)
    assert decide(shown(nodes, (2.0,), (1.0,)), policy, FREE).target == 1
    assert decide(shown(nodes, (2.0, 1.0), (1.0,)), policy, FREE).target == 2


def test_the_first_job_that_waits_may_let_a_node_begin_to_leave_before_that_job_can_take_it():
    """While none waits, a node whose work ends soon goes when it is empty: nobody else wants it."""
    assert decide(shown(("busy", "busy"), (), (1.0,)), pool(10.0), FREE).target == 0
    assert decide(shown(("busy", "busy"), (1.0,), (1.0,)), pool(10.0), FREE).target == 1


def test_what_is_short_while_no_job_waits_goes_before_what_is_foreseen_which_follows_a_turn_later():
    ahead = ((2.0, 2.0, 3.0), (2.0, 2.0, 3.0))
    nodes = ("empty", "idle", "idle")
    assert decide(shown(nodes, (), (1.0,), ahead), pool(3.0), FREE).target == 3
    assert decide(shown(nodes, (), (1.0, 1.0), ahead), pool(3.0), FREE).target == 2


# ---- budgets, floors and ceilings ----


def check_budgets(found: Snapshot, moves: MovesPolicy, plan: Plan, due: int) -> None:
    """What begins keeps within every budget, or is no more than a takeover needs by now."""
    nodes, begun = len(found.nodes), len(plan.moves)
    left_s = None
    if moves.node_hours_per_day is not None:
        left_s = node_seconds_left(moves.node_hours_per_day, Taken(nodes, found.taken_s), found.taken_elsewhere)
    lead_s = max((found.lead[move.direction].planned_s for move in plan.moves), default=0)
    assert begun <= max(due, nodes_of(moves.at_once, nodes) - under_way(found, moves), 0)
    assert begun <= max(due, nodes_of(moves.per_hour, nodes) - begun_lately(found, moves), 0)
    assert left_s is None or begun <= due or begun * lead_s <= left_s


@settings(max_examples=300)
@given(
    kinds=NODES,
    hpc=st.lists(st.sampled_from([1.0, 2.0, 4.0]), max_size=4).map(tuple),
    kubernetes=st.lists(st.sampled_from([0.5, 1.0, 3.0]), max_size=4).map(tuple),
    spread=SPREADS,
    policy=POOLS,
    most=st.none() | st.integers(2, 6),
    moves=MOVES,
    took=st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 3600), st.integers(0, 3600)),
    taken_over=st.none() | st.tuples(st.sampled_from(Direction), st.integers(1, 4)),
    dice=st.integers(0, 99),
)
def test_budgets_floors_and_ceilings_hold_for_every_plan(
    kinds: tuple[str, ...],
    hpc: tuple[float, ...],
    kubernetes: tuple[float, ...],
    spread: Spread,
    policy: PoolPolicy,
    most: int | None,
    moves: MovesPolicy,
    took: tuple[int, int, int, int],
    taken_over: tuple[Direction, int] | None,
    dice: int,
):
    begun, elsewhere, own_s, others_s = took
    found = changed(
        shown(kinds, hpc, kubernetes, spread, dice),
        recent_moves_s=(NOW_S - 60,) * begun,
        open_elsewhere=elsewhere,
        recent_moves_elsewhere_s=(NOW_S - 50,) * elsewhere,
        taken_s=own_s,
        taken_elsewhere=(Taken(4, others_s),),
    )
    if most is not None:
        policy = policy.model_copy(update={"ceiling": shares(kubernetes=most)})
    low, high = policy.bounds(len(kinds))
    if taken_over is not None:
        way, count = taken_over
        names = [one.name for one in found.nodes if one.owner is way.source][:count]
        found = changed(found, due=Due("takeover t", way, tuple(names)), bounds=((low, high),) * 24)
    plan = decide(found, policy, moves)
    due = len(found.due.nodes) if found.due is not None else 0
    check_budgets(found, moves, plan, due)
    there = {side: sum(one.owner is side for one in found.nodes) for side in Side}
    leaving = {side: sum(move.direction.source is side for move in plan.moves) for side in Side}
    assert plan.target >= low or plan.target >= plan.current
    assert plan.target <= high or plan.target <= plan.current
    if not due:
        assert not leaving[Side.KUBERNETES] or there[Side.KUBERNETES] - leaving[Side.KUBERNETES] >= low
        assert not leaving[Side.HPC] or there[Side.HPC] - leaving[Side.HPC] >= policy.floor_of(Side.HPC, len(kinds))


# ---- the same snapshot, the same plan ----


def in_any_order(plan: Plan) -> tuple[object, ...]:
    refused = {(one.reason, one.text, frozenset(one.nodes)) for one in plan.rejections}
    return plan.current, plan.target, plan.moves, plan.cancellations, refused


@settings(max_examples=100)
@given(NODES, JOBS | st.just(()), SINGLES, SPREADS, POOLS, MOVES, st.randoms(use_true_random=False))
def test_the_order_in_which_nodes_are_shown_changes_nothing(
    kinds: tuple[str, ...],
    hpc: tuple[float, ...],
    kubernetes: tuple[float, ...],
    spread: Spread,
    policy: PoolPolicy,
    moves: MovesPolicy,
    dice: random.Random,
):
    found = shown(kinds, hpc, kubernetes, spread)
    nodes, handovers = list(found.nodes), list(found.open_handovers)
    dice.shuffle(nodes)
    dice.shuffle(handovers)
    other = changed(found, nodes=tuple(nodes), open_handovers=tuple(handovers))
    assert in_any_order(decide(other, policy, moves)) == in_any_order(decide(found, policy, moves))


# ---- forecasts that are not trusted ----


def foreseeing(found: Snapshot, side: Side, **facts: object) -> Snapshot:
    view = found.sides[side]
    sides: Mapping[Side, object] = {**found.sides, side: changed(view, forecast=changed(view.forecast, **facts))}
    return changed(found, sides=sides)


@settings(max_examples=80)
@given(NODES, JOBS | st.just(()), SINGLES, SPREADS, POOLS, st.sampled_from(Source))
def test_by_numbers_alone_is_decided_so_what_is_persistence_in_numbers_is_decided_as_persistence(
    kinds: tuple[str, ...],
    hpc: tuple[float, ...],
    kubernetes: tuple[float, ...],
    spread: Spread,
    policy: PoolPolicy,
    source: Source,
):
    """A model that is not trusted is published as persistence: its name adds nothing."""
    found = shown(kinds, hpc, kubernetes, spread)
    assert decide(foreseeing(found, Side.KUBERNETES, source=source), policy, FREE) == decide(found, policy, FREE)


@settings(max_examples=80)
@given(NODES, JOBS | st.just(()), SINGLES, POOLS, st.tuples(CHANGES, CHANGES))
def test_a_forecast_of_the_hpc_side_that_is_not_sure_gives_the_plan_of_now(
    kinds: tuple[str, ...],
    hpc: tuple[float, ...],
    kubernetes: tuple[float, ...],
    policy: PoolPolicy,
    spread: tuple[tuple[float, ...], tuple[float, ...]],
):
    found = shown(kinds, hpc, kubernetes)
    now = found.sides[Side.HPC].demand.nodes
    values = tuple(tuple(max(0.0, now + by) for by in row) for row in spread)
    likely = foreseeing(found, Side.HPC, levels=LEVELS, values=values, source=Source.MODEL)
    assert decide(likely, policy, FREE) == decide(found, policy, FREE)


@settings(max_examples=80)
@given(NODES, JOBS, SINGLES, st.tuples(CHANGES, CHANGES), st.sampled_from([0.5, 1.0, 3.0, 5.9]))
def test_while_jobs_wait_and_a_node_short_costs_less_than_six_withheld_the_plan_is_that_of_now(
    kinds: tuple[str, ...],
    hpc: tuple[float, ...],
    kubernetes: tuple[float, ...],
    spread: tuple[tuple[float, ...], tuple[float, ...]],
    weight: float,
):
    likely = decide(shown(kinds, hpc, kubernetes, spread), pool(weight), FREE)
    assert likely == decide(shown(kinds, hpc, kubernetes), pool(weight), FREE)


# ---- demand that is not known ----


@pytest.mark.parametrize("unseen", Side)
@pytest.mark.parametrize("wants", Side)
def test_nothing_moves_while_a_side_cannot_be_seen_whatever_the_other_wants(
    unseen: Side, wants: Side, monkeypatch: pytest.MonkeyPatch
):
    """Demand that is not known is not none: there is no snapshot, and so no plan."""
    machines = {f"n{number}": Machine(closed=OLD_MARK) for number in range(3)}
    site = Site(**machines, **{f"k{number}": Machine(drain=OLD_MARK) for number in range(3)}, moves=FREE)
    site.wants(**{str(wants): 6})
    port = site.fleet.hpc if unseen is Side.HPC else site.fleet.kubernetes
    with monkeypatch.context() as patched:
        patched.setattr(port, "read", cannot_be_seen)
        assert site.turn(10) is None
        assert site.turn(310) is None
    assert site.controller.open_handovers == ()
    assert {move.direction.target for move in site.planned(610).moves} == {wants}


def cannot_be_seen() -> None:
    raise Unreachable("nobody answers")
