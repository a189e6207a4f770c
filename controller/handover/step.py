"""One step of a hand-over: what was seen in, the next stage and what to ask for out. No I/O, no clock."""

from __future__ import annotations

from dataclasses import replace

from controller.handover.look import LATE_STAGES, Rules, look, may_yet_land, new_side_empty, remember
from controller.handover.table import Seen, next_stage
from models.acts import Act, Outcome, Verb
from models.handovers import Direction, Handover, Stage, Why, ours
from models.nodes import Node

WHY = {
    Seen.LATE: Why.LATE,
    Seen.FOREIGN: Why.FOREIGN,
    Seen.BREACH: Why.FOREIGN,
    Seen.NEW_EARLY: Why.FOREIGN,
    Seen.OLD_OPEN: Why.FOREIGN,
    Seen.OLD_BUSY: Why.FOREIGN,
    Seen.UNHEALTHY: Why.UNHEALTHY,
    Seen.NEW_REFUSED: Why.REFUSED,
}
_TURNS = (Stage.CANCELLING, Stage.STUCK)
_ENDS = (Stage.DONE, Stage.CANCELLED)
_OPENERS = (Verb.OPEN, Verb.UNDRAIN)


def step(handover: Handover, node: Node, now_s: int, rules: Rules) -> tuple[Handover, tuple[Act, ...]]:
    """The hand-over after what ``node`` shows at ``now_s``, and what to ask for next.

    An act is asked for again for as long as the stage lasts and its effect is not seen: every verb is safe to repeat.
    """
    handover = remember(handover, node, now_s)
    seen = look(handover, node, now_s, rules)
    stage = next_stage(handover.direction, handover.stage, seen)
    if stage in _ENDS and may_yet_land(handover, now_s, rules):
        return handover, ()
    if stage is not handover.stage:
        handover = _enter(handover, stage, seen, now_s, rules)
    return handover, acts(handover, node, seen, rules)


def _enter(handover: Handover, stage: Stage, seen: Seen, now_s: int, rules: Rules) -> Handover:
    deadline_s = now_s + rules.deadline_s if stage in LATE_STAGES else handover.deadline_s
    why = WHY.get(seen, handover.why) if stage in _TURNS else handover.why
    if handover.stage is Stage.CANCELLING and stage is Stage.STUCK:
        why = handover.why
    return replace(handover, stage=stage, stage_since_s=now_s, deadline_s=deadline_s, why=why)


def acts(handover: Handover, node: Node, seen: Seen, rules: Rules) -> tuple[Act, ...]:
    """What the stage asks for, given what was seen."""
    stage = handover.stage
    if stage.finished:
        return (Act(Verb.NOTE, node.name, handover.mark),)
    if stage is Stage.SETTLED and rules.hook and not handover.prepared and new_side_empty(handover, node):
        return (Act(Verb.PREPARE, node.name, handover.mark),)
    if handover.direction is Direction.TO_KUBERNETES:
        return _toward_kubernetes(handover, node, seen, rules)
    return _toward_hpc(handover, node, seen, rules)


def _toward_kubernetes(handover: Handover, node: Node, seen: Seen, rules: Rules) -> tuple[Act, ...]:
    stage, name, mark = handover.stage, node.name, handover.mark
    if stage is Stage.RESERVED and seen is Seen.TO_BOOK:
        return _noted(Act(Verb.RESERVE, name, mark))
    if stage is Stage.DRAINING and seen is Seen.OLD_OPEN:
        return _noted(Act(Verb.DRAIN, name, mark))
    if stage is Stage.CANCELLING:
        return _back_to_hpc(handover, node, rules)
    if stage is Stage.OPENING and seen in (Seen.FIT, Seen.OLD_EMPTY):
        return (Act(Verb.OPEN, name, node.kubernetes.closed_by or mark),)
    if stage in (Stage.DRAINED, Stage.SETTLED) and node.hpc.booked_by == mark:
        return (Act(Verb.RELEASE, name, mark),)
    return ()


