"""How a hand-over begins: as a move of a plan, or to mend a node. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from controller.handover.look import Rules
from models.handovers import Direction, Handover, Stage
from models.nodes import Node, NodeShape, Side


@dataclass(frozen=True, slots=True)
class Names:
    """What a new hand-over is called, what its batch is, and the epoch of who begins it."""

    id: str
    batch: str
    epoch: int


def moved(
    node: Node,
    direction: Direction,
    names: Names,
    now_s: int,
    rules: Rules,
    *,
    last: Handover | None = None,
    book_from_s: int | None = None,
) -> Handover:
    """The hand-over of a planned move.

    ``last`` is the one that brought the node here: what it left then is what its old side should find again. A node
    that leaves the HPC side is booked from ``book_from_s``, if that is still to come, instead of being closed at once.
    """
    books = direction is Direction.TO_KUBERNETES and book_from_s is not None and book_from_s > now_s
    from_s = book_from_s if books else None
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
