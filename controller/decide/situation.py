"""All that the choice of a first step looks at, in numbers: no node has a name any more.

The service makes one of a snapshot; a what-if run makes one of its own state. So both are decided by the same rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from controller.decide.bounds import first_bounds, given_by_step, hpc_floor
from controller.decide.guards import RECALLABLE, Candidates
from controller.decide.transit import Flow
from models.handovers import Direction, Stage
from models.nodes import Side
from models.plans import Reason
from models.policies import PoolPolicy
from models.snapshot import Bounds, LeadTime, SideView, Snapshot


@dataclass(frozen=True, slots=True)
class DueNow:
    """How many nodes have to begin to go one way by now, for a takeover."""

    direction: Direction
    nodes: int


@dataclass(frozen=True, slots=True)
class Situation:
    """Where the pool stands.

    ``open_hpc`` and ``open_kubernetes`` nodes are each side's and in no hand-over; ``up`` leads to Kubernetes, ``down``
    to HPC: what is under way and what may go. ``bounds`` are the fewest and the most nodes that Kubernetes may own,
    ``hpc_floor`` is the fewest that the HPC side keeps; ``budgets`` how many moves may begin each way, and what sets
    that.
    ``given`` is what a takeover gives the HPC side and Kubernetes in each step, and ``due`` what it needs by now.
    """

    open_hpc: int
    open_kubernetes: int
    up: Flow
    down: Flow
    sides: Mapping[Side, SideView]
    lead: Mapping[Direction, LeadTime]
    bounds: Bounds
    hpc_floor: int
    budgets: Mapping[Direction, tuple[int, Reason]]
    given: tuple[tuple[int, int], ...] = ()
    due: DueNow | None = None


def situation_of(
    snapshot: Snapshot, pool: PoolPolicy, found: Candidates, budgets: Mapping[Direction, tuple[int, Reason]]
) -> Situation:
    """The situation of a snapshot whose nodes were sorted."""
    return Situation(
        open_hpc=found.open_hpc,
        open_kubernetes=found.open_kubernetes,
        up=flow(snapshot, Direction.TO_KUBERNETES, found),
        down=flow(snapshot, Direction.TO_HPC, found),
        sides=snapshot.sides,
        lead=snapshot.lead,
        bounds=first_bounds(snapshot, pool),
        hpc_floor=hpc_floor(snapshot, pool),
        budgets=budgets,
        given=given_by_step(snapshot, pool),
        due=None if snapshot.due is None else DueNow(snapshot.due.direction, len(found.due(snapshot.due))),
    )


def flow(snapshot: Snapshot, direction: Direction, found: Candidates) -> Flow:
    """What goes one way already, and what could."""
    lead_s = snapshot.lead[direction].planned_s
    under_way = _under_way(snapshot, direction, lead_s)
    candidates = found.to_kubernetes if direction is Direction.TO_KUBERNETES else found.to_hpc
    return flow_of(under_way, [seconds for seconds, _ in candidates], lead_s)


def flow_of(under_way: list[tuple[float, float, bool]], leaves_s: list[int], lead_s: int) -> Flow:
    """A flow. Of each node under way: seconds until it is empty, until it is open, and whether it can turn back; of
    each that could go, rising, the seconds until it is empty."""
    under_way = sorted(under_way)
    candidates_s = np.array(leaves_s, dtype=np.float64)
    return Flow(
        left_s=np.array([leave for leave, _, _ in under_way], dtype=np.float64),
        lands_s=np.sort(np.array([land for _, land, _ in under_way], dtype=np.float64)),
        recallable=sum(back for _, _, back in under_way),
        leaves_s=candidates_s,
        arrives_s=candidates_s + lead_s,
    )


def _under_way(snapshot: Snapshot, direction: Direction, lead_s: int) -> list[tuple[float, float, bool]]:
    """For each hand-over of one direction: seconds until its node is empty, until it is open, and whether it can turn
    back."""
    nodes = {node.name: node for node in snapshot.nodes} if snapshot.open_handovers else {}
    found = []
    for handover in snapshot.open_handovers:
        if handover.direction is not direction or handover.turns_back or handover.stage is Stage.STUCK:
            continue
        if handover.awaits_date(snapshot.now_s):
            continue
        if handover.node not in nodes:
            continue  # one side does not show it: nobody can count on it
        if handover.stage in RECALLABLE:
            frees_at_s = nodes[handover.node].hpc.frees_at_s if direction is Direction.TO_KUBERNETES else None
            leave_s = float(max(0, (frees_at_s or 0) - snapshot.now_s, (handover.reserve_from_s or 0) - snapshot.now_s))
            found.append(will_leave(leave_s, lead_s))
        else:
            since_s = 0 if handover.emptied_s is None else snapshot.now_s - handover.emptied_s
            found.append(has_left(since_s, lead_s))
    return found


def will_leave(leave_s: float, lead_s: int) -> tuple[float, float, bool]:
    """A node under way that can still turn back."""
    return leave_s, leave_s + lead_s, True


def has_left(since_s: int, lead_s: int) -> tuple[float, float, bool]:
    """A node under way that was empty ``since_s`` seconds ago."""
    return -1.0, float(max(0, lead_s - since_s)), False
