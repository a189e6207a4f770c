"""How many nodes Kubernetes may own in each step of the horizon: a function of the policy and the time alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.nodes import Side
from models.policies import MovesPolicy, PoolPolicy, Spec
from models.snapshot import Bounds, Snapshot
from models.takeovers import ALL, Window

Floats = NDArray[np.float64]


def steps_of(moves: MovesPolicy) -> int:
    """How many steps a decision looks ahead, each as long as the time between two decisions."""
    return max(1, moves.look_ahead // moves.every)


def bounds_by_step(
    pool: PoolPolicy, spec: Spec, nodes: int, now_s: int, takeovers: Sequence[Window] = ()
) -> tuple[Bounds, ...]:
    """The fewest and the most of ``nodes`` that Kubernetes may own in each step from ``now_s`` on.

    The pool's floors and ceilings, and during a takeover as many for its side as it has. Raises ValueError when floors
    and ceilings leave no split.
    """
    bounds = [pool.bounds(nodes)] * steps_of(spec.moves)
    for window in takeovers:
        for step in range(len(bounds)):
            if window.from_s <= now_s + step * spec.moves.every < window.to_s:
                bounds[step] = taken_over(bounds[step], window.side, wanted_of(window, pool, nodes), nodes)
    return tuple(bounds)


def wanted_of(window: Window, pool: PoolPolicy, nodes: int) -> int:
    """How many of ``nodes`` the side of a takeover is to have: what is written of floors and ceilings stands."""
    most = pool.most_of(window.side, nodes)
    return most if window.nodes == ALL else min(window.nodes, most)


def taken_over(bounds: Bounds, side: Side, least: int, nodes: int, most: int | None = None) -> Bounds:
    """The bounds while ``side`` has ``least`` of ``nodes`` at least, and may have ``most``."""
    low, high = bounds
    most = least if most is None else max(least, most)
    if side is Side.KUBERNETES:
        return max(low, least), max(high, most)
    return min(low, nodes - most), min(high, nodes - least)


def steadied(bounds: tuple[Bounds, ...], side: Side, has: int, nodes: int, wanted: int) -> tuple[Bounds, ...]:
    """The same while ``side`` gathers ``wanted`` of ``nodes``: of the ``has`` that it has it gives none."""
    return tuple(taken_over(one, side, has, nodes, wanted) for one in bounds)


def given_by_step(snapshot: Snapshot, pool: PoolPolicy) -> tuple[tuple[int, int], ...]:
    """How many nodes a takeover gives the HPC side and Kubernetes in each step, 0 where there is none.

    The pool's own floors bound what may move, and nothing moves for them alone.
    """
    total = len(snapshot.nodes)
    home = pool.bounds(total) if snapshot.bounds else (0, total)
    return tuple(((total - high) * (high < home[1]), low * (low > home[0])) for low, high in snapshot.bounds)


def beyond(given: Sequence[tuple[int, int]], steps: int, nodes: int) -> dict[Side, Floats]:
    """How many nodes each side lacks, with x = 0 .. ``nodes``, of those that a takeover gives it in each step.

    Arrays of shape (steps, nodes + 1).
    """
    needs = np.zeros((steps, 2))
    needs[: len(given)] = np.array(given[:steps]).reshape(-1, 2)
    lacking = np.maximum(0.0, needs.T[:, :, None] - np.arange(nodes + 1))
    return {Side.HPC: lacking[0], Side.KUBERNETES: lacking[1]}


def hpc_floor(snapshot: Snapshot, pool: PoolPolicy) -> int:
    """The fewest nodes that the HPC side keeps. Bounds do not say so: they count those that persons have closed."""
    kept = pool if snapshot.bounds else pool.without_usual_floors()
    return hpc_floor_of(kept, len(snapshot.nodes), first_bounds(snapshot, pool)[1])


def hpc_floor_of(pool: PoolPolicy, nodes: int, kubernetes_most: int) -> int:
    """The same of a pool of so many nodes, of which Kubernetes may own ``kubernetes_most``."""
    return min(pool.floor_of(Side.HPC, nodes), nodes - kubernetes_most)


def first_bounds(snapshot: Snapshot, pool: PoolPolicy) -> Bounds:
    """Those of the first step, which is the one that is planned. A snapshot that has none was taken by a release that
    knew the pool's only, and no floor that was not written."""
    return snapshot.bounds[0] if snapshot.bounds else pool.without_usual_floors().bounds(len(snapshot.nodes))
