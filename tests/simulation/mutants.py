"""The safety rules, each with a way to switch it off and the faults that it is there for.

A rule that can be switched off without anything going wrong in the simulation is a rule that nothing tests.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from unittest.mock import patch

from controller import recovery, safety, sweep
from controller.decide import guards
from controller.handover import driver as tending
from controller.handover import look as looking
from controller.handover import step as stepping
from controller.handover.look import Rules
from controller.handover.table import Seen
from controller.lease import Lease
from models.acts import Outcome
from models.handovers import Handover, Stage
from models.nodes import HpcNode, KubernetesNode, Node, Side
from simulator.twin import TwinKubernetes
from tests.simulation.observer import Violation
from tests.simulation.plan import AMOUNTS, Event, Fault, Plan
from tests.simulation.world import World

WAITING_STAGES = (Stage.DRAINED, Stage.EMPTY, Stage.SETTLED)


@dataclass(frozen=True)
class Rule:
    """A safety rule: how to switch it off, the faults it is there for, and the invariants that then break."""

    off: Callable[[], Iterator[None]]
    faults: tuple[Fault, ...]
    breaks: tuple[str, ...]


def _patched(*patches: tuple[object, str, object]) -> Callable[[], Iterator[None]]:
    @contextmanager
    def off() -> Iterator[None]:
        stack = [patch.object(where, name, what) for where, name, what in patches]
        for one in stack:
            one.start()
        try:
            yield
        finally:
            for one in stack:
                one.stop()

    return off


def _settle() -> Callable[[], Iterator[None]]:
    look = looking.look

    def at_once(handover: Handover, node: Node, now_s: int, rules: Rules) -> Seen:
        return look(handover, node, now_s, replace(rules, settle_s=dict.fromkeys(Side, 0)))

    return _patched((stepping, "look", at_once))


def _look_again() -> Callable[[], Iterator[None]]:
    """Once a node has been seen empty, only the clock counts."""
    look, remember = looking.look, looking.remember

    def blind(handover: Handover, node: Node, now_s: int, rules: Rules) -> Seen:
        if handover.stage in WAITING_STAGES and handover.emptied_s is not None:
            if now_s - handover.emptied_s < rules.settle_s[handover.direction.source]:
                return Seen.OLD_EMPTY
            return Seen.FIT if handover.stage is Stage.SETTLED else Seen.OLD_EMPTY_LONG
        if handover.stage is Stage.OPENING and look(handover, node, now_s, rules) is Seen.OLD_OPEN:
            return Seen.OLD_EMPTY
        return look(handover, node, now_s, rules)

    def remembers(handover: Handover, node: Node, now_s: int) -> Handover:
        return handover if handover.stage in WAITING_STAGES else remember(handover, node, now_s)

    return _patched((stepping, "look", blind), (stepping, "remember", remembers))


def _ownership() -> Callable[[], Iterator[None]]:
    def anyones(mark: str | None, scope: str) -> bool:
        return mark is not None

    return _patched(*((where, "ours", anyones) for where in (looking, recovery, sweep, guards)))


def _precondition() -> Callable[[], Iterator[None]]:
    def at_any_version(twin: TwinKubernetes, node: str, version: str) -> int:
        return twin._number[node]

    return _patched((TwinKubernetes, "_at", at_any_version))


def _margin() -> Callable[[], Iterator[None]]:
    def may_act(lease: Lease) -> bool:
        return lease.epoch is not None

    return _patched((Lease, "may_act", may_act))


def _computed_drained() -> Callable[[], Iterator[None]]:
    return _patched(
        (HpcNode, "drained", property(lambda node: node.drain_reason is not None)),
        (KubernetesNode, "emptied", property(lambda node: node.closed_by is not None)),
    )


def _unknown() -> Callable[[], Iterator[None]]:
    learn = stepping.learn

    def takes_for_refused(handover: Handover, act, outcome: Outcome, now_s: int) -> Handover:
        return learn(handover, act, Outcome.REFUSED if outcome is Outcome.UNKNOWN else outcome, now_s)

    return _patched((tending, "learn", takes_for_refused))


def _vanished() -> Callable[[], Iterator[None]]:
    return _patched((safety, "vanished", lambda side, before, now: None))


def _health() -> Callable[[], Iterator[None]]:
    def joins(handover: Handover, kubernetes: KubernetesNode, now_s: int, rules: object) -> Seen:
        return Seen.NEW_OPEN if kubernetes.open else Seen.NEW_OPENING

    gate = (looking, "fit", lambda handover, node, now_s, ready_s: True)
    return _patched(gate, (looking, "_joining", joins))


def _fence() -> Callable[[], Iterator[None]]:
    return _patched((stepping, "_fence", lambda node, mark, rules: ()))


RULES: dict[str, Rule] = {
    "settle": Rule(_settle(), (Fault.SLURM_CRASH,), ("I1", "I2")),
    "look again": Rule(_look_again(), (Fault.SLURM_CRASH,), ("I1", "I2")),
    "ownership mark": Rule(_ownership(), (Fault.ADMIN_DRAIN, Fault.ADMIN_RESERVE), ("I4",)),
    "precondition": Rule(_precondition(), (Fault.KUBE_LATE, Fault.LEASE_CUT), ("I1", "I2", "I6")),
    "lease margin": Rule(_margin(), (Fault.HPC_SLOW, Fault.LEASE_CUT), ("I6",)),
    "computed drained": Rule(_computed_drained(), (Fault.WAKE,), ("I2",)),
    "unknown is not failed": Rule(_unknown(), (Fault.HPC_LATE, Fault.PERSON_PAUSES), ("I1", "I2")),
    "vanished is not zero": Rule(_vanished(), (Fault.SLURM_EMPTY,), ("I8",)),
    "fence": Rule(_fence(), (Fault.LATE_BIND,), ("I2",)),
    "health gate": Rule(_health(), (Fault.LESS_HPC, Fault.LESS_KUBE), ("health",)),
}


def plan_for(rule: Rule, seed: int) -> Plan:
    """A world in which little goes wrong but what the rule is there for, often."""
    dice = random.Random(seed)
    span_s = 3600
    events = []
    for _ in range(80):
        fault = dice.choice(rule.faults)
        low, high = AMOUNTS.get(fault, (0, 0))
        events.append(Event(dice.randrange(60, span_s), fault, dice.randrange(1000), dice.randint(low, high)))
    nodes = dice.choice((6, 16))
    return Plan(
        seed=seed,
        nodes=nodes,
        processes=2,
        span_s=span_s,
        every_s=30,
        at_once=nodes,
        per_hour=5000,
        floor=0,
        evict=False,
        hook=False,
        reserve_ahead=False,
        deadline_s=300,
        settle_s=6,
        events=tuple(sorted(events, key=lambda event: event.at_s)),
    )


def first_violation(rule: Rule, seeds: range, *, off: bool) -> tuple[int, Violation] | None:
    """The first seed whose world breaks an invariant, with the rule switched off or not."""
    for seed in seeds:
        try:
            if off:
                with rule.off():
                    World(plan_for(rule, seed)).run()
            else:
                World(plan_for(rule, seed)).run()
        except Violation as violation:
            return seed, violation
    return None
