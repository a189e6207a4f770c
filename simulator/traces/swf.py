"""Batch jobs in the Standard Workload Format.

Source: Chapin et al., "Benchmarks and Standards for the Evaluation of Parallel Job Schedulers", JSSPP 1999, and
version 2.2 of the definition at the Parallel Workloads Archive: 18 columns separated by blanks, -1 for unknown,
comments from ``;``, and header facts as ``; Key: value``.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from simulator.traces.quantities import WHOLE_MAX, parse_whole
from simulator.traces.swf_header import HeaderFacts, first_full_day_s
from simulator.traces.text import Lines
from simulator.work import Job, ReadNotes

__all__ = ["HeaderFacts", "SwfTrace", "first_full_day_s", "read_swf", "swf_of"]

_COLUMNS = 18

ALLOCATED_USED = "requested processors missing, allocated processors used"
RUN_TIME_USED = "requested time missing, run time used"
TOO_MANY_COLUMNS = "more than 18 columns, the rest ignored"
FRACTION_CUT = "a number with a fraction, cut toward zero"
SORTED = "submitted before the line above it, sorted"


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
    one is needed, no run time, no size, a submit time or id below 0, an id seen before.

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
    mends: list[str] = []
    latest_s = 0
    for line in lines:
        fields = _fields(line, comments)
        if not fields:
            continue
        mends.clear()
        try:
            job = _job(fields, mends)
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
    if not jobs:
        raise lines.none_usable("job")
    jobs.sort(key=attrgetter("submit_s", "id"))
    return SwfTrace(tuple(jobs), notes, HeaderFacts.parse(comments))


def _fields(line: bytes, comments: list[bytes]) -> list[bytes]:
    """The columns of a line; a line that is nothing but a comment has none and may be a header fact."""
    if b";" in line:
        line, _, comment = line.partition(b";")
        if not line.strip() and HeaderFacts.may_hold(comment):
            comments.append(comment)
    return line.split()


def _job(fields: list[bytes], mends: list[str]) -> Job:
    """The job of one line, its repairs added to ``mends``; raises ValueError that says what is wrong with it."""
    number, submit_s, run_s, allocated, procs, limit_s, user = _numbers(fields, mends)
    if run_s < 0:
        raise ValueError("no run time")
    if submit_s < 0 or number < 0:
        raise ValueError(f"{'submit time' if submit_s < 0 else 'job number'} is negative")
    if max(number, submit_s, run_s, allocated, procs, limit_s, user) > WHOLE_MAX:
        raise ValueError(f"a number above {WHOLE_MAX}")
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
    """Job number, submit, run, allocated, requested processors, requested time, user; by the short way if it goes."""
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
        return [everything[column] for column in (0, 1, 3, 4, 7, 8, 11)]
    needed = [parse_whole(fields[column]) for column in (0, 1, 3, 4, 7, 8, 11)]
    mends.append(FRACTION_CUT)
    return needed
