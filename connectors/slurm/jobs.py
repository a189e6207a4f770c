"""Jobs become work: what runs, what waits for nodes, what waits for something else, and how large each is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter

from msgspec import Struct
from msgspec.structs import replace

from connectors.slurm import amounts
from connectors.slurm.flags import flags_of
from connectors.slurm.job_size import JobSizes, alike
from connectors.slurm.pool import Pool
from connectors.slurm.wire import Job
from models.errors import Unreachable
from models.hostlists import hosts
from models.nodes import Side
from models.pieces import NEVER_S, USER_MOST, Piece, summed
from models.work import WorkRecord, WorkState

RUNNING = frozenset(("RUNNING", "SUSPENDED"))  # a suspended job keeps its nodes' memory
ENDED = frozenset(
    (
        *("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "DEADLINE"),
        *("OUT_OF_MEMORY", "LAUNCH_FAILED", "RECONFIG_FAIL", "REVOKED"),
    )
)
HELD_FLAGS = frozenset(("REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD", "REQUEUE_FED", "REVOKED"))
_WAIT = (WorkState.ELIGIBLE, WorkState.HELD, WorkState.ENDED)
NODES_WOULD_DO = frozenset(("None", "Resources", "Priority", "ReqNodeNotAvail", "NodeDown", "SchedDefer"))
"""Why a job waits that nodes could start. All else (held, a dependency, its hour, a limit, a licence, a reservation of
its own, a partition that cannot hold it) is no demand, and so is a reason that is not known here."""
ITS_HOUR = "BeginTime"


class KnownJob(Struct, frozen=True, gc=False):
    """A job, how many tasks of its array ran, and what it came to."""

    job: Job
    running: int
    made: tuple[Piece, ...]


@dataclass(slots=True)
class KnownJobs:
    """What each job came to in the last reading of a pool: while neither changes, it is not worked out again."""

    pool: Pool | None = None
    at_s: int = 0
    jobs: dict[int, KnownJob] = field(default_factory=dict)


def pieces(jobs: Iterable[Job], pool: Pool, now_s: int, known: KnownJobs | None = None) -> list[Piece]:
    """All work of the pool, in the order of the queue, at ``now_s`` of Slurm's own clock.

    What waits of a user beyond the first USER_MOST of his jobs is there in sums; what ended without a start is not.
    ``known`` saves work and changes nothing. Raises Unreachable for a job in a state that is not known, and BadInput
    for a hostlist that is none.
    """
    jobs = list(jobs)
    running = _running_tasks(jobs)
    known = known or KnownJobs()
    before = known.jobs if known.pool == pool and known.at_s <= now_s else {}
    after: dict[int, KnownJob] = {}
    extents = JobSizes(pool)
    found: list[Piece] = []
    together: dict[int, list[Piece]] = {}
    crowd = _crowd(jobs, now_s)
    for job in jobs:
        if job.job_id in crowd:
            continue
        started = running.get(job.array_job_id.value or 0, 0) if running else 0
        kept = before.get(job.job_id)
        if kept is None or kept.running != started or (kept.job is not job and kept.job != job):
            kept = KnownJob(job, started, _pieces_of(job, extents, pool.nodes, now_s, started))
        if job.eligible_time.number <= now_s:  # else it will be another when its hour has come
            after[job.job_id] = kept
        if het := job.het_job_id.value:
            together.setdefault(het, []).extend(kept.made)
        else:
            found += kept.made
    known.pool, known.at_s, known.jobs = pool, now_s, after
    found += summed(_together(crowd.values(), extents, pool.nodes, now_s, running))
    found += [_joined(het, parts) for het, parts in together.items() if parts]
    return sorted(found, key=attrgetter("rank"))


def _crowd(jobs: Iterable[Job], now_s: int) -> dict[int, Job]:
    """The jobs beyond the first USER_MOST of each user that wait or ended before they started, by number.

    First is what is eligible, by its place in the queue. A component of a heterogeneous job is none of them.
    """
    idle = [job for job in jobs if not job.nodes and not job.het_job_id.value]
    many = {user for user, count in Counter(job.user_name for job in idle).items() if count > USER_MOST}
    queues: dict[str, list[tuple[int, int, int, Job]]] = {user: [] for user in many}
    for job in idle if many else ():
        if job.user_name in many and (state := state_of(job, now_s)) is not WorkState.RUNNING:
            queues[job.user_name].append((_WAIT.index(state), -(job.priority.value or 0), job.job_id, job))
    beyond = (queued for queue in queues.values() for queued in sorted(queue, key=itemgetter(0, 1, 2))[USER_MOST:])
    return {ident: job for _, _, ident, job in beyond}


def _together(
    crowd: Iterable[Job], extents: JobSizes, nodes: Collection[str], now_s: int, running: dict[int, int]
) -> Iterator[Piece]:
    """What waits of the crowd, jobs alike as one piece."""
    groups: dict[tuple[object, ...], list[Job]] = {}
    for job in crowd:
        array = job.array_task_string and job.job_id
        groups.setdefault((alike(job), job.user_name, array, state_of(job, now_s)), []).append(job)
    for first, *others in groups.values():
        for piece in _pieces_of(first, extents, nodes, now_s, running.get(first.array_job_id.value or 0, 0)):
            if piece.record.state is not WorkState.ENDED:
                count = 1 + len(others)
                record = replace(piece.record, nodes=piece.record.nodes * count)
                yield replace(piece, record=record, parts=piece.parts * count, begins_s=None)


def state_of(job: Job, now_s: int) -> WorkState:
    """Where the job stands. Raises Unreachable when none of its states is known."""
    states = flags_of(job.job_state)
    if not RUNNING.isdisjoint(states):
        return WorkState.RUNNING
    if "PENDING" in states:
        return WorkState.ELIGIBLE if _is_eligible(job, states, now_s) else WorkState.HELD
    if not ENDED.isdisjoint(states) or "COMPLETING" in states:
        return WorkState.ENDED
    raise Unreachable(f"Slurm shows job {job.job_id} in a state that is not known here: {'+'.join(job.job_state)}")


def _running_tasks(jobs: Iterable[Job]) -> dict[int, int]:
    """How many tasks of each array run, of those that run any."""
    tasks = (job for job in jobs if job.array_task_id.set and not RUNNING.isdisjoint(flags_of(job.job_state)))
    return Counter(array for job in tasks if (array := job.array_job_id.value))


def _pieces_of(job: Job, extents: JobSizes, nodes: Collection[str], now_s: int, running: int) -> tuple[Piece, ...]:
    """The job's, of which ``running`` tasks run already, if it is an array; none where ``nodes`` are not its."""
    state = state_of(job, now_s)
    size, owns = extents.of(job)
    where: tuple[str, ...] = ()
    if job.nodes:
        has = hosts(job.nodes)
        where = tuple(name for name in has if name in nodes)
        size *= len(where) / len(has)
    if size <= 0:
        return ()
    record = _record(job, state, size)
    begins_s = _begins_s(job, now_s) if state is WorkState.HELD else None
    rank = (-(job.priority.value or 0), job.job_id)
    if job.array_task_string and job.array_task_id.value is None:
        return tuple(_waiting_tasks(job, Piece(record, size, 1, rank, owns=owns, begins_s=begins_s), running))
    return (Piece(record, size, 1, rank, where, _ends_s(job) if where else NEVER_S, owns, begins_s=begins_s),)


