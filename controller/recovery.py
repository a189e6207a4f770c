"""Recovery: what a process that begins to lead makes of what both sides show. Pure: nodes in, hand-overs out.

Nothing is remembered from before: open hand-overs come from the records on the Kubernetes nodes, and a node that is
open to both sides, or to neither by our own marks, gets a hand-over that mends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from controller.handover.adoption import believed
from controller.handover.begin import Names, repaired
from controller.handover.look import Rules
from models.errors import BadInput
from models.handovers import MARK_PREFIX, Direction, Handover, Stage, ours
from models.nodes import KubernetesNode, Node

TWICE = "the record is of hand-over {id}, which is that of node {node}"


@dataclass(slots=True)
class Found:
    """What the records say: hand-overs to go on with, those that wait for a person, the latest of each node that
    ended, and records that cannot be read, by node."""

    open: list[Handover] = field(default_factory=list)
    stuck: list[Handover] = field(default_factory=list)
    ended: list[Handover] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)

    @property
    def epoch(self) -> int:
        """The latest epoch that any record bears."""
        return max((h.epoch for group in (self.open, self.stuck, self.ended) for h in group), default=0)


def read_records(nodes: Mapping[str, KubernetesNode], epoch: int, now_s: int, rules: Rules) -> Found:
    """Sort the record of every node, as far as whoever leads in ``epoch`` may believe it. What may not be, and a second
    record of one hand-over, counts as unreadable."""
    found = Found()
    opened: dict[str, str] = {}
    for name, node in nodes.items():
        if node.record is None:
            continue
        try:
            handover = believed(node.record, name, epoch, now_s, rules)
            if not handover.stage.finished and opened.setdefault(handover.id, name) != name:
                raise BadInput(TWICE.format(id=handover.id, node=opened[handover.id]))
        except BadInput as error:
            found.unreadable[name] = str(error)
            continue
        if handover.stage is Stage.STUCK:
            found.stuck.append(handover)
        elif handover.stage.finished:
            found.ended.append(handover)
        else:
            found.open.append(handover)
    return found


def suspect(node: Node, scope: str) -> bool:
    """Whether a node that is in no hand-over shows what it should not: worth a fresh look."""
    hpc, kubernetes = node.hpc, node.kubernetes
    if ours(hpc.booked_by, scope) or intruded(node, scope):
        return True
    return node.breached or (ours(hpc.drain_reason, scope) and ours(kubernetes.closed_by, scope))


def intruded(node: Node, scope: str) -> bool:
    """Whether pods run on a node that the HPC side has: they were bound to it before it was closed, and came late.
    On one that is fenced off they end by themselves."""
    kubernetes = node.kubernetes
    return (
        node.hpc.drain_reason is None
        and bool(kubernetes.pods)
        and ours(kubernetes.closed_by, scope)
        and not (kubernetes.fenced)
    )


def unfenced(node: Node, scope: str) -> bool:
    """Whether the HPC side has a node that has changed hands and is not fenced off yet, though it is empty of pods."""
    kubernetes = node.kubernetes
    closed = ours(kubernetes.closed_by, scope) and not kubernetes.fenced
    return node.hpc.drain_reason is None and closed and not kubernetes.pods and kubernetes.record is not None


def unrecorded(node: Node, scope: str) -> bool:
    """Whether the HPC side has a node that we closed to Kubernetes, of which no record tells any more."""
    kubernetes = node.kubernetes
    return node.hpc.drain_reason is None and ours(kubernetes.closed_by, scope) and kubernetes.record is None


def mend(node: Node, names: Names, now_s: int, rules: Rules, last: Handover | None) -> Handover | None:
    """The hand-over that brings a suspect node, freshly looked at, back to one owner; None when it has one.

    Open to both: Kubernetes is closed at once, since that takes effect at once and ends nothing, and the HPC side has
    the node. Open to neither: it goes to the side where work still runs, and if none runs, to the HPC side after the
    usual settling and health gate.
    """
    if node.breached:
        return repaired(node, Direction.TO_HPC, Stage.CLOSED, names, now_s, rules, last)
    hpc_mark, kubernetes_mark = node.hpc.drain_reason, node.kubernetes.closed_by
    if hpc_mark is None or kubernetes_mark is None:
        return None
    if not (ours(hpc_mark, rules.scope) and ours(kubernetes_mark, rules.scope)):
        return None
    if last is not None and last.stage is Stage.STUCK:
        return None
    if node.hpc.busy and not node.kubernetes.pods:
        direction, stage, mark = Direction.TO_KUBERNETES, Stage.CANCELLING, hpc_mark
    else:
        direction, mark = Direction.TO_HPC, kubernetes_mark
        stage = Stage.CANCELLING if node.kubernetes.pods else Stage.EMPTY
    names = replace(names, batch=mark.removeprefix(MARK_PREFIX))
    return repaired(node, direction, stage, names, now_s, rules, last)
