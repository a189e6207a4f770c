"""The frontier: how long HPC jobs wait for the share of requests that Kubernetes leaves unmet.

A fixed split or a policy at one price of unmet demand is a point. Less of both is better; the curve of a policy goes
through those of its points that no other of them beats in both. Between two of them lies what a site has that uses the
one for a part of the time and the other for the rest, so the curve is straight there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

UNMET, WAIT = "unmet_requests_share", "hpc_wait_so_far_mean_s"


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """A share of requests unmet, between 0 and 1, and the mean wait of HPC jobs in seconds, those still waiting counted
    with their wait so far. ``setting`` is what made it: nodes for Kubernetes, or a weight."""

    unmet_share: float
    wait_s: float
    setting: float


def point(figures: Mapping[str, float | int], setting: float) -> Point:
    """The point of a replay by its figures."""
    return Point(float(figures[UNMET]), float(figures[WAIT]), setting)


def curve(points: Iterable[Point]) -> tuple[Point, ...]:
    """The points that no other beats in both, from the least unmet on."""
    kept: list[Point] = []
    for one in sorted(points):
        if not kept or one.wait_s < kept[-1].wait_s:
            kept.append(one)
    return tuple(kept)


def wait_at(points: Sequence[Point], unmet_share: float) -> float | None:
    """The mean wait in seconds at a share of requests unmet, along the curve of the points.

    Linear between two neighbours; the shortest wait of all where every point of the curve serves better; None where
    none serves so well.
    """
    along = curve(points)
    if not along or along[0].unmet_share > unmet_share:
        return None
    before = max(number for number, one in enumerate(along) if one.unmet_share <= unmet_share)
    low = along[before]
    if before == len(along) - 1:
        return low.wait_s
    high = along[before + 1]
    part = (unmet_share - low.unmet_share) / (high.unmet_share - low.unmet_share)
    return low.wait_s + part * (high.wait_s - low.wait_s)
