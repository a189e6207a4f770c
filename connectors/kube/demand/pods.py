"""Which pods are demand and how: what each asks for, where it may run, whether it waits for a node or for something
else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import msgspec

from connectors.kube.demand.claims import NO_DEVICES, Devices, claimed_by, renamed
from connectors.kube.demand.instants import unix_s
from connectors.kube.demand.need import ANYWHERE, NOTHING, Held, Place, Request
from connectors.kube.demand.node_pods import BY_WORD, NodeOwners, belongs_to_node
from connectors.kube.demand.place import names_nodes, place_of, tolerates_us
from connectors.kube.demand.requests import added, request_of
from connectors.kube.wire.meta import condition
from connectors.kube.wire.pods import Pod

HOST_PORT = "hostport/"  # a port of the node's counts as a resource, of which every node has one
NO_VOLUME = ("unbound immediate PersistentVolumeClaims", "persistentvolumeclaim")  # in kube-scheduler's message
LOOKED_AT = frozenset(("Unschedulable", "Schedulable", "Undetermined"))  # reasons that nodes could mend; also Volcano's

unix_s_kept = lru_cache(16384)(unix_s)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a policy says of pods.

    ``ignore_priority_below`` is the priority below which pods are headroom; ``default_request`` what a pod counts as
    that asks for nothing, None where such pods are not counted. ``fresh_s`` is how long a pod may wait without a word
    of its scheduler and still be demand. ``yielding`` is whether a pod that waits is no need while every pod that runs
    in the pool is of a higher priority and could preempt it. ``owners`` are those that are seen to have pods there for
    their nodes.
    """

    ignore_priority_below: int = 0
    default_request: Request | None = None
    fresh_s: int = 30
    yielding: bool = False
    owners: NodeOwners = BY_WORD


class Group(Protocol):
    """The piece of work that a pod belongs to.

    ``together`` is whether its pods start all at once or none; ``held`` is why none of them is demand, whatever they
    say themselves, and ``why`` that in words. ``told`` is whether somebody else tells of this pod already.
    """

    @property
    def id(self) -> str:
        """By which needs name it, too."""
        ...

    @property
    def together(self) -> bool:
        """See the class."""
        ...

    @property
    def queue(self) -> str:
        """The queue that it waits in, if it is in one."""
        ...

    @property
    def held(self) -> Held | None:
        """See the class."""
        ...

    @property
    def why(self) -> str:
        """See the class."""
        ...

    @property
    def told(self) -> bool:
        """See the class."""
        ...


GroupOf = Callable[[Pod], Group]


class Alone(msgspec.Struct, frozen=True, gc=False):
    """A piece of work whose pods start one by one: a Group."""

    id: str
    together: bool = False
    queue: str = ""
    held: Held | None = None
    why: str = ""
    told: bool = False


def group_by_controller(pod: Pod) -> Group:
    """The piece of work where nothing is known of owners but what the pod says: its controller, else the pod."""
    owner = pod.metadata.controller
    return Alone(pod.metadata.uid if owner is None else owner.uid)


class PodFacts(msgspec.Struct, frozen=True, gc=False):
    """A pod, as far as demand goes; worked out once for each version of it.

    ``node`` is the node that it has, "" while it waits. ``counts`` is whether it is demand, held or running: no part of
    it are pods that have ended or are being deleted without a node, and those that belong to their node. ``held`` is
    why it waits for something else than a node. ``looked`` is whether its scheduler has looked at it.
    """

    pod: Pod
    node: str
    counts: bool
    daemon: bool
    request: Request
    place: Place
    created_s: int
    started_s: int
    limit_s: int | None
    priority: int
    preempts: bool
    held: Held | None = None
    why: str = ""
    looked: bool = True


