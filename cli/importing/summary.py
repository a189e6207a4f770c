"""What is in an accounting, told to a person in 80 columns, and the command to run next."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np

from basics.text import clean, count
from cli.report.numbers import span
from simulator.traces.sacct.accounting import Accounting
from simulator.traces.sacct.wanted import Unit, day_of, midnight_s, zone

WIDTH = 80
BAD_SHOWN = 5
STRAGGLERS = 0.01  # share of the jobs that may have arrived long before the others without being meant


def summary(accounting: Accounting, path: Path, output: Path | None) -> list[str]:
    """The lines to print."""
    notes, jobs, peak = accounting.trace.notes, accounting.trace.jobs, accounting.peak
    first, last, at_peak = (_moment(at_s, accounting) for at_s in (jobs[0].submit_s, jobs[-1].submit_s, peak.at_s))
    largest, longest_s = max(job.procs for job in jobs), max(job.run_s for job in jobs)
    unit = accounting.wanted.unit
    users = f" of {count(accounting.users, 'user')}" if accounting.users else ""
    lines = [
        f"{clean(path.name)}: {count(len(jobs), 'job')}{users}, from {notes.lines:,} {notes.unit}",
        "",
        f"  arrived   {first} to {last}, {span(jobs[-1].submit_s - jobs[0].submit_s)}",
        f"  {unit:<8}  {peak.size:,} in use at most (on {at_peak}), {accounting.mean:,.1f} on average",
        f"  one job   {largest:,} {unit} at most, {span(longest_s)} at most",
        *_counted("left out", {**notes.passed, **notes.reasons}, notes.bad_lines - sum(notes.reasons.values())),
        *_counted("mended", notes.mended, 0),
        "",
    ]
    if output is None:
        return [*lines, "nothing is written; --output FILE writes these jobs"]
    return [*lines, f"written   {clean(str(output))}", *_next(accounting, output)]


def notes_on(accounting: Accounting, name: str) -> Iterator[str]:
    """What a person should look at, a line each."""
    notes = accounting.trace.notes
    yield from (f"{name}: {remark}" for remark in notes.remarks)
    yield from (f"left out: {text}" for text in notes.bad[:BAD_SHOWN])
    if notes.bad_lines > BAD_SHOWN:
        yield f"{notes.bad_lines - BAD_SHOWN:,} more {notes.unit} could not be read either"
    yield from _stragglers(accounting)


def _counted(what: str, counts: dict[str, int], others: int) -> Iterator[str]:
    shown = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if others:
        shown.append(("could not be read", others))
    for place, (why, number) in enumerate(shown):
        head = f"  {what if place == 0 else '':<8}  {number:>10,}  "
        yield textwrap.fill(why, WIDTH, initial_indent=head, subsequent_indent=" " * len(head))


def _next(accounting: Accounting, output: Path) -> Iterator[str]:
    """The command that replays what was written: Kubernetes' demand is not in it, and without that no node moves."""
    size, per_node = accounting.peak.size, accounting.cores_per_node
    options = ""
    if accounting.wanted.unit is Unit.CORES and per_node is not None:
        size, options = -(-size // per_node), f" --procs-per-node {per_node} --shared-cores"
    yield f"next      tidegate replay --hpc-only --hpc {clean(shlex.quote(str(output)))} --nodes {size}{options}"
    yield f"          with the nodes that the pool has, if those are more than {size}:"
    yield "          whether jobs wait there as long as they did. To compare policies, put"
    yield "          --requests FILE or --pods FILE, Kubernetes' demand, for --hpc-only"


def _stragglers(accounting: Accounting) -> Iterator[str]:
    """sacct also tells jobs that were submitted long before the days asked for and ran in them."""
    arrivals_s = np.array([job.submit_s for job in accounting.trace.jobs])
    early_s = int(np.quantile(arrivals_s, STRAGGLERS))
    where, base_s = zone(accounting.wanted.timezone), _base_s(accounting)
    day = day_of(base_s + early_s, where)
    before = int(np.count_nonzero(arrivals_s + base_s < midnight_s(day, where)))
    if before and early_s - arrivals_s[0] > (arrivals_s[-1] - arrivals_s[0]) / 10:
        yield f"{count(before, 'job')} arrived long before the others; --since {day} leaves out what came earlier"


def _base_s(accounting: Accounting) -> int:
    return accounting.trace.header.unix_start_s or 0


def _moment(at_s: int, accounting: Accounting) -> str:
    """A time of the trace's clock as people write it."""
    return f"{datetime.fromtimestamp(at_s + _base_s(accounting), zone(accounting.wanted.timezone)):%Y-%m-%d %H:%M}"
