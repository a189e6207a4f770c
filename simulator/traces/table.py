"""CSV with a header row, columns found by name, one record a line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from models.errors import BadInput
from simulator.traces.quantities import quoted
from simulator.traces.text import Lines

_COLUMNS_SHOWN = 30


def rows(lines: Lines, required: Sequence[Sequence[str]]) -> Iterator[dict[str, str]]:
    """The records below the header, by column name.

    Blank lines are passed over, lines with too few or too many fields are bad. Each entry of ``required`` is a
    column that must be there, or several of which one must be. Raises BadInput when one is missing or named twice,
    and for whatever ``lines`` raises it. A field may not span lines.
    """
    header: list[str] = []
    for line in lines:
        fields = _fields(lines, lines.text(line))
        if not fields:
            continue
        if not header:
            header = _checked_header([field.strip() for field in fields], required, lines.where)
        elif len(fields) != len(header):
            lines.bad(f"{len(fields)} columns, the header has {len(header)}")
        else:
            yield dict(zip(header, fields, strict=True))


def _fields(lines: Lines, text: str) -> list[str]:
    """The fields of one line, none for a blank or a bad one."""
    if not text.strip():
        return []
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error as error:
        lines.bad(f"not CSV: {error}")
        return []


def _checked_header(header: list[str], required: Sequence[Sequence[str]], where: str) -> list[str]:
    missing = [" or ".join(names) for names in required if not set(names) & set(header)]
    if missing:
        found = ", ".join(quoted(name) for name in header[:_COLUMNS_SHOWN])
        remedy = "the first line must name the columns"
        raise BadInput(f"columns missing: {', '.join(missing)}; found: {found}", where=where, remedy=remedy)
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise BadInput(f"columns named twice: {', '.join(map(quoted, twice))}", where=where, remedy="keep one of each")
    return header
