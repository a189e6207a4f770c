"""Fixed splits on the flat twin are those of the plain twin: every figure to the last bit, every start, every row."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.policies import Shares
from simulator.figures import Moved, figures
from simulator.flat.columns import not_flat
from simulator.hpc import NodeKind
from simulator.machine import Workload
from simulator.static import Fixed, run_fixed, run_fixed_plain
from simulator.work import Job
from simulator.world import World
from tests.simulator.small_worlds import policy, small_world

NODES = 8
JOBS = st.lists(
    st.tuples(
        st.integers(0, 400), st.integers(1, NODES + 1), st.integers(0, 120), st.sampled_from((0, 1, 30, 60, 120))
    ),
    max_size=40,
)


def told(fixed: Fixed, world: World) -> dict[str, float | int]:
    end_s = fixed.machine.now_s if world.span_s is None else world.span_s
    return figures(fixed.machine, fixed.meter, Moved(), end_s, world.weights)


def assert_alike(world: World, kubernetes_nodes: int) -> None:
    flat = run_fixed(world, kubernetes_nodes, watch=True)
    plain = run_fixed_plain(world, kubernetes_nodes, watch=True)
    assert told(flat, world) == told(plain, world)
    assert flat.machine.counts.waits_s == plain.machine.counts.waits_s
    assert world.span_s is not None or flat.machine.now_s == plain.machine.now_s
    assert flat.rows == plain.rows


def world_of(jobs: list[tuple[int, int, int, int]], discipline: str, *, hpc_ceiling: int | None = None) -> World:
    """Jobs of (submitted, nodes, run, limit) and nothing else, ids falling so that they are no order of coming."""
    jobs = sorted(jobs, key=lambda job: job[0])
    work = tuple(
        Job(len(jobs) - number, at_s, run_s, limit_s, nodes)
        for number, (at_s, nodes, run_s, limit_s) in enumerate(jobs)
    )
    world = small_world(0, nodes=NODES, days=1, pods=0, rules=policy(ceiling=Shares(hpc=hpc_ceiling)))
    return replace(world, workload=Workload(work), span_s=None, discipline=discipline)


@pytest.mark.parametrize("discipline", ["easy", "fifo"])
@pytest.mark.parametrize("kubernetes_nodes", [0, 3, 12, 16])
@pytest.mark.parametrize("seed", range(4))
def test_a_split_of_a_small_world(seed: int, kubernetes_nodes: int, discipline: str):
    world = replace(small_world(seed, pods=0, days=3), discipline=discipline)
    assert told(run_fixed(world, kubernetes_nodes), world)["hpc_jobs_in"] > 0
    assert_alike(world, kubernetes_nodes)


@settings(max_examples=300)
@given(JOBS, st.sampled_from(("easy", "fifo")), st.integers(0, NODES), st.sampled_from((None, 3)))
def test_any_queue_on_any_split(
    jobs: list[tuple[int, int, int, int]], discipline: str, nodes: int, ceiling: int | None
):
    assert_alike(world_of([*jobs, (0, 1, 10, 10)], discipline, hpc_ceiling=ceiling), nodes)


@settings(max_examples=100)
@given(JOBS, st.integers(1, 500), st.integers(0, NODES))
def test_a_span_that_ends_before_the_work(jobs: list[tuple[int, int, int, int]], span_s: int, nodes: int):
    assert_alike(replace(world_of(jobs, "easy"), span_s=span_s), nodes)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"shared_cores": True}, "share"),
        ({"kinds": (NodeKind("a", 8), NodeKind("b", 8))}, "kinds"),
        ({"workload": Workload((Job(1, 0, 10, 10, 1, kind="a"),))}, "kind"),
        ({"workload": Workload((Job(1, 0, 10, 10, 0),))}, "none"),
        ({"workload": Workload((Job(1, 9, 10, 10, 1), Job(2, 8, 10, 10, 1)))}, "order"),
        ({"workload": Workload((Job(1, -9, 10, 10, 1),))}, "order"),
    ],
)
def test_what_cannot_be_laid_flat_is_refused(change: dict[str, object], why: str):
    world = small_world(0, pods=0)
    assert not_flat(world) is None
    assert why in str(not_flat(replace(world, **change)))
