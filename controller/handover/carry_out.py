"""Carrying out: asks the ports for what a step wants, and says what is known of it. The only hand-over code that does
I/O."""

from __future__ import annotations

from dataclasses import dataclass

from controller.handover.crash_points import AFTER, BEFORE, Reached, go_on
from models.acts import Act, Outcome, Verb
from models.handovers import Handover
from models.leadership import Leadership
from models.nodes import KubernetesNode
from models.ports import Hook, HpcScheduler, Kubernetes


@dataclass(frozen=True, slots=True)
class Ports:
    """What an act may reach, and what it may do there only while leading."""

    hpc: HpcScheduler
    kubernetes: Kubernetes
    leadership: Leadership
    hook: Hook | None = None
    reached: Reached = go_on


def carry_out(act: Act, handover: Handover, record: str, seen: KubernetesNode, ports: Ports) -> Outcome | None:
    """Ask once, if this process still leads. None when it does not: then nothing was asked for.

    Kubernetes is written to only at the version that was ``seen``. The outcome is for the record: the next step follows
    from what is seen, not from this.
    """
    ports.reached(BEFORE[act.verb])
    if not ports.leadership.may_act():
        return None
    outcome = _ask(act, handover, record, seen, ports)
    ports.reached(AFTER[act.verb])
    return outcome


def _ask(act: Act, handover: Handover, record: str, seen: KubernetesNode, ports: Ports) -> Outcome:
    node, mark = act.node, act.mark
    hpc, kubernetes = ports.hpc, ports.kubernetes
    match act.verb:
        case Verb.NOTE:
            return kubernetes.note(node, record=record, version=seen.version)
        case Verb.RESERVE:
            return hpc.reserve(node, start_s=handover.reserve_from_s or 0, mark=mark)
        case Verb.DRAIN:
            return hpc.drain(node, mark=mark)
        case Verb.RELEASE:
            return hpc.release(node, mark=mark)
        case Verb.UNDRAIN:
            return hpc.undrain(node, mark=mark)
        case Verb.DISCOURAGE:
            return kubernetes.discourage(node, record=record, version=seen.version)
        case Verb.CLOSE:
            return kubernetes.close(node, mark=mark, record=record, version=seen.version)
        case Verb.EVICT:
            return kubernetes.evict(node)
        case Verb.OPEN:
            return kubernetes.open(node, mark=mark, record=record, version=seen.version)
        case Verb.PREPARE | Verb.TELL:
            return _call(ports.hook, act.verb, handover)


def _call(hook: Hook | None, verb: Verb, handover: Handover) -> Outcome:
    if hook is None:
        return Outcome.DONE
    call = hook.before if verb is Verb.PREPARE else hook.after
    return call(handover.node, handover.direction, handover.id)
