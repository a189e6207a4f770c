"""What a node of a pool usually offers to pods, and what the pods of DaemonSets take of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from connectors.kube.demand.need import NOTHING, Request
from connectors.kube.demand.place import FORBIDDING, SIDE
from connectors.kube.demand.requests import MEMORY, PODS, added, interned, offered
from connectors.kube.wire.meta import condition
from connectors.kube.wire.nodes import Node

VARYING = frozenset((MEMORY, "ephemeral-storage"))  # what no two nodes have quite as much of
ALIKE = 0.95  # nodes are alike that differ by no more


def offers_of(node: Node, devices: Mapping[str, Request | None]) -> Request | None:
    """What the node offers: what kubelet tells, and devices that it does not tell of. None where that is not known."""
    try:
        told = offered(node.status.allocatable)
    except ValueError:
        return None
    there = devices.get(node.metadata.name, NOTHING)
    if there is None:
        return None
    more = {name: amount for name, amount in there.items() if name not in told}
    return added((told, more)) if more else told


def at_work(node: Node) -> bool:
    """Whether pods may start on the node: what it offers then is all that it has."""
    ready = condition(node.status.conditions, "Ready")
    ours = any(taint.key == SIDE and taint.effect in FORBIDDING for taint in node.spec.taints or ())
    closed = node.spec.unschedulable or ours
    return not closed and ready is not None and ready.status == "True"


def usual_offer(offers: Iterable[tuple[Request, bool]]) -> Request:
    """What most nodes offer, from what each does and whether it is at work.

    Each resource is taken by itself. Of cpu and of all that is counted in pieces, it is what most nodes have. A node
    that is not at work and has nothing of a resource says nothing of it: what makes it known may be missing there.
    Memory and storage differ from node to node: of nodes that have about as much as the middle one, what the least has.
    """
    kinds = _counted(offers)
    names = sorted({name for offer, _, _ in kinds for name in offer})
    found: dict[str, int] = {}
    for name in names:
        amounts: Counter[int] = Counter()
        for offer, works, count in kinds:
            amount = offer.get(name, 0)
            if amount or works:
                amounts[amount] += count
        found[name] = _about(amounts) if name in VARYING else max(amounts, key=lambda one: (amounts[one], one))
    return _interned({name: amount for name, amount in found.items() if amount})


def _counted(offers: Iterable[tuple[Request, bool]]) -> list[tuple[Request, bool, int]]:
    """How many nodes offer the same; an offer is the same object where it is equal, as a rule."""
    found: dict[tuple[int, bool], tuple[Request, bool]] = {}
    counts: Counter[tuple[int, bool]] = Counter()
    for offer, works in offers:
        key = id(offer), works
        found.setdefault(key, (offer, works))
        counts[key] += 1
    return [(*found[key], count) for key, count in counts.items()]


def _about(amounts: Counter[int]) -> int:
    """The least amount that is within ALIKE of the middle one."""
    half, passed = (amounts.total() + 1) // 2, 0
    for amount in sorted(amounts):
        passed += amounts[amount]
        if passed >= half:
            return min(one for one in amounts if one >= amount * ALIKE)
    return 0


def _interned(amounts: Mapping[str, int]) -> Request:
    return interned(tuple(sorted(amounts.items())))


def taken_by_daemons(pods: Iterable[tuple[str, str, Request]]) -> Request:
    """What DaemonSets take of a node, from the node, owner and request of each of their pods.

    A DaemonSet counts that is on at least half of the nodes that have any, with the most that one of its pods asks for.
    """
    where: dict[str, set[str]] = {}
    most: dict[str, dict[str, int]] = {}
    for node, owner, request in pods:
        where.setdefault(owner, set()).add(node)
        its = most.setdefault(owner, {})
        for name, amount in request.items():
            if amount > its.get(name, 0):
                its[name] = amount
    nodes = len(set().union(*where.values()))
    counted = [owner for owner, there in where.items() if 2 * len(there) >= nodes]
    return added([*(most[owner] for owner in counted), {PODS: len(counted)}])


def less(offer: Request, taken: Iterable[Request]) -> Request:
    """What is left of an offer."""
    left = dict(offer)
    for request in taken:
        for name, amount in request.items():
            if name in left:
                left[name] = max(0, left[name] - amount)
    return _interned(left)