def _back_to_hpc(handover: Handover, node: Node, rules: Rules) -> tuple[Act, ...]:
    """Undo what we did and nothing else, once Kubernetes is closed, empty and fenced off.

    The note comes first even when there is nothing to undo: it makes Kubernetes refuse an opening that is still on its
    way.
    """
    name, mark = node.name, handover.mark
    if node.kubernetes.closed_by is None:
        return (Act(Verb.CLOSE, name, mark),)
    undo = []
    if node.kubernetes.pods:
        return (Act(Verb.NOTE, name, mark),)
    if node.hpc.drain_reason == mark and (fence := _fence(node, mark, rules)):
        return fence
    if node.hpc.booked_by == mark:
        undo.append(Act(Verb.RELEASE, name, mark))
    if node.hpc.drain_reason == mark:
        undo.append(Act(Verb.UNDRAIN, name, mark))
    return (Act(Verb.NOTE, name, mark), *undo)


def _toward_hpc(handover: Handover, node: Node, seen: Seen, rules: Rules) -> tuple[Act, ...]:
    stage, name, mark = handover.stage, node.name, handover.mark
    is_open = node.kubernetes.closed_by is None
    if stage is Stage.DISCOURAGED and seen is Seen.OLD_OPEN:
        return (Act(Verb.DISCOURAGE, name, mark),)
    if stage in (Stage.CLOSED, Stage.OPENING) and is_open:
        return (Act(Verb.CLOSE, name, mark),)
    if stage is Stage.EMPTYING and rules.evict and seen is Seen.OLD_BUSY:
        return (Act(Verb.EVICT, name, mark),)
    if stage is Stage.CANCELLING:
        return _back_to_kubernetes(node, mark, seen)
    if stage is Stage.OPENING and seen in (Seen.FIT, Seen.OLD_EMPTY):
        return _fence(node, mark, rules) or _noted(Act(Verb.UNDRAIN, name, node.hpc.drain_reason or mark))
    return ()


def _fence(node: Node, mark: str, rules: Rules) -> tuple[Act, ...]:
    """What must come before the HPC side is opened: a pod that was bound earlier, and comes late, is then refused by
    the node itself. Nothing once that is so, nor where somebody else closed Kubernetes."""
    kubernetes = node.kubernetes
    if not rules.fence or kubernetes.fenced or not ours(kubernetes.closed_by, rules.scope):
        return ()
    return (Act(Verb.FENCE, node.name, kubernetes.closed_by or mark),)


def _back_to_kubernetes(node: Node, mark: str, seen: Seen) -> tuple[Act, ...]:
    if seen is Seen.BREACH:
        return (Act(Verb.CLOSE, node.name, mark),)
    if node.hpc.busy or node.kubernetes.closed_by not in (None, mark):
        return ()
    return (Act(Verb.OPEN, node.name, mark),)


def _noted(*acts: Act) -> tuple[Act, ...]:
    """Acts that leave no record of their own stand behind a note of the stage: first written down, then done."""
    return (Act(Verb.NOTE, acts[0].node, acts[0].mark), *acts) if acts else ()


def learn(handover: Handover, act: Act, outcome: Outcome, now_s: int) -> Handover:
    """The hand-over after the outcome of an act.

    Whether an act had its effect is only ever seen. What is learned here is what no look can tell: that the site's
    hook is done, that an opening may take effect later, or that it was refused and so surely does not.
    """
    if act.verb is Verb.PREPARE:
        if outcome is Outcome.REFUSED:
            return replace(handover, why=Why.HOOK)
        return replace(handover, prepared=True) if outcome is Outcome.DONE else handover
    if act.verb not in _OPENERS:
        return handover
    if outcome is Outcome.UNKNOWN:
        return replace(handover, unsure_s=now_s)
    refused = outcome is Outcome.REFUSED and handover.stage is Stage.OPENING
    return replace(handover, refusals=handover.refusals + 1) if refused else handover


def unseen(handover: Handover, gap_s: int) -> Handover:
    """The hand-over after its node could not be seen for so long: that is not counted against opening or turning back,
    which nobody could do."""
    if handover.stage not in LATE_STAGES:
        return handover
    return replace(handover, deadline_s=handover.deadline_s + gap_s)
