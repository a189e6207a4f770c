"""What squeue prints becomes what ``wire`` has.

What it prints of a job that did not change is understood once, and so is what many jobs have in common.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from msgspec.structs import replace

from connectors.slurm import job_states as words
from connectors.slurm import wire
from connectors.slurm.amounts import KEPT
from models.errors import Unreachable

UNIT, RECORD = "\x1f", "\x1e"  # ASCII's own separators: no name, reason or list of Slurm's has them
OFFER = ("squeue", "--helpFormat")  # to learn which fields there are
EXCLUSIVE = "Exclusive"  # who shares the nodes of a job, since 26.05; before, OverSubscribe tells that
OWN = (
    *("JobID", "ArrayJobID", "ArrayTaskID", "PriorityLong", "NodeList"),
    *("SubmitTime", "EligibleTime", "StartTime", "EndTime"),
)
"""What squeue is asked for of each job that is the job's own."""
COMMON = (
    *("State", "Reason", "HetJobID", "Partition", "ReqNodes", "NumNodes", "NumTasks"),
    *("tres-alloc", "tres-per-node", "tres-per-job", "tres-per-task"),
    *("TimeLimit", "UserName", "Feature", "ExcNodes", "OverSubscribe"),
)
"""And what many jobs have alike; after these EXCLUSIVE where there is such a field."""
HEADER = f"JOBID{UNIT}".encode()  # how the record begins that squeue prints first, once slurmctld has answered
NOTHING = frozenset(("", "N/A", "(null)", "NONE", "Unknown"))
_LIMIT = re.compile(r"(?:(?:([0-9]+)-)?([0-9]+):)?([0-9]+):[0-9]+\Z")


def question(offered: bytes) -> tuple[str, ...]:
    """What to call squeue with, which answered OFFER with these fields. Raises Unreachable when they are none.

    Every job of every partition, ended ones too; numbers without units.
    """
    fields = offered.decode(errors="replace").split()
    if COMMON[-1] not in fields:
        raise Unreachable(f"squeue printed no list of its fields: {offered[:200]!r}")
    more = (EXCLUSIVE,) if EXCLUSIVE in fields else ()
    listed = f":{UNIT},".join((*OWN, *COMMON, *more)) + f":{RECORD}"
    return ("squeue", "--all", "--local", "--states=all", "--noconvert", "--sort=i", f"--Format={listed}")


def understood(printed: bytes, known: Mapping[bytes, wire.Job]) -> dict[bytes, wire.Job]:
    """The jobs by the record that each was printed as: those of ``known`` again, the rest understood.

    Raises Unreachable when a record is cut off or cannot be read, or the header is missing: no word is not no job.
    """
    *records, rest = printed.split(f"{RECORD}\n".encode())
    if rest:
        raise Unreachable(f"squeue printed no whole record at the end: {rest[:200]!r}")
    if not records or not records[0].startswith(HEADER):
        raise Unreachable(f"squeue printed no header, which it does even where there is no job: {printed[:200]!r}")
    alike: dict[str, wire.Job] = {}
    told = {record: known.get(record) for record in records[1:]}
    return {record: job or _job(record, alike) for record, job in told.items()}


def _job(record: bytes, alike: dict[str, wire.Job]) -> wire.Job:
    """The job. ``alike`` has what was understood of the common fields of others."""
    try:
        ident, array, task, priority, nodes, submitted, eligible, start, end, common = record.decode(
            errors="replace"
        ).split(UNIT, len(OWN))
        like = alike.get(common)
        if like is None:
            like = alike[common] = _common(common)
        job = replace(
            like,
            job_id=int(ident),
            hold=priority == "0",
            priority=_number(priority),
            submit_time=_number(submitted),
            eligible_time=_number(eligible),
            start_time=_number(start),
            end_time=_number(end),
        )
        if nodes not in NOTHING:
            job = replace(job, nodes=nodes, tres_alloc_str=job.tres_req_str, tres_req_str="")
        return job if task in NOTHING else _tasks(job, array, task)
    except (ValueError, TypeError) as error:
        raise Unreachable(f"squeue printed a job that cannot be read ({error}): {record[:200]!r}") from error


def _common(fields: str) -> wire.Job:
    """A job of no number with these common fields. Raises ValueError where there are too few, or one is none."""
    state, reason, het, partition, required, node_count, tasks, *more = fields.split(UNIT)
    tres, per_node, per_job, per_task, limit, user, features, excluded, *sharing = more
    return wire.Job(
        job_id=0,
        job_state=words.states(state),
        state_reason=words.reason(reason),
        het_job_id=_number(het),
        partition=partition,
        required_nodes=_text(required),
        node_count=_number(node_count),
        tasks=_number(tasks),
        shared=_shared(*sharing),
        tres_req_str=_text(tres),
        tres_per_node=_text(per_node),
        tres_per_job=_text(per_job),
        tres_per_task=_text(per_task),
        time_limit=_limit(limit),
        user_name=user,
        features=_text(features),
        excluded_nodes=_text(excluded),
    )


def _tasks(job: wire.Job, array: str, task: str) -> wire.Job:
    """The job as a task of the array, or as those of its tasks that have not started."""
    if task.isdecimal():
        return replace(job, array_job_id=_number(array), array_task_id=_number(task))
    most = _number(task.partition("%")[2])
    return replace(job, array_job_id=_number(array), array_max_tasks=most, array_task_string=task)


def _text(printed: str) -> str:
    return "" if printed in NOTHING else printed


@lru_cache(KEPT)
def _number(printed: str) -> wire.Number:
    """A number; none for a word. Raises ValueError for what is neither."""
    return wire.NONE if printed in NOTHING else wire.Number(set=True, number=int(printed))


@lru_cache(KEPT)
def _limit(printed: str) -> wire.Number:
    """Minutes of ``1-02:03:04``, ``02:03:04`` or ``03:04``; none where there is a word for a limit not set."""
    if printed == "UNLIMITED":
        return wire.Number(infinite=True)
    match = _LIMIT.match(printed)
    if not match:
        return wire.NONE
    days, hours, minutes = (int(part or 0) for part in match.groups())
    return wire.Number(set=True, number=(days * 24 + hours) * 60 + minutes)


def _shared(over_subscribe: str, exclusive: str = "") -> tuple[str, ...]:
    """``shared`` as slurmrestd has it: ``none`` where the job gets its nodes as a whole."""
    told = exclusive or over_subscribe
    whole, usual = ("NODE", "NO") if exclusive else ("NO", "OK")
    return () if told == usual else ("none",) if told == whole else (told.lower(),)
