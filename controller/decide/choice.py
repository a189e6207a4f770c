"""The choice of the first step: what each possible number of moves would cost over the horizon."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from controller.decide.bounds import beyond, steps_of
from controller.decide.buffer import PRICE_WHILE_JOBS_WAIT, buffer_of, shortage_avoided, without_spread
from controller.decide.guards import gang_room
from controller.decide.horizon import cost_to_go
from controller.decide.shortfall import expected_shortfall
from controller.decide.situation import Situation
from controller.decide.transit import Floats, Flow, Ints, Transit, capacities
from models.handovers import Direction
from models.nodes import Side
from models.plans import Reason
from models.policies import MovesPolicy, PoolPolicy

BEYOND = 1000.0  # what a node that a takeover lacks costs, in nodes of the dearer side's unmet demand


@dataclass(frozen=True, slots=True)
class Choice:
    """The first step chosen: ``offset`` nodes more for Kubernetes (fewer when negative).

    ``gain`` is what it saves over staying and ``cost`` the friction of its moves, in weighted node-hours over the
    horizon; ``limits`` are the bounds that today's guards set on the offset, each with its reason; ``stay`` is the
    cost of staying. ``weighed`` are all offsets within reach, whatever the guards say, each with its cost and the
    friction of its moves, of shape (offsets, 3); None where nothing had to be weighed. ``ahead`` says that nodes go
    to Kubernetes before it wants them, for what that is expected to avoid, whatever staying costs by then.
    """

    offset: int
    current: int
    gain: float
    cost: float
    stay: float
    limits: tuple[tuple[int, Reason], tuple[int, Reason]]
    weighed: Floats | None = None
    ahead: bool = False


def choose(found: Situation, pool: PoolPolicy, moves: MovesPolicy) -> Choice:
    """The cheapest first step within the guards, both sides as they are now; and Kubernetes' buffer above it."""
    up, down = found.up, found.down
    hpc_nodes = found.open_hpc + down.going
    kubernetes_nodes = found.open_kubernetes + up.going
    nodes = hpc_nodes + kubernetes_nodes
    steps = steps_of(moves)
    at_s = np.asarray((np.arange(steps) + 0.5) * moves.every, dtype=np.float64)
    kept, ahead = buffer_of(found, pool, at_s, kubernetes_nodes)
    limits = _limits(found, kubernetes_nodes, nodes, kept)
    stages = _stage_costs(found, pool, moves, at_s, nodes)
    stay = float(stages.hpc[:, hpc_nodes].sum() + stages.kubernetes[:, kubernetes_nodes].sum())
    ahead = min(ahead, limits[1][0])
    may = limits[0][0] or limits[1][0]
    if not (up.going or down.going or ahead) and (stay == 0.0 or not may) and found.due is None:
        return Choice(0, kubernetes_nodes, 0.0, 0.0, stay, limits)
    low, high = found.bounds
    most = kubernetes_nodes + max(0, hpc_nodes - found.hpc_floor)
    offsets = _offsets(up, down, kubernetes_nodes, low, min(high, most))
    bids = _as_due(limits, found, offsets)
    transit = capacities(found.open_hpc, found.open_kubernetes, up, down, offsets, at_s)
    friction = moves.min_gain * _cost_of_one_move(found, pool)
    lead_steps = min(at_s.size, _lead_steps(found, moves))
    costs = _path_costs(stages, transit, kubernetes_nodes + offsets, lead_steps, friction)
    total = costs + friction * transit.new_moves
    allowed = (offsets >= -bids[0]) & (offsets <= bids[1])
    order = np.lexsort((np.abs(offsets), np.round(np.where(allowed, total, np.inf), 9)))
    best, staying = int(order[0]), int(np.flatnonzero(offsets == 0)[0])
    saved = float(costs[staying] - costs[best])
    avoided = shortage_avoided(found, pool, moves, at_s, kubernetes_nodes, ahead) if ahead else 0.0
    early = bids[1] >= ahead > max(0, offsets[best]) and avoided > friction * transit.new_moves[staying + ahead]
    if early:
        best, saved = staying + ahead, avoided
    return Choice(
        offset=int(offsets[best]),
        current=kubernetes_nodes,
        gain=saved,
        cost=float(friction * transit.new_moves[best]),
        stay=float(costs[staying]),
        limits=limits,
        weighed=np.column_stack((offsets, costs, friction * transit.new_moves)),
        ahead=bool(early),
    )


