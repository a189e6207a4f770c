"""The takeovers of a pool around now, in their order: those that the policy schedules, those that persons announced and
one that waiting work has brought about. Where two meet, the earlier one has the pool. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from models.policies import Spec
from models.takeover_schedule import windows_of
from models.takeovers import PREPARE_S, Request, Window

AFTER_S = 2 * 3600  # how long what is over is still known, so that its nodes are given back
AHEAD_S = 86400  # how far beyond its preparation a takeover is known


def scheduled(spec: Spec, pool: str, from_s: int, until_s: int) -> list[Window]:
    """The policy's windows that are not over by ``from_s`` and whose preparation may begin before ``until_s``."""
    return [
        window
        for takeover in spec.takeovers
        if takeover.pool == pool
        for window in windows_of(takeover, from_s - AFTER_S - takeover.duration, until_s + AHEAD_S + takeover.prepare)
    ]


def announced(requests: Iterable[Request], pool: str, now_s: int) -> list[Window]:
    """Those of persons, as far as they matter now."""
    windows = [request.window for request in requests if request.pool == pool]
    return [one for one in windows if now_s - AFTER_S < one.to_s and one.from_s <= now_s + AHEAD_S + PREPARE_S]


def apart(windows: Iterable[Window]) -> tuple[list[Window], list[tuple[Window, Window]]]:
    """Those that have the pool, in their order, and those that meet one of them, each with that one."""
    having: list[Window] = []
    meeting: list[tuple[Window, Window]] = []
    for window in sorted(windows, key=lambda one: (one.from_s, one.ident)):
        if having and window.from_s < having[-1].to_s:
            meeting.append((window, having[-1]))
        else:
            having.append(window)
    return having, meeting


def around(windows: Sequence[Window], now_s: int) -> tuple[Window | None, Window | None]:
    """The one that was over last, as long as its nodes are given back, and the one that is or comes next."""
    over = [one for one in windows if one.to_s <= now_s < one.to_s + AFTER_S]
    coming = [one for one in windows if now_s < one.to_s]
    return (over[-1] if over else None), (coming[0] if coming else None)
