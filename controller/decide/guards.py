"""Which nodes may move at all, and how many: every guard gives its reason."""

from __future__ import annotations

from dataclasses import dataclass, field

from controller.decide.node_hours import node_seconds_left
from models.fields import nodes_of
from models.handovers import Direction, Stage, ours
from models.nodes import Node, Side
from models.plans import Reason
from models.policies import Evict, MovesPolicy
from models.snapshot import Due, SideView, Snapshot, Taken

EVICTION_S = 60  # what evicted pods are reckoned to need to end; their usual grace period is 30 s
NEVER_S = 1 << 60
RECALLABLE = (Stage.PLANNED, Stage.RESERVED, Stage.DRAINING, Stage.DISCOURAGED, Stage.CLOSED, Stage.EMPTYING)


@dataclass(slots=True)
class Candidates:
    """Nodes that may move, those that free soonest first; and those that may not, by reason.

    Each candidate is (seconds until it is empty, name).
    """

    to_kubernetes: list[tuple[int, str]] = field(default_factory=list)
    to_hpc: list[tuple[int, str]] = field(default_factory=list)
    refused: dict[Reason, list[str]] = field(default_factory=dict)
    open_hpc: int = 0
    open_kubernetes: int = 0

    def due(self, due: Due) -> list[str]:
        """The nodes that a takeover needs to have begun by now and that may move."""
        candidates = self.to_kubernetes if due.direction is Direction.TO_KUBERNETES else self.to_hpc
        wanted = frozenset(due.nodes)
        return [name for _, name in candidates if name in wanted]

    def refuse(self, node: Node, reason: Reason) -> None:
        """Note that the node may not move."""
        self.refused.setdefault(reason, []).append(node.name)


def sort_nodes(snapshot: Snapshot, moves: MovesPolicy) -> Candidates:
    """Every node of the snapshot as a candidate or with the reason why it is none."""
    found = Candidates()
    loaned = frozenset(loan.node for loan in snapshot.loans)
    moving = {handover.node for handover in snapshot.open_handovers} - loaned
    moved_s, settled_s = snapshot.moved_s, snapshot.now_s - moves.dwell
    end_s = snapshot.now_s + min(moves.look_ahead, moves.drain_deadline)
    due = frozenset(snapshot.due.nodes if snapshot.due is not None else ())
    for node in snapshot.nodes:
        if node.name in moving:
            found.refuse(node, Reason.IN_HANDOVER)
            continue
        owner = node.owner
        if owner is None:
            found.refuse(node, _why_closed(node, snapshot.scope))
            continue
        if owner is Side.HPC:
            found.open_hpc += 1
        else:
            found.open_kubernetes += 1
        reason = why_kept(node, owner, NEVER_S if node.name in due else end_s, snapshot, moves)
        if moved_s.get(node.name, settled_s) > settled_s and node.name not in due:
            found.refuse(node, Reason.DWELL)
        elif reason is not None:
            found.refuse(node, reason)
        elif owner is Side.HPC:
            found.to_kubernetes.append((max(0, (node.hpc.frees_at_s or 0) - snapshot.now_s), node.name))
        else:
            found.to_hpc.append((EVICTION_S if node.kubernetes.pods else 0, node.name))
    found.to_kubernetes.sort(key=lambda one: (one[0], one[1] not in loaned, one[1]))
    found.to_hpc.sort()
    return found


def why_kept(node: Node, owner: Side, end_s: int, snapshot: Snapshot, moves: MovesPolicy) -> Reason | None:
    """Why the node may not leave its owner, None when it may."""
    if node.kubernetes.managed_by or node.name in snapshot.kept:
        return Reason.MANAGED
    if owner is Side.HPC:
        if node.hpc.frees_at_s is not None and node.hpc.frees_at_s > end_s:
            return Reason.BUSY
        if node.kubernetes.cordoned or _is_booked_otherwise(node, snapshot):
            return Reason.NOT_OURS
        if not ours(node.kubernetes.closed_by, snapshot.scope):
            return Reason.NOT_OURS
        return None if node.kubernetes.ready else Reason.UNREADY
    if node.kubernetes.staying or (node.kubernetes.pods and moves.evict is Evict.NEVER):
        return Reason.BUSY
    if not ours(node.hpc.drain_reason, snapshot.scope):
        return Reason.NOT_OURS
    return None if node.hpc.ready else Reason.UNREADY