def _offsets(up: Flow, down: Flow, kubernetes_nodes: int, low: int, high: int) -> Ints:
    """Every first step that nodes could make, whatever today's budget: staying is always one of them."""
    fall = min(down.leaves_s.size + up.recallable, max(0, kubernetes_nodes - low))
    rise = min(up.leaves_s.size + down.recallable, max(0, high - kubernetes_nodes))
    return np.arange(-fall, rise + 1)


def _limits(
    found: Situation, kubernetes_nodes: int, nodes: int, kept: int
) -> tuple[tuple[int, Reason], tuple[int, Reason]]:
    """The most nodes that may go to HPC and to Kubernetes in this step, each with the guard that binds."""
    up, down = found.up, found.down
    to_hpc, to_kubernetes = found.budgets[Direction.TO_HPC], found.budgets[Direction.TO_KUBERNETES]
    low, high = found.bounds
    hpc_room = gang_room(found.sides[Side.HPC], nodes - kubernetes_nodes, _free_soon(found))
    kubernetes_room = gang_room(found.sides[Side.KUBERNETES], kubernetes_nodes, kubernetes_nodes)
    fall = [
        (
            up.recallable + min(to_hpc[0], down.leaves_s.size),
            to_hpc[1] if to_hpc[0] < down.leaves_s.size else Reason.BUSY,
        ),
        (up.recallable + max(0, found.open_kubernetes - low), Reason.FLOOR),
        (kubernetes_nodes - low, Reason.FLOOR),
        (kubernetes_room, Reason.GANG),
        (kubernetes_nodes - min(kept, high), Reason.KEPT),
    ]
    rise = [
        (
            down.recallable + min(to_kubernetes[0], up.leaves_s.size),
            to_kubernetes[1] if to_kubernetes[0] < up.leaves_s.size else Reason.BUSY,
        ),
        (high - kubernetes_nodes, Reason.CEILING),
        (down.recallable + max(0, found.open_hpc - found.hpc_floor), Reason.FLOOR),
        (nodes - kubernetes_nodes - found.hpc_floor, Reason.FLOOR),
        (hpc_room, Reason.GANG),
    ]
    return _tightest(fall), _tightest(rise)


def _free_soon(found: Situation) -> int:
    """The HPC side's nodes that are empty within the look-ahead, those on their way to it among them: also those that
    may not move."""
    leaves_s = found.up.leaves_s
    idle = found.open_hpc - math.ceil(found.sides[Side.HPC].demand.running)
    soon = int(np.count_nonzero(leaves_s > 0))
    return max(idle, leaves_s.size - soon) + soon + found.down.going


def _as_due(limits: tuple[tuple[int, Reason], tuple[int, Reason]], found: Situation, offsets: Ints) -> tuple[int, int]:
    """The most nodes that may go to HPC and to Kubernetes, where what a takeover needs by now is the least that moves
    its way, whatever else forbids it, and what goes the other way is turned back. One below zero bids to move the other
    way."""
    fall, rise = limits[0][0], limits[1][0]
    if found.due is None:
        return fall, rise
    if found.due.direction is Direction.TO_KUBERNETES:
        least = min(found.down.recallable + found.due.nodes, int(offsets[-1]))
        return -least, max(least, rise)
    least = min(found.up.recallable + found.due.nodes, -int(offsets[0]))
    return max(least, fall), -least


def _tightest(bounds: list[tuple[int, Reason]]) -> tuple[int, Reason]:
    count, reason = min(bounds, key=lambda bound: bound[0])
    return max(0, count), reason


