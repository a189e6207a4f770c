"""Schedules of a policy: five cron fields in a time zone, checked before anybody relies on them."""

from __future__ import annotations

import re
from typing import NamedTuple

from models.cron import Schedule, unbounded, zone_of

LONGEST = 100  # characters
ZONE_LONGEST = 64
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_DAYS_IN = dict(zip(range(1, 13), (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), strict=True))
_PART = re.compile(r"(?:(\*)|([0-9]{1,2}|[A-Z]{3})(?:-([0-9]{1,2}|[A-Z]{3}))?)(?:/([0-9]{1,2}))?")


class _Field(NamedTuple):
    name: str
    least: int
    most: int
    words: tuple[str, ...] = ()  # the first one means 0 in the field of weekdays and 1 in the field of months


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 7, _WEEKDAYS),
)


def check_schedule(text: object) -> str:
    """The text as it stands, when it is five cron fields that come true on some day.

    Fields: minute, hour, day of the month, month (1-12 or JAN-DEC), day of the week (0-7 or SUN-SAT; 0 and 7 are
    Sunday), each ``*``, a value, a range ``a-b``, a step ``*/n`` or ``a-b/n``, or several of these with commas.
    Raises ValueError that names the field, what is wrong with it and what to write.
    """
    example = 'for example "0 18 * * FRI"'
    if not isinstance(text, str):
        raise ValueError(f"a schedule is text of five cron fields in quotes, {example}")
    if len(text) > LONGEST:
        raise ValueError(f"a schedule has at most {LONGEST} characters, not {len(text)}")
    parts = text.split()
    if len(parts) != len(_FIELDS):
        raise ValueError(
            f"a schedule has five fields (minute, hour, day of the month, month, day of the week), not {len(parts)};"
            f" {example}"
        )
    values = [_values(field, part) for field, part in zip(_FIELDS, parts, strict=True)]
    _check_date_exists(days=values[2], months=values[3])
    return text


def schedule_in(text: str) -> Schedule:
    """When text that ``check_schedule`` took comes true: where both fields of days are bounded, either will do."""
    parts = text.split()
    minutes, hours, days, months, weekdays = (
        frozenset(_values(field, part)) for field, part in zip(_FIELDS, parts, strict=True)
    )
    sundays = frozenset(day % 7 for day in weekdays)
    return Schedule(minutes, hours, days, months, sundays, any(map(unbounded, (parts[2], parts[4]))))


def check_zone(text: object) -> str:
    """The text as it stands, when it is the IANA name of a time zone, such as Europe/Berlin. Raises ValueError."""
    if not isinstance(text, str) or not 0 < len(text) <= ZONE_LONGEST:
        raise ValueError("a time zone is text, for example Europe/Berlin or UTC")
    zone_of(text)
    return text


def _values(field: _Field, text: str) -> set[int]:
    """Every value that one field names."""
    chosen: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part.upper())
        if match is None:
            raise ValueError(f"the {field.name} {part!r} is not *, a value, a range a-b or a step */n or a-b/n")
        chosen.update(_range(field, match))
    return chosen


def _range(field: _Field, match: re.Match[str]) -> range:
    everything, first, last, step = match.groups()
    if step is not None and (not everything and last is None):
        raise ValueError(f"the {field.name} {match[0]!r} has a step after one value; write */n or a-b/n")
    if step is not None and not 1 <= int(step) <= field.most:
        raise ValueError(f"the {field.name} {match[0]!r} has a step outside 1 to {field.most}")
    low = field.least if everything else _number(field, first)
    high = field.most if everything else _number(field, last or first)
    if low > high:
        raise ValueError(f"the {field.name} {match[0]!r} runs backwards; write it as two, with a comma")
    return range(low, high + 1, int(step or 1))


def _number(field: _Field, text: str) -> int:
    """The value of a number or of a name such as FRI."""
    if text in field.words:
        return field.words.index(text) + field.least
    if not text.isdigit() or not field.least <= int(text) <= field.most:
        names = f" or {field.words[0]} to {field.words[-1]}" if field.words else ""
        raise ValueError(f"the {field.name} {text!r} is not from {field.least} to {field.most}{names}")
    return int(text)


def _check_date_exists(*, days: set[int], months: set[int]) -> None:
    if min(days) > max(_DAYS_IN[month] for month in months):
        names = ", ".join(_MONTHS[month - 1].capitalize() for month in sorted(months))
        raise ValueError(f"no such date: {names} never has a day {min(days)}")
