"""CSV with a header row, columns found by name, one record a line.

Columns are separated by commas, or by semicolons, tabs or bars where only these make the header one that can be used,
or as a first line ``sep=;`` says, which spreadsheets write.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence

from models.errors import BadInput
from simulator.traces.quantities import quoted
from simulator.traces.text import Lines

_COLUMNS_SHOWN = 30
_SEPARATOR_TOLD = re.compile(r'"?sep=([^\w\s"]|\t)"?[,;]*', re.IGNORECASE)


def rows(lines: Lines, required: Sequence[Sequence[str]]) -> Iterator[dict[str, str]]:
    """The records below the header, by column name.

    Blank lines are passed over, lines with too few or too many fields are bad. Each entry of ``required`` is a
    column that must be there, or several of which one must be. Raises BadInput when one is missing or named twice,
    and for whatever ``lines`` raises it. A field may not span lines.
    """
    header: list[str] = []
    separator = ""
    for line in lines:
        text = lines.text(line)
        if not header and text.strip():
            if told := None if separator else _SEPARATOR_TOLD.fullmatch(text.strip(" ")):
                separator = told[1]
                continue
            separator = separator or _separator(text, required)
        fields = _fields(lines, text, separator)
        if not fields:
            continue
        if not header:
            header = _checked_header([field.strip() for field in fields], required, lines.where)
        elif len(fields) != len(header):
            lines.bad(f"{len(fields)} columns, the header has {len(header)}")
        else:
            yield dict(zip(header, fields, strict=True))


def _separator(header: str, required: Sequence[Sequence[str]]) -> str:
    """What separates the columns of a header: a comma unless another gives all that are required."""
    for separator in ",;\t|":
        names = {name.strip().strip('"') for name in header.split(separator)}
        if all(names & set(some) for some in required):
            return separator
    return ","


def _fields(lines: Lines, text: str, separator: str) -> list[str]:
    """The fields of one line, none for a blank or a bad one."""
    if not text.strip():
        return []
    if '"' not in text:
        return text.split(separator)
    try:
        return next(csv.reader([text], strict=True, delimiter=separator))
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