def _cost_of_one_move(found: Situation, pool: PoolPolicy) -> float:
    """Node-hours that a hand-over takes from service, at the price of a node withheld: what a needless move would
    cost. The side that it is withheld from is the cheaper one; no node-hour costs more than one short on the dearer."""
    lead_s = max(lead.median_s for lead in found.lead.values())
    cheaper, dearer = sorted((pool.unmet_cost.hpc, pool.unmet_cost.kubernetes))
    return lead_s / 3600 * min(dearer, PRICE_WHILE_JOBS_WAIT * cheaper)


@dataclass(frozen=True, slots=True)
class Stages:
    """Weighted node-hours unmet in each step by each side if it has so many nodes; both of shape (steps, nodes + 1)."""

    hpc: Floats
    kubernetes: Floats


def _stage_costs(found: Situation, pool: PoolPolicy, moves: MovesPolicy, at_s: Floats, nodes: int) -> Stages:
    """Of demand as it is now or is known to come: what may come speaks by the buffer."""
    lacking, dearer = beyond(found.given, at_s.size, nodes), max(pool.unmet_cost.of(side) for side in Side)
    weighted = {
        side: (
            expected_shortfall(without_spread(found.sides[side]), at_s, nodes, _relief_after_s(found, side))
            * pool.unmet_cost.of(side)
            + lacking[side] * (BEYOND * dearer)
        )
        * (moves.every / 3600)
        for side in Side
    }
    return Stages(weighted[Side.HPC], weighted[Side.KUBERNETES])


def _path_costs(stages: Stages, transit: Transit, kubernetes_after: Ints, lead_steps: int, friction: float) -> Floats:
    """Weighted node-hours unmet over the horizon for each first step, its own friction left out; shape (targets,).

    While nodes are on their way both sides are counted with what they really have; from the step on by which all have
    arrived (and for staying: by which a later decision could have changed anything) the best path onward is taken.
    """
    both = stages.kubernetes + stages.hpc[:, ::-1]
    nodes = both.shape[1] - 1
    onward = cost_to_go(np.where(_within_reach(transit, kubernetes_after, nodes), both, np.inf), friction)
    steps = np.arange(both.shape[0])[:, None]
    on_the_way = stages.hpc[steps, transit.hpc] + stages.kubernetes[steps, transit.kubernetes]
    landed = np.maximum(transit.landed, lead_steps)
    before = np.where(steps < landed[None, :], on_the_way, 0.0).sum(axis=0)
    return np.asarray(before + onward[landed, kubernetes_after])


def _lead_steps(found: Situation, moves: MovesPolicy) -> int:
    """Steps that no decision can change any more, not even one at the next turn: staying is judged by the same rule.

    Where pods have to be evicted first, no later decision could have the node sooner either.
    """
    evicted_s = int(found.down.leaves_s[0]) if found.down.leaves_s.size else 0
    lead_s = {direction: lead.planned_s for direction, lead in found.lead.items()}
    return -(-max(lead_s[Direction.TO_KUBERNETES], lead_s[Direction.TO_HPC] + evicted_s) // moves.every)


def _within_reach(transit: Transit, kubernetes_after: Ints, nodes: int) -> NDArray[np.bool_]:
    """Which splits could have come about by each step, whenever decided; shape (steps, nodes + 1)."""
    k = np.arange(nodes + 1)[None, :]
    most = np.minimum(transit.kubernetes.max(axis=1), kubernetes_after[-1])[:, None]
    least = np.maximum(transit.kubernetes.min(axis=1), kubernetes_after[0])[:, None]
    settled = kubernetes_after[transit.new_moves == 0]
    return np.asarray((k <= np.maximum(most, settled.max())) & (k >= np.minimum(least, settled.min())))


def _relief_after_s(found: Situation, side: Side) -> float:
    """Relief of a side counts only beyond the time that a node of it needs to serve the other."""
    return float(found.lead[Direction.toward(side.other)].median_s)