def _is_booked_otherwise(node: Node, snapshot: Snapshot) -> bool:
    """Whether the node bears a booking that is not that of its loan."""
    booked_by = node.hpc.booked_by
    return booked_by is not None and not any(one.node == node.name and one.mark == booked_by for one in snapshot.loans)


def _why_closed(node: Node, scope: str) -> Reason:
    foreign = [mark for mark in (node.hpc.drain_reason, node.kubernetes.closed_by) if mark and not ours(mark, scope)]
    return Reason.NOT_OURS if foreign or node.kubernetes.cordoned else Reason.UNREADY


def move_budgets(snapshot: Snapshot, moves: MovesPolicy) -> dict[Direction, tuple[int, Reason]]:
    """How many moves may begin now each way, and the guard that sets the bound. Hour and day are of the wall clock, not
    of turns."""
    budget = budget_of(len(snapshot.nodes), under_way(snapshot, moves), begun_lately(snapshot, moves), moves)
    if moves.node_hours_per_day is None:
        return dict.fromkeys(Direction, budget)
    own = Taken(len(snapshot.nodes), snapshot.taken_s)
    left_s = node_seconds_left(moves.node_hours_per_day, own, snapshot.taken_elsewhere)
    lasting = {direction: lead.planned_s for direction, lead in snapshot.lead.items() if lead.planned_s}
    within = {direction: (left_s // lead_s, Reason.NODE_HOURS) for direction, lead_s in lasting.items()}
    return {way: min(budget, within.get(way, budget), key=lambda bound: bound[0]) for way in Direction}


def budget_of(pool: int, moving: int, begun: int, moves: MovesPolicy) -> tuple[int, Reason]:
    """The same for a pool of so many nodes with so many hand-overs under way, and so many begun in the last hour."""
    at_once = nodes_of(moves.at_once, pool) - moving
    per_hour = nodes_of(moves.per_hour, pool) - begun
    return (max(0, at_once), Reason.AT_ONCE) if at_once <= per_hour else (max(0, per_hour), Reason.PER_HOUR)


def under_way(snapshot: Snapshot, moves: MovesPolicy) -> int:
    """Hand-overs that count against ``moves.atOnce``: of all pools where that is a number of nodes."""
    return len(snapshot.open_handovers) + (snapshot.open_elsewhere if isinstance(moves.at_once, int) else 0)


def begun_lately(snapshot: Snapshot, moves: MovesPolicy) -> int:
    """Moves of the last hour that count against ``moves.perHour``: of all pools where that is a number of nodes."""
    elsewhere_s = snapshot.recent_moves_elsewhere_s if isinstance(moves.per_hour, int) else ()
    return sum(1 for begun_s in (*snapshot.recent_moves_s, *elsewhere_s) if snapshot.now_s - begun_s < 3600)


def gang_room(side: SideView, nodes: int, free: int) -> int:
    """How many of its ``nodes`` the side can give without making impossible the largest waiting work that could begin
    on the ``free`` of them that are empty within the look-ahead.

    For work that could begin only later none are held: they would stand empty for it while the other side is short.
    """
    fitting = [size for size in side.waiting.sizes if size <= min(free, nodes)]
    return nodes - int(-(-max(fitting, default=0) // 1))


def recallable(snapshot: Snapshot, direction: Direction) -> list[str]:
    """Hand-overs of one direction that can be turned back at no loss: their nodes are not empty yet. Latest last."""
    return [
        handover.id
        for handover in snapshot.open_handovers
        if handover.direction is direction
        and handover.stage in RECALLABLE
        and not (handover.turns_back or handover.awaits_date(snapshot.now_s))
    ]
