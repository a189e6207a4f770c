"""Carrying out: asks the ports for what a step wants, and says what is known of it. The only hand-over code that does
I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controller.handover.crash_points import AFTER, BEFORE, Reached, go_on
from models.acts import ON_HPC, Act, Outcome, Verb
from models.errors import Unreachable
from models.handovers import Handover
from models.leadership import Leadership
from models.nodes import KubernetesNode, Side
from models.ports import Hook, HpcScheduler, Kubernetes
from models.scheduler_facts import SchedulerFacts


@dataclass(frozen=True, slots=True)
class Ports:
    """What an act may reach, and what it may do there only while leading."""

    hpc: HpcScheduler
    kubernetes: Kubernetes
    leadership: Leadership
    hook: Hook | None = None
    reached: Reached = go_on

    @property
    def facts(self) -> Mapping[Side, SchedulerFacts]:
        """What both schedulers tell of themselves."""
        return {Side.HPC: self.hpc.facts, Side.KUBERNETES: self.kubernetes.facts}


def carry_out(act: Act, handover: Handover, record: str, seen: KubernetesNode, ports: Ports) -> Outcome | None:
    """Ask once for anything but a drain, if this process still leads. None when it does not: nothing was asked for.

    Kubernetes is written to only at the version that was ``seen``. The outcome is for the record: the next step follows
    from what is seen, not from this.
    """
    ports.reached(BEFORE[act.verb])
    if not ports.leadership.may_act():
        return None
    outcome = _ask(act, handover, record, seen, ports)
    ports.reached(AFTER[act.verb])
    return outcome


def drain_together(mark: str, nodes: Sequence[str], ports: Ports) -> Mapping[str, Outcome] | None:
    """Ask once to drain all the nodes, if this process still leads; None when it does not. What the scheduler says
    nothing of is not known."""
    ports.reached(BEFORE[Verb.DRAIN])
    if not ports.leadership.may_act():
        return None
    try:
        said = ports.hpc.drain(nodes, mark=mark)
    except Unreachable:
        said = {}
    ports.reached(AFTER[Verb.DRAIN])
    return {node: said.get(node, Outcome.UNKNOWN) for node in nodes}


def _ask(act: Act, handover: Handover, record: str, seen: KubernetesNode, ports: Ports) -> Outcome:
    if act.verb in (Verb.PREPARE, Verb.TELL):
        return _call(ports.hook, act.verb, handover)
    if act.verb in ON_HPC:
        return _ask_hpc(act, handover, ports.hpc)
    return _ask_kubernetes(act, record, seen.version, ports.kubernetes)


def _ask_hpc(act: Act, handover: Handover, hpc: HpcScheduler) -> Outcome:
    match act.verb:
        case Verb.RESERVE:
            return hpc.reserve(act.node, start_s=handover.reserve_from_s or 0, mark=act.mark)
        case Verb.RELEASE:
            return hpc.release(act.node, mark=act.mark)
        case _:
            return hpc.undrain(act.node, mark=act.mark)


def _ask_kubernetes(act: Act, record: str, version: str, kubernetes: Kubernetes) -> Outcome:
    match act.verb:
        case Verb.NOTE:
            return kubernetes.note(act.node, record=record, version=version)
        case Verb.DISCOURAGE:
            return kubernetes.discourage(act.node, record=record, version=version)
        case Verb.CLOSE:
            return kubernetes.close(act.node, mark=act.mark, record=record, version=version)
        case Verb.FENCE:
            return kubernetes.fence(act.node, mark=act.mark, record=record, version=version)
        case Verb.EVICT:
            return kubernetes.evict(act.node)
        case _:
            return kubernetes.open(act.node, mark=act.mark, record=record, version=version)


def _call(hook: Hook | None, verb: Verb, handover: Handover) -> Outcome:
    if hook is None:
        return Outcome.DONE
    call = hook.before if verb is Verb.PREPARE else hook.after
    return call(handover.node, handover.direction, handover.id)
