"""Why a plan came out as it did, in sentences: what moves first, then what held it back, then who stays and why."""

from __future__ import annotations

from collections.abc import Iterator

from basics.text import clean, count, some
from cli.audit.explain import limits
from controller.decide.weighed import Weighed
from models.audit import Decided
from models.handovers import Direction
from models.plans import Plan, Reason, Rejection

STAYS = {  # in the order of what a person can do most about
    Reason.AT_ONCE: "as no more may be in hand-over at once (spec.moves.atOnce)",
    Reason.PER_HOUR: "as no more may begin within an hour (spec.moves.perHour)",
    Reason.NODE_HOURS: "as hand-overs have taken the node-hours that they may in 24 hours (spec.moves.nodeHoursPerDay)",
    Reason.FLOOR: "as the side that has them keeps its floor (spec.pools[].floor)",
    Reason.CEILING: "as the other side is at its ceiling (spec.pools[].ceiling)",
    Reason.KEPT: "as Kubernetes keeps them for its demand now and what may come",
    Reason.GANG: "as the largest work that waits on their side needs them together",
    Reason.BALANCED: "as moving them would cost more than it saves",
    Reason.DWELL: "as they moved too recently (spec.moves.dwell)",
    Reason.BUSY: "as their work ends too late to be of use, or has no known end",
    Reason.IN_HANDOVER: "as they are being handed over already",
    Reason.UNREADY: "as they are not ready on the side that they would go to, or open to neither side or both",
    Reason.NOT_OURS: "as someone else closed them, who alone may open them",
    Reason.MANAGED: "as another autoscaler has them, or they bear a record that this release cannot read",
}
_LAST = len(STAYS)


def why(entry: Decided) -> Iterator[str]:
    """A sentence for each group of nodes of the plan, the most important first."""
    plan = entry.plan
    yield from moving(plan)
    if plan.cancellations:
        yield f"{count(len(plan.cancellations), 'hand-over')} turns back, as its node is wanted where it was:" + (
            f" {some(plan.cancellations)}."
        )
    for hold in plan.holds:
        yield f"Nothing of this is done for now ({hold.switch}): {clean(hold.text)}"
    order = list(STAYS)
    ranked = sorted(plan.rejections, key=lambda one: order.index(one.reason) if one.reason in STAYS else _LAST)
    yield from (_stays(one) for one in ranked)
    yield from (f"Nobody can serve: {clean(one.text)}" for one in plan.unserved)


def moving(plan: Plan) -> Iterator[str]:
    """What moves, and what it is worth."""
    for direction in Direction:
        moves = [move for move in plan.moves if move.direction is direction]
        if moves:
            gain, cost = sum(move.gain for move in moves), sum(move.cost for move in moves)
            goes = "goes" if len(moves) == 1 else "go"
            yield (
                f"{count(len(moves), 'node')} {goes} to {direction.target}: {some(move.node for move in moves)}. It"
                f" saves {gain:.2f} weighted node-hours, and counts {cost:.2f} for the hand-over."
            )
    if plan.loans:
        many = count(len(plan.loans), "node")
        yield f"{many} will be reserved for Kubernetes ahead of its demand: {some(loan.node for loan in plan.loans)}."
    if not plan.moves and not plan.cancellations:
        yield "No node moves."


def _stays(one: Rejection) -> str:
    stays = "stays" if len(one.nodes) == 1 else "stay"
    because = STAYS.get(one.reason, f"({one.reason}): {clean(one.text)}")
    return f"{count(len(one.nodes), 'node')} {stays}, {because}: {some(one.nodes)}."


def bounds(entry: Decided, weighed: Weighed) -> Iterator[str]:
    """Which bound kept a cheaper split away, and what the bounds were."""
    held = weighed.held
    if not weighed.others:
        yield _nothing_weighed(weighed)
    elif weighed.ahead:
        yield "Nodes go to Kubernetes ahead of its demand: fetched later they would come too late."
    elif held is None:
        yield "No bound held: no split within reach costs less."
    else:
        side = "Kubernetes" if held.offset > weighed.chosen.offset else "HPC"
        more = abs(held.offset - weighed.chosen.offset)
        yield (
            f"A bound held ({held.forbidden}): with {count(more, 'node')} more for {side} it would cost"
            f" {weighed.chosen.cost - held.cost:.2f} less."
        )
    yield from limits(entry)


def _nothing_weighed(weighed: Weighed) -> str:
    if weighed.chosen.unmet == 0.0:
        return "Nothing was weighed: nothing is unmet over the time that it looks ahead, so nothing could be gained."
    (_, to_hpc), (_, to_kubernetes) = weighed.most
    return f"Nothing was weighed: no node may go to HPC now ({to_hpc}), nor to Kubernetes ({to_kubernetes})."
