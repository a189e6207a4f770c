"""What Kueue's quota looks like against the nodes of a flavor: all of them, those that are open today, or neither."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from connectors.kube.demand.quantities import milli, whole
from connectors.kube.demand.requests import CPU, MEMORY, offered
from connectors.kube.nodes import Rules, is_extended, node_of, usual_offers
from connectors.kube.wire.kueue_queues import ClusterQueue, FlavorQuotas, Quantity, ResourceFlavor, ResourceQuota
from connectors.kube.wire.nodes import Node

NEAR = 0.05  # of the larger: two nodes of one kind differ a little
FOLLOWS, FIXED, NONE = "follows", "fixed", "none"


@dataclass(frozen=True, slots=True)
class Looks:
    """``words`` are those of the policy that the quota looks like: two where that cannot be told apart. The amounts are
    of one ``resource``, cpu in milli."""

    words: tuple[str, ...]
    resource: str
    quota: int
    everything: int
    today: int

    def told(self) -> str:
        """The figures for a person."""
        unit = 1000 if self.resource == CPU else 2**30 if self.resource == MEMORY else 1
        quota, everything, today = (f"{amount / unit:g}" for amount in (self.quota, self.everything, self.today))
        name = f"{self.resource} in GiB" if self.resource == MEMORY else self.resource
        return f"{name}: quota {quota}, all nodes {everything}, those that are open {today}"


def quotas_in(queue: ClusterQueue, flavor: str) -> Iterator[ResourceQuota]:
    """The quotas of a flavor in a queue."""
    return (one for each in flavors_of(queue) if each.name == flavor for one in each.resources or ())


def flavors_of(queue: ClusterQueue) -> Iterator[FlavorQuotas]:
    """The flavors of a queue."""
    return (flavor for group in queue.spec.resource_groups or () for flavor in group.flavors or ())


def chooses(flavor: ResourceFlavor, node: Node) -> bool:
    """Whether the node is of the flavor, by its labels."""
    labels = node.metadata.labels or {}
    return all(labels.get(key) == value for key, value in (flavor.spec.node_labels or {}).items())


def looks(flavor: ResourceFlavor, queues: Iterable[ClusterQueue], nodes: Iterable[Node]) -> Looks | None:
    """What the quota of a flavor, all queues together, looks like; None where no resource can be compared."""
    quotas: dict[str, int] = {}
    for queue in queues:
        for one in quotas_in(queue, flavor.metadata.name):
            quotas[one.name] = quotas.get(one.name, 0) + amount(one.name, one.nominal_quota)
    here = [node for node in nodes if chooses(flavor, node)]
    usual = usual_offers([node for node in here if is_open(node)])
    for name in (CPU, MEMORY, *sorted(quotas)):
        everything = sum(offer(node, name, usual) for node in here)
        if name in quotas and everything:
            today = sum(offer(node, name, usual) for node in here if is_open(node))
            return Looks(_words(quotas[name], everything, today), name, quotas[name], everything, today)
    return None


def _words(quota: int, everything: int, today: int) -> tuple[str, ...]:
    if _near(everything, today) and _near(quota, everything):
        return (FOLLOWS, NONE)
    if _near(quota, today):
        return (FOLLOWS,)
    return (NONE,) if quota >= everything * (1 - NEAR) else (FIXED,)


def _near(one: int, other: int) -> bool:
    return abs(one - other) <= NEAR * max(one, other)


def is_open(node: Node) -> bool:
    """Whether our taint does not close it."""
    return node_of(node.metadata.name, node, (), Rules()).closed_by is None


def offer(node: Node, resource: str, usual: Mapping[str, int]) -> int:
    """What the node offers; a closed one whose devices are not there as much as is ``usual``."""
    try:
        own = offered(node.status.allocatable).get(resource, 0)
    except ValueError:
        own = 0
    return max(own, usual.get(resource, 0)) if is_extended(resource) else own


def amount(resource: str, quantity: Quantity) -> int:
    """The quantity, cpu in milli; 0 for what is none."""
    try:
        return (milli if resource == CPU else whole)(quantity)
    except ValueError:
        return 0


def least_left(quota: int, resource: str, nodes: Sequence[Node], leaving: int) -> int:
    """What is left of a quota once so many of the open nodes, the largest first, have left."""
    usual = usual_offers(nodes)
    offers = sorted((offer(node, resource, usual) for node in nodes if is_open(node)), reverse=True)
    return quota - sum(offers[:leaving])
