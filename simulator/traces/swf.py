"""Batch jobs in the Standard Workload Format.

Source: Chapin et al., "Benchmarks and Standards for the Evaluation of Parallel Job Schedulers", JSSPP 1999, and
version 2.2 of the definition at the Parallel Workloads Archive: 18 columns separated by blanks, -1 for unknown,
comments from ``;``, and header facts as ``; Key: value``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path

from simulator.traces.quantities import SECONDS_MAX, WHOLE_MAX, parse_whole
from simulator.traces.swf_header import HeaderFacts, first_full_day_s, unclear_facts
from simulator.traces.text import Lines
from simulator.work import Job, ReadNotes

__all__ = ["HeaderFacts", "SwfTrace", "first_full_day_s", "read_swf", "swf_of"]

_COLUMNS = 18
_NEEDED = (0, 1, 3, 4, 7, 8, 11)
_STATUS = 10
_WHOLE = re.compile(rb"[+-]?[0-9]+")

ALLOCATED_USED = "requested processors missing, allocated processors used"
RUN_TIME_USED = "requested time missing, run time used"
TOO_MANY_COLUMNS = "more than 18 columns, the rest ignored"
FRACTION_CUT = "a number with a fraction, cut toward zero"
SORTED = "submitted before the line above it, sorted"
NEVER_STARTED = "ended before it started"
PARTIAL = "a partial execution of a job, which its summary line tells as a whole"
ADDED_UP = "no summary line, the partial executions of the job added up"
NO_SUBMIT = "a partial execution of a job of which no line has a submit time"

_CANCELLED = 5
_PARTS = frozenset({2, 3, 4})  # statuses of a partial execution: goes on, the last one, the last one of a failed job


@dataclass(frozen=True, slots=True)
class SwfTrace:
    """Jobs by submit time, then id, on the clock of the trace; what was left out or mended; what the header says."""

    jobs: tuple[Job, ...]
    notes: ReadNotes
    header: HeaderFacts


def read_swf(path: Path | str, *, strict: bool = False) -> SwfTrace:
    """Read a trace, plain or gzip.

    A job's size is its requested processors, else those allocated; its limit is its requested time, else its run
    time; a run time above the limit stays as it is. Left out as bad lines: fewer than 18 columns, no number where
    one is needed, no run time, no size, a submit time or id below 0, an id seen before. Passed over, and counted: jobs
    that never ran (no run time, and cancelled or 0 processors allocated), and partial executions (status 2, 3 or 4) of
    a job that has a summary line; without one they are added up.

    Raises BadInput for a file that cannot be read, is not text or holds no usable job, and with ``strict`` for a
    bad line.
    """
    return swf_of(Lines(path, strict=strict))


def swf_of(lines: Lines) -> SwfTrace:
    """Read a trace from lines that may be open already; as :func:`read_swf` in all else."""
    notes = lines.notes
    comments: list[bytes] = []
    jobs: list[Job] = []
    ids: set[int] = set()
    parts = _Parts()
    mends: list[str] = []
    latest_s = 0
    for line in lines:
        fields = _fields(line, comments)
        if not fields:
            continue
        mends.clear()
        try:
            numbers = _numbers(fields, mends)
            status, allocated, run_s = numbers[-1], numbers[3], numbers[2]
            if status in _PARTS:
                parts.add(numbers)
                continue
            if run_s <= 0 and (status == _CANCELLED or allocated == 0):
                notes.add_passed(NEVER_STARTED)
                continue
            job = _job(numbers, mends)
            if job.id in ids:
                raise ValueError(f"job {job.id} was there before")
        except ValueError as error:
            lines.text(line)
            lines.bad(str(error))
            continue
        ids.add(job.id)
        jobs.append(job)
        if job.submit_s < latest_s:
            mends.append(SORTED)
        for mend in mends:
            notes.add_mended(mend)
        latest_s = job.submit_s
    jobs += parts.without_summary(ids, notes)
    if not jobs:
        raise lines.none_usable("job")
    jobs.sort(key=attrgetter("submit_s", "id"))
    notes.remarks += unclear_facts(comments)
    return SwfTrace(tuple(jobs), notes, HeaderFacts.parse(comments))


class _Parts:
    """Partial executions by the number of their job: those of one that was checkpointed or swapped out."""

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}
        self._counts: dict[int, int] = {}

    def add(self, numbers: list[int]) -> None:
        """Add one to the others of its job; only the first has a submit time. Raises ValueError for a bad line."""
        number, submit_s, run_s, _, _, limit_s, *_ = numbers
        part = _job([number, max(submit_s, 0), *numbers[2:]], [])
        job = self._jobs.get(number) or replace(part, submit_s=-1, run_s=0, limit_s=0)
        self._jobs[number] = replace(
            job,
            submit_s=max(job.submit_s, submit_s),
            run_s=job.run_s + run_s,
            limit_s=max(job.limit_s, limit_s),
            procs=max(job.procs, part.procs),
        )
        self._counts[number] = self._counts.get(number, 0) + 1

    def without_summary(self, ids: set[int], notes: ReadNotes) -> Iterator[Job]:
        """The jobs that no other line tells; what becomes of each partial execution is counted."""
        for number, job in self._jobs.items():
            if number not in ids and job.submit_s >= 0:
                notes.add_mended(ADDED_UP)
                if not job.limit_s:
                    notes.add_mended(RUN_TIME_USED)
                yield job if job.limit_s else replace(job, limit_s=job.run_s)
            else:
                why = PARTIAL if number in ids else NO_SUBMIT
                for _ in range(self._counts[number]):
                    notes.add_passed(why)


def _fields(line: bytes, comments: list[bytes]) -> list[bytes]:
    """The columns of a line; a line that is nothing but a comment has none and may be a header fact."""
    if b";" in line:
        line, _, comment = line.partition(b";")
        if not line.strip() and HeaderFacts.may_hold(comment):
            comments.append(comment)
    return line.split()


def _job(numbers: list[int], mends: list[str]) -> Job:
    """The job of one line, its repairs added to ``mends``; raises ValueError that says what is wrong with it."""
    number, submit_s, run_s, allocated, procs, limit_s, user, _ = numbers
    if run_s < 0:
        raise ValueError("no run time")
    if submit_s < 0 or number < 0:
        raise ValueError(f"{'submit time' if submit_s < 0 else 'job number'} is negative")
    if max(number, submit_s, run_s, allocated, procs, limit_s, user) > WHOLE_MAX:
        raise ValueError(f"a number above {WHOLE_MAX}")
    if submit_s > SECONDS_MAX:
        raise ValueError("submit time is beyond the year 9999: seconds are wanted, this may be in milliseconds")
    if procs <= 0 and allocated <= 0:
        raise ValueError("no number of processors, neither requested nor allocated")
    if procs <= 0:
        procs = allocated
        mends.append(ALLOCATED_USED)
    if limit_s <= 0:
        limit_s = run_s
        mends.append(RUN_TIME_USED)
    return Job(number, submit_s, run_s, limit_s, procs, str(user) if user >= 0 else "")


def _numbers(fields: list[bytes], mends: list[str]) -> list[int]:
    """Job number, submit, run, allocated, requested processors, requested time, user, status; by the short way if it
    goes."""
    if len(fields) == _COLUMNS:
        try:
            return [
                int(fields[0]),
                int(fields[1]),
                int(fields[3]),
                int(fields[4]),
                int(fields[7]),
                int(fields[8]),
                int(fields[11]),
                int(fields[10]),
            ]
        except ValueError:
            pass
    return _numbers_carefully(fields, mends)


def _numbers_carefully(fields: list[bytes], mends: list[str]) -> list[int]:
    if len(fields) < _COLUMNS:
        raise ValueError(f"{len(fields)} columns, {_COLUMNS} are needed")
    if len(fields) > _COLUMNS:
        everything = [parse_whole(field) for field in fields[:_COLUMNS]]
        mends.append(TOO_MANY_COLUMNS)
        return [everything[column] for column in (*_NEEDED, _STATUS)]
    needed = [parse_whole(fields[column]) for column in _NEEDED]
    try:
        status = parse_whole(fields[_STATUS])
    except ValueError:
        status = -1  # nothing but a partial execution and a cancelled job depends on it
    if any(not _WHOLE.fullmatch(fields[column]) for column in _NEEDED):
        mends.append(FRACTION_CUT)
    return [*needed, status]
