"""Work that nobody can serve, in the twin: it is told, it is nowhere else, and no forecast waits for it."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.demand import Demand
from models.nodes import NodeShape, Side
from models.observations import Observation
from models.policies import Shares
from models.unserved import UnservedReason
from models.work import WorkState
from simulator.compare import replay
from simulator.hpc import NodeKind
from simulator.kube import KubeCluster
from simulator.machine import Machine, Workload
from simulator.perfect import PerfectForecaster
from simulator.twin import TwinHpc, TwinKubernetes
from simulator.unserved import unserved_of
from simulator.work import Job, Pod
from simulator.world import World
from tests.simulator.small_worlds import policy

SHAPE = NodeShape(cpu_milli=10_000, memory_mib=64_000, gpu_milli=0)
SPAN_S = 3600


def pod(cpus: int, create_s: int = 0, run_s: int = 100, gpus: int = 0) -> Pod:
    return Pod("p", create_s, run_s, 1000 * cpus, 1, 1000 * gpus)


def world(nodes: int, gangs: tuple[tuple[Pod, ...], ...] = (), jobs: tuple[Job, ...] = (), **floor: int) -> World:
    rules = policy(floor=Shares(**floor))
    return World(Workload(jobs, gangs), (NodeKind("", nodes),), SHAPE, rules, SPAN_S, handover_s=0)


PACKED = {  # cpus of each pod; nodes, of 10 cpus each; whether they can run together, and why not
    "a pod that fills a node": ((10,), 1, None),
    "a pod larger than a node": ((11,), 4, UnservedReason.NODE),
    "any pod, where there is never a node": ((1,), 0, UnservedReason.POOL),
    "a gang that fits by its sum and not by its pieces": ((6, 6, 6), 2, UnservedReason.POOL),
    "a gang that fits by its sum and its pieces": ((5, 5, 5, 5), 2, None),
    "a gang that is too much by its sum": ((7, 7, 7), 2, UnservedReason.POOL),
    "a gang that fits when its largest are placed first": ((4, 4, 6, 6), 2, None),
    "a gang of which one is larger than a node": ((1, 11), 4, UnservedReason.NODE),
}


@pytest.mark.parametrize("case", PACKED)
def test_a_gang_is_packed_onto_the_empty_cluster(case: str):
    cpus, nodes, why = PACKED[case]
    cluster = KubeCluster(5, SHAPE, nodes)
    group = cluster.group(1, tuple(map(pod, cpus)))
    found = cluster.unserved_by(group)
    assert (found and found.why) == why
    if found is not None:
        assert (found.side, found.count, found.nodes) == (Side.KUBERNETES, len(cpus), pytest.approx(sum(cpus) / 10))
    for node in range(nodes, 5):
        cluster.set_closed(node, "mark")
    cluster.submit(group)
    assert bool(cluster.schedule(0, [group])) is (why is None)
    on = [[size for size, where in zip(cpus, group.placed, strict=False) if where == node] for node in range(5)]
    assert all(sum(sizes) <= 10 for sizes in on)


def test_pods_of_two_scarce_resources_share_a_node():
    """Each takes a whole node by its scarcest resource; together they fit one."""
    cluster = KubeCluster(1, SHAPE)
    group = cluster.group(1, (Pod("a", 0, 1, 10_000, 1, 0), Pod("b", 0, 1, 0, 63_999, 0)))
    assert cluster.could_ever_fit(group)


def test_a_gpu_where_no_node_has_one_is_told_apart():
    cluster = KubeCluster(1, SHAPE)
    found = cluster.unserved_by(cluster.group(1, (pod(1, gpus=2),)))
    assert found is not None
    assert (found.why, found.example) == (UnservedReason.RESOURCE, "2 GPUs, a node has none")


def test_a_gang_for_more_than_the_ceiling_is_no_demand():
    large = world(4, ((pod(10),) * 4, (pod(10),) * 3), hpc=1)
    for name in ("static", "reactive", "perfect"):
        outcome = replay(large, name)
        (found,) = outcome.unserved
        assert (found.why, found.count, found.nodes) == (UnservedReason.POOL, 4, 4.0)
        assert outcome.figures["pods_refused"] == 4
        assert outcome.timeline.kubernetes_demand.max() == 3


def test_a_job_of_a_kind_that_no_node_is_of_is_told_apart():
    job = Job(1, 0, 10, 10, 1, kind="unheard-of")
    (found,) = unserved_of(world(2, jobs=(job,)))
    assert (found.side, found.why) == (Side.HPC, UnservedReason.MATCH)


# ---- the perfect forecast ----


def foreseen(one: World, side: Side) -> list[float]:
    """What is foreseen of a side at second 0, a minute and an hour ahead."""
    machine = one.machine()
    forecaster = PerfectForecaster(one.workload, machine, (60, 3600), one.hpc_nodes_max)
    forecaster.observe(Observation(0, {each: Demand(each, 0, 0.0, 0.0) for each in Side}, ()))
    return [row[0] for row in forecaster.forecast(0)[side].values]


FORESEEN = {
    "pods that fit": (world(4, ((pod(10, 30, 9000),),)), Side.KUBERNETES, [1, 1]),
    "a pod larger than a node": (world(4, ((pod(11, 30, 9000),), (pod(10, 30, 9000),))), Side.KUBERNETES, [1, 1]),
    "a gang whose pieces do not fit": (world(2, ((pod(6, 30, 9000),) * 3,)), Side.KUBERNETES, [0, 0]),
    "a gang beyond the ceiling": (world(2, ((pod(10, 30, 9000),) * 2,), hpc=1), Side.KUBERNETES, [0, 0]),
    "jobs that fit": (world(4, jobs=(Job(1, 30, 600, 600, 4),)), Side.HPC, [4, 0]),
    "a job larger than the machine": (world(4, jobs=(Job(1, 30, 9000, 9000, 5),)), Side.HPC, [0, 0]),
    "an oversize job": (world(4, jobs=(Job(1, 30, 9000, 9000, 4),), kubernetes=1), Side.HPC, [0, 0]),
}


@pytest.mark.parametrize("case", FORESEEN)
def test_what_can_never_run_is_not_foreseen(case: str):
    one, side, nodes = FORESEEN[case]
    assert foreseen(one, side) == nodes


# ---- all work is in one place ----

TIMES = st.integers(0, 600)
CPUS = st.lists(st.sampled_from((4, 6, 6, 11)), min_size=1, max_size=4)  # few sizes, so that pieces often do not fit
GANGS = st.lists(st.tuples(TIMES, st.integers(1, 900), CPUS), max_size=8)
JOBS = st.lists(st.tuples(TIMES, st.integers(1, 900), st.integers(1, 6)), max_size=8)


def can_be_packed(cpus: list[int], nodes: int) -> bool:
    """By trying every way to lay the pods onto the nodes."""
    for where in product(range(nodes), repeat=len(cpus)):
        if all(sum(size for size, node in zip(cpus, where, strict=True) if node == one) <= 10 for one in where):
            return True
    return False


@settings(max_examples=100)
@given(GANGS, JOBS, st.integers(1, 4), st.integers(0, 4), st.integers(0, 1), st.integers(0, 1))
def test_every_pod_and_job_is_in_exactly_one_place(gangs, jobs, nodes, split, hpc, kubernetes):
    """Of run (now or before), waiting, and unserved; and unserved is just what no packing could place."""
    if hpc + kubernetes > nodes:
        hpc = kubernetes = 0
    one = world(
        nodes,
        tuple(tuple(pod(size, at_s, run_s) for size in cpus) for at_s, run_s, cpus in gangs),
        tuple(Job(number, at_s, run_s, run_s, procs) for number, (at_s, run_s, procs) in enumerate(sorted(jobs))),
        hpc=hpc,
        kubernetes=kubernetes,
    )
    machine = one.machine()
    machine.listening = True
    machine.split(min(max(split, kubernetes), nodes - hpc))
    sides = TwinHpc(machine, one.hpc_nodes_max), TwinKubernetes(machine)
    states: dict[str, WorkState] = {}
    while machine.agenda:
        machine.advance()
        states |= {record.id: record.state for record in machine.take_records()}
        look_at_pods(machine, sides[1], states, nodes - hpc)
        look_at_jobs(machine, sides[0], states, nodes - kubernetes)
    told = {side: sum(found.count for found in unserved_of(one) if found.side is side) for side in Side}
    assert told[Side.KUBERNETES] == sum(found.count for found in machine.kube.unserved)
    assert told[Side.HPC] == sum(job.procs > nodes - kubernetes for job in one.workload.jobs)


def look_at_pods(machine: Machine, side: TwinKubernetes, states: dict[str, WorkState], most: int) -> None:
    come = {n: gang for n, gang in enumerate(machine.workload.gangs) if gang[0].create_s <= machine.now_s}
    known = {n for n in come if f"pods/{n}" in states}
    waiting = {n for n in known if states[f"pods/{n}"] is WorkState.ELIGIBLE}
    picture = side.read().waiting
    assert len(picture.sizes) == len(waiting)
    assert sum(found.count for found in picture.unserved) == sum(len(come[n]) for n in come.keys() - known)
    for number, gang in come.items():
        assert (number in known) is can_be_packed([one.cpu_milli // 1000 for one in gang], most)


def look_at_jobs(machine: Machine, side: TwinHpc, states: dict[str, WorkState], most: int) -> None:
    come = [job for job in machine.workload.jobs if job.submit_s <= machine.now_s]
    large = [job for job in come if job.procs > most]
    ran = {job.id for job in come if states.get(f"job/{job.id}") in (WorkState.RUNNING, WorkState.ENDED)}
    picture = side.read().waiting
    assert ran.isdisjoint(job.id for job in large)
    assert picture.oversize + machine.counts.jobs_refused == len(large)
    assert len(ran) + len(picture.sizes) + len(large) == len(come)
