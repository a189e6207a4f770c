"""How much of a pool a job takes or asks for, and whether the pool could start it: worked out once for jobs alike."""

from __future__ import annotations

from math import ceil, inf
from operator import attrgetter
from typing import NamedTuple

from connectors.slurm import amounts
from connectors.slurm.constraints import could_have
from connectors.slurm.exclusive_nodes import NodeSharing, node_sharing
from connectors.slurm.pool import Pool
from connectors.slurm.wire import Job
from models.hostlists import hosts

alike = attrgetter(
    *("partition", "required_nodes", "excluded_nodes", "node_count", "tasks", "shared", "submit_line", "features"),
    *("tres_req_str", "tres_alloc_str", "tres_per_node", "tres_per_job", "tres_per_task", "tres_per_socket"),
    *("sockets_per_node", "tasks_per_tres"),
)
"""All that an extent depends on, but for whether the job has nodes."""
ROUGHLY = 0.95  # of the memory asked for is held against that of whole nodes, as nodes alike differ a little in it


class JobSize(NamedTuple):
    """A job's size in node-equivalents, on whichever nodes it is; nothing where it waits for no node of the pool.

    ``owns`` is whether its user alone may be on its nodes.
    """

    size: float
    owns: bool


class JobSizes:
    """The extents of jobs in this pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._placed: dict[tuple[object, ...], JobSize] = {}
        self._waiting: dict[tuple[object, ...], JobSize] = {}

    def of(self, job: Job) -> JobSize:
        """The job's. Raises BadInput for a hostlist that is none."""
        known, key = self._placed if job.nodes else self._waiting, alike(job)
        found = known.get(key)
        if found is None:
            found = known[key] = _extent(job, self._pool)
        return found


def _extent(job: Job, pool: Pool) -> JobSize:
    if not job.nodes and not _can_start(job, pool):
        return JobSize(0.0, owns=False)
    others = node_sharing(job, pool)
    return JobSize(_size(job, pool, whole=others is NodeSharing.NOBODY), others is NodeSharing.ITS_USER)


def _size(job: Job, pool: Pool, *, whole: bool) -> float:
    """How much of the pool the job takes or asks for, in node-equivalents.

    A job with its nodes to itself counts as many as it has or, as Slurm may tell the least count, as hold it; so does
    one on several nodes, which needs all of them at once. Any other counts the scarcest of its cores, memory and GPUs.
    One whose size is not told counts whole nodes.
    """
    told = job.tres_alloc_str or job.tres_req_str
    asked = amounts.tres(told)
    nodes = max(1, int(asked.get("node", job.node_count.value or 1)))
    gpus = amounts.tres_gpus(told, pool.gres) or _gpus(job, nodes, pool)
    cores, memory = asked.get("cpu", 0.0) * 1000, asked.get("mem", 0.0)
    if whole or not cores:
        each, has = amounts.gpus(job.tres_per_task, pool.gres), pool.shape.gpu_milli / 1000
        apart = gpus / each / (has // each) if 0 < each <= has else 0.0  # no task is on two nodes
        rough = max(apart, pool.shape.share(cores, ROUGHLY * memory, gpus * 1000))
        return float(nodes if job.nodes else max(nodes, ceil(round(rough, 9))))
    share = pool.shape.share(cores, memory, gpus * 1000)
    if job.tres_alloc_str:
        share = min(share, float(nodes))
    return max(share, float(nodes)) if nodes > 1 else share


def _gpus(job: Job, nodes: int, pool: Pool) -> float:
    """What is asked for where the accounting does not count GPUs."""
    tasks, sockets = job.tasks.value or 1, job.sockets_per_node.value or pool.sockets
    texts = job.tres_per_node, job.tres_per_job, job.tres_per_task, job.tres_per_socket
    times = nodes, 1, tasks, sockets * nodes
    asked = (amounts.gpus(text, pool.gres) * count for text, count in zip(texts, times, strict=True))
    return next(filter(None, asked), float(ceil(tasks / (job.tasks_per_tres.value or inf))))


def _can_start(job: Job, pool: Pool) -> bool:
    """Whether nodes of the pool could start it: by its partitions, and by what it insists on."""
    if set(job.partition.split(",")).isdisjoint(pool.partitions - pool.closed):
        return False
    if not pool.nodes.issuperset(hosts(job.required_nodes)):
        return False
    return could_have(job, hosts(job.excluded_nodes), max(1, job.node_count.value or 1), pool.kinds)
