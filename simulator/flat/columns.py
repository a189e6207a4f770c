"""A world's jobs as columns, and the worlds that cannot be laid flat."""

from __future__ import annotations

from itertools import pairwise

from controller.whatif.batch_queue import BatchQueue, Jobs
from simulator.world import World


def not_flat(world: World) -> str | None:
    """What the world has that the flat queue does not know; None when there is nothing of the kind."""
    if world.shared_cores:
        return "jobs share nodes"
    if len(world.kinds) != 1:
        return "several kinds of node"
    jobs = world.workload.jobs
    if any(job.kind or job.procs < 1 for job in jobs):
        return "jobs that name a kind of node, or ask for none"
    if any(job.submit_s < 0 for job in jobs[:1]) or any(later.submit_s < job.submit_s for job, later in pairwise(jobs)):
        return "jobs out of order"
    return None


def jobs_of(world: World) -> Jobs:
    """The jobs of a world that is flat."""
    jobs, cores = world.workload.jobs, world.kinds[0].cores
    return Jobs(
        ident=[job.id for job in jobs],
        submit_s=[job.submit_s for job in jobs],
        nodes=[-(-job.procs // cores) for job in jobs],
        limit_s=[job.limit_s for job in jobs],
        run_s=[min(job.run_s, job.limit_s) for job in jobs],
    )


def queue_of(world: World, jobs: Jobs) -> BatchQueue:
    """The HPC side of a world at its beginning, with every node."""
    return BatchQueue(jobs, world.nodes, world.hpc_nodes_max, fifo=world.discipline == "fifo")
