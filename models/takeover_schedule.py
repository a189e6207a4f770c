"""When the takeovers of a policy come, and which of them meet: a function of the policy and the time alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

from models.cron import starts, zone_of
from models.fields import Found
from models.pools import Takeover
from models.schedules import schedule_in
from models.takeovers import ALL, Origin, Window

YEAR_FROM_S = 1704067200  # 2024-01-01, a Monday in a leap year: every date and every change of clocks
YEAR_S = 366 * 86400
STARTS_MOST = 400  # of each takeover that are held against the others': those of every day of a year
STARTS_IN_ALL = (
    20_000  # of all together: what a policy of a hundred takeovers and more has beyond that is not looked at
)


def windows_of(takeover: Takeover, from_s: int, until_s: int) -> Iterator[Window]:
    """Its windows that begin from ``from_s`` on and before ``until_s``, in their order."""
    nodes = ALL if isinstance(takeover.nodes, str) else takeover.nodes
    for at_s in starts(schedule_in(takeover.schedule), zone_of(takeover.time_zone), from_s - 1, until_s - 1):
        yield Window(
            f"{Origin.SCHEDULED}/{takeover.name}@{at_s}",
            takeover.name,
            Origin.SCHEDULED,
            takeover.side,
            nodes,
            at_s,
            at_s + takeover.duration,
            takeover.grace,
            takeover.prepare,
        )


def meetings(takeovers: Sequence[Takeover]) -> list[Found]:
    """Where two takeovers of one pool meet within a year, or one meets itself; each takeover is told once."""
    by_pool: dict[str, list[tuple[Window, int]]] = defaultdict(list)
    each = min(STARTS_MOST, STARTS_IN_ALL // max(1, len(takeovers)))
    for number, takeover in enumerate(takeovers):
        coming = islice(windows_of(takeover, YEAR_FROM_S, YEAR_FROM_S + YEAR_S), each)
        by_pool[takeover.pool].extend((window, number) for window in coming)
    found: dict[int, str] = {}
    for windows in by_pool.values():
        windows.sort(key=lambda one: one[0].from_s)
        for (before, first), (after, second) in pairwise(windows):
            if after.from_s >= before.to_s:
                continue
            if first == second:
                found.setdefault(second, f"{after.name} comes again before it is over; shorten it or its schedule")
            else:
                found.setdefault(second, f"{after.name} begins while {before.name} has the pool; leave one hour to one")
    return [((number, "schedule"), what) for number, what in sorted(found.items())]
