"""What a person should do about a hand-over that cannot end by itself: what happened, where, and the command to run."""

from __future__ import annotations

from models.handovers import Direction, Handover, Stage, Why
from models.nodes import Node

_NEVER_READY = "it was opening and never became ready"
_TURNED = {
    Why.NOT_WANTED: "the move was no longer wanted",
    Why.LATE: "it did not come to an end in time",
    Why.FOREIGN: "someone else changed the node",
    Why.UNHEALTHY: "the node lacks something on its new side",
    Why.HOOK: "the site's hook failed",
    Why.REFUSED: "opening was refused",
    Why.PAUSED: "moves were ordered back",
}


def advice(handover: Handover, was: Stage, node: Node | None) -> str:
    """One line for the log; ``was`` is the stage in which it came to a halt, ``node`` what was last seen, None when it
    cannot be seen. A new leader finds it ``stuck`` and cannot tell from where."""
    state = "is stuck" if handover.stage is Stage.STUCK else f"is overdue in stage {handover.stage}"
    seen = "one side does not show the node" if node is None else _seen(node)
    return (
        f"hand-over {handover.id} of node {handover.node} ({handover.direction}) {state}:"
        f" {_because(handover, was)}; {seen}; run: {command(handover, was)};"
        f" to end it, open one side: scontrol update NodeName={handover.node} State=UNDRAIN, or"
        f" kubectl taint node {handover.node} tidegate.dev/side-"
    )


def _because(handover: Handover, was: Stage) -> str:
    if was is Stage.CANCELLING and handover.why is not None:
        return f"{_TURNED[handover.why]} and turning back did not take effect"
    if was is Stage.OPENING:
        return "it was opening, and someone else changed the node" if handover.why is Why.FOREIGN else _NEVER_READY
    return "it has not got any further"


def command(handover: Handover, was: Stage) -> str:
    """The command that shows why the side that has to open, or to become empty, does not, and so what to mend."""
    kubectl = f"kubectl describe node {handover.node}"
    scontrol = f"scontrol show node {handover.node}   (PBS: pbsnodes -v {handover.node})"
    if was is Stage.STUCK:
        return f"{kubectl}, and {scontrol}"
    to_kubernetes = handover.direction is Direction.TO_KUBERNETES
    return kubectl if to_kubernetes is (was is Stage.OPENING) else scontrol


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
