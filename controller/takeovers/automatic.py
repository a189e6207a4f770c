"""Takeovers that waiting work brings about: a job or gang that is larger than its side gets its nodes together, at the
earliest hour at which they are free by limits and the other side can spare them. Pure.

A job gets the nodes that Kubernetes spares at once, and the scheduler then keeps them for it until all are free: what
it keeps free for a job that does not fit its side yet, nobody could promise. Without the look at the other side's
trough, nodes would be held empty for work that never gets enough; without the pause, again and again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from controller.takeovers.foresight import expected, reach_s
from controller.takeovers.preparation import prepare
from models.handovers import Direction
from models.nodes import Side
from models.policies import MovesPolicy, PoolPolicy
from models.snapshot import Snapshot
from models.takeovers import Origin, Window

SLOT_S = 1800  # between two hours that are tried
TRIED_MOST_S = 86400
HELD_MOST_S = 4 * 3600  # how long nodes may wait for the last that a job needs


@dataclass(frozen=True, slots=True)
class Brought:
    """The one that is planned: for which side, how many nodes, at what hour, for work of how many nodes, and by when
    that can begin; ``paused_until_s`` none is planned."""

    side: Side = Side.HPC
    nodes: int = 0  # none is planned
    from_s: int = 0
    paused_until_s: int = 0
    size: int = 0  # of the work, where that is less
    begins_s: int = 0  # where that is later

    @property
    def last_s(self) -> int:
        """From when on the work can begin by the limits of what runs."""
        return max(self.from_s, self.begins_s)

    def window(self, pool: PoolPolicy) -> Window | None:
        """As it is prepared and held: until its grace, by when the work has begun or it is given up."""
        automatic = pool.takeover.automatic
        if automatic is None or not self.nodes:
            return None
        name, to_s = f"for {self.size or self.nodes} nodes", self.last_s + automatic.grace
        ident = f"{Origin.AUTOMATIC}/{self.side}-{self.nodes}@{self.from_s}"
        return Window(ident, name, Origin.AUTOMATIC, self.side, self.nodes, self.from_s, to_s, automatic.grace)


NOTHING_BROUGHT = Brought()


def bring_about(
    before: Brought, snapshot: Snapshot, pool: PoolPolicy, moves: MovesPolicy, others: Sequence[Window]
) -> Brought:
    """What is planned from now on. Work that waits no more has begun, or was withdrawn: its takeover is over.

    ``others`` are all takeovers of the pool around now, which go before one that is only planned.
    """
    automatic, now_s = pool.takeover.automatic, snapshot.now_s
    if automatic is None:
        return NOTHING_BROUGHT
    if before.nodes:
        if before.last_s > now_s + 2 * TRIED_MOST_S:  # nobody has planned that
            return NOTHING_BROUGHT
        size = before.size or before.nodes
        if not any(math.ceil(one) >= size for one in snapshot.sides[before.side].waiting.sizes):
            return NOTHING_BROUGHT
        came = now_s <= before.from_s + automatic.grace or _has(snapshot, before.side) >= before.nodes
        if came and now_s <= before.last_s + automatic.grace:
            return before
        return Brought(paused_until_s=now_s + automatic.pause)
    if now_s < before.paused_until_s <= now_s + automatic.pause:
        return before
    for side in Side:
        size = _larger_than_its_side(snapshot, pool, side)
        plan_of = _for_hpc if side is Side.HPC else _for_kubernetes
        planned = plan_of(snapshot, pool, moves, size) if size else None
        window = planned.window(pool) if planned is not None else None
        if planned is not None and window is not None and not any(_meet(window, other) for other in others):
            return planned
    return NOTHING_BROUGHT


def _has(snapshot: Snapshot, side: Side) -> int:
    """The nodes that the side has or has under way."""
    direction, owners = Direction.toward(side), {node.name: node.owner for node in snapshot.nodes}
    return sum(owner is side for owner in owners.values()) + sum(
        one.direction is direction and not one.turns_back and owners.get(one.node) is not side
        for one in snapshot.open_handovers
    )


def _larger_than_its_side(snapshot: Snapshot, pool: PoolPolicy, side: Side) -> int:
    """The nodes of the first waiting work that is larger than what its side has or has under way, 0 where none is."""
    has, most = _has(snapshot, side), pool.most_of(side, len(snapshot.nodes))
    sizes = (math.ceil(size - 1e-9) for size in snapshot.sides[side].waiting.sizes)
    return next((size for size in sizes if has < size <= most), 0)


def _for_hpc(snapshot: Snapshot, pool: PoolPolicy, moves: MovesPolicy, size: int) -> Brought | None:
    """The takeover at the first hour at which a job of ``size`` nodes can have what it needs; None where none is."""
    lead_s, now_s = snapshot.lead[Direction.TO_HPC].planned_s, snapshot.now_s
    known_s = max(now_s, min(now_s + TRIED_MOST_S, reach_s(snapshot.sides[Side.KUBERNETES].forecast)) - SLOT_S)
    first_s = now_s + lead_s + moves.every
    for from_s in range(first_s, max(first_s, known_s) + 1, SLOT_S):
        planned = _held_from(from_s, snapshot, size, pool.most_of(Side.HPC, len(snapshot.nodes)))
        window = Window("", "", Origin.AUTOMATIC, Side.HPC, planned.nodes, from_s, planned.begins_s)
        if planned.nodes and prepare(window, planned.nodes, snapshot, moves, books=True).feasible:
            return planned
    return None


def _held_from(from_s: int, snapshot: Snapshot, size: int, most: int) -> Brought:
    """How many nodes the HPC side needs from that hour on, ``most`` at the most, so that ``size`` of them are free
    first by the limits of what runs on the others: no more than Kubernetes is not expected to need until then."""
    forecast = snapshot.sides[Side.KUBERNETES].forecast
    ends_s = [node.hpc.frees_at_s or 0 for node in snapshot.nodes if node.owner is Side.HPC and node.hpc.busy]
    need = expected(forecast, from_s)
    for begins_s in range(from_s, from_s + HELD_MOST_S + 1, SLOT_S):
        need = max(need, expected(forecast, begins_s + SLOT_S))
        nodes = size + sum(end_s > begins_s for end_s in ends_s)
        if nodes <= min(most, len(snapshot.nodes) - need):
            return Brought(Side.HPC, nodes, from_s, 0, size, begins_s)
    return NOTHING_BROUGHT


def _for_kubernetes(snapshot: Snapshot, pool: PoolPolicy, moves: MovesPolicy, size: int) -> Brought | None:
    """The first hour at which so many nodes are free by limits, and the HPC side's forecast spares them a slot."""
    lead_s = snapshot.lead[Direction.TO_KUBERNETES].planned_s
    forecast = snapshot.sides[Side.HPC].forecast
    known_s = min(TRIED_MOST_S, reach_s(forecast) - snapshot.now_s - SLOT_S)
    for ahead_s in range(lead_s + moves.every, max(known_s, 0) + 1, SLOT_S):
        from_s = snapshot.now_s + ahead_s
        need = max(expected(forecast, from_s), expected(forecast, from_s + SLOT_S))
        if need <= len(snapshot.nodes) - size:
            window = Window("", "", Origin.AUTOMATIC, Side.KUBERNETES, size, from_s, from_s)
            if prepare(window, size, snapshot, moves, books=True).feasible:
                return Brought(Side.KUBERNETES, size, from_s)
    return None


def _meet(one: Window, other: Window) -> bool:
    return one.from_s < other.to_s and other.from_s < one.to_s
