"""Which flavours of a ClusterQueue a Workload that waits could be given, and the nodes that these stand for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from connectors.kube.demand.kueue_limits import Key, Limits
from connectors.kube.demand.need import Place, Request
from connectors.kube.demand.place import kept_off
from connectors.kube.wire.kueue_queues import ClusterQueue, ResourceFlavor, ResourceGroup
from connectors.kube.wire.meta import Metadata
from connectors.kube.wire.nodes import Node, NodeSpec
from connectors.kube.wire.pods import NodeSelector, SelectorTerm, Toleration

Flavors = Mapping[str, ResourceFlavor]  # by name
Given = Mapping[str, str]  # flavour by resource
_ASKS = "asks for"  # how a reason begins that a larger quota would do away with


@dataclass(frozen=True, slots=True)
class Asked:
    """A pod set as its queue looks at it: its name, where its pods may run, what all of them ask for together."""

    name: str
    place: Place
    total: Request


@dataclass(frozen=True, slots=True)
class Choice:
    """Flavours by pod set and resource, or ``why`` there are none for ever; ``by_quota`` is whether a larger quota
    would help."""

    given: Mapping[str, Given]
    why: str = ""
    by_quota: bool = False


def chosen(
    asked: Sequence[Asked], queue: ClusterQueue, flavors: Flavors, limits: Limits, preferred: Iterable[str]
) -> Choice:
    """The flavours that a Workload could be given if nobody else used any quota.

    Of several the first of ``preferred`` that will do, then the first in the queue's own order. A resource that the
    queue has no quota for keeps nobody out here: Kueue may be told to pass over it, and says so itself if not.
    """
    used: Counter[Key] = Counter()
    given: dict[str, dict[str, str]] = {}
    for one in asked:
        mine = given.setdefault(one.name, {})
        for group in queue.spec.resource_groups or ():
            covered = {name: one.total[name] for name in group.covered_resources or () if one.total.get(name)}
            if not covered:
                continue
            room = _Room(queue.metadata.name, limits, used)
            flavor, why = _first(one.place, covered, group, flavors, room, preferred)
            if flavor is None:
                return Choice({}, f"{why} in the ClusterQueue {queue.metadata.name}", _ASKS in why)
            for name, amount in covered.items():
                used[flavor, name] += amount
                mine[name] = flavor
    return Choice(given)


def placed(place: Place, names: Iterable[str], flavors: Flavors) -> Place:
    """The place with the labels of its flavours' nodes, bearing the taints that these have."""
    selector = dict(place.selector)
    tolerations = list(place.tolerations)
    for flavor in (flavors[name] for name in dict.fromkeys(names) if name in flavors):
        selector.update(flavor.spec.node_labels or {})
        tolerations += flavor.spec.tolerations or ()
        tolerations += (
            Toleration(taint.key, "Equal", taint.value, taint.effect) for taint in flavor.spec.node_taints or ()
        )
    return Place(tuple(sorted(selector.items())), place.affinity, tuple(dict.fromkeys(tolerations)))


@dataclass(frozen=True, slots=True)
class _Room:
    """What a queue could use, and what other pod sets of the same Workload have been given of it."""

    queue: str
    limits: Limits
    used: Mapping[Key, int]

    def lacks(self, flavor: str, covered: Request) -> str:
        """What of it does not fit, in words."""
        for name, wanted in covered.items():
            most = self.limits.most(self.queue, flavor, name) - self.used.get((flavor, name), 0)
            if wanted > most:
                return f"{_ASKS} {_shown(name, wanted)} {name} of at most {_shown(name, max(0, most))} in {flavor}"
        return ""


def _first(
    place: Place, covered: Request, group: ResourceGroup, flavors: Flavors, room: _Room, preferred: Iterable[str]
) -> tuple[str | None, str]:
    names = [flavor.name for flavor in group.flavors or ()]
    keys = {key for name in names if name in flavors for key in flavors[name].spec.node_labels or {}}
    whys: list[str] = []
    for name in sorted(names, key=lambda name: name not in set(preferred)):
        why = _mismatch(place, flavors.get(name), keys) or room.lacks(name, covered)
        if not why:
            return name, ""
        whys.append(why if _ASKS in why else f"{name}: {why}")
    return None, "; ".join(whys) or "has no flavour"


def _mismatch(place: Place, flavor: ResourceFlavor | None, keys: set[str]) -> str:
    """Why pods may not run on the flavour's nodes: Kueue looks at labels that some flavour of the group has, at no
    others."""
    if flavor is None:
        return "no such flavour"
    looked_at = Place(
        tuple(pair for pair in place.selector if pair[0] in keys),
        _bounded(place.affinity, keys),
        (*place.tolerations, *(flavor.spec.tolerations or ())),
    )
    labels = dict(flavor.spec.node_labels or {})
    return kept_off(looked_at, Node(Metadata(labels=labels), NodeSpec(flavor.spec.node_taints)))


def _bounded(affinity: NodeSelector | None, keys: set[str]) -> NodeSelector | None:
    """The affinity as far as it speaks of these labels; a term that speaks of none of them holds anywhere."""
    terms = affinity.node_selector_terms if affinity is not None else None
    kept: list[SelectorTerm] = []
    for term in terms or ():
        expressions = tuple(one for one in term.match_expressions or () if one.key in keys)
        if not expressions:
            return None
        kept.append(msgspec.structs.replace(term, match_expressions=expressions, match_fields=None))
    return NodeSelector(tuple(kept)) if kept else None


def _shown(resource: str, amount: int) -> str:
    return f"{amount / 1000:g}" if resource == "cpu" else str(amount)
