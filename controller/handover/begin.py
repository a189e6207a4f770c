"""How a hand-over begins: as a move of a plan, or to mend a node. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from controller.handover.look import Rules
from models.handovers import Direction, Handover, Stage
from models.nodes import Node, NodeShape, Side
from models.plans import Loan, Move
from models.snapshot import Due


@dataclass(frozen=True, slots=True)
class Names:
    """What a new hand-over is called, what its batch is, and the epoch of who begins it."""

    id: str
    batch: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Booked:
    """From when a node of the HPC side is booked for a hand-over; with a ``loan`` it is that side's until then."""

    from_s: int
    loan: bool = False


def book_from(move: Move | Loan, node: Node, due: Due | None, now_s: int, *, ahead: bool) -> Booked | None:
    """How a node is booked for its move: for a loan on its date, for a takeover from when it must be empty, and where
    moves are booked ``ahead`` from when its work ends."""
    frees_s = node.hpc.frees_at_s or now_s
    if isinstance(move, Loan):
        return Booked(move.from_s, loan=True)
    if due is not None and due.book_from_s is not None and node.name in due.nodes:
        return Booked(max(due.book_from_s, frees_s))
    return Booked(frees_s) if ahead else None


def moved(
    node: Node,
    direction: Direction,
    names: Names,
    now_s: int,
    rules: Rules,
    *,
    last: Handover | None = None,
    booked: Booked | None = None,
) -> Handover:
    """The hand-over of a planned move.

    ``last`` is the one that brought the node here: what it left then is what its old side should find again. A node
    that leaves the HPC side is ``booked``, if from a time that is still to come, instead of being closed at once.
    """
    books = direction is Direction.TO_KUBERNETES and booked is not None and booked.from_s > now_s
    from_s = booked.from_s if books and booked is not None else None
    expects = known_shape(last, direction.target)
    if expects is None and direction.target is Side.HPC:
        expects = node.hpc.offers  # a closed Kubernetes node may lack its devices
    return Handover(
        id=names.id,
        batch=names.batch,
        node=node.name,
        direction=direction,
        stage=Stage.PLANNED,
        started_s=now_s,
        stage_since_s=now_s,
        deadline_s=(from_s or now_s) + rules.deadline_s,
        epoch=names.epoch,
        reserve_from_s=from_s,
        leaves=_offers(node, direction.source),
        expects=expects,
        uid=node.kubernetes.uid,
        loan=books and booked is not None and booked.loan,
    )


def repaired(
    node: Node, direction: Direction, stage: Stage, names: Names, now_s: int, rules: Rules, last: Handover | None
) -> Handover:
    """The hand-over that mends a node from where it stands."""
    return Handover(
        id=names.id,
        batch=names.batch,
        node=node.name,
        direction=direction,
        stage=stage,
        started_s=now_s,
        stage_since_s=now_s,
        deadline_s=now_s + rules.deadline_s,
        epoch=names.epoch,
        leaves=known_shape(last, direction.source),
        expects=known_shape(last, direction.target),
        uid=node.kubernetes.uid,
        repair=True,
    )


def known_shape(last: Handover | None, side: Side) -> NodeShape | None:
    """What a side is known to have seen of the node when it was well there; None where nobody wrote it down."""
    if last is None:
        return None
    return last.leaves if last.direction.source is side else last.expects


def _offers(node: Node, side: Side) -> NodeShape | None:
    return node.hpc.offers if side is Side.HPC else node.kubernetes.offers
