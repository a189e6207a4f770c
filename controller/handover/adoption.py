"""Hand-overs that are taken over from records: what may be believed of one, and what must be seen again. Pure.

Whoever may write to a node can write a record there, by accident or on purpose, so a record is only ever a claim.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from controller.handover.look import LATE_STAGES, Rules
from controller.handover.record import decode
from models.errors import BadInput
from models.handovers import Direction, Handover, Stage
from models.nodes import Node, Side
from models.snapshot import Bounds

LOANED_MOST_S = 86_400  # no loan has a date that is further ahead, as no forecast reaches so far
EPOCHS_AHEAD_MOST = 100_000  # a record of an epoch further ahead of ours is forged, or an accident
_SEEN_CLOSED = {
    Direction.TO_KUBERNETES: (Stage.DRAINED, Stage.SETTLED),
    Direction.TO_HPC: (Stage.EMPTYING, Stage.EMPTY, Stage.SETTLED),
}


def believed(text: str, node: str, epoch: int, now_s: int, rules: Rules) -> Handover:
    """The hand-over that the record on ``node`` tells of, as far as whoever leads in ``epoch`` may believe it: a time
    that cannot be is cut down to one that can.

    Raises BadInput when it tells of none, of another node, or of an epoch that cannot be.
    """
    handover = decode(text, rules.scope)
    if handover.node != node:
        raise BadInput(f"the record is of node {handover.node}")
    if handover.epoch > epoch + EPOCHS_AHEAD_MOST:
        raise BadInput(
            f"the record is of epoch {handover.epoch}, and no leader before the one of {epoch} can have had it"
        )
    latest_s = max(now_s, handover.reserve_from_s or 0) + rules.deadline_s
    return replace(
        handover,
        started_s=min(handover.started_s, now_s),
        stage_since_s=min(handover.stage_since_s, now_s),
        deadline_s=min(handover.deadline_s, latest_s),
    )


def adopted(handover: Handover, epoch: int, now_s: int, rules: Rules) -> Handover:
    """The hand-over that someone else left behind, under our epoch: what they asked last, nobody can tell.

    One that was opening or turning back gets its whole time again, once: nobody may have tried while nobody led.
    """
    if handover.stage not in LATE_STAGES:
        return replace(handover, epoch=epoch)
    again_s = min(now_s, handover.stage_since_s + rules.deadline_s) + rules.deadline_s
    return replace(handover, epoch=epoch, unsure_s=now_s, deadline_s=max(handover.deadline_s, again_s))


def seen_again(handover: Handover, node: Node, now_s: int, rules: Rules) -> Handover:
    """The hand-over in a stage from which all that its own one says was seen is seen anew, before anything opens.

    What already has one owner stays with it: a node is not closed because a record says that it should be. Nor is it
    waited for beyond the deadline that it can have, now that it is known how long it may be booked ahead.
    """
    direction, stage, hpc, kubernetes = handover.direction, handover.stage, node.hpc, node.kubernetes
    to_kubernetes = direction is Direction.TO_KUBERNETES
    new_side_closed = (kubernetes.closed_by if to_kubernetes else hpc.drain_reason) is not None
    if to_kubernetes and hpc.drained and not new_side_closed and not kubernetes.cordoned:
        stage = Stage.OPENING
    elif stage in _SEEN_CLOSED[direction] or (stage is Stage.OPENING and new_side_closed):
        stage = Stage.DRAINING if to_kubernetes else Stage.CLOSED
    frees_s = max(now_s, hpc.frees_at_s or now_s, now_s + LOANED_MOST_S if handover.loan else 0)
    reserve_s = None if handover.reserve_from_s is None else min(handover.reserve_from_s, frees_s)
    since_s = handover.stage_since_s if stage is handover.stage else now_s
    deadline_s = min(handover.deadline_s, max(now_s, reserve_s or 0) + rules.deadline_s)
    return replace(handover, stage=stage, stage_since_s=since_s, reserve_from_s=reserve_s, deadline_s=deadline_s)


def follows(later: Handover, found: Handover) -> bool:
    """Whether whoever had the hand-over as it was ``found`` can have written it down as in ``later``: it goes the same
    way still, and does not take up again what was turning back."""
    turned = found.stage is Stage.CANCELLING and later.stage is not Stage.CANCELLING
    return later.direction is found.direction and not turned


def beyond_bounds(handovers: Iterable[Handover], nodes: Iterable[Node], bounds: Bounds) -> list[str]:
    """The ids of those that would take a node from a side that may not have fewer; of several the oldest may go on.

    ``bounds`` are the fewest and the most nodes that Kubernetes may own. A node that neither side has counts for the
    one that it leaves, to which it can still turn back.
    """
    owners = {node.name: node.owner for node in nodes}
    least = {Side.KUBERNETES: bounds[0], Side.HPC: len(owners) - bounds[1]}
    leaving = []
    for handover in sorted(handovers, key=lambda one: (one.started_s, one.id)):
        wanted = handover.why is None and handover.stage is not Stage.CANCELLING
        if wanted and handover.node in owners and owners[handover.node] is not handover.direction.target:
            leaving.append(handover)
            owners[handover.node] = handover.direction.source
    has = Counter(owner for owner in owners.values() if owner is not None)
    beyond = []
    for handover in leaving:
        side = handover.direction.source
        if has[side] <= least[side]:
            beyond.append(handover.id)
        else:
            has[side] -= 1
    return beyond
