"""``sacct -P`` (or ``-p``): a line with the names of the columns, then a line for each job or step.

sacct escapes nothing: a free text, such as the name of a job, can hold the delimiter and line ends. Columns before the
first free text are counted from the left, and columns behind the last one from the right.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from operator import itemgetter

from models.errors import BadInput
from simulator.traces.quantities import quoted
from simulator.traces.sacct import columns as of
from simulator.traces.sacct.selection import STEP, Gathering, Row
from simulator.traces.sacct.times import Clock
from simulator.traces.sacct.values import Wrong, count, job_key, limit_s, seconds, state
from simulator.traces.sacct.wanted import COMMAND, Unit, Wanted
from simulator.traces.text import LINE_BYTES_MAX, Lines

CUT = "no line end, the file was cut here"
NOISE = "a line before the names of the columns, no part of the accounting"
FURTHER = "a further line of a record, which has a line end in a free text"
COMPLAINED = "what sacct complained, among the rows"

_COLUMNS_SHOWN = 30
_DELIMITER = re.compile(rb'"?[A-Za-z]+"?([^A-Za-z"]+)')
_BEGINS = re.compile(rb"[0-9]+(?:[_+.].*)?")


def read_parsable(lines: Lines, wanted: Wanted, jobs: Gathering) -> None:
    """Give every row below the header to ``jobs``. Raises BadInput for a header that cannot be used."""
    told = iter(lines)
    found = _header(told, lines, wanted)
    if found is None:
        return
    line, form = found
    header, rows = line.rstrip(b"\r\n"), _Rows(form, lines, jobs)
    for line in told:
        row = line.rstrip(b"\r\n")
        if row and row != header:  # the header comes again where files were put together
            rows.take(row, whole=line.endswith(b"\n"))
    rows.end()
    if not line.endswith(b"\n"):
        lines.notes.remarks.append("the last line has no end: was the file copied whole?")


def _header(told: Iterator[bytes], lines: Lines, wanted: Wanted) -> tuple[bytes, _Form] | None:
    """The line that names the columns, and these; None for an empty file. Raises BadInput where no line does."""
    noise: list[bytes] = []
    first = ""
    for line in told:
        row = line.rstrip(b"\r\n")
        if row and of.names_columns(row):
            for _ in noise:
                lines.notes.add_passed(NOISE)
            lines.notes.remarks += [of.passed_over(noise, "the names of the columns")] if noise else []
            return line, _Form(row, wanted, lines.where)
        if row:
            noise.append(row)
            first = first or lines.where
        if len(noise) > of.NOISE_LINES_MAX:
            break
    return (noise[0], _Form(noise[0], wanted, first)) if noise else None


class _Rows:
    """Puts records together from lines: where a free text has line ends, one goes on until the next one begins."""

    def __init__(self, form: _Form, lines: Lines, jobs: Gathering) -> None:
        self._form = form
        self._lines = lines
        self._jobs = jobs
        self._held: list[tuple[int, bytes]] = []  # a record so far, with the numbers of its lines
        self._bytes = 0

    def take(self, row: bytes, *, whole: bool) -> None:
        """Take the next line; ``whole`` unless it has no line end."""
        form, line = self._form, (self._lines.notes.lines, row)
        begins = form.begins(row) and not form.completes(self._held, row)
        if begins or self._bytes > LINE_BYTES_MAX:
            self.end()
        if not whole:
            self._cut(line)
        elif not begins and form.missing(row) > 0 and of.is_complaint(row):
            self._add([line], Wrong(COMPLAINED, of.said(row)))
        elif begins or self._held:
            self._held.append(line)
            self._bytes += len(row)
        else:
            self._stray(line)

    def end(self) -> None:
        """The record that is held has come to its end: take it, and what is behind it as lines of their own."""
        held, self._held, self._bytes = self._held, [], 0
        if held:
            size = self._form.size(held)
            self._add(held[: size or None], None)
            for line in held[size or len(held) :]:
                self._stray(line)

    def _cut(self, line: tuple[int, bytes]) -> None:
        """The last line of the file, whose end is missing: what is whole without it is taken."""
        if self._held and not self._form.size(self._held):
            held, self._held = [*self._held, line], []
            self._add(held, Wrong(CUT))
        else:
            self.end()
            self._add([line], Wrong(CUT))

    def _stray(self, line: tuple[int, bytes]) -> None:
        if self._form.goes_on(line[1]):
            self._lines.notes.add_passed(FURTHER)
        else:
            self._add([line], None)

    def _add(self, record: list[tuple[int, bytes]], wrong: Wrong | None) -> None:
        for _ in record[1:]:
            self._lines.notes.add_passed(FURTHER)
        self._lines.line = record[0][0]
        try:
            if wrong is not None:
                raise wrong
            fields = self._form.fields(b"\n".join(row for _, row in record))
            if b"." in fields[0]:
                self._lines.notes.add_passed(STEP)
            else:
                self._jobs.add(_row(fields, self._jobs.clock))
        except Wrong as error:
            self._lines.bad(str(error), error.reason)
        self._lines.line = 0


class _Form:
    """Where the columns are."""

    def __init__(self, header: bytes, wanted: Wanted, where: str) -> None:
        match = _DELIMITER.match(header)
        self._delimiter = match[1] if match else b"|"
        columns = [name.strip(b' "').decode("ascii", "replace") for name in header.split(self._delimiter)]
        _check(header, columns, self._delimiter, wanted, where)
        known = [name.lower() for name in columns]
        found = [
            next((known.index(name.lower()) for name in names if name.lower() in known), None) for names in of.READ
        ]
        self._width = len(columns)
        self._last = self._width - 1
        places = [self._width if place is None else place for place in found]
        self._id = next(place for place, name in enumerate(known) if name in of.KEYS)
        self._pick: Callable[[list[bytes]], tuple[bytes, ...]] = itemgetter(*places)
        free = of.free_places(known, self._delimiter)
        self._free = (free[0], free[-1]) if free else None
        self._joins = bool(free) and self._id < free[0]
        self._torn = bool(free) and any(free[0] < place < free[-1] for place in places)
        self._quotes = self._delimiter if self._delimiter in {b",", b";", b"\t"} else b""

    def missing(self, row: bytes) -> int:
        """How many columns a line has too few."""
        return self._last - row.count(self._delimiter)

    def begins(self, row: bytes) -> bool:
        """Whether a line is the first of a record, or a record that was cut: it has a number and something behind it.

        Where no number stands before the free texts, each line with enough columns is a record of its own.
        """
        if not self._joins:
            return self.missing(row) <= 0
        fields = row.split(self._delimiter, self._id + 1)
        return len(fields) > self._id + 1 and _BEGINS.fullmatch(fields[self._id].strip(b'"')) is not None

    def completes(self, held: list[tuple[int, bytes]], row: bytes) -> bool:
        """Whether a line that looks as if it began a record has just the columns that the one before it lacks."""
        if not self._joins:
            return False
        lacks = self._last - sum(line.count(self._delimiter) for _, line in held)
        return 0 < lacks == row.count(self._delimiter) < self._last

    def size(self, held: list[tuple[int, bytes]]) -> int:
        """How many of the lines are one record: up to the last that can end one; 0 when columns are missing in all."""
        if not self._joins or self._free is None:
            return 1
        behind = self._last - self._free[1]
        size = found = 0
        for number, (_, row) in enumerate(held, start=1):
            count = row.count(self._delimiter)
            was, found = found, found + count
            if found >= self._last and (count >= behind or was < self._last):
                size = number
        return size

    def goes_on(self, row: bytes) -> bool:
        """Whether a line that begins no record can be part of a free text that is the first column or the last."""
        return self._free is not None and (self._free[0] == 0 or self._free[1] == self._last) and not self.begins(row)

    def fields(self, row: bytes) -> tuple[bytes, ...]:
        """What stands in the columns of ``READ``, empty for one that is not there. Raises Wrong."""
        fields = row.split(self._delimiter)
        if len(fields) != self._width:
            fields = self._joined(row, fields)
        fields.append(b"")
        return self._pick(fields)

    def _joined(self, row: bytes, fields: list[bytes]) -> list[bytes]:
        """The columns outside of free texts, which the delimiter has split."""
        unquoted = self._unquoted(row) if self._quotes and b'"' in row else []
        if len(unquoted) == self._width:
            return unquoted
        surplus = len(fields) - self._width
        if surplus < 0 or self._free is None:
            raise Wrong("too few columns" if surplus < 0 else "too many columns", f"{len(fields)} of {self._width}")
        if self._torn:
            raise Wrong("the delimiter in a free text, with columns between two of those", f"{len(fields)} columns")
        first, last = self._free
        return [*fields[:first], *[b""] * (last - first + 1), *fields[last + surplus + 1 :]]

    def _unquoted(self, row: bytes) -> list[bytes]:
        """The columns as a spreadsheet writes them, which quotes as sacct does not; none if they are not so."""
        try:
            told = next(csv.reader([row.decode("latin-1")], delimiter=self._quotes.decode(), strict=True))
        except csv.Error:
            return []
        return [field.encode("latin-1") for field in told]


def _check(header: bytes, columns: list[str], delimiter: bytes, wanted: Wanted, where: str) -> None:
    """Raise BadInput, with the command that helps, unless everything needed is there."""
    size = of.NODES if wanted.unit is Unit.NODES else of.CORES
    needed = [of.KEY, of.STATE, of.SUBMIT, of.START, (*of.ELAPSED, *of.END), size]
    needed += [of.PARTITION] if wanted.partitions else []
    known = {name.lower() for name in columns}
    missing = [" or ".join(names) for names in needed if not known & {name.lower() for name in names}]
    if not missing:
        return
    if of.is_complaint(header):
        remedy = f"see that sacct can tell of jobs, then ask again: {COMMAND}"
        raise BadInput(f"this is what sacct complained: {of.said(header)}", where=where, remedy=remedy)
    if of.names_columns(header) and (delimiter.strip(b" ") == b"" or len(columns) == 1):
        what = "this is sacct's table, which cuts what is long"
    else:
        found = ", ".join(quoted(name) for name in columns[:_COLUMNS_SHOWN])
        what = f"columns missing: {', '.join(missing)}; found: {found}"
    raise BadInput(what, where=where, remedy=f"ask for them: {COMMAND}")


def _row(fields: tuple[bytes, ...], clock: Clock) -> Row:
    """The row of what stands in the columns of ``READ``. Raises Wrong, naming the column that cannot be read."""
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
    for names, read, text in zip(of.READ, readers, fields, strict=True):
        try:
            if read is not None:
                read(text)
        except Wrong as wrong:
            return Wrong(f"{names[0]}: {wrong.reason}", wrong.detail)
    return None
