"""Tuning: the cheapest price of Kubernetes' unmet demand at which a service level holds, by replays of one world, and
the fixed split of equal service to hold it against."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import sqrt

from models.policies import PoolPolicy
from simulator.compare import replay
from simulator.frontier import UNMET, WAIT
from simulator.outcome import Timeline
from simulator.static import run_fixed
from simulator.world import Progress, World, quiet

TRIES_MOST = 9  # replays of one search
STEP = 3.0  # between two prices, until one reaches the level and another one does not
CLOSE = 1.15  # between the two, where the search ends: nearer prices tell apart less than the dice of one replay do
POLICY = "predictive"  # what is tuned
LEAST = 6.0  # times HPC's cost: lower prices are not tried


@dataclass(frozen=True, slots=True)
class Served:
    """What one replay came to: the share of Kubernetes' demand that was unmet, the mean wait in seconds of HPC's jobs,
    those with their wait so far that still waited at its end, and how many these are."""

    unmet: float
    wait_s: float
    waiting: int

    def meets(self, at_most: float) -> bool:
        """Whether the level holds."""
        return self.unmet <= at_most


@dataclass(frozen=True, slots=True)
class Tried:
    """A price, and what came of it."""

    price: float
    served: Served


@dataclass(frozen=True, slots=True)
class Split:
    """A fixed split with so many nodes for Kubernetes, and what came of it."""

    nodes: int
    served: Served


def prices(pool: PoolPolicy) -> tuple[float, float]:
    """The least and the most price to try. A quiet stretch holds a level at any price, saves HPC a few minutes by a
    low one, and says nothing about the busy stretch that comes next: ``LEAST`` is what such windows were begun best at
    (record 32)."""
    low, high = pool.price_bounds
    return min(LEAST * low, high), high


def search(
    measure: Callable[[float], Served], at_most: float, begins: float, bounds: tuple[float, float]
) -> Iterator[Tried]:
    """Every price that is tried, in its order: whoever takes them may stop at any time and has the best so far.

    The price rises until the level holds, or falls until it does not; then it is halved between the two, by its
    logarithm. The answer is the ``cheapest`` of what was tried.
    """
    low, high = bounds
    price = min(max(begins, low), high)
    fails: float | None = None
    holds: float | None = None
    for _ in range(TRIES_MOST):
        served = measure(price)
        yield Tried(price, served)
        if served.meets(at_most):
            holds = price
        else:
            fails = price
        if holds is not None and fails is not None:
            if holds / fails < CLOSE:
                return
            price = float(f"{sqrt(holds * fails):.3g}")
        elif price == (low if holds is not None else high):
            return
        else:
            price = max(low, float(f"{price / STEP:.3g}")) if holds is not None else min(high, price * STEP)


def cheapest(tried: Iterable[Tried], at_most: float) -> Tried | None:
    """The least price at which the level held; None where it held at none."""
    return min((one for one in tried if one.served.meets(at_most)), key=lambda one: one.price, default=None)


def at_fixed_price(world: World, price: float, progress: Progress = quiet) -> Served:
    """A replay at a price that follows nothing."""
    pool = world.policy.spec.pools[0].at_price(price)
    kubernetes = pool.kubernetes.model_copy(update={"unmet_at_most": None})
    return as_it_is(with_pool(world, pool.model_copy(update={"kubernetes": kubernetes})), progress)


def as_it_is(world: World, progress: Progress = quiet) -> Served:
    """A replay under the world's own policy."""
    outcome = replay(world, POLICY, progress)
    return _served(world, outcome.figures, outcome.timeline)


def with_pool(world: World, pool: PoolPolicy) -> World:
    """The same world under another policy of its pool."""
    spec = world.policy.spec
    changed = spec.model_copy(update={"pools": (pool, *spec.pools[1:])})
    return replace(world, policy=world.policy.model_copy(update={"spec": changed}))


def split_that_meets(world: World, at_most: float) -> Split | None:
    """The fixed split with the fewest nodes for Kubernetes at which the level holds: there HPC waits least of all such.

    None where it holds at none. More nodes never serve less, so it is found by halving.
    """
    low, high = world.bounds
    found: Split | None = None
    while low <= high:
        split = at_split(world, (low + high) // 2)
        if split.served.meets(at_most):
            found, high = split, split.nodes - 1
        else:
            low = split.nodes + 1
    return found


def at_split(world: World, nodes: int) -> Split:
    """A fixed split, replayed."""
    fixed = run_fixed(world, nodes, watch=True)
    return Split(nodes, _served(world, fixed.figures(world), fixed.timeline()))


def _served(world: World, figures: Mapping[str, float | int], timeline: Timeline) -> Served:
    return Served(_unmet_share(world, figures, timeline), float(figures[WAIT]), int(figures["hpc_jobs_queued"]))


def _unmet_share(world: World, figures: Mapping[str, float | int], timeline: Timeline) -> float:
    """Of requests; of node-hours where there are pods, which know of no requests."""
    if not world.workload.gangs:
        return float(figures[UNMET])
    asked = float(timeline.kubernetes_demand.sum()) * world.policy.spec.moves.every / 3600
    return float(figures["unmet_kubernetes_node_h"]) / asked if asked else 0.0
