"""What a person should do about a hand-over that cannot end by itself: what happened, where, and the command to run."""

from __future__ import annotations

from models.handovers import Direction, Handover, Stage, Why
from models.nodes import Node

_BECAUSE = {
    None: "it was opening and never became ready",
    Why.NOT_WANTED: "the move was no longer wanted and turning back did not take effect",
    Why.LATE: "it did not come to an end in time",
    Why.FOREIGN: "someone else changed the node in the middle of it",
    Why.UNHEALTHY: "the node lacks something on its new side and turning back did not take effect",
    Why.HOOK: "the site's hook failed and turning back did not take effect",
    Why.REFUSED: "opening was refused and turning back did not take effect",
    Why.PAUSED: "moves were ordered back and turning back did not take effect",
}


def advice(handover: Handover, node: Node | None) -> str:
    """One line for the log; ``node`` is what was last seen of it, None when it cannot be seen."""
    state = "is stuck" if handover.stage is Stage.STUCK else f"is overdue in stage {handover.stage}"
    seen = "one side does not show the node" if node is None else _seen(node)
    return (
        f"hand-over {handover.id} of node {handover.node} ({handover.direction}) {state}:"
        f" {_BECAUSE[handover.why]}; {seen}; run: {command(handover)}"
    )


def command(handover: Handover) -> str:
    """The command that shows why the side that has to open does not, and so what to mend."""
    opening = handover.stage is Stage.OPENING or (handover.stage is Stage.STUCK and handover.why is None)
    to_kubernetes = handover.direction is Direction.TO_KUBERNETES
    if to_kubernetes is opening:
        return f"kubectl describe node {handover.node}"
    return f"scontrol show node {handover.node}   (PBS: pbsnodes -v {handover.node})"


def _seen(node: Node) -> str:
    hpc = node.hpc.drain_reason
    kubernetes = node.kubernetes
    parts = [
        "HPC is open" if hpc is None else f"HPC is drained ({hpc})",
        "busy" if node.hpc.busy else "empty",
        "" if node.hpc.ready else "not ready",
        "Kubernetes is open" if kubernetes.closed_by is None else f"Kubernetes is closed ({kubernetes.closed_by})",
        f"{kubernetes.pods} pods",
        "" if kubernetes.ready else "not ready",
        "cordoned" if kubernetes.cordoned else "",
    ]
    return ", ".join(part for part in parts if part)
