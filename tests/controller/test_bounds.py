"""Bounds by step: the pool's own in each step for now, put into the snapshot, and kept to where the choice is made."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.decide.bounds import bounds_by_step, first_bounds, steps_of
from models.audit import Decided
from models.plans import Reason
from models.policies import MovesPolicy, PoolPolicy, Shares, Spec
from models.snapshot import Bounds
from tests.controller.test_controller import Site
from tests.controller.test_decide import hpc_nodes, planned, snapshot

POOL = PoolPolicy(name="pool", floor=Shares(hpc=2, kubernetes=1))


@pytest.mark.parametrize(("every", "look_ahead", "steps"), [("5m", "2h", 24), ("1h", "2h", 2), ("1h", "5m", 1)])
def test_there_is_one_for_each_step_of_the_horizon(every: str, look_ahead: str, steps: int):
    spec = Spec(moves=MovesPolicy(every=every, look_ahead=look_ahead))
    assert steps_of(spec.moves) == steps
    assert bounds_by_step(POOL, spec, 8, 0) == ((1, 6),) * steps


@given(nodes=st.integers(3, 100), now_s=st.integers(0, 2**31))
def test_they_are_the_pools_at_any_time(nodes: int, now_s: int):
    assert set(bounds_by_step(POOL, Spec(), nodes, now_s)) == {POOL.bounds(nodes)}


def test_floors_and_ceilings_that_leave_no_split_are_refused():
    with pytest.raises(ValueError, match="leave no split"):
        bounds_by_step(POOL, Spec(), 2, 0)


@pytest.mark.parametrize(
    ("bounds", "most", "reason"),
    [
        ((), 6, Reason.CEILING),
        (((1, 6),) * 24, 6, Reason.CEILING),
        (((0, 3), *((1, 6),) * 23), 3, Reason.CEILING),
        (((0, 8),) * 24, 8, Reason.DEMAND),
    ],
)
def test_the_plan_keeps_to_those_of_the_first_step(bounds: tuple[Bounds, ...], most: int, reason: Reason):
    """Without any, as in an audit of an earlier release, to the pool's."""
    found = replace(snapshot(hpc_nodes(8), kubernetes=(1.0,) * 8), bounds=bounds)
    assert first_bounds(found, POOL) == (bounds[0] if bounds else (1, 6))
    plan = planned(found, POOL)
    assert len(plan.moves) == most
    assert {rejection.reason for rejection in plan.rejections} <= {reason}


def test_the_controller_puts_them_into_what_it_decides_on():
    site = Site(pool=POOL).wants(kubernetes=6)
    plan = site.planned(0)
    (decided,) = site.fleet.audit.of(Decided)
    assert decided.snapshot.bounds == ((1, 4),) * 24
    assert plan.target == 4


@pytest.mark.parametrize(("closed", "most"), [(0, 6), (1, 5), (3, 3), (6, 0), (8, 0)])
def test_nodes_that_persons_have_closed_are_not_the_floor_that_the_hpc_side_keeps(closed: int, most: int):
    nodes = tuple(
        replace(one, hpc=replace(one.hpc, drain_reason="broken fan")) if number < closed else one
        for number, one in enumerate(hpc_nodes(8))
    )
    found = replace(snapshot(nodes, kubernetes=(1.0,) * 8), bounds=((0, 6),) * 24)
    pool = PoolPolicy(name="a", floor=Shares(hpc=2, kubernetes=0))
    assert len(planned(found, pool).moves) == most
