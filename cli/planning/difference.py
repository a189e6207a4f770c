"""What a decision has otherwise than another one of the same snapshot, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from basics.text import count, some
from models.plans import Plan, Rejection


def difference(was: Plan, now: Plan) -> Iterator[str]:
    """The split, the nodes that would move and did not, those that moved and would not, and reasons that changed."""
    if was.target != now.target:
        yield f"Kubernetes would have {count(now.target, 'node')} instead of {was.target}."
    then, new = _moves(was), _moves(now)
    for one, other, text in (
        (new, then, "would go to {to} and did not"),
        (then, new, "would not go to {to} and did"),
    ):
        for to in sorted({to for _, to in one - other}):
            names = sorted(node for node, where in one - other if where == to)
            yield f"{count(len(names), 'node')} {text.format(to=to)}: {some(names)}."
    kept, back = set(was.cancellations), set(now.cancellations)
    for idents, text in ((back - kept, "would turn back and did not"), (kept - back, "would not turn back and did")):
        if idents:
            yield f"{count(len(idents), 'hand-over')} {text}: {some(sorted(idents))}."
    yield from _reasons(was, now)


def _moves(plan: Plan) -> set[tuple[str, str]]:
    return {(move.node, str(move.direction.target)) for move in plan.moves}


def _reasons(was: Plan, now: Plan) -> Iterator[str]:
    """Nodes that stay either way, and for another reason."""
    before, after = _by_node(was), _by_node(now)
    groups: dict[tuple[str, str], list[str]] = {}
    for node in sorted(before.keys() & after.keys()):
        if before[node].reason is not after[node].reason:
            groups.setdefault((before[node].reason, after[node].reason), []).append(node)
    for (old, new), names in sorted(groups.items()):
        yield f"{count(len(names), 'node')} would stay for another reason, {new} instead of {old}: {some(names)}."


def _by_node(plan: Plan) -> dict[str, Rejection]:
    return {node: rejection for rejection in plan.rejections for node in rejection.nodes}