def _waiting_tasks(job: Job, one: Piece, running: int) -> Iterator[Piece]:
    """The tasks of an array that have not started: as many as may run at once, and the rest, which is held."""
    state = one.record.state
    count, limit = amounts.tasks(job.array_task_string)[0], job.array_max_tasks.value or 0
    starts = state is WorkState.ELIGIBLE or one.begins_s is not None
    free = max(0, min(count, limit - running)) if limit and starts else count
    for ident, part, parts, begins_s in (
        ("rest", state, free, one.begins_s),
        ("limited", WorkState.HELD, count - free, None),
    ):
        if parts:
            record = replace(one.record, id=f"{job.array_job_id.value or job.job_id}_{ident}", state=part)
            record = replace(record, nodes=one.size * parts)
            yield replace(one, record=record, parts=parts, begins_s=begins_s)


def _record(job: Job, state: WorkState, size: float) -> WorkRecord:
    limit = job.time_limit.value
    started = job.start_time.value if job.nodes and state in (WorkState.RUNNING, WorkState.ENDED) else None
    if state is WorkState.RUNNING and not started:
        raise Unreachable(f"Slurm shows job {job.job_id} running and no time when it started")
    return WorkRecord(
        id=_name(job),
        side=Side.HPC,
        state=state,
        nodes=size,
        submitted_s=job.submit_time.value or 0,
        limit_s=None if limit is None else limit * 60,
        started_s=started or None,
        ended_s=job.end_time.value if state is WorkState.ENDED else None,
        user=job.user_name,
    )


def _name(job: Job) -> str:
    task = job.array_task_id.value
    if task is not None and (array := job.array_job_id.value):
        return f"{array}_{task}"
    return str(job.job_id)


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
    ends_s = max((part.ends_s for part in alive if part.nodes), default=NEVER_S)
    begins = [part.begins_s for part in alive if part.begins_s is not None]
    begins_s = max(begins) if len(begins) == len(alive) else None
    return Piece(record, size, 1, min(part.rank for part in parts), nodes, ends_s, begins_s=begins_s)


def _is_eligible(job: Job, states: frozenset[str], now_s: int) -> bool:
    since_s = job.eligible_time.value
    return bool(since_s and since_s <= now_s) and _is_free(job, states) and job.state_reason in NODES_WOULD_DO


def _is_free(job: Job, states: frozenset[str]) -> bool:
    """Whether nobody holds it, and nothing is left of an earlier run."""
    return not job.hold and HELD_FLAGS.isdisjoint(states) and "COMPLETING" not in states


def _begins_s(job: Job, now_s: int) -> int | None:
    """When a job that waits for nothing but its hour may start."""
    since_s = job.eligible_time.value
    waits_for_it = job.state_reason == ITS_HOUR or job.state_reason in NODES_WOULD_DO
    is_later = since_s is not None and since_s > now_s and waits_for_it
    return since_s if is_later and _is_free(job, flags_of(job.job_state)) else None


def _ends_s(job: Job) -> int:
    if job.time_limit.infinite or "SUSPENDED" in flags_of(job.job_state):
        return NEVER_S
    return job.end_time.value or NEVER_S
