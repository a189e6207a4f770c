"""A plan as one line of the log."""

from __future__ import annotations

from basics.text import count, some
from models.handovers import Direction
from models.nodes import Side
from models.plans import Plan


def in_a_line(plan: Plan, old: str = "") -> str:
    """A plan for the log; ``old`` is what it rests on that is not new."""
    moves: dict[Direction, list[str]] = {}
    for move in plan.moves:
        moves.setdefault(move.direction, []).append(move.node)
    parts = [f"{direction}: {some(nodes)}" for direction, nodes in moves.items()]
    if plan.cancellations:
        parts.append(f"turned back: {some(plan.cancellations)}")
    wanted = f"Kubernetes has {count(plan.current, 'node')} and should have {plan.target}"
    held = ", held back" if plan.holds and plan.moves else ""
    blind = f" (blind: {old})" if old else ""
    return f"{wanted}; {'; '.join(parts) or 'nothing moves'}{held}{blind}{_unserved(plan)}"


def _unserved(plan: Plan) -> str:
    counts = {side: sum(one.count for one in plan.unserved if one.side is side) for side in Side}
    nouns = ((counts[Side.HPC], "job"), (counts[Side.KUBERNETES], "pod"))
    told = " and ".join(count(number, noun) for number, noun in nouns if number)
    return f"; nobody can serve {told}" if told else ""
