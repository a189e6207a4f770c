"""Jobs become work: what runs, what waits for nodes, what waits for something else, and how large each is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from connectors.slurm import amounts
from connectors.slurm.constraints import could_have
from connectors.slurm.pool import Pool, hosts
from connectors.slurm.sharing import Beside, beside
from connectors.slurm.wire import Job
from models.errors import Unreachable
from models.nodes import NodeShape, Side
from models.work import WorkRecord, WorkState

NEVER_S = 4_102_444_800  # the year 2100: when work ends that nothing bounds
RUNNING = frozenset(("RUNNING", "SUSPENDED"))  # a suspended job keeps its nodes' memory
ENDED = frozenset(
    (
        *("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "DEADLINE"),
        *("OUT_OF_MEMORY", "LAUNCH_FAILED", "RECONFIG_FAIL", "REVOKED"),
    )
)
HELD_FLAGS = frozenset(("REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD", "REQUEUE_FED", "REVOKED"))
NODES_WOULD_DO = frozenset(("None", "Resources", "Priority", "ReqNodeNotAvail", "NodeDown", "SchedDefer"))
"""Why a job waits that nodes could start. All else (held, a dependency, its hour, a limit, a licence, a reservation of
its own, a partition that cannot hold it) is no demand, and so is a reason that is not known here."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A record, and what it does not say: of how many equal parts it is that start one by one, the tasks of an array;
    its place in the queue; and where it runs.

    ``size`` is one part's in node-equivalents. ``ends_s`` is when the job must have ended, NEVER_S where nothing
    bounds it or it stands still. ``owns`` is whether its user alone may be on its nodes, ``unused`` what nobody else
    can use of them for that, told of the first of a user's.
    """

    record: WorkRecord
    size: float
    parts: int
    rank: tuple[int, int]
    nodes: tuple[str, ...] = ()
    ends_s: int = NEVER_S
    owns: bool = False
    unused: float = 0.0


@dataclass(slots=True)
class Known:
    """What each job came to in the last reading of a pool: while neither changes, it is not worked out again."""

    pool: Pool | None = None
    at_s: int = 0
    jobs: dict[int, tuple[Job, int, tuple[Piece, ...]]] = field(default_factory=dict)


def pieces(jobs: Iterable[Job], pool: Pool, now_s: int, known: Known | None = None) -> list[Piece]:
    """All work of the pool, in the order of the queue, at ``now_s`` of Slurm's own clock.

    ``known`` saves work and changes nothing. Raises Unreachable for a job in a state that is not known, and BadInput
    for a hostlist that is none.
    """
    jobs = list(jobs)
    running = _running_tasks(jobs)
    known = known or Known()
    before = known.jobs if known.pool == pool and known.at_s <= now_s else {}
    after: dict[int, tuple[Job, int, tuple[Piece, ...]]] = {}
    found: list[Piece] = []
    together: dict[int, list[Piece]] = {}
    for job in jobs:
        started = running.get(job.array_job_id.value or 0, 0) if running else 0
        kept = before.get(job.job_id)
        if kept is not None and kept[1] == started and (kept[0] is job or kept[0] == job):
            made = kept[2]
        else:
            made = tuple(_pieces_of(job, pool, now_s, started))
        if job.eligible_time.number <= now_s:  # else it will be another when its hour has come
            after[job.job_id] = job, started, made
        if job.het_job_id.value:
            together.setdefault(job.het_job_id.value, []).extend(made)
        else:
            found += made
    known.pool, known.at_s, known.jobs = pool, now_s, after
    found += [_joined(het, parts) for het, parts in together.items() if parts]
    return sorted(found, key=lambda piece: piece.rank)


def state_of(job: Job, now_s: int) -> WorkState:
    """Where the job stands. Raises Unreachable when none of its states is known."""
    states = {state.upper() for state in job.job_state}
    if not RUNNING.isdisjoint(states):
        return WorkState.RUNNING
    if "PENDING" in states:
        return WorkState.ELIGIBLE if _is_eligible(job, states, now_s) else WorkState.HELD
    if not ENDED.isdisjoint(states) or "COMPLETING" in states:
        return WorkState.ENDED
    raise Unreachable(f"Slurm shows job {job.job_id} in a state that is not known here: {'+'.join(job.job_state)}")


def size_of(job: Job, shape: NodeShape, *, whole: bool) -> float:
    """How much of the pool the job takes or asks for, in node-equivalents.

    A job with its nodes to itself counts as many as it has; so does one on several nodes, which needs all of them at
    once. Any other counts the scarcest of its cores, memory and GPUs. One whose size is not told counts whole nodes.
    """
    asked = amounts.tres(job.tres_alloc_str or job.tres_req_str)
    nodes = max(1, int(asked.get("node", job.node_count.value or 1)))
    if whole or not asked.get("cpu"):
        return float(nodes)
    gpus = asked.get("gres/gpu", 0.0) or _gpus(job, nodes)
    share = shape.share(asked["cpu"] * 1000, asked.get("mem", 0.0), gpus * 1000)
    if job.tres_alloc_str:
        share = min(share, float(nodes))
    return max(share, float(nodes)) if nodes > 1 else share


def _running_tasks(jobs: Iterable[Job]) -> dict[int, int]:
    """How many tasks of each array run, of those that run any."""
    tasks = (job for job in jobs if job.array_task_id.set and _runs(job))
    return Counter(array for job in tasks if (array := job.array_job_id.value))


def _pieces_of(job: Job, pool: Pool, now_s: int, running: int) -> Iterator[Piece]:
    state = state_of(job, now_s)
    where = tuple(name for name in hosts(job.nodes) if name in pool.nodes)
    if not (where if job.nodes else _can_start_here(job, pool)):
        return
    others = beside(job, pool)
    owns = others is Beside.ITS_USER
    size = size_of(job, pool.shape, whole=others is Beside.NOBODY)
    if job.nodes:
        size *= len(where) / len(hosts(job.nodes))
    if size <= 0:
        return
    record = _record(job, state, size)
    rank = (-(job.priority.value or 0), job.job_id)
    if not job.array_task_string or job.array_task_id.value is not None:
        yield Piece(record, size, 1, rank, where, _ends_s(job), owns)
        return
    count, limit = amounts.tasks(job.array_task_string)[0], job.array_max_tasks.value or 0
    free = max(0, min(count, limit - running)) if limit and state is WorkState.ELIGIBLE else count
    for ident, part, parts in (("rest", state, free), ("limited", WorkState.HELD, count - free)):
        if parts:
            name = f"{job.array_job_id.value or job.job_id}_{ident}"
            yield Piece(replace(record, id=name, state=part, nodes=size * parts), size, parts, rank, owns=owns)


def _record(job: Job, state: WorkState, size: float) -> WorkRecord:
    task, array = job.array_task_id.value, job.array_job_id.value
    limit = job.time_limit.value
    started = job.start_time.value if state in (WorkState.RUNNING, WorkState.ENDED) and job.nodes else None
    if state is WorkState.RUNNING and not started:
        raise Unreachable(f"Slurm shows job {job.job_id} running and no time when it started")
    return WorkRecord(
        id=f"{array}_{task}" if array and task is not None else str(job.job_id),
        side=Side.HPC,
        state=state,
        nodes=size,
        submitted_s=job.submit_time.value or 0,
        limit_s=None if limit is None else limit * 60,
        started_s=started or None,
        ended_s=job.end_time.value if state is WorkState.ENDED else None,
        user=job.user_name,
    )


def _joined(ident: int, parts: list[Piece]) -> Piece:
    """The components of a heterogeneous job as one: they start together."""
    states = [part.record.state for part in parts]
    order = (WorkState.RUNNING, WorkState.HELD, WorkState.ELIGIBLE, WorkState.ENDED)
    state = next(state for state in order if state in states)
    first = next(part for part in parts if part.record.state is state)
    alive = [part for part in parts if (part.record.state is WorkState.ENDED) is (state is WorkState.ENDED)]
    size = sum(part.size for part in alive)
    record = replace(first.record, id=str(ident), nodes=size)
    nodes = tuple(sorted({name for part in alive for name in part.nodes}))
    return Piece(record, size, 1, min(part.rank for part in parts), nodes, max(part.ends_s for part in alive))


def _runs(job: Job) -> bool:
    return not RUNNING.isdisjoint(job.job_state)


def _is_eligible(job: Job, states: set[str], now_s: int) -> bool:
    since_s = job.eligible_time.value
    if job.hold or not since_s or since_s > now_s or not HELD_FLAGS.isdisjoint(states) or "COMPLETING" in states:
        return False
    return job.state_reason in NODES_WOULD_DO


def _can_start_here(job: Job, pool: Pool) -> bool:
    """Whether nodes of the pool could start it: by its partitions, and by what it insists on."""
    if _partitions(job).isdisjoint(pool.partitions - pool.closed):
        return False
    if not pool.nodes.issuperset(hosts(job.required_nodes)):
        return False
    return could_have(job, hosts(job.excluded_nodes), max(1, job.node_count.value or 1), pool.kinds)


def _ends_s(job: Job) -> int:
    if job.time_limit.infinite or "SUSPENDED" in job.job_state:
        return NEVER_S
    return job.end_time.value or NEVER_S


def _partitions(job: Job) -> set[str]:
    return set(job.partition.split(","))


def _gpus(job: Job, nodes: int) -> float:
    """What is asked for where the accounting does not count GPUs."""
    per_task = amounts.gpus(job.tres_per_task) * max(1, job.tasks.value or 1)
    return amounts.gpus(job.tres_per_node) * nodes or amounts.gpus(job.tres_per_job) or per_task
