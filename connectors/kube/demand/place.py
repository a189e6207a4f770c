"""Where a pod may run: selectors and affinities against labels, taints against tolerations.

Source: the plug-ins NodeAffinity and TaintToleration of kube-scheduler 1.37. What passes is no property of a node: our
own taint, which a move takes away, a cordon, and the taints of a node that is not well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from connectors.kube.demand.need import Place
from connectors.kube.wire.nodes import Node, Taint
from connectors.kube.wire.pods import Expression, NodeSelector, PodSpec, SelectorTerm, Toleration

SIDE = "tidegate.dev/side"  # our taint, and the label that says who has the node
KUBERNETES = "kubernetes"  # its value on a node that pods may have
HOSTNAME = "kubernetes.io/hostname"
NAME = "metadata.name"
FORBIDDING = frozenset(("NoSchedule", "NoExecute"))
PASSING = frozenset(
    f"node.kubernetes.io/{what}"
    for what in ("not-ready", "unreachable", "unschedulable", "memory-pressure", "disk-pressure", "pid-pressure",
                 "network-unavailable")
)  # fmt: skip
Signature = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str, str], ...]]


def place_of(spec: PodSpec) -> Place:
    """Where pods of this template may run; equal places are the same object."""
    affinity = spec.affinity.node_affinity if spec.affinity else None
    return _interned(
        Place(
            selector=tuple(sorted((spec.node_selector or {}).items())),
            affinity=affinity.required_during_scheduling_ignored_during_execution if affinity else None,
            tolerations=spec.tolerations or (),
        )
    )


@lru_cache(16384)
def _interned(place: Place) -> Place:
    return place


def kept_off(place: Place, node: Node) -> str:
    """What keeps the pod off the node, in words; empty if nothing does."""
    labels = node.metadata.labels or {}
    for key, value in place.selector:
        if _label(labels, key) != value:
            return f"no label {key}={value}"
    if place.affinity is not None and not _any_term(place.affinity, labels, node.metadata.name):
        return "its node affinity does not fit"
    for taint in node.spec.taints or ():
        if _lasting(taint) and not any(tolerates(one, taint) for one in place.tolerations):
            return f"the taint {taint.key}:{taint.effect}"
    return ""


def names_nodes(place: Place) -> bool:
    """Whether the pod wants certain nodes by name, so that another one is of no use to it."""
    if any(key == HOSTNAME for key, _ in place.selector):
        return True
    terms = place.affinity.node_selector_terms if place.affinity else None
    return bool(terms) and all(map(_names_nodes, terms or ()))


def tolerates_us(place: Place) -> bool:
    """Whether the pod names our taint as one that it bears: no move opens a node to it that was closed before."""
    return any(one.key == SIDE for one in place.tolerations)


def signature(node: Node) -> Signature:
    """What of a node decides which pods may run on it, its name left out: nodes alike have equal ones."""
    labels = node.metadata.labels or {}
    kept = tuple(sorted(item for item in labels.items() if item[0] not in (HOSTNAME, SIDE)))
    taints = (taint for taint in node.spec.taints or () if _lasting(taint))
    return kept, tuple(sorted((taint.key, taint.value or "", taint.effect) for taint in taints))


@dataclass(frozen=True, slots=True)
class Candidates:
    """The nodes of a pool, and of each kind of them one."""

    name: str
    nodes: tuple[Node, ...]
    kinds: tuple[Node, ...]


def candidates(name: str, nodes: Iterable[Node]) -> Candidates:
    """The nodes of a pool, by kinds."""
    nodes = tuple(nodes)
    kinds: dict[Signature, Node] = {}
    for node in nodes:
        kinds.setdefault(signature(node), node)
    return Candidates(name, nodes, tuple(kinds.values()))


@dataclass(frozen=True, slots=True)
class Room:
    """The pools that have a node for the pod, in the order of the policy; if none has, ``why``."""

    pools: tuple[str, ...]
    why: str = ""


def pools_of(place: Place, pools: Iterable[Candidates]) -> Room:
    """The pools with at least one node that the pod may run on; without one, what keeps it off most nodes."""
    found: list[str] = []
    reasons: Counter[str] = Counter()
    by_name = _mentions_names(place)
    for pool in pools:
        for node in pool.nodes if by_name else pool.kinds:
            why = kept_off(place, node)
            if not why:
                found.append(pool.name)
                break
            reasons[why] += 1
    if found:
        return Room(tuple(found))
    if not reasons:
        return Room((), "no pool has a node")
    most = max(reasons, key=lambda why: (reasons[why], why))
    return Room((), f"no node of a pool is for it: {most}")


def _lasting(taint: Taint) -> bool:
    return taint.effect in FORBIDDING and taint.key != SIDE and taint.key not in PASSING


def _label(labels: Mapping[str, str], key: str) -> str | None:
    return KUBERNETES if key == SIDE else labels.get(key)


def _any_term(selector: NodeSelector, labels: Mapping[str, str], name: str) -> bool:
    return any(_term(term, labels, name) for term in selector.node_selector_terms or ())


def _term(term: SelectorTerm, labels: Mapping[str, str], name: str) -> bool:
    """Whether all of it holds; nothing fits a term that is empty."""
    if not term.match_expressions and not term.match_fields:
        return False
    return all(holds(one, _label(labels, one.key)) for one in term.match_expressions or ()) and all(
        holds(one, name if one.key == NAME else None) for one in term.match_fields or ()
    )


def holds(one: Expression, value: str | None) -> bool:
    """Whether a label of this value, None where there is none, fulfils the requirement."""
    values = one.values or ()
    match one.operator:
        case "In":
            return value is not None and value in values
        case "NotIn":
            return value is None or value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt":
            mine, theirs = _number(value), _number(values[0]) if len(values) == 1 else None
            if mine is None or theirs is None:
                return False
            return mine > theirs if one.operator == "Gt" else mine < theirs
        case _:
            return False


def tolerates(one: Toleration, taint: Taint) -> bool:
    """Whether it bears the taint, be it for a while only."""
    if (one.effect and one.effect != taint.effect) or (one.key and one.key != taint.key):
        return False
    match one.operator:
        case "" | "Equal":
            return (one.value or "") == (taint.value or "")
        case "Exists":
            return True
        case "Gt" | "Lt":
            mine, theirs = _number(one.value), _number(taint.value)
            if mine is None or theirs is None:
                return False
            return theirs > mine if one.operator == "Gt" else theirs < mine
        case _:
            return False


def _number(text: str | None) -> int | None:
    if not text or len(text) > 20 or not text.removeprefix("-").removeprefix("+").isdecimal() or not text.isascii():
        return None
    return int(text)


def _by_name(one: Expression) -> bool:
    return one.key in (HOSTNAME, NAME)


def _names_nodes(term: SelectorTerm) -> bool:
    """Whether the term asks for nodes by name, rather than for any but some."""
    return any(_by_name(one) and one.operator == "In" for one in _expressions(term))


def _mentions_names(place: Place) -> bool:
    terms = place.affinity.node_selector_terms if place.affinity else None
    return any(key == HOSTNAME for key, _ in place.selector) or any(
        _by_name(one) for term in terms or () for one in _expressions(term)
    )


def _expressions(term: SelectorTerm) -> tuple[Expression, ...]:
    return (term.match_expressions or ()) + (term.match_fields or ())
