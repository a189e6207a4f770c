"""``sacct -P`` (or ``-p``): a line with the names of the columns, then a line for each job or step.

sacct escapes nothing: a free text, such as the name of a job, can hold the delimiter. Columns before the first free
text are counted from the left, and columns behind the last one from the right.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import itemgetter

from models.errors import BadInput
from simulator.traces.quantities import quoted
from simulator.traces.sacct.selection import STEP, Gathering, Row
from simulator.traces.sacct.times import Clock
from simulator.traces.sacct.values import Wrong, count, job_key, limit_s, seconds, state
from simulator.traces.sacct.wanted import COMMAND, Unit, Wanted
from simulator.traces.text import Lines

CUT = "no line end, the file was cut here"

_COLUMNS_SHOWN = 30
_DELIMITER = re.compile(rb"[A-Za-z]+([^A-Za-z]+)")
_KEY, _STATE, _SUBMIT, _START = ("JobIDRaw", "JobID"), ("State",), ("Submit",), ("Start",)
_END, _ELAPSED, _PARTITION = ("End",), ("ElapsedRaw", "Elapsed"), ("Partition",)
_NODES, _CORES = ("AllocNodes", "NNodes"), ("AllocCPUS", "NCPUS")
_READ = (  # in the order of ``_row``; of several names the first that is there counts
    *(_KEY, ("User",), _PARTITION, ("Cluster",), _STATE, _SUBMIT, ("Eligible",), _START, _END, _ELAPSED),
    *(("TimelimitRaw", "Timelimit"), _NODES, _CORES, ("JobID",)),
)
_FREE_TEXT = frozenset(
    {
        *("admincomment", "comment", "constraints", "container", "extra", "jobname", "licenses", "mcslabel"),
        *("reservation", "stderr", "stdin", "stdout", "submitline", "systemcomment", "wckey", "workdir"),
    }
)


def looks_parsable(beginning: bytes) -> bool:
    """Whether a file that begins so may come from ``sacct -P``: its first line names at least two columns of it."""
    first = beginning.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n").split(b"\n", 1)[0]
    words = set(re.split(rb"[^a-z]+", first.lower()))
    return len(words & {name.lower().encode() for names in _READ for name in names}) > 1


def read_parsable(lines: Lines, wanted: Wanted, jobs: Gathering) -> None:
    """Give every row below the header to ``jobs``. Raises BadInput for a header that cannot be used."""
    header, form, whole = b"", None, True
    for line in lines:
        whole = line.endswith(b"\n")
        row = line.rstrip(b"\r\n")
        if not row or row == header:  # the header comes again where files were put together
            continue
        if form is None:
            header, form = row, _Form(row, wanted, lines.where)
            continue
        try:
            if not whole:
                raise Wrong(CUT)
            fields = form.fields(row)
            if b"." in fields[0]:
                lines.notes.add_passed(STEP)
            else:
                jobs.add(_row(fields, jobs.clock))
        except Wrong as wrong:
            lines.bad(str(wrong), wrong.reason)
    if not whole:
        lines.notes.remarks.append("the last line has no end: was the file copied whole?")


class _Form:
    """Where the columns are."""

    def __init__(self, header: bytes, wanted: Wanted, where: str) -> None:
        match = _DELIMITER.match(header)
        self._delimiter = match[1] if match else b"|"
        columns = [name.strip().decode("ascii", "replace") for name in header.split(self._delimiter)]
        _check(columns, self._delimiter, wanted, where)
        known = [name.lower() for name in columns]
        found = [next((known.index(name.lower()) for name in names if name.lower() in known), None) for names in _READ]
        self._width = len(columns)
        places = [self._width if place is None else place for place in found]
        self._pick: Callable[[list[bytes]], tuple[bytes, ...]] = itemgetter(*places)
        free = [place for place, name in enumerate(known) if name in _FREE_TEXT]
        self._free = (free[0], free[-1]) if free else None
        self._torn = bool(free) and any(free[0] < place < free[-1] for place in places)

    def fields(self, row: bytes) -> tuple[bytes, ...]:
        """What stands in the columns of ``_READ``, empty for one that is not there. Raises Wrong."""
        fields = row.split(self._delimiter)
        if len(fields) != self._width:
            fields = self._joined(fields)
        fields.append(b"")
        return self._pick(fields)

    def _joined(self, fields: list[bytes]) -> list[bytes]:
        """The columns outside of free texts, which the delimiter has split."""
        surplus = len(fields) - self._width
        if surplus < 0 or self._free is None:
            raise Wrong("too few columns" if surplus < 0 else "too many columns", f"{len(fields)} of {self._width}")
        if self._torn:
            raise Wrong("the delimiter in a free text, with columns between two of those", f"{len(fields)} columns")
        first, last = self._free
        return [*fields[:first], *[b""] * (last - first + 1), *fields[last + surplus + 1 :]]


def _check(columns: list[str], delimiter: bytes, wanted: Wanted, where: str) -> None:
    """Raise BadInput, with the command that helps, unless everything needed is there."""
    size = _NODES if wanted.unit is Unit.NODES else _CORES
    needed = [_KEY, _STATE, _SUBMIT, _START, (*_ELAPSED, *_END), size, *([_PARTITION] if wanted.partitions else [])]
    known = {name.lower() for name in columns}
    missing = [" or ".join(names) for names in needed if not known & {name.lower() for name in names}]
    if not missing:
        return
    if delimiter.strip(b" ") == b"" or (len(columns) == 1 and looks_parsable(columns[0].encode())):
        what = "this is sacct's table, which cuts what is long"
    else:
        found = ", ".join(quoted(name) for name in columns[:_COLUMNS_SHOWN])
        what = f"columns missing: {', '.join(missing)}; found: {found}"
    raise BadInput(what, where=where, remedy=f"ask for them: {COMMAND}")


def _row(fields: tuple[bytes, ...], clock: Clock) -> Row:
    """The row of what stands in the columns of ``_READ``. Raises Wrong, naming the column that cannot be read."""
    key, user, partition, cluster, stands, submit, eligible, start, end, elapsed, limit, nodes, cores, shown_key = (
        fields
    )
    clock.marks.clear()
    try:
        return Row(
            job_key(key),
            user,
            partition,
            cluster,
            *state(stands),
            clock.read(submit),
            clock.read(eligible),
            clock.read(start),
            clock.read(end),
            seconds(elapsed),
            limit_s(limit),
            count(nodes),
            count(cores),
            b"+" in shown_key,
        )
    except Wrong as wrong:
        raise _named(fields, clock) or wrong from None


def _named(fields: tuple[bytes, ...], clock: Clock) -> Wrong | None:
    """What is wrong, with the column that it is wrong in; found anew, so that no time is lost on good rows."""
    time, other = clock.read, None
    readers = (job_key, other, other, other, other, time, time, time, time, seconds, limit_s, count, count, other)
    for names, read, text in zip(_READ, readers, fields, strict=True):
        try:
            if read is not None:
                read(text)
        except Wrong as wrong:
            return Wrong(f"{names[0]}: {wrong.reason}", wrong.detail)
    return None
