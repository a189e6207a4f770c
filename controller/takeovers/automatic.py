"""Takeovers that waiting work brings about: a job or gang that is larger than its side gets its nodes together, at the
earliest hour at which they are free by limits and the other side can spare them. Pure.

Without the look at the other side's trough, nodes would be held empty for work that never gets enough; without the
pause, again and again.
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


@dataclass(frozen=True, slots=True)
class Brought:
    """The one that is planned: for which side, how many nodes, at what hour; ``paused_until_s`` none is planned."""

    side: Side = Side.HPC
    nodes: int = 0  # none is planned
    from_s: int = 0
    paused_until_s: int = 0

    def window(self, pool: PoolPolicy) -> Window | None:
        """As it is prepared and held: until its grace, by when the work has begun or it is given up."""
        automatic = pool.takeover.automatic
        if automatic is None or not self.nodes:
            return None
        name, to_s = f"for {self.nodes} nodes", self.from_s + automatic.grace
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
        if before.from_s > now_s + 2 * TRIED_MOST_S:  # nobody has planned that
            return NOTHING_BROUGHT
        if not any(math.ceil(size) >= before.nodes for size in snapshot.sides[before.side].waiting.sizes):
            return NOTHING_BROUGHT
        if now_s <= before.from_s + automatic.grace:
            return before
        return Brought(paused_until_s=now_s + automatic.pause)
    if now_s < before.paused_until_s <= now_s + automatic.pause:
        return before
    for side in Side:
        nodes = _larger_than_its_side(snapshot, pool, side)
        if nodes and (from_s := _earliest_s(snapshot, pool, moves, side, nodes)) is not None:
            planned = Brought(side, nodes, from_s)
            window = planned.window(pool)
            if window is not None and not any(_meet(window, other) for other in others):
                return planned
    return NOTHING_BROUGHT


def _larger_than_its_side(snapshot: Snapshot, pool: PoolPolicy, side: Side) -> int:
    """The nodes of the first waiting work that is larger than what its side has or has under way, 0 where none is."""
    direction, owners = Direction.toward(side), {node.name: node.owner for node in snapshot.nodes}
    has = sum(owner is side for owner in owners.values()) + sum(
        one.direction is direction and not one.turns_back and owners.get(one.node) is not side
        for one in snapshot.open_handovers
    )
    most = pool.most_of(side, len(snapshot.nodes))
    sizes = (math.ceil(size - 1e-9) for size in snapshot.sides[side].waiting.sizes)
    return next((size for size in sizes if has < size <= most), 0)


def _earliest_s(snapshot: Snapshot, pool: PoolPolicy, moves: MovesPolicy, side: Side, nodes: int) -> int | None:
    """The first hour at which so many nodes are free by limits, and the other side's forecast spares them a slot."""
    lead_s = snapshot.lead[Direction.toward(side)].planned_s
    forecast = snapshot.sides[side.other].forecast
    known_s = min(TRIED_MOST_S, reach_s(forecast) - snapshot.now_s - SLOT_S)
    frees_s = [node.hpc.frees_at_s or 0 for node in snapshot.nodes]
    for ahead_s in range(lead_s + moves.every, max(known_s, 0) + 1, SLOT_S):
        from_s = snapshot.now_s + ahead_s
        spared = len(snapshot.nodes) - nodes
        need = max(expected(forecast, from_s), expected(forecast, from_s + SLOT_S))
        free = sum(at_s <= from_s for at_s in frees_s) if side is Side.HPC else nodes
        if need <= spared and free >= nodes:
            window = Window("", "", Origin.AUTOMATIC, side, nodes, from_s, from_s)
            if prepare(window, nodes, snapshot, moves, books=True).feasible:
                return from_s
    return None


def _meet(one: Window, other: Window) -> bool:
    return one.from_s < other.to_s and other.from_s < one.to_s
