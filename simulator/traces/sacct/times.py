"""Points in time as sacct writes them: epoch seconds, or local time with or without its offset from UTC."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import NoReturn

from simulator.traces.quantities import quoted
from simulator.traces.sacct.values import Wrong

AMBIGUOUS = "a local time that comes twice when summer time ends, the earlier one used"
NO_SUCH_TIME = "a local time that its zone skips when summer time begins (is it another zone?), an hour later used"

TIME_MIN_S, TIME_MAX_S = 2 * 86_400, 253_402_300_799
"""From 3 January 1970, so that the midnight before is after 0 in every zone, to the end of the year 9999."""

UNKNOWN = frozenset({b"", b"Unknown", b"None", b"N/A", b"n/a", b"NONE", b"(null)"})
_NOT_SET = frozenset({0, 2**32 - 1, 2**32 - 2, 2**64 - 1, 2**64 - 2})
_LENGTH = len(b"2026-09-01T12:00:00")
_HOUR_LENGTH = len(b"2026-09-01T12")
_HOURS_MAX = 200_000  # of local hours remembered, 20 years: about 30 MB
_TWO_DIGITS = {b"%02d" % number: number for number in range(60)}


class Clock:
    """Reads times. ``marks`` collects what was done to those read since it was last emptied."""

    def __init__(self, zone: tzinfo) -> None:
        self.marks: list[str] = []
        self.saw_no_zone = False
        self._zone = zone
        self._hours: dict[bytes, int | None] = {}

    def read(self, text: bytes) -> int | None:
        """Seconds of the epoch; None for unknown. Raises Wrong for what is not a time."""
        if len(text) == _LENGTH and text[13:14] == b":" == text[16:17]:
            hour_s = self._hours.get(text[:_HOUR_LENGTH])
            minute, second = _TWO_DIGITS.get(text[14:16]), _TWO_DIGITS.get(text[17:])
            if hour_s is not None and minute is not None and second is not None:
                return hour_s + 60 * minute + second
        if text in UNKNOWN:
            return None
        if text.isdigit():
            return epoch_s(int(text)) if len(text) < 21 else _refuse(text)
        return self._local_s(text)

    def _local_s(self, text: bytes) -> int:
        try:
            # A date without a time would be read as midnight, and a week date as a day that nobody meant.
            moment = datetime.fromisoformat(text.decode("ascii")) if text[10:11] in (b"T", b" ") else _refuse(text)
            if moment.tzinfo is not None:
                return _possible(int(moment.timestamp()), text)
            first_s = self._at_s(moment, text)
        except (ValueError, OverflowError, OSError):
            _refuse(text)
        self.saw_no_zone = True
        self._remember_hour(text, moment)
        return first_s

    def _at_s(self, moment: datetime, text: bytes) -> int:
        first, second = (moment.replace(tzinfo=self._zone, fold=fold) for fold in (0, 1))
        before, after = first.utcoffset(), second.utcoffset()
        if before is not None and after is not None and before != after:
            self.marks.append(AMBIGUOUS if before > after else NO_SUCH_TIME)
        return _possible(int(first.timestamp()), text)

    def _remember_hour(self, text: bytes, moment: datetime) -> None:
        """Keep the beginning of the hour, unless the zone's offset changes within it."""
        if len(text) != _LENGTH or text[:_HOUR_LENGTH] in self._hours:
            return
        if len(self._hours) >= _HOURS_MAX:
            self._hours.clear()
        begin = moment.replace(minute=0, second=0, microsecond=0)
        offsets = {
            begin.replace(minute=minute, tzinfo=self._zone, fold=fold).utcoffset()
            for minute in range(60)
            for fold in (0, 1)
        }
        begin_s = int(begin.replace(tzinfo=self._zone).timestamp())
        self._hours[text[:_HOUR_LENGTH]] = begin_s if len(offsets) == 1 else None


def epoch_s(number: int) -> int | None:
    """A number as seconds of the epoch; None for the numbers that Slurm writes when there is no time."""
    if number in _NOT_SET:
        return None
    return _possible(number, b"%d" % number)


def _possible(at_s: int, text: bytes) -> int:
    return at_s if TIME_MIN_S <= at_s <= TIME_MAX_S else _refuse(text)


def _refuse(text: bytes) -> NoReturn:
    raise Wrong("not a time", quoted(text))
