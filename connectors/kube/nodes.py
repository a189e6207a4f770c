"""A node and the pods on it, as ``models`` has words for them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.kube.demand.need import NOTHING, Request
from connectors.kube.demand.node_pods import BY_WORD, NodeOwners
from connectors.kube.demand.requests import CPU, MEMORY, offered
from connectors.kube.leaving import is_bare, leaving, stays
from connectors.kube.names import HPC, MARK, NO_EXECUTE, NO_SCHEDULE, PREFER_NOT, RECORD, SIDE
from connectors.kube.node_devices import gpus_in, is_gpu
from connectors.kube.owners_of_nodes import managed_by
from connectors.kube.wire.meta import condition
from connectors.kube.wire.nodes import Node
from connectors.kube.wire.pods import Pod
from models.handovers import MARK_PREFIX
from models.nodes import KubernetesNode, NodeShape
from models.policies import Evict

_CLOSING = (NO_SCHEDULE, NO_EXECUTE)
_TOLD_BY_READY = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_LEAVING = (  # conditions by which others say that they take the node down (1.37, NodeLifecycleConditions)
    "GracefulNodeShutdownInProgress",
    "DrainInProgress",
    "Drained",
    "MaintenancePlanned",
    "MaintenanceInProgress",
)
MIB = 2**20
NEAR = 0.95  # of what its like offer: processors and memory of two nodes of one kind differ a little


@dataclass(frozen=True, slots=True)
class Rules:
    """What the policy says of the pool's nodes: the keys of taints that they always have, which pods may be asked to
    leave."""

    taints: frozenset[str] = frozenset()
    evict: Evict = Evict.NEVER


def node_of(
    name: str,
    node: Node,
    pods: Iterable[Pod],
    rules: Rules,
    *,
    owners: NodeOwners = BY_WORD,
    ready_since_s: int | None = None,
    devices: Request | None = NOTHING,
    held: int = 0,
) -> KubernetesNode:
    """The node under its name in the HPC scheduler. ``owners`` are those whose pods belong to nodes. ``devices`` are
    those that kubelet does not tell of, None where not all of them are known; ``held`` claims hold some of them for
    nobody, and each counts as a pod that stays."""
    annotations = node.metadata.annotations or {}
    taints = node.spec.taints or ()
    ours = [taint for taint in taints if taint.key == SIDE]
    there = leaving(pods, owners)
    theirs = closed_by_others(node, rules.taints)
    return KubernetesNode(
        name=name,
        closed_by=closed_by(node),
        discouraged=is_discouraged(node),
        pods=len(there) + held,
        ready=is_ready(node),
        cordoned=bool(theirs),
        ready_since_s=ready_since_s,
        offers=offers_of(node, devices),
        version=node.metadata.resource_version,
        uid=node.metadata.uid,
        record=annotations.get(RECORD),
        managed_by=managed_by(node),
        fenced=any(taint.effect == NO_EXECUTE and taint.value == HPC for taint in ours),
        bare=sum(map(is_bare, there)),
        staying=sum(bool(stays(pod, rules.evict)) for pod in there) + held,
        cordoned_by=theirs,
    )


def closed_by(node: Node) -> str | None:
    """Whose closing it is: the mark that we leave beside the taint; of a person's taint its value, also beside ours,
    as we must not take it off with ours."""
    ours = [taint for taint in node.spec.taints or () if taint.key == SIDE and taint.effect in _CLOSING]
    if not ours:
        return None
    theirs = next((taint for taint in ours if taint.value != HPC), None)
    if theirs is not None:
        return theirs.value or "a taint without a value"
    return (node.metadata.annotations or {}).get(MARK, f"{MARK_PREFIX}{HPC}")


def is_discouraged(node: Node) -> bool:
    """Whether new pods prefer other nodes by our taint."""
    return any(taint.key == SIDE and taint.effect == PREFER_NOT for taint in node.spec.taints or ())


def is_ready(node: Node) -> bool:
    """Whether kubelet says so, and its word is not too old for the controller manager."""
    ready = condition(node.status.conditions, "Ready")
    return ready is not None and ready.status == "True"


def closed_by_others(node: Node, usual: frozenset[str]) -> str:
    """What others have closed the node with, in words; empty when nothing."""
    found = ["cordoned"] if node.spec.unschedulable else []
    for taint in node.spec.taints or ():
        known = taint.key in usual or taint.key == SIDE or taint.key in _TOLD_BY_READY
        implied = node.spec.unschedulable and taint.key == "node.kubernetes.io/unschedulable"
        if taint.effect in _CLOSING and not known and not implied:
            found.append(f"taint {taint.key}")
    for kind in _LEAVING:
        told = condition(node.status.conditions, kind)
        if told is not None and told.status == "True":
            found.append(f"condition {kind}")
    return ", ".join(found)


def offers_of(node: Node, devices: Request | None = NOTHING) -> NodeShape | None:
    """What the node offers to pods; None where that is not told."""
    try:
        amounts = offered(node.status.allocatable)
        gpus = sum(amount for name, amount in amounts.items() if is_gpu(name))
        if not gpus:
            if devices is None:
                return None
            gpus = gpus_in(devices)
        return NodeShape(amounts.get(CPU, 0), amounts.get(MEMORY, 0) // MIB, gpus * 1000)
    except ValueError:
        return None


def is_extended(resource: str) -> bool:
    """Whether a device plug-in or an administrator offers it, rather than kubelet itself."""
    return "/" in resource and "kubernetes.io/" not in resource


def amounts_of(node: Node, devices: Request | None = NOTHING) -> Mapping[str, int]:
    """What the node offers of what its like can be measured by: cpu in milli, memory in bytes, the extended resources
    and devices in pieces; nothing where that cannot be read."""
    try:
        amounts = offered(node.status.allocatable)
    except ValueError:
        return {}
    told = {name: amount for name, amount in amounts.items() if name in (CPU, MEMORY) or is_extended(name)}
    return {**devices, **told} if devices else told


def usual_offers(nodes: Iterable[Node]) -> Mapping[str, int]:
    """What most of some nodes offer, by resource."""
    return usual_amounts([amounts_of(node) for node in nodes])


def usual_amounts(offers: Sequence[Mapping[str, int]]) -> Mapping[str, int]:
    """What most of some nodes offer, from what each does."""
    counts: dict[str, Counter[int]] = {}
    for amounts in offers:
        for name, amount in amounts.items():
            counts.setdefault(name, Counter())[amount] += 1
    most = {name: max(amounts, key=lambda one: (amounts[one], one)) for name, amounts in counts.items()}
    return {name: amount for name, amount in most.items() if counts[name].total() * 2 > len(offers)}


def lacking(amounts: Mapping[str, int], usual: Mapping[str, int]) -> str:
    """What a node offers less of than its like, in words; empty when nothing."""
    found = []
    for name, amount in sorted(usual.items()):
        least = amount * NEAR if name in (CPU, MEMORY) else amount
        if amounts.get(name, 0) < least:
            found.append(f"{amounts.get(name, 0)} of {amount} {name}")
    return ", ".join(found)
