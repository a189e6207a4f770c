"""HPC's mean wait at one service level: every policy where 1 % of the requests is unmet, see ``simulator.frontier``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from benchmarks.scenarios.plan import STATIC, Case, Ran
from benchmarks.scenarios.runs import MOVING
from simulator.frontier import Point, curve, point, wait_at
from simulator.ratios import Mean, over_windows

UNMET_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Level:
    """One policy's wait of that of the best fixed split of equal service, over windows; ``unreached`` are the windows
    where it serves so well at none of the weights."""

    of_static: Mean | None
    unreached: tuple[str, ...]


def service_levels(ran: Ran) -> dict[str, object]:
    """The waits and the curves of all windows that have requests, ready for JSON."""
    asked = [one.name for one in ran.windows if one.workload.rate_steps]
    curves = {name: curves_of(name, ran) for name in asked}
    waits = {name: {who: wait_at(points, UNMET_SHARE) for who, points in by.items()} for name, by in curves.items()}
    return {
        "unmet_share": UNMET_SHARE,
        "policies": {who: asdict(level(who, waits)) for who in MOVING},
        "waits_s": waits,
        "curves": {
            name: {who: [asdict(one) for one in shown(who, points)] for who, points in by.items()}
            for name, by in curves.items()
        },
    }


def level(who: str, waits: dict[str, dict[str, float | None]]) -> Level:
    """One policy over the windows."""
    found: dict[str, float] = {}
    for window, by in waits.items():
        ours, theirs = by[who], by[STATIC]
        if ours and theirs:
            found[window] = ours / theirs
    return Level(over_windows(found), tuple(window for window, by in waits.items() if by[who] is None))


def curves_of(window: str, ran: Ran) -> dict[str, list[Point]]:
    """The points of all fixed splits, and of each policy one for each weight, the mean over its seeds."""
    cases = [one for one in ran.cases if one.window == window]
    fixed = [point(figures, nodes) for nodes, figures in sorted(ran.splits[window].within.items())]
    return {STATIC: fixed, **{who: [mean_point(one, who) for one in cases] for who in MOVING}}


def mean_point(one: Case, who: str) -> Point:
    """A policy's point at the weight of the case."""
    points = [point(figures, one.weight) for figures in one.figures[who]]
    shares, waits = [each.unmet_share for each in points], [each.wait_s for each in points]
    return Point(math.fsum(shares) / len(shares), math.fsum(waits) / len(waits), one.weight)


def shown(who: str, points: Sequence[Point]) -> Sequence[Point]:
    """Of the fixed splits those of the curve; of a policy every weight."""
    return curve(points) if who == STATIC else points
