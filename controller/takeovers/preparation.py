"""What a takeover needs to have begun by now so that all its nodes are there at its hour, and what holds it. Pure.

Nothing is ended for it: a node that works is there once its work has ended by its limit, or its pods have been evicted
where the policy lets them be.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.decide.guards import EVICTION_S, NEVER_S, RECALLABLE, why_kept
from controller.takeovers.words import hour
from models.handovers import Direction, Handover, Stage
from models.nodes import Node, Side
from models.plans import Reason
from models.policies import MovesPolicy
from models.snapshot import Snapshot
from models.takeovers import ALL, Window

_NOT_OURS_TO_MOVE = (Reason.NOT_OURS, Reason.UNREADY, Reason.MANAGED)
_HELD = {
    Reason.BUSY: "its pods may not be evicted",
    Reason.NOT_OURS: "someone else has closed or booked it",
    Reason.UNREADY: "it is not ready on the other side",
    Reason.MANAGED: "others have it",
}


@dataclass(frozen=True, slots=True)
class Giver:
    """A node that the other side has: when it can be empty at the earliest, or why never."""

    name: str
    empty_s: int
    held: str = ""
    evicts: bool = False

    @property
    def begins_early_s(self) -> int:
        """How long before it is empty its hand-over must begin."""
        return EVICTION_S if self.evicts else 0


@dataclass(frozen=True, slots=True)
class Preparation:
    """Where a takeover stands on a snapshot.

    ``wanted`` nodes are to be there; ``there`` are, ``coming`` are on their way. ``chosen`` are the others that can be
    there in time, as many as are missing or all there are, in the order in which they are taken, and ``held`` those
    that cannot, each with why. ``begins_s`` is when the first of the chosen has to begin, ``due`` those that must by
    now. ``book_from_s`` is when they must be empty, None where they are closed at once. ``earliest_s`` is the
    earliest hour at which all could be there, None where that cannot be told.
    """

    wanted: int
    there: int
    coming: int
    chosen: tuple[str, ...]
    held: tuple[tuple[str, str], ...]
    begins_s: int
    due: tuple[str, ...]
    book_from_s: int | None
    earliest_s: int | None

    @property
    def missing(self) -> int:
        """Nodes that are neither there nor on their way."""
        return max(0, self.wanted - self.there - self.coming)

    @property
    def feasible(self) -> bool:
        """Whether all can be there in time."""
        return len(self.chosen) >= self.missing


def prepare(
    window: Window, wanted: int, snapshot: Snapshot, moves: MovesPolicy, *, books: bool, late_s: int = 0
) -> Preparation:
    """What the takeover of ``wanted`` nodes needs, where the last may be empty ``late_s`` after its hour.

    ``books`` is whether the HPC scheduler can keep a node free from an hour on: then it takes short work until there.
    """
    there, coming, givers = _standing(window, snapshot, moves)
    if window.nodes == ALL:
        givers = [giver for giver in givers if giver.held not in _ELSEWHERE]
        wanted = min(wanted, there + coming + len(givers))
    missing = max(0, wanted - there - coming)
    lead_s = snapshot.lead[Direction.toward(window.side)].planned_s
    must_s = window.from_s - lead_s
    able = sum(one.empty_s <= window.from_s + late_s for one in givers)
    givers.sort(key=lambda one: (one.empty_s > window.from_s + late_s, *_loss(one, must_s)))
    chosen = givers[: min(able, missing)]
    begins_s = {one.name: _begins_s(one.begins_early_s, window, must_s, moves, books=books) for one in chosen}
    empty_s = sorted(one.empty_s for one in givers)
    earliest_s = empty_s[missing - 1] + lead_s if 0 < missing <= len(empty_s) else snapshot.now_s
    return Preparation(
        wanted=wanted,
        there=there,
        coming=coming,
        chosen=tuple(one.name for one in chosen),
        held=tuple((one.name, one.held or f"its work may last until {hour(one.empty_s)}") for one in givers[able:]),
        begins_s=min(begins_s.values(), default=_begins_s(0, window, must_s, moves, books=books)),
        due=tuple(one.name for one in chosen if begins_s[one.name] <= snapshot.now_s),
        book_from_s=must_s if books and window.side is Side.KUBERNETES else None,
        earliest_s=None if missing > len(empty_s) or earliest_s >= NEVER_S else earliest_s,
    )


_ELSEWHERE = frozenset(_HELD[reason] for reason in _NOT_OURS_TO_MOVE)


def to_turn_back(handovers: tuple[Handover, ...], side: Side) -> list[str]:
    """The hand-overs toward a side whose takeover is given up that can still turn back."""
    direction = Direction.toward(side)
    toward = (one for one in handovers if one.direction is direction)
    return [one.id for one in toward if one.stage in RECALLABLE and not one.turns_back]


def _standing(window: Window, snapshot: Snapshot, moves: MovesPolicy) -> tuple[int, int, list[Giver]]:
    """How many nodes the side has until the end, how many are on their way to it, and all others that anybody has."""
    side = window.side
    ways = {one.node: one for one in snapshot.open_handovers if one.stage is not Stage.STUCK}
    there, coming, givers = 0, 0, []
    for node in snapshot.nodes:
        handover = ways.get(node.name)
        if handover is None:
            there += node.owner is side
            if node.owner is side.other:
                givers.append(_giver(node, snapshot, moves))
        elif node.owner is side and (handover.reserve_from_s or 0) >= window.to_s:
            there += 1
        elif (handover.direction.target is side) is not handover.turns_back:
            there += node.owner is side
            coming += node.owner is not side
        else:
            givers.append(Giver(node.name, max(snapshot.now_s, node.hpc.frees_at_s or 0)))
    return there, coming, givers


def _giver(node: Node, snapshot: Snapshot, moves: MovesPolicy) -> Giver:
    owner = Side.HPC if node.owner is Side.HPC else Side.KUBERNETES
    reason = why_kept(node, owner, NEVER_S, snapshot, moves)
    if reason is not None:
        return Giver(node.name, NEVER_S, _HELD[reason])
    if owner is Side.HPC:
        return Giver(node.name, max(snapshot.now_s, node.hpc.frees_at_s or 0))
    evicts = node.kubernetes.pods > 0
    return Giver(node.name, snapshot.now_s + (EVICTION_S if evicts else 0), evicts=evicts)


def _loss(giver: Giver, must_s: int) -> tuple[bool, bool, int, str]:
    """Those first whose loss is least: free in time, without pods to evict, and of work that ends last."""
    late = giver.empty_s > must_s
    return late, giver.evicts, giver.empty_s if late else -giver.empty_s, giver.name


def _begins_s(early_s: int, window: Window, must_s: int, moves: MovesPolicy, *, books: bool) -> int:
    """When the hand-over of a node has to begin that needs ``early_s`` to be empty; decisions are ``moves.every`` apart
    at the most.

    A node of the HPC side has to be kept free of work that ends too late for as long as such work may be: where the
    scheduler cannot book it, it is closed, and no longer than a drain may last.
    """
    if window.side is Side.HPC:
        return must_s - early_s - moves.every
    return must_s - (window.prepare_s if books else min(window.prepare_s, moves.drain_deadline - moves.every))
