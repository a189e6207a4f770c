"""Request rates as CSV with the columns ``seconds,requests_per_second``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.errors import BadInput
from simulator.traces.quantities import not_a_number, parse_seconds, quoted
from simulator.traces.table import rows
from simulator.traces.text import Lines
from simulator.work import ReadNotes, Requests

HOUR_S = 3600
RATE_MAX_PER_S = 1e12
"""Requests per second: a slip of the unit above this, and sums of squares still fit a float."""


@dataclass(frozen=True, slots=True)
class RateTrace:
    """A request rate over time; what the reader left out."""

    requests: Requests
    notes: ReadNotes


def read_rates(path: Path | str, *, strict: bool = False) -> RateTrace:
    """Read a request rate, plain or gzip; it holds from its row until the next, over a gap of any length.

    Left out as bad lines: a time that does not rise, a time or rate that is negative or not a finite number.

    Raises BadInput for a file that cannot be read, is not text, lacks a column or holds fewer than two usable rows,
    and with ``strict`` for a bad line.
    """
    lines = Lines(path, strict=strict)
    times_s: list[int] = []
    per_s: list[float] = []
    for row in rows(lines, (("seconds",), ("requests_per_second",))):
        try:
            time_s, rate = _seconds(row["seconds"]), _rate(row["requests_per_second"])
            if time_s < 0:
                raise ValueError(f"seconds: {time_s} is negative")
            if times_s and time_s <= times_s[-1]:
                raise ValueError(f"seconds: {time_s} does not rise, {times_s[-1]} came before")
        except ValueError as error:
            lines.bad(str(error))
            continue
        times_s.append(time_s)
        per_s.append(rate)
    if not times_s:
        raise lines.none_usable("row")
    if len(times_s) == 1:
        bad = f"; the first bad line: {lines.notes.bad[0]}" if lines.notes.bad else ""
        remedy = f"for a rate that stays the same, add the row {times_s[0] + HOUR_S},{per_s[0]:g}"
        raise BadInput(f"only one usable row, and two are needed{bad}", where=str(path), remedy=remedy)
    return RateTrace(Requests(np.array(times_s, dtype=np.int64), np.array(per_s, dtype=np.float64)), lines.notes)


def _seconds(text: str) -> int:
    try:
        return parse_seconds(text)
    except ValueError as error:
        raise ValueError(f"seconds: {error}") from None


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        raise ValueError(f"requests_per_second: {not_a_number(text)}") from None
    if not math.isfinite(rate) or not 0 <= rate <= RATE_MAX_PER_S:
        raise ValueError(f"requests_per_second: {quoted(text)} is not between 0 and {RATE_MAX_PER_S:g}")
    return rate
