"""Opens an accounting and finds out by looking whether it is of ``sacct --json`` or of ``sacct -P``."""

from __future__ import annotations

from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from basics.text import some
from models.errors import BadInput
from simulator.traces.sacct.accounting import Accounting
from simulator.traces.sacct.columns import begins_document
from simulator.traces.sacct.document import read_document
from simulator.traces.sacct.parsable import read_parsable
from simulator.traces.sacct.selection import Gathering
from simulator.traces.sacct.wanted import COMMAND, Wanted
from simulator.traces.text import Lines, opened, said_plainly

_EVERYTHING = Wanted()


def read_sacct(
    path: Path | str, wanted: Wanted = _EVERYTHING, *, strict: bool = False, raw: BinaryIO | None = None
) -> Accounting:
    """Read an accounting, plain or gzip, from ``path`` or from ``raw``, which is then only called so.

    A job is there from its submission, or from when it became eligible if that was later; it has the nodes (or cores)
    that it was allocated, and runs as long as it ran. Pending jobs, and those that ended before they started, are left
    out. Users are numbered in the order in which they come.

    Raises BadInput for a file that cannot be read, is not text, lacks a column or holds no usable job, and with
    ``strict`` for a row that cannot be read.
    """
    with opened(path, raw) as stream:
        return sacct_from(stream, path, wanted, strict=strict)


def sacct_from(stream: BufferedReader, path: Path | str, wanted: Wanted, *, strict: bool) -> Accounting:
    """Read an accounting from what was opened; ``path`` is only told."""
    lines = Lines(path, strict=strict, stream=stream)
    jobs = Gathering(wanted, lines.notes)
    if begins_document(stream.peek()):
        with said_plainly(lines.path, lambda: lines.where):
            read_document(stream, lines, jobs)
    else:
        read_parsable(lines, wanted, jobs)
    if not jobs:
        raise _no_job(lines, jobs.others)
    return jobs.finish()


def _no_job(lines: Lines, partitions: list[str]) -> BadInput:
    """The error for an accounting without one job to replay, with what was in it instead."""
    notes = lines.notes
    if not notes.lines and notes.unit == "lines":
        return lines.none_usable("job")
    told = [f"{count} {why}" for why, count in sorted((notes.passed | notes.reasons).items())] + notes.remarks
    told += [f"partitions here: {some(partitions, most=20)}"] if partitions else []
    told += [f"the first bad one: {notes.bad[0]}"] if notes.bad else []
    what = f"no job to replay ({notes.unit} read: {notes.lines}{''.join(f'; {part}' for part in told)})"
    return BadInput(what, where=str(lines.path), remedy=f"ask for jobs that ran: {COMMAND}")
