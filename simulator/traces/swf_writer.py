"""Jobs of an accounting as text in the Standard Workload Format, version 2.2."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, cast

from basics.whole_file import written_whole
from simulator.traces.sacct.accounting import Accounting
from simulator.traces.sacct.wanted import Unit


def write_swf(accounting: Accounting, path: Path) -> None:
    """Write the jobs, packed if the name ends in .gz; the same jobs give the same bytes."""
    with written_whole(path) as part, part.open("xb") as file:
        packed = gzip.GzipFile("", "wb", fileobj=file, mtime=0) if path.suffix == ".gz" else file
        with TextIOWrapper(cast(BinaryIO, packed), encoding="ascii", newline="\n") as text:
            text.writelines(swf_lines(accounting))


def swf_lines(accounting: Accounting) -> Iterator[str]:
    """The file line by line, with line ends; the same accounting gives the same bytes.

    Read again, it gives the same jobs. Both sizes of a job are the nodes (or cores) that it was allocated, since what
    it asked for at least is not what it had; a job without a limit has -1 there.
    """
    yield from (f"; {line}\n" for line in _header(accounting))
    trace = accounting.trace
    columns = (accounting.waits_s.tolist(), accounting.statuses.tolist(), accounting.has_limit.tolist())
    for job, wait_s, status, has_limit in zip(trace.jobs, *columns, strict=True):
        limit_s = job.limit_s if has_limit else -1
        yield (
            f"{job.id} {job.submit_s} {max(wait_s, -1)} {job.run_s} {job.procs} -1 -1 {job.procs} {limit_s} -1"
            f" {status} {job.user or -1} -1 -1 -1 -1 -1 -1\n"
        )


def _header(accounting: Accounting) -> Iterator[str]:
    trace, wanted = accounting.trace, accounting.wanted
    notes, header = trace.notes, trace.header
    yield "Version: 2.2"
    yield "Conversion: tidegate import sacct"
    yield f"MaxJobs: {len(trace.jobs)}"
    yield f"MaxRecords: {len(trace.jobs)}"
    if header.unix_start_s is not None:
        yield f"UnixStartTime: {header.unix_start_s}"
    yield f"TimeZone: {header.utc_offset_s or 0}"
    yield f"TimeZoneString: {wanted.timezone}"
    yield f"Note: processors are {'whole nodes' if wanted.unit is Unit.NODES else 'cores'}, as they were allocated"
    yield "Note: the accounting does not tell how many there are: MaxNodes and MaxProcs are missing"
    for name in sorted(wanted.partitions):
        yield f"Note: only partition {name!a}"
    for count, why in [*_counted(notes.passed, "left out"), *_counted(notes.reasons, "left out")]:
        yield f"Note: {count} of {notes.lines} {notes.unit} {why}"
    for count, why in _counted(notes.mended, "mended"):
        yield f"Note: {count} of {notes.lines} {notes.unit} {why}"


def _counted(counts: dict[str, int], what: str) -> list[tuple[int, str]]:
    return [(count, f"{what}: {why}") for why, count in sorted(counts.items())]
