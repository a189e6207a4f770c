"""Cron schedules as the CronJob controller reads them, and when they next come true.

Source: ``ParseStandard`` and ``SpecSchedule.Next`` of github.com/robfig/cron/v3, which Kubernetes uses. Where the day
of the month and the day of the week are both bounded, either will do. An hour that a change of clocks leaves out has no
starts, one that comes twice has them twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
LONGEST = 1000  # characters of a schedule; one that names every minute, hour and day has some 400
_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 6))
_NAMES = {"month": {name: number for number, name in enumerate(_MONTHS, 1)},
          "day of the week": {name: number for number, name in enumerate(_DAYS)}}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something starts: the values of each field. ``any_day`` is whether a field of days is unbounded."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool

    def on(self, day: date) -> bool:
        """Whether anything starts on this day."""
        if day.month not in self.months:
            return False
        monthly, weekly = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (monthly and weekly) if self.any_day else (monthly or weekly)


def schedule_of(text: str) -> Schedule:
    """The schedule that the text is. Raises ValueError that says what is wrong with it."""
    if len(text) > LONGEST:
        raise ValueError(f"a schedule of {len(text)} characters is longer than {LONGEST}")
    fields = _MACROS.get(text.strip(), text).split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"{text!r} is not five fields or one of {', '.join(_MACROS)}")
    minutes, hours, days, months, weekdays = (
        _values(field, *bounds) for field, bounds in zip(fields, _FIELDS, strict=True)
    )
    return Schedule(minutes, hours, days, months, weekdays, any(map(unbounded, (fields[2], fields[4]))))


def zone_of(name: str | None) -> ZoneInfo:
    """The time zone of this name, UTC where none is named. Raises ValueError for one that is not known."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"the time zone {name!r} is not known") from error


def starts(schedule: Schedule, zone: ZoneInfo, after_s: int, until_s: int) -> Iterator[int]:
    """The starts after one instant and until another, in unix seconds and in their order."""
    day = datetime.fromtimestamp(after_s, zone).date()
    last = datetime.fromtimestamp(until_s, zone).date()
    while day <= last:
        if schedule.on(day):
            for start in _on_day(schedule, zone, day, after_s):
                if start > until_s:
                    return
                if start > after_s:
                    yield start
        day += timedelta(days=1)


def _on_day(schedule: Schedule, zone: ZoneInfo, day: date, after_s: int) -> Iterator[int]:
    minutes = sorted(schedule.minutes)
    for hour in sorted(schedule.hours):
        if datetime(day.year, day.month, day.day, hour, 59, tzinfo=zone, fold=1).timestamp() <= after_s:
            continue
        for fold in (0, 1):
            for minute in minutes:
                local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone, fold=fold)
                if _comes(local):
                    yield int(local.timestamp())


def _comes(local: datetime) -> bool:
    """Whether clocks show this time, and a second time where it is meant to be that."""
    back = local.astimezone(UTC).astimezone(local.tzinfo)
    return (back.replace(tzinfo=None), back.fold) == (local.replace(tzinfo=None), local.fold)


def unbounded(text: str) -> bool:
    """Whether a field holds for all values because it says nothing, and not because it names them all."""
    parts = (part.partition("/") for part in text.split(","))
    return any(bounds in ("*", "?") and step in ("", "1") for bounds, _, step in parts)


def _values(text: str, name: str, least: int, most: int) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        found.update(_range(part, name, least, most))
    return frozenset(found)


def _range(part: str, name: str, least: int, most: int) -> range:
    bounds, slash, step = part.partition("/")
    first, dash, last = bounds.partition("-")
    if first in ("*", "?") and not dash:
        low, high = least, most
    else:
        low = _number(first, name)
        high = _number(last, name) if dash else (most if slash else low)
    every = _number(step, name) if slash else 1
    if not least <= low <= high <= most or every < 1:
        raise ValueError(f"the {name} {part!r} is not within {least} to {most}")
    return range(low, high + 1, every)


def _number(text: str, name: str) -> int:
    known = _NAMES.get(name, {}).get(text.lower())
    if known is not None:
        return known
    if not (text.isascii() and text.isdigit()) or len(text) > 4:
        raise ValueError(f"the {name} {text!r} is no number")
    return int(text)
