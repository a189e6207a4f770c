"""Small seeded worlds for the tests of whole replays."""

from __future__ import annotations

from models.nodes import NodeShape
from models.policies import MovesPolicy, Policy, PoolPolicy, Shares, Spec, Weights
from models.pools import PoolTakeovers
from simulator.hpc import NodeKind
from simulator.machine import Machine, Workload
from simulator.work import Pod
from simulator.workloads.diurnal import diurnal_requests
from simulator.workloads.lublin import lublin_jobs
from simulator.world import World

DAY_S = 86400
SHAPE = NodeShape(cpu_milli=8000, memory_mib=64_000, gpu_milli=4000)


def policy(
    *,
    floor: Shares | None = None,
    ceiling: Shares | None = None,
    weights: Weights | None = None,
    moves: MovesPolicy | None = None,
    takeover: PoolTakeovers | None = None,
) -> Policy:
    pool = PoolPolicy(
        name="pool",
        floor=floor or Shares(),
        ceiling=ceiling or Shares(),
        unmet_cost=weights or Weights(),
        takeover=takeover or PoolTakeovers(),
    )
    return Policy(spec=Spec(pools=(pool.without_usual_floors(),), moves=moves or MovesPolicy()))


def gangs(seed: int, span_s: int, count: int) -> tuple[tuple[Pod, ...], ...]:
    """Some single pods and some gangs, the first of all at second 0."""
    found = []
    for number in range(count):
        create_s = number * span_s // count
        size = 1 + (number * 7 + seed) % 4
        run_s = None if number % 11 == 10 else 600 + 900 * ((number + seed) % 9)
        request = ((8000, 1000, 0), (2000, 16_000, 0), (1000, 1000, 2000))[(number + seed) % 3]
        found.append(tuple(Pod(f"p{number}-{part}", create_s, run_s, *request, f"g{number}") for part in range(size)))
    return tuple(found)


def small_world(
    seed: int, *, nodes: int = 16, days: float = 2, handover_s: int = 600, pods: int = 12, rules: Policy | None = None
) -> World:
    """Jobs of up to all nodes, a request rate that needs up to about half of them, and some pods."""
    span_s = round(days * DAY_S)
    jobs = lublin_jobs(procs=nodes, seed=seed, days=days, load=0.6)
    requests = diurnal_requests(days=days, seed=seed, peak_per_s=nodes * 5.0)
    steps = tuple(zip(requests.times_s.tolist(), requests.per_s.tolist(), strict=True))
    return World(
        workload=Workload(jobs, gangs(seed, span_s, pods), steps, 10.0),
        kinds=(NodeKind("", nodes),),
        shape=SHAPE,
        policy=rules or policy(),
        span_s=span_s,
        handover_s=handover_s,
        seed=seed,
    )


def count_again(machine: Machine) -> dict[str, int]:
    """What became of the jobs, by number."""
    hpc, counts = machine.hpc, machine.counts
    return {
        "in": counts.jobs_in,
        "told": counts.jobs_finished + len(hpc.running) + len(hpc.queue) + counts.jobs_refused,
    }
