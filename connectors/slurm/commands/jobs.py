"""What squeue prints becomes what ``wire`` has. What it prints of a job that did not change is understood once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from connectors.slurm import wire, words
from connectors.slurm.amounts import KEPT
from models.errors import Unreachable

UNIT, RECORD = "\x1f", "\x1e"  # ASCII's own separators: no name, reason or list of Slurm's has them
OFFER = ("squeue", "--helpFormat")  # to learn which fields there are
EXCLUSIVE = "Exclusive"  # who shares the nodes of a job, since 26.05; before, OverSubscribe tells that
FIELDS = (
    *("JobID", "State", "Reason", "ArrayJobID", "ArrayTaskID", "HetJobID", "PriorityLong", "Partition", "NodeList"),
    *("ReqNodes", "NumNodes", "NumTasks", "tres-alloc", "tres-per-node", "tres-per-job", "tres-per-task"),
    *("SubmitTime", "EligibleTime", "StartTime", "EndTime", "TimeLimit", "UserName", "Feature", "ExcNodes"),
    "OverSubscribe",
)
"""What squeue is asked for of each job; and after these EXCLUSIVE where there is such a field."""
HEADER = f"JOBID{UNIT}".encode()  # how the record begins that squeue prints first, once slurmctld has answered
NOTHING = frozenset(("", "N/A", "(null)", "NONE", "Unknown"))
_LIMIT = re.compile(r"(?:(?:([0-9]+)-)?([0-9]+):)?([0-9]+):[0-9]+\Z")


def question(offered: bytes) -> tuple[str, ...]:
    """What to call squeue with, which answered OFFER with these fields. Raises Unreachable when they are none.

    Every job of every partition, ended ones too; numbers without units.
    """
    fields = offered.decode(errors="replace").split()
    if FIELDS[-1] not in fields:
        raise Unreachable(f"squeue printed no list of its fields: {offered[:200]!r}")
    more = (EXCLUSIVE,) if EXCLUSIVE in fields else ()
    listed = f":{UNIT},".join((*FIELDS, *more)) + f":{RECORD}"
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
    told = {record: known.get(record) for record in records[1:]}
    return {record: job or _job(record) for record, job in told.items()}


def _job(record: bytes) -> wire.Job:
    try:
        fields = record.decode(errors="replace").split(UNIT)
        ident, state, reason, array, task, het, priority, partition, nodes, *more = fields
        required, node_count, tasks, tres, per_node, per_job, per_task, *more = more
        submitted, eligible, start, end, limit, user, features, excluded, *sharing = more
        nodes, tres = _text(nodes), _text(tres)
        return wire.Job(
            job_id=int(ident),
            job_state=words.states(state),
            state_reason=words.reason(reason),
            array_job_id=wire.NONE if task in NOTHING else _number(array),
            array_task_id=_number(task) if task.isdecimal() else wire.NONE,
            array_max_tasks=_number(task.partition("%")[2]),
            array_task_string="" if task in NOTHING or task.isdecimal() else task,
            het_job_id=_number(het),
            hold=priority == "0",
            priority=_number(priority),
            partition=partition,
            nodes=nodes,
            required_nodes=_text(required),
            node_count=_number(node_count),
            tasks=_number(tasks),
            shared=_shared(*sharing),
            tres_req_str="" if nodes else tres,
            tres_alloc_str=tres if nodes else "",
            tres_per_node=_text(per_node),
            tres_per_job=_text(per_job),
            tres_per_task=_text(per_task),
            submit_time=_number(submitted),
            eligible_time=_number(eligible),
            start_time=_number(start),
            end_time=_number(end),
            time_limit=_limit(limit),
            user_name=user,
            features=_text(features),
            excluded_nodes=_text(excluded),
        )
    except (ValueError, TypeError) as error:
        raise Unreachable(f"squeue printed a job that cannot be read ({error}): {record[:200]!r}") from error


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
