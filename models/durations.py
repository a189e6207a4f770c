"""Durations as people write them: in a document a whole number and a unit, typed also a plain number."""

from __future__ import annotations

import re

from models.errors import shown

PATTERN = r"([0-9]{1,9})([smhd])"
_DURATION = re.compile(PATTERN)
_TYPED = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?|\.[0-9]{1,9})([smhd])?")
_UNIT_S = {"d": 86400, "h": 3600, "m": 60, "s": 1}
UNIT_NAMES = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def duration_s(text: object) -> int:
    """Seconds of a duration such as ``90s``, ``5m``, ``4h`` or ``2d``.

    Raises ValueError, with an example, for anything else.
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(
            f"{shown(text)} is not a duration; write a whole number and a unit, for example 90s, 5m, 4h or 2d"
        )
    return int(match[1]) * _UNIT_S[match[2]]


def typed_s(text: str, unit: str) -> float:
    """Seconds of a duration as it is typed: ``20m``, ``1.5h``, or a plain number, which is in ``unit`` (s, m, h or d).

    Raises ValueError, with an example, for anything else.
    """
    match = _TYPED.fullmatch(text.strip())
    if match is None:
        example = f"20 (in {UNIT_NAMES[unit]}), 90s, 5m, 1.5h or 2d"
        raise ValueError(f"{shown(text)} is not a duration; write a number, for example {example}")
    return float(match[1]) * _UNIT_S[match[2] or unit]


def duration_text(seconds: int) -> str:
    """The shortest text that ``duration_s`` reads back as ``seconds``."""
    unit = next(unit for unit, size in _UNIT_S.items() if seconds % size == 0 and (seconds or unit == "s"))
    return f"{seconds // _UNIT_S[unit]}{unit}"
