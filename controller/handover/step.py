"""One step of a hand-over: what was seen in, the next stage and what to ask for out. No I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from controller.handover.table import Seen, next_stage
from models.handovers import Direction, Handover, Stage
from models.nodes import HpcNode, KubernetesNode, Node


class Verb(StrEnum):
    """What can be asked of a scheduler: the verbs of the ports."""

    DRAIN = "drain"
    UNDRAIN = "undrain"
    DISCOURAGE = "discourage"
    CLOSE = "close"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Command:
    """One act on one node, with the mark of ownership that it sets or must find."""

    verb: Verb
    node: str
    mark: str


def look(handover: Handover, node: Node, now_s: int, settle_s: int) -> Seen:
    """What the node and the clock show, the most important thing first.

    A stage that has not been entered for ``settle_s`` seconds of emptiness sees ``old-empty``, after that ``old-
    empty-long``.
    """
    if handover.direction is Direction.TO_KUBERNETES:
        seen = _look_to_kubernetes(handover, node)
    else:
        seen = _look_to_hpc(handover, node)
    if now_s >= handover.deadline_s and not _ends_now(handover, seen):
        return Seen.LATE
    if handover.cancel_reason and handover.stage not in (Stage.CANCELLING, Stage.OPENING):
        return Seen.CANCEL
    if seen is Seen.OLD_EMPTY and handover.emptied_s is not None and now_s - handover.emptied_s >= settle_s:
        return Seen.OLD_EMPTY_LONG
    return seen


def _ends_now(handover: Handover, seen: Seen) -> bool:
    """Whether what was seen ends or turns back the hand-over anyway, so that its deadline no longer matters."""
    home = handover.stage is Stage.CANCELLING and seen is Seen.OLD_OPEN
    return home or seen in (Seen.NEW_OPEN, Seen.FOREIGN)


def _look_to_kubernetes(handover: Handover, node: Node) -> Seen:
    new = _look_at_kubernetes_opening(node.kubernetes)
    if new is not None:
        return new
    if node.hpc.drain_reason is None:
        return Seen.OLD_OPEN
    if node.hpc.drain_reason != handover.mark:
        return Seen.FOREIGN
    return Seen.OLD_EMPTY if node.hpc.drained else Seen.OLD_BUSY


def _look_to_hpc(handover: Handover, node: Node) -> Seen:
    new = _look_at_hpc_opening(node.hpc)
    if new is not None:
        return new
    kubernetes = node.kubernetes
    if kubernetes.closed_by is None:
        return Seen.DISCOURAGED if kubernetes.discouraged else Seen.OLD_OPEN
    if kubernetes.closed_by != handover.mark:
        return Seen.FOREIGN
    return Seen.OLD_EMPTY if kubernetes.emptied else Seen.OLD_BUSY


def _look_at_kubernetes_opening(node: KubernetesNode) -> Seen | None:
    if node.closed_by is not None:
        return None
    return Seen.NEW_OPEN if node.ready else Seen.NEW_OPENING


def _look_at_hpc_opening(node: HpcNode) -> Seen | None:
    if node.drain_reason is not None:
        return None
    return Seen.NEW_OPEN if node.ready else Seen.NEW_OPENING


def step(
    handover: Handover, node: Node, now_s: int, *, settle_s: int, opening_deadline_s: int
) -> tuple[Handover, tuple[Command, ...]]:
    """The hand-over after what ``node`` shows at ``now_s``, and what to ask for next.

    A command is repeated for as long as the stage lasts and its effect is not seen: every verb is safe to repeat.
    """
    seen = look(handover, node, now_s, settle_s)
    stage = next_stage(handover.direction, handover.stage, seen)
    emptied_s = handover.emptied_s
    if seen in (Seen.OLD_OPEN, Seen.OLD_BUSY, Seen.DISCOURAGED):
        emptied_s = None
    elif seen is Seen.OLD_EMPTY and emptied_s is None:
        emptied_s = now_s
    entered = stage is not handover.stage
    deadline_s = (
        now_s + opening_deadline_s if entered and stage in (Stage.OPENING, Stage.CANCELLING) else handover.deadline_s
    )
    after = replace(
        handover,
        stage=stage,
        stage_since_s=now_s if entered else handover.stage_since_s,
        deadline_s=deadline_s,
        emptied_s=emptied_s,
    )
    return after, _commands(after, node, seen, entered)


def _commands(handover: Handover, node: Node, seen: Seen, entered: bool) -> tuple[Command, ...]:
    stage, name = handover.stage, node.name
    unseen = entered or seen in (Seen.OLD_OPEN, Seen.DISCOURAGED, Seen.OLD_EMPTY_LONG)
    if stage is Stage.DRAINING and unseen and seen is Seen.OLD_OPEN:
        return (Command(Verb.DRAIN, name, handover.mark),)
    if stage is Stage.DISCOURAGED and unseen:
        return (Command(Verb.DISCOURAGE, name, handover.mark),)
    if stage is Stage.CLOSED and unseen:
        return (Command(Verb.CLOSE, name, handover.mark),)
    if stage is Stage.OPENING and unseen:
        return (_open_new(handover, node),)
    if stage is Stage.CANCELLING and (entered or seen is not Seen.OLD_OPEN):
        return _reopen_old(handover, node)
    return ()


def _open_new(handover: Handover, node: Node) -> Command:
    """Open the new side by the mark that closed it: the mark of the hand-over that once took the node from there."""
    if handover.direction is Direction.TO_KUBERNETES:
        return Command(Verb.OPEN, node.name, node.kubernetes.closed_by or handover.mark)
    return Command(Verb.UNDRAIN, node.name, node.hpc.drain_reason or handover.mark)


def _reopen_old(handover: Handover, node: Node) -> tuple[Command, ...]:
    if handover.direction is Direction.TO_KUBERNETES:
        return (Command(Verb.UNDRAIN, node.name, handover.mark),)
    return (Command(Verb.OPEN, node.name, handover.mark),)
