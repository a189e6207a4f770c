"""What the header of a Standard Workload Format file says about time and size; anything unclear is left unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from simulator.traces.quantities import SECONDS_MAX, quoted

DAY_S = 86_400

_NAMES = ("UnixStartTime", "TimeZone", "TimeZoneString", "MaxNodes", "MaxProcs")
_FACT = re.compile(r"\s*(" + "|".join(_NAMES) + r")\s*:\s*(\S[^\r\n]*)")
# A number that nothing else is part of: no date such as 1998-07-01, no time such as 01:00, no fraction, no 12x4.
_WHOLE = re.compile(
    r"([+-]?(?:[0-9]{1,3}(?:(?P<mark>[,'])[0-9]{3})(?:(?P=mark)[0-9]{3})*|[0-9]{1,15}))(?=$|[\s(;]|[.,]\s|[.,]$)"
)
_GROUPED_BY_BLANKS = re.compile(r"[+-]?[0-9]{1,3}\s[0-9]{3}(?![0-9])")
_OFFSETS_S = 900  # every zone's offset from UTC is a multiple of a quarter of an hour


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """Facts of a trace, each None when the header does not say or says something that cannot be right.

    ``unix_start_s`` is the Unix time of the trace's second 0; ``utc_offset_s`` is local time minus UTC at that
    instant, and a later change to or from summer time is not followed.
    """

    unix_start_s: int | None = None
    utc_offset_s: int | None = None
    max_nodes: int | None = None
    max_procs: int | None = None

    @staticmethod
    def may_hold(comment: bytes) -> bool:
        """Whether a comment, without its semicolon, is worth keeping for :meth:`parse`."""
        return comment.lstrip().startswith((b"UnixStartTime", b"TimeZone", b"MaxNodes", b"MaxProcs"))

    @classmethod
    def parse(cls, comments: Iterable[bytes]) -> HeaderFacts:
        """The facts in comments; of a fact that is told twice the first counts. Never raises."""
        facts = _told(comments)
        unix_start_s = _start_s(facts.get("UnixStartTime"))
        zone_offset_s = _zone_offset_s(facts.get("TimeZoneString"), unix_start_s)
        utc_offset_s = zone_offset_s if zone_offset_s is not None else _offset_s(facts.get("TimeZone"))
        return cls(unix_start_s, utc_offset_s, _positive(facts.get("MaxNodes")), _positive(facts.get("MaxProcs")))


def first_full_day_s(first_time_s: int, unix_start_s: int | None = None, utc_offset_s: int | None = None) -> int:
    """The trace second of the first local midnight at or after ``first_time_s``.

    Without ``unix_start_s`` second 0 of the trace counts as a midnight; without ``utc_offset_s`` local time is UTC.
    """
    local_start_s = 0 if unix_start_s is None else unix_start_s + (utc_offset_s or 0)
    return first_time_s + -(first_time_s + local_start_s) % DAY_S


def unclear_facts(comments: Iterable[bytes]) -> list[str]:
    """A remark on each number of the header that is told and cannot be understood; -1 and 0 say that it is unknown."""
    readers = {"UnixStartTime": _start_s, "TimeZone": _offset_s, "MaxNodes": _positive, "MaxProcs": _positive}
    return [
        f"the header's {name} is not understood, and taken as unknown: {quoted(text)}"
        for name, text in _told(comments).items()
        if name in readers and readers[name](text) is None and _whole(text) not in (-1, 0)
    ]


def _told(comments: Iterable[bytes]) -> dict[str, str]:
    facts: dict[str, str] = {}
    for comment in comments:
        if match := _FACT.match(comment.decode("utf-8", "replace")):
            facts.setdefault(match[1], match[2].strip())
    return facts


def _whole(text: str | None) -> int | None:
    match = None if not text or _GROUPED_BY_BLANKS.match(text) else _WHOLE.match(text)
    return int(match[1].replace(",", "").replace("'", "")) if match else None


def _positive(text: str | None) -> int | None:
    number = _whole(text)
    return number if number is not None and number > 0 else None


def _start_s(text: str | None) -> int | None:
    """A Unix time in seconds; a larger one is in milliseconds."""
    number = _positive(text)
    return number if number is not None and number <= SECONDS_MAX else None


def _offset_s(text: str | None) -> int | None:
    number = _whole(text)
    return number if number is not None and abs(number) < DAY_S and number % _OFFSETS_S == 0 else None


def _zone_offset_s(name: str | None, unix_s: int | None) -> int | None:
    """A named zone's offset from UTC at an instant; None without one of them, or when the zone is not known here."""
    if not name or unix_s is None:
        return None
    try:
        offset = datetime.fromtimestamp(unix_s, UTC).astimezone(ZoneInfo(name)).utcoffset()
    except (KeyError, ValueError, OSError, OverflowError):
        return None
    return int(offset.total_seconds()) if offset is not None else None
