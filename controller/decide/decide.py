"""``decide``: the whole decision, from one snapshot to one plan."""

from __future__ import annotations

from dataclasses import replace

from controller.decide.choice import Choice, choose
from controller.decide.guards import Candidates, move_budgets, recallable, sort_nodes
from controller.decide.loans import LoanPlan, plan_loans
from controller.decide.situation import situation_of
from models.handovers import Direction
from models.plans import Move, Plan, Reason, Rejection
from models.policies import MovesPolicy, PoolPolicy
from models.snapshot import Snapshot

WHY_REFUSED = {
    Reason.IN_HANDOVER: "already being handed over",
    Reason.DWELL: "moved too recently; it stays at least {dwell_s} s",
    Reason.BUSY: "its work ends later than the {look_ahead_s} s that a decision looks ahead, or has no known end",
    Reason.NOT_OURS: "closed by someone else, who alone may open it",
    Reason.UNREADY: "not ready on the side that it would go to, or open to neither side or to both",
    Reason.MANAGED: "another autoscaler has it, or it bears a record that this release cannot read",
}


def decide(snapshot: Snapshot, pool: PoolPolicy, moves: MovesPolicy) -> Plan:
    """The moves that the snapshot calls for under the policy, with a reason for every node that is not moved.

    Pure and deterministic. The demand of both sides, as it is and as it is announced, is weighed jointly over
    ``moves.look_ahead`` seconds, and Kubernetes' forecast says how many nodes it keeps or gets ahead beyond that; only
    the first step of the best path is planned. Nodes that it will lack later are reserved for it, where
    ``moves.loans`` has it so.
    """
    found, budgets = sort_nodes(snapshot, moves), move_budgets(snapshot, moves)
    choice = choose(situation_of(snapshot, pool, found, budgets), pool, moves)
    direction = Direction.TO_KUBERNETES if choice.offset > 0 else Direction.TO_HPC
    back = Direction.TO_HPC if choice.offset > 0 else Direction.TO_KUBERNETES
    wanted = abs(choice.offset)
    cancellations = tuple(_latest_first(snapshot, back)[:wanted]) if wanted else ()
    candidates = found.to_kubernetes if direction is Direction.TO_KUBERNETES else found.to_hpc
    due = snapshot.due if snapshot.due is not None and snapshot.due.direction is direction else None
    first = dict.fromkeys(found.due(due) if due is not None else ())
    chosen = [*first, *(name for _, name in candidates if name not in first)][: wanted - len(cancellations)]
    target = choice.current + choice.offset
    more = min(count for count, _ in budgets.values()) - len(chosen)
    loans = plan_loans(snapshot, pool, moves, target, frozenset(chosen), more)
    return Plan(
        at_s=snapshot.now_s,
        current=choice.current,
        target=target,
        moves=tuple(
            _move(name, direction, choice, len(chosen), due.why if due is not None and name in first else "")
            for name in chosen
        ),
        cancellations=(*cancellations, *loans.lapsed),
        rejections=_with_loans(_rejections(found, choice, set(chosen), moves), loans, snapshot.now_s),
        unserved=tuple(one for view in snapshot.sides.values() for one in view.waiting.unserved),
        loans=loans.begun,
    )


def _latest_first(snapshot: Snapshot, direction: Direction) -> list[str]:
    """Hand-overs that can be turned back, the one whose node would be empty last first; ties go by the node's name, as
    numbers in ids do not sort by when they were given."""
    frees_at_s = {node.name: node.hpc.frees_at_s or 0 for node in snapshot.nodes}
    ids = set(recallable(snapshot, direction))
    open_ones = [handover for handover in snapshot.open_handovers if handover.id in ids]
    return [handover.id for handover in sorted(open_ones, key=lambda h: (-frees_at_s.get(h.node, 0), h.node))]


def _move(name: str, direction: Direction, choice: Choice, count: int, why: str) -> Move:
    what = "1 node" if count == 1 else f"{count} nodes"
    if why:
        text = f"{why} needs nodes for {direction.target}, and this one has to begin by now"
        return Move(name, direction, Reason.DEMAND, text, choice.gain / count, choice.cost / count)
    when = ", ahead of its demand" if choice.ahead else ""
    text = (
        f"moving {what} to {direction.target}{when}: gain {choice.gain:.2f} of {choice.stay:.2f} weighted"
        f" node-hours, cost {choice.cost:.2f}"
    )
    return Move(name, direction, Reason.DEMAND, text, choice.gain / count, choice.cost / count)


def _rejections(found: Candidates, choice: Choice, chosen: set[str], moves: MovesPolicy) -> tuple[Rejection, ...]:
    facts = {"dwell_s": moves.dwell, "look_ahead_s": moves.look_ahead}
    refused = [
        Rejection(tuple(names), reason, WHY_REFUSED[reason].format(**facts))
        for reason, names in sorted(found.refused.items())
    ]
    for direction, candidates, limit in (
        (Direction.TO_KUBERNETES, found.to_kubernetes, choice.limits[1]),
        (Direction.TO_HPC, found.to_hpc, choice.limits[0]),
    ):
        names = tuple(name for _, name in candidates if name not in chosen)
        if names:
            refused.append(_not_chosen(names, direction, choice, limit))
    return tuple(refused)


def _with_loans(rejections: tuple[Rejection, ...], loans: LoanPlan, now_s: int) -> tuple[Rejection, ...]:
    """The same, where nodes that bear a date say so instead."""
    dates_s = {loan.node: loan.from_s for loan in loans.begun}
    dates_s |= {loan.node: loan.reserve_from_s or 0 for loan in loans.stay}
    if not dates_s:
        return rejections
    others = [replace(one, nodes=tuple(name for name in one.nodes if name not in dates_s)) for one in rejections]
    loaned = [
        Rejection(
            tuple(name for name, at_s in sorted(dates_s.items()) if at_s == date_s),
            Reason.LOANED,
            f"reserved for Kubernetes, which is foreseen to need it, from {-(-(date_s - now_s) // 60)} min from now on;"
            " until then work that ends before may start there",
        )
        for date_s in sorted(set(dates_s.values()))
    ]
    return (*(one for one in others if one.nodes), *loaned)


def _not_chosen(names: tuple[str, ...], direction: Direction, choice: Choice, limit: tuple[int, Reason]) -> Rejection:
    wanted = choice.offset if direction is Direction.TO_KUBERNETES else -choice.offset
    if limit[0] == 0 or wanted == limit[0]:
        if limit[1] is Reason.KEPT:
            text = f"Kubernetes keeps {choice.current - limit[0]} nodes for its demand now and what may come"
            return Rejection(names, Reason.KEPT, text)
        if limit[1] is Reason.NODE_HOURS:
            text = (
                f"hand-overs may take only so many node-hours from service in 24 hours, over all pools: what is left is"
                f" enough for {limit[0]} nodes to {direction.target}"
            )
            return Rejection(names, Reason.NODE_HOURS, text)
        text = f"no more than {limit[0]} nodes may go to {direction.target} now ({limit[1]})"
        return Rejection(names, limit[1], text)
    text = (
        f"moving more than {max(0, wanted)} nodes to {direction.target} costs more than it saves;"
        f" staying costs {choice.stay:.2f} weighted node-hours"
    )
    return Rejection(names, Reason.BALANCED, text)
