"""Units by the names of metrics: https://prometheus.io/docs/practices/naming/ has a base unit at the end of a name."""

from __future__ import annotations

import re

_NAME = re.compile(r"\b[a-zA-Z_:][a-zA-Z0-9_:]*_(total|seconds|bytes|celsius|ratio)\b(?!\s*\()")
_RATE = re.compile(r"\b(rate|irate|increase|delta|resets|changes)\s*\(")
_UNITS = {
    "seconds": ("s", "sec", "second", "seconds"),
    "bytes": ("b", "byte", "bytes"),
    "celsius": ("c", "°c", "celsius"),
    "ratio": ("1", "ratio", "share"),
}
_SCALED = re.compile(r"[*/]")
_WITHIN_TEXT = re.compile(r"\"(\\.|[^\"\\])*\"|'(\\.|[^'\\])*'|\{[^}]*\}")


def unlikely_unit(query: str, unit: str) -> str | None:
    """Why a query's value is most likely not in that unit, or no level at all; None where nothing speaks against it."""
    bare = _WITHIN_TEXT.sub("", query)
    ends = {match[1] for match in _NAME.finditer(bare)}
    if "total" in ends and not _RATE.search(bare):
        return "a counter (…_total) only rises: take its rate(…), say"
    if _SCALED.search(bare) or _RATE.search(bare):
        return None
    for end in sorted(ends & _UNITS.keys()):
        if len(ends) == 1 and unit.lower() not in _UNITS[end] and "count" not in bare:
            return f"a metric that ends in _{end} is in {end}, and the unit is {unit}"
    return None
