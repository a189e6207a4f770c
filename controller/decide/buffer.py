"""The buffer: nodes that Kubernetes keeps, or gets ahead, beyond its demand now.

A node that Kubernetes gives away does not come back when it is wanted: the job that takes it ends when it ends. So
each further node is kept, as a newspaper seller stocks one more copy (Arrow, Harris, Marschak, "Optimal inventory
policy", Econometrica 1951), while the chance that it is needed times what a node short costs there exceeds what a
node withheld costs on the HPC side. Where a node short costs little more than one withheld, nothing is kept: both sides
are then weighed as they are now.
"""

from __future__ import annotations

import numpy as np

from controller.decide.shortfall import expected_shortfall, quantile_changes
from controller.decide.situation import Situation
from controller.decide.transit import Floats, Flow
from models.announced import nodes_by
from models.forecasts import Forecast
from models.handovers import Direction
from models.nodes import Side
from models.policies import MovesPolicy, PoolPolicy, Weights
from models.snapshot import SideView

PRICE_WHILE_JOBS_WAIT = 3.0
"""HPC node-hours that one node-hour withheld costs while a queue lasts: it makes the queue last longer for all.

(N - load) / (nodes that serve it - load), which was 2.5 to 3.6 on the traces that it was measured on.
"""
PRICE_WHILE_NONE_WAITS = 0.75  # the next job may want it, or not
LEVEL_LEAST = 0.5  # what is less likely than not is no reason to hold a node
LEVEL_MOST = 0.99  # further out a forecast made from days knows nothing
AHEAD_S = 900  # a node that would be wanted so soon after it could have come is fetched now


def buffer_level(weights: Weights, *, jobs_wait: bool) -> float | None:
    """The quantile of Kubernetes' demand that is worth holding nodes for: the critical ratio 1 - price x HPC's weight
    / Kubernetes' weight. None when no node is."""
    price = PRICE_WHILE_JOBS_WAIT if jobs_wait else PRICE_WHILE_NONE_WAITS
    level = 1.0 - price * weights.hpc / weights.kubernetes
    return min(level, LEVEL_MOST) if level >= LEVEL_LEAST else None


def foreseen_nodes(view: SideView, level: float, at_s: Floats) -> Floats:
    """The nodes worth holding for a side at each of ``at_s`` (rising); never fewer than its demand now."""
    changes = quantile_changes(view.forecast, (level,), at_s)[:, 0]
    return np.asarray(np.maximum(view.demand.nodes, view.forecast.now + changes))


def nodes_kept(foreseen: Floats, at_s: Floats, lead_s: int) -> int:
    """The nodes that Kubernetes does not go below: the most foreseen from ``lead_s`` on to the end of the horizon.

    A peak that comes sooner finds the nodes that are there: those in use are never given away.
    """
    later = foreseen[at_s >= lead_s]
    return int(np.rint(later.max() if later.size else foreseen[-1]))


def nodes_ahead(foreseen: Floats, at_s: Floats, up: Flow, going_back: int, nodes: int, *, jobs_wait: bool) -> int:
    """How many nodes more Kubernetes should get now, since they would come too late if they were fetched later.

    ``nodes`` are those that it has or that are on their way to it; ``going_back`` more can be turned back at once. The
    others come in the order of ``up``; while no job waits only nodes that are empty already, which costs nothing.
    """
    arrives_s = up.arrives_s if jobs_wait else up.arrives_s[up.leaves_s <= 0]
    arrives_s = np.concatenate((np.zeros(going_back), arrives_s))
    if not arrives_s.size:
        return 0
    most = np.maximum.accumulate(foreseen)
    seen = np.searchsorted(at_s, arrives_s + AHEAD_S, side="right")
    wanted = np.rint(np.where(seen > 0, most[np.maximum(seen, 1) - 1], foreseen[0]))
    short = wanted > nodes + np.arange(arrives_s.size)
    return int(short.size if short.all() else np.argmin(short))


def buffer_of(found: Situation, pool: PoolPolicy, at_s: Floats, nodes: int) -> tuple[int, int]:
    """How many nodes Kubernetes keeps, and how many more than ``nodes`` it gets ahead; see the two functions above.

    Where no job waits and Kubernetes is short already, nodes go to what is there before any go ahead of it.
    """
    jobs_wait = bool(found.sides[Side.HPC].waiting.sizes)
    level = buffer_level(pool.unmet_cost, jobs_wait=jobs_wait)
    if level is None:
        return 0, 0
    view = found.sides[Side.KUBERNETES]
    foreseen = foreseen_nodes(view, level, at_s)
    kept = nodes_kept(foreseen, at_s, found.lead[Direction.TO_KUBERNETES].planned_s)
    if view.demand.nodes > nodes and not jobs_wait:
        return kept, 0
    return kept, nodes_ahead(foreseen, at_s, found.up, found.down.recallable, nodes, jobs_wait=jobs_wait)


def shortage_avoided(
    found: Situation, pool: PoolPolicy, moves: MovesPolicy, at_s: Floats, nodes: int, more: int
) -> float:
    """Weighted node-hours that Kubernetes is expected to be short less once it has ``more`` nodes than ``nodes``."""
    short = expected_shortfall(found.sides[Side.KUBERNETES], at_s, nodes + more, 0.0)
    there = at_s >= found.lead[Direction.TO_KUBERNETES].planned_s
    weight = pool.unmet_cost.kubernetes * moves.every / 3600
    return float((short[there, nodes] - short[there, nodes + more]).sum() * weight)


def without_spread(view: SideView) -> SideView:
    """The side as if its demand stayed what it is but for what is announced, where it is not known for sure: what is
    only likely speaks by the buffer, what is certain (a forecast of one level) is weighed as it is."""
    foreseen, now = view.forecast, view.demand.nodes
    if len(foreseen.levels) == 1:
        return view
    made_at_s, horizons_s = foreseen.made_at_s, foreseen.horizons_s
    announced = [nodes_by(view.demand.announced, made_at_s, made_at_s + horizon_s) for horizon_s in horizons_s]
    values = tuple((now + nodes,) for nodes in announced)
    known = Forecast(foreseen.side, made_at_s, now, horizons_s, (0.5,), values, foreseen.source)
    return SideView(view.demand, view.waiting, known)
