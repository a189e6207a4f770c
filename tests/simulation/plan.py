"""A plan: everything that makes one world, drawn from one seed. It can be cut down to fewer faults and run again."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from enum import StrEnum


class Fault(StrEnum):
    """What can go wrong. The comment says what ``amount`` is; ``target`` is a node or a process."""

    CRASH = "crash"  # a process ends at its amount-th crash point from now
    PAUSE = "pause"  # a process stands still at its next crash point for amount seconds
    SLURM_CRASH = "slurm-crash"  # the HPC scheduler is killed, forgets its last seconds, is back after amount seconds
    SLURM_EMPTY = "slurm-empty"  # the same, and it comes back without any state: no drains, no jobs
    SLURM_HANG = "slurm-hang"  # it hangs for amount seconds and then does what it was asked
    HPC_TIMEOUT = "hpc-timeout"  # the next amount writes to it time out; some happen
    HPC_LATE = "hpc-late"  # the next write to it is given up, and happens amount seconds later
    HPC_SLOW = "hpc-slow"  # the next write to it takes amount seconds to be done
    KUBE_TIMEOUT = "kube-timeout"
    KUBE_SLOW = "kube-slow"
    KUBE_LATE = "kube-late"
    KUBE_DOWN = "kube-down"  # the API server is away for amount seconds
    STALE = "stale"  # a process sees both sides amount seconds late, for a minute
    OLD_LIST = "old-list"  # its lists of nodes are amount seconds old, for two minutes
    ADMIN_DRAIN = "admin-drain"  # a person drains a node for a reason of their own, whatever it was drained for
    ADMIN_UNDRAIN = "admin-undrain"  # a person undrains a node, whoever drained it
    ADMIN_CORDON = "admin-cordon"
    ADMIN_UNTAINT = "admin-untaint"  # a person removes our taint
    ADMIN_RESERVE = "admin-reserve"
    NODE_ANEW = "node-anew"  # the Kubernetes node is deleted and made anew, without taint and record
    NODE_DEATH = "node-death"  # a node dies on both sides for amount seconds
    LESS_HPC = "less-hpc"  # a node registers with fewer GPUs in the HPC scheduler from now on
    LESS_KUBE = "less-kube"
    LEASE_CUT = "lease-cut"  # a process cannot reach the lease for amount seconds
    LEASE_TIMEOUT = "lease-timeout"  # its next amount writes of the lease time out; some happen
    LEASE_DELETED = "lease-deleted"
    CLOCK_JUMP = "clock-jump"  # the wall clock of a process's host jumps by amount seconds
    WAKE = "wake"  # a burst of amount events, late, repeated or out of order, wakes a process
    PODS_STAY = "pods-stay"  # every eviction is refused for amount seconds
    LATE_BIND = "late-bind"  # a pod for which a node was chosen comes there amount seconds later, whatever it is then
    FORGED_RECORD = "forged-record"  # somebody writes a record on a node, and takes it away after amount seconds
    LONG_POD = "long-pod"  # a pod that outlives every deadline starts somewhere
    AUDIT_FULL = "audit-full"  # the audit of a process cannot be written for amount seconds
    PERSON_PAUSES = "person-pauses"  # moves are paused for amount seconds; open ones finish or turn back


@dataclass(frozen=True, slots=True)
class Event:
    """One fault at one time."""

    at_s: int
    fault: Fault
    target: int
    amount: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One world: its size, its policy, and its faults in the order of time."""

    seed: int
    nodes: int
    processes: int
    span_s: int
    every_s: int
    at_once: int
    per_hour: int
    floor: int
    evict: bool
    hook: bool
    reserve_ahead: bool
    deadline_s: int
    events: tuple[Event, ...]
    fence: str = "pods"
    settle_s: int = 60  # on leaving Kubernetes
    loans: bool = False  # Kubernetes is dear, and now and then tells what it will want later: nodes bear dates
    takeovers: bool = False  # the HPC side takes all nodes over for some minutes, and Kubernetes after it

    def only(self, events: tuple[Event, ...]) -> Plan:
        """The same world with fewer faults."""
        return replace(self, events=events)


AMOUNTS: dict[Fault, tuple[int, int]] = {
    Fault.CRASH: (1, 60),
    Fault.PAUSE: (5, 120),
    Fault.SLURM_CRASH: (2, 60),
    Fault.SLURM_EMPTY: (2, 60),
    Fault.SLURM_HANG: (5, 90),
    Fault.HPC_TIMEOUT: (1, 4),
    Fault.HPC_LATE: (1, 25),
    Fault.HPC_SLOW: (1, 9),
    Fault.KUBE_TIMEOUT: (1, 4),
    Fault.KUBE_SLOW: (1, 9),
    Fault.KUBE_LATE: (1, 120),
    Fault.KUBE_DOWN: (5, 90),
    Fault.STALE: (1, 3),
    Fault.OLD_LIST: (10, 300),
    Fault.NODE_DEATH: (30, 900),
    Fault.LEASE_CUT: (5, 120),
    Fault.LEASE_TIMEOUT: (1, 4),
    Fault.CLOCK_JUMP: (-900, 900),
    Fault.WAKE: (1, 8),
    Fault.PODS_STAY: (60, 1200),
    Fault.LATE_BIND: (1, 600),
    Fault.FORGED_RECORD: (5, 300),
    Fault.AUDIT_FULL: (10, 120),
    Fault.PERSON_PAUSES: (30, 400),
}


def plan_of(seed: int) -> Plan:
    """The plan of a seed: a few kinds of fault each, so that each also happens without the noise of all others."""
    dice = random.Random(seed)
    span_s = dice.choice((1800, 3600, 5400))
    kinds = dice.sample(list(Fault), dice.choice((1, 2, 3, 5, 8, len(Fault))))
    count = dice.choice((2, 6, 15, 40)) * span_s // 1800
    events = []
    for _ in range(count):
        fault = dice.choice(kinds)
        low, high = AMOUNTS.get(fault, (0, 0))
        events.append(Event(dice.randrange(60, span_s), fault, dice.randrange(1000), dice.randint(low, high)))
    nodes = dice.choice((6, 16, 32, 64))
    plan = Plan(
        seed=seed,
        nodes=nodes,
        processes=dice.choice((1, 2, 2)),
        span_s=span_s,
        every_s=dice.choice((30, 60)),
        at_once=dice.choice((nodes // 4, nodes // 2, nodes)),
        per_hour=dice.choice((nodes * 3, 5000, 5000, 5000)),
        floor=dice.choice((0, 0, 1, 2)),
        evict=dice.random() < 0.3,
        hook=dice.random() < 0.2,
        reserve_ahead=dice.random() < 0.3,
        deadline_s=dice.choice((120, 300, 600)),
        events=tuple(sorted(events, key=lambda event: event.at_s)),
    )
    if dice.random() < 0.7:
        return replace(plan, loans=dice.random() < 0.4)
    return replace(plan, takeovers=True)
