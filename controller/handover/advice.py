"""What a person should do about a hand-over that cannot end by itself: what happened, where, and the command to run."""

from __future__ import annotations

from collections.abc import Mapping

from models.handovers import Direction, Handover, Stage, Why
from models.nodes import Node, Side
from models.scheduler_facts import SchedulerFacts

Facts = Mapping[Side, SchedulerFacts]

_NEVER_READY = "it was opening and never became ready"
_TURNED = {
    Why.NOT_WANTED: "the move was no longer wanted",
    Why.LATE: "it did not come to an end in time",
    Why.FOREIGN: "someone else changed the node",
    Why.UNHEALTHY: "the node lacks something on its new side",
    Why.HOOK: "the site's hook failed",
    Why.REFUSED: "opening was refused",
    Why.PAUSED: "moves were ordered back",
    Why.PERSON: "a person ordered it back",
}


def advice(handover: Handover, was: Stage, node: Node | None, facts: Facts) -> str:
    """One line for the log; ``was`` is the stage in which it came to a halt, ``node`` what was last seen, None when it
    cannot be seen. A new leader finds it ``stuck`` and cannot tell from where."""
    state = "is stuck" if handover.stage is Stage.STUCK else f"is overdue in stage {handover.stage}"
    seen = "one side does not show the node" if node is None else _seen(node, facts)
    run = command(handover, was, facts)
    ends = ", or ".join(text for side in Side if (text := facts[side].open(handover.node)))
    return (
        f"hand-over {handover.id} of node {handover.node} ({handover.direction}) {state}: {_because(handover, was)};"
        f" {seen}{run and f'; run: {run}'}; to end it, open one side{ends and f': {ends}'}"
    )


def _because(handover: Handover, was: Stage) -> str:
    if was is Stage.CANCELLING and handover.why is not None:
        return f"{_TURNED[handover.why]} and turning back did not take effect"
    if was is Stage.OPENING:
        return "it was opening, and someone else changed the node" if handover.why is Why.FOREIGN else _NEVER_READY
    return "it has not got any further"


def command(handover: Handover, was: Stage, facts: Facts) -> str:
    """The command that shows why the side that has to open, or to become empty, does not, and so what to mend.

    Of both sides where nobody can tell which; empty where there is none to run.
    """
    to_kubernetes = handover.direction is Direction.TO_KUBERNETES
    side = Side.KUBERNETES if to_kubernetes is (was is Stage.OPENING) else Side.HPC
    sides = tuple(Side) if was is Stage.STUCK else (side,)
    return ", and ".join(text for side in sides if (text := facts[side].show(handover.node)))


def _seen(node: Node, facts: Facts) -> str:
    hpc, kubernetes = facts[Side.HPC].name, facts[Side.KUBERNETES].name
    drained_by, closed_by = node.hpc.drain_reason, node.kubernetes.closed_by
    parts = [
        f"{hpc} is open" if drained_by is None else f"{hpc} is drained ({drained_by})",
        "busy" if node.hpc.busy else "empty",
        "" if node.hpc.ready else "not ready",
        f"{kubernetes} is open" if closed_by is None else f"{kubernetes} is closed ({closed_by})",
        f"{node.kubernetes.pods} pods",
        "" if node.kubernetes.ready else "not ready",
        (node.kubernetes.cordoned_by or "cordoned") if node.kubernetes.cordoned else "",
        f"lacks {node.kubernetes.lacks}" if node.kubernetes.lacks else "",
    ]
    return ", ".join(part for part in parts if part)
