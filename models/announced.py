"""Announced work: what somebody has said in advance when it begins, and that is no demand until then."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from models.nodes import Side

ANNOUNCED_MOST = 64  # of one side: 2.5 KiB of a message, and every quarter of an hour of a day has room for some
AHEAD_MOST_S = 86_400  # what begins later than in a day is announced again before it matters
STEP_S = 300  # what begins within so long of one another is one


@dataclass(frozen=True, slots=True)
class Announced:
    """Work of ``side`` that begins at ``at_s``: ``nodes`` node-equivalents of it, for ``lasts_s`` at most (None where
    nothing bounds it), and ``why`` that is known (a begin time, a CronJob, a reservation)."""

    at_s: int
    side: Side
    nodes: float
    why: str
    lasts_s: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.nodes < math.inf:
            raise ValueError(f"what is announced must be larger than nothing, and finite: {self}")
        if self.lasts_s is not None and self.lasts_s < 0:
            raise ValueError(f"what is announced cannot last {self.lasts_s} s")

    def runs(self, after_s: int, at_s: int) -> bool:
        """Whether it begins after ``after_s`` and runs at ``at_s``."""
        return after_s < self.at_s <= at_s and (self.lasts_s is None or at_s < self.at_s + self.lasts_s)


def nodes_by(announced: Iterable[Announced], now_s: int, at_s: int) -> float:
    """Nodes of what begins after ``now_s`` and runs at ``at_s``: what has begun by now is demand already."""
    return sum(one.nodes for one in announced if one.runs(now_s, at_s))


def soonest(announced: Iterable[Announced], now_s: int) -> tuple[Announced, ...]:
    """What begins within a day, the soonest first and ANNOUNCED_MOST at most.

    Where there is more, what begins within the same five minutes is one: from the first of them on, for as long as the
    longest of them. What has no room even so is announced once others have begun.
    """
    coming = sorted(
        (one for one in announced if now_s < one.at_s <= now_s + AHEAD_MOST_S),
        key=lambda one: (one.at_s, one.why, one.nodes),
    )
    if len(coming) <= ANNOUNCED_MOST:
        return tuple(coming)
    alike: dict[int, list[Announced]] = {}
    for one in coming:
        alike.setdefault(one.at_s // STEP_S, []).append(one)
    return tuple(map(_as_one, list(alike.values())[:ANNOUNCED_MOST]))


def _as_one(those: list[Announced]) -> Announced:
    first, lasts = those[0], [one.lasts_s for one in those]
    longest = None if None in lasts else max(lasting for lasting in lasts if lasting is not None)
    more = f" and {len(those) - 1} more" if len(those) > 1 else ""
    return Announced(first.at_s, first.side, sum(one.nodes for one in those), f"{first.why}{more}", longest)
