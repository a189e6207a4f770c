"""Plans: the moves chosen from one snapshot, and the moves not made, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from models.handovers import Direction
from models.unserved import Unserved


class Reason(StrEnum):
    """Why a move is made or not; also a metric label, so the set is small and closed."""

    DEMAND = "demand"  # made: the other side is worth more now or soon
    BALANCED = "balanced"  # no split within reach costs less than today's
    FLOOR = "floor"
    CEILING = "ceiling"
    AT_ONCE = "at-once"
    PER_HOUR = "per-hour"
    NODE_HOURS = "node-hours"  # hand-overs have taken from service what they may in 24 hours
    DWELL = "dwell"
    BUSY = "busy"  # the node's work ends too late to be of use
    IN_HANDOVER = "in-handover"
    UNREADY = "unready"
    NOT_OURS = "not-ours"  # someone else closed it; only they reopen it
    MANAGED = "managed"  # another autoscaler, or another Tidegate, has it
    KEPT = "kept"  # Kubernetes keeps it for demand that may come: giving it back would take too long
    LOANED = "loaned"  # reserved for Kubernetes from a date on; it is the HPC side's until then
    GANG = "gang"  # fewer nodes than the waiting work needs together would be moved


class DropReason(StrEnum):
    """Why a move of a plan was not begun after all; also a metric label."""

    NODE_CHANGED = "node-changed"  # the side that was to give it does not own it any more
    NODE_GONE = "node-gone"  # one side no longer has it
    UNREACHABLE = "unreachable"  # a side could not be asked about it, or about one before it


class Switch(StrEnum):
    """What can stop all moves; also a metric label."""

    PAUSED = "paused"
    BREAKER = "breaker"
    UNREADY = "unready"
    STALE = "stale"
    UNREACHABLE = "unreachable"
    VANISHED = "vanished"
    UNRECORDED = "unrecorded"
    NEW_LEADER = "new-leader"


@dataclass(frozen=True, slots=True)
class Hold:
    """Why no move may begin now, and what a person can do about it."""

    switch: Switch
    text: str


@dataclass(frozen=True, slots=True)
class Move:
    """One node from one side to the other, and what it is expected to be worth.

    ``gain`` and ``cost`` are in weighted node-hours of unmet demand over the horizon, per node of this plan.
    """

    node: str
    direction: Direction
    reason: Reason
    text: str
    gain: float
    cost: float


@dataclass(frozen=True, slots=True)
class Loan:
    """A node of the HPC side that only Kubernetes may use from ``from_s`` on; work that ends before may start there."""

    node: str
    from_s: int

    @property
    def direction(self) -> Direction:
        """Its hand-over begins now, and its node leaves the HPC side then."""
        return Direction.TO_KUBERNETES


@dataclass(frozen=True, slots=True)
class Rejection:
    """Nodes that are not moved, and why, with the numbers that made it so."""

    nodes: tuple[str, ...]
    reason: Reason
    text: str


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """The price that a plan went by where it follows a service level: what one node of Kubernetes' unmet demand counts
    for an hour. ``unmet`` is the share of its demand that waited too long lately, None until something was measured;
    ``at_most`` is the share that may."""

    price: float
    unmet: float | None
    at_most: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What one decision chose: every node of the pool is either in a move or in a rejection.

    ``current`` and ``target`` count the nodes of Kubernetes, those on their way to it included, before and after.
    ``cancellations`` are the hand-overs to turn back, which brings their nodes home at once, and the loans that lapse,
    whose nodes neither count has. While there are ``holds``
    nothing of the plan is done. ``unserved`` is the work of both sides that no plan could serve. ``service_level`` is
    what the price came from, where it follows one. ``loans`` are the nodes that are to bear a date from now on; their
    nodes are not moved yet.
    """

    at_s: int
    current: int
    target: int
    moves: tuple[Move, ...]
    cancellations: tuple[str, ...]
    rejections: tuple[Rejection, ...]
    holds: tuple[Hold, ...] = ()
    unserved: tuple[Unserved, ...] = ()
    service_level: ServiceLevel | None = None
    loans: tuple[Loan, ...] = ()
