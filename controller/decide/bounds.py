"""How many nodes Kubernetes may own in each step of the horizon: a function of the policy and the time alone."""

from __future__ import annotations

from models.nodes import Side
from models.policies import MovesPolicy, PoolPolicy, Spec
from models.snapshot import Bounds, Snapshot


def steps_of(moves: MovesPolicy) -> int:
    """How many steps a decision looks ahead, each as long as the time between two decisions."""
    return max(1, moves.look_ahead // moves.every)


def bounds_by_step(pool: PoolPolicy, spec: Spec, nodes: int, now_s: int) -> tuple[Bounds, ...]:
    """The fewest and the most of ``nodes`` that Kubernetes may own in each step from ``now_s`` on.

    The same in all of them, since a pool's floors and ceilings know no time. Raises ValueError when they leave no
    split.
    """
    return (pool.bounds(nodes),) * steps_of(spec.moves)


def hpc_floor(snapshot: Snapshot, pool: PoolPolicy) -> int:
    """The fewest nodes that the HPC side keeps. Bounds do not say so: they count those that persons have closed."""
    kept, nodes = pool if snapshot.bounds else pool.without_usual_floors(), len(snapshot.nodes)
    return min(kept.floor_of(Side.HPC, nodes), nodes - first_bounds(snapshot, pool)[1])


def first_bounds(snapshot: Snapshot, pool: PoolPolicy) -> Bounds:
    """Those of the first step, which is the one that is planned. A snapshot that has none was taken by a release that
    knew the pool's only, and no floor that was not written."""
    return snapshot.bounds[0] if snapshot.bounds else pool.without_usual_floors().bounds(len(snapshot.nodes))