def facts_of(pod: Pod, rules: Rules, devices: Devices = NO_DEVICES) -> PodFacts:
    """The pod as far as demand goes."""
    meta, spec = pod.metadata, pod.spec
    node = spec.node_name or ""
    priority = spec.priority or 0
    daemon = belongs_to_node(pod, rules.owners)
    gone = pod.ended or (not node and meta.deletion_timestamp is not None)
    created_s = unix_s_kept(meta.creation_timestamp) or 0
    started_s = unix_s_kept(pod.status.start_time) or created_s
    facts = PodFacts(
        pod=pod,
        node="" if pod.ended else node,
        counts=not daemon and not gone,
        daemon=daemon and not gone,
        request=NOTHING,
        place=ANYWHERE,
        created_s=created_s,
        started_s=max(started_s, created_s),
        limit_s=spec.active_deadline_seconds,
        priority=priority,
        preempts=spec.preemption_policy != "Never",
    )
    return facts if gone else _asking(facts, rules, devices)


def _asking(facts: PodFacts, rules: Rules, devices: Devices) -> PodFacts:
    """The same, with what it asks for, and what it waits for if not for a node."""
    pod = facts.pod
    claimed = claimed_by(pod, devices)
    try:
        request = added((renamed(request_of(pod), devices.classes), claimed.request))
        unread = ""
    except ValueError as error:
        request, unread = NOTHING, str(error)
    empty = not request
    if empty and rules.default_request is not None and not facts.daemon:
        request = rules.default_request
    changed = msgspec.structs.replace(facts, request=request)
    if facts.daemon or facts.node:
        low = facts.priority < rules.ignore_priority_below
        return msgspec.structs.replace(changed, counts=facts.counts and not low)
    changed = msgspec.structs.replace(changed, request=_with_ports(pod, request), place=place_of(pod.spec))
    why = unread or claimed.why or _why_impossible(changed)
    held, why = _held(changed, rules, why, empty=empty)
    scheduled = condition(pod.status.conditions, "PodScheduled")
    return msgspec.structs.replace(changed, held=held, why=why, looked=scheduled is not None)


def _held(facts: PodFacts, rules: Rules, impossible: str, *, empty: bool) -> tuple[Held | None, str]:
    """Why it is no demand, and that in words."""
    gates = facts.pod.spec.scheduling_gates
    if gates:
        return Held.BY_GATE, f"the scheduling gate {gates[0].name}"
    if facts.priority < rules.ignore_priority_below:
        return Held.LOW_PRIORITY, f"its priority of {facts.priority} is below {rules.ignore_priority_below}"
    if impossible:
        return Held.IMPOSSIBLE, impossible
    if empty and rules.default_request is None:
        return Held.INVISIBLE, "it asks for nothing"
    return None, ""


def _why_impossible(facts: PodFacts) -> str:
    """Why no node that moves could help, as far as the pod itself tells; "" if one could."""
    if names_nodes(facts.place):
        return "it wants certain nodes by name"
    if tolerates_us(facts.place):
        return "it tolerates our taint: no move opens a node to it that was closed before"
    scheduled = condition(facts.pod.status.conditions, "PodScheduled")
    if scheduled is None or facts.pod.status.nominated_node_name:
        return ""
    message = scheduled.message or ""
    if any(text in message for text in NO_VOLUME):
        return f"a volume is not there: {message[:200]}"
    if scheduled.reason and scheduled.reason not in LOOKED_AT:
        return f"its scheduler says {scheduled.reason}: {message[:200]}"
    return ""


def _with_ports(pod: Pod, request: Request) -> Request:
    """With the ports of the node that it takes: two pods with the same one cannot share a node."""
    ports = {
        f"{HOST_PORT}{port.host_port}/{port.protocol or 'TCP'}": 1
        for container in (*(pod.spec.containers or ()), *(pod.spec.init_containers or ()))
        for port in container.ports or ()
        if port.host_port
    }
    return added((request, ports)) if ports else request


def held_now(facts: PodFacts, rules: Rules, now_s: int) -> tuple[Held | None, str]:
    """Why a pod without a node is no demand at ``now_s``, and that in words: None if it is demand."""
    if facts.held is None and not facts.looked and now_s - facts.created_s > rules.fresh_s:
        return Held.IMPOSSIBLE, f"no scheduler has looked at it in {rules.fresh_s} s"
    return facts.held, facts.why
