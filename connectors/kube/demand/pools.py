"""Pools as demand sees them: which nodes, what one of them has for pods, which kinds of nodes there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from connectors.kube.demand.need import Request
from connectors.kube.demand.place import Candidates, Signature, kept_off, place_of, signature
from connectors.kube.demand.requests import interned, template_request
from connectors.kube.demand.shapes import at_work, less, offers_of, taken_by_daemons, usual_offer
from connectors.kube.wire.daemonsets import DaemonSet
from connectors.kube.wire.nodes import Node

Daemons = Iterable[tuple[str, str, Request]]


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool of the policy: its nodes by the names that Kubernetes has for them, and the most that the policy can ever
    give Kubernetes of them."""

    name: str
    nodes: frozenset[str]
    nodes_max: int


@dataclass(frozen=True, slots=True)
class SeenPool:
    """A pool as Kubernetes shows it. ``shape`` is what a node usually has for pods that are there for no node of their
    own; empty where no node tells what it offers. ``kinds`` and ``names`` are what decides which pods may run there."""

    pool: Pool
    candidates: Candidates
    shape: Request
    kinds: frozenset[int]
    names: frozenset[str]


class KnownNode(msgspec.Struct, frozen=True, gc=False):
    """What a node came to: while it is the same, it is not worked out again."""

    node: Node
    devices: Request | None
    offer: Request | None
    works: bool
    kind: int


@dataclass(slots=True)
class KnownNodes:
    """Nodes by name as they were last, and their kinds by number."""

    nodes: dict[str, KnownNode] = field(default_factory=dict)
    kinds: dict[Signature, int] = field(default_factory=dict)
    numbered: int = 0

    def of(self, node: Node, devices: Mapping[str, Request | None]) -> KnownNode:
        """The node, worked out anew only if it is another."""
        name = node.metadata.name
        there = devices.get(name, _NONE)
        known = self.nodes.get(name)
        if known is None or known.node is not node or known.devices is not there:
            kind = self._kind(signature(node))
            known = KnownNode(node, there, offers_of(node, devices), at_work(node), kind)
            self.nodes[name] = known
        return known

    def _kind(self, what: Signature) -> int:
        """The number of the kind, which no other kind has or had."""
        if what not in self.kinds:
            self.numbered += 1
            self.kinds[what] = self.numbered
        return self.kinds[what]

    def keep(self, nodes: Mapping[str, Node]) -> None:
        """Forget nodes that are gone, and their kinds once there are many."""
        if len(self.nodes) > len(nodes):
            self.nodes = {name: known for name, known in self.nodes.items() if name in nodes}
        if len(self.kinds) > 2 * len(nodes) + 100:
            self.nodes.clear()
            self.kinds.clear()


_NONE = interned(())


def seen_pool(
    pool: Pool,
    nodes: Mapping[str, Node],
    devices: Mapping[str, Request | None],
    daemons: Daemons,
    daemon_sets: Iterable[DaemonSet],
    known: KnownNodes,
) -> SeenPool:
    """The pool as it is. ``daemons`` are node, owner and request of each DaemonSet's pod on it; where there is none,
    what ``daemon_sets`` select its nodes counts."""
    present = [known.of(node, devices) for name in sorted(pool.nodes) if (node := nodes.get(name)) is not None]
    kinds: dict[int, Node] = {}
    for one in present:
        kinds.setdefault(one.kind, one.node)
    offer = usual_offer((one.offer, one.works) for one in present if one.offer is not None)
    pods = list(daemons) or list(_selecting(daemon_sets, kinds.values()))
    candidates = Candidates(pool.name, tuple(one.node for one in present), tuple(kinds.values()))
    shape = less(offer, [taken_by_daemons(pods)])
    return SeenPool(pool, candidates, shape, frozenset(kinds), frozenset(one.node.metadata.name for one in present))


def _selecting(daemon_sets: Iterable[DaemonSet], nodes: Iterable[Node]) -> Iterator[tuple[str, str, Request]]:
    nodes = list(nodes)
    for one in daemon_sets:
        spec = one.spec.template.spec
        place = place_of(spec)
        try:
            request = template_request(spec)
        except ValueError:
            continue  # no pod can be made of it
        for node in nodes:
            if not kept_off(place, node):
                yield node.metadata.name, one.metadata.uid, request
