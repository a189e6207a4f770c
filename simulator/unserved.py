"""What of a workload nobody can serve in a world, however its nodes are split."""

from __future__ import annotations

from collections.abc import Iterator

from models.nodes import Side
from models.unserved import Unserved, UnservedReason, by_reason, too_large_jobs
from simulator.hpc import Batch, HpcCluster
from simulator.world import World


def unserved_of(world: World) -> tuple[Unserved, ...]:
    """All jobs and pods of the workload that no split that the policy allows can ever start, by side and reason."""
    return by_reason(_unserved(world))


def _unserved(world: World) -> Iterator[Unserved]:
    machine, nodes_max = world.machine(), world.hpc_nodes_max
    known: dict[tuple[int, str], Unserved | None] = {}
    for job in world.workload.jobs:
        asked = job.procs, job.kind
        if asked not in known:
            known[asked] = unserved_job(machine.hpc, machine.hpc.batch(job), nodes_max)
        if (found := known[asked]) is not None:
            yield found
    for number, pods in enumerate(world.workload.gangs):
        if (found := machine.kube.unserved_by(machine.kube.group(number, pods))) is not None:
            yield found


def unserved_job(hpc: HpcCluster, batch: Batch, nodes_max: int) -> Unserved | None:
    """Why the job can never start while the HPC side has ``nodes_max`` nodes at most; None where it could."""
    size = batch.units / hpc.units_per_node
    of_kind = hpc.of_kind.get(batch.kind, 0) if batch.kind else hpc.size
    if not of_kind:
        return Unserved(Side.HPC, UnservedReason.MATCH, 1, size, f"a node of kind {batch.kind}", size)
    most = min(nodes_max, of_kind)
    return too_large_jobs(size, most) if batch.nodes > most else None
