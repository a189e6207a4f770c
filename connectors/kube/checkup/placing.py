"""Which nodes a DaemonSet is to be on, whether its pods bear our taint, and which pods a budget covers.

Source: ``LabelSelectorAsSelector`` of k8s.io/apimachinery for the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connectors.kube.demand.place import holds, kept_off, place_of, tolerates
from connectors.kube.names import HPC, NO_EXECUTE, NO_SCHEDULE, SIDE
from connectors.kube.wire.budgets import LabelSelector
from connectors.kube.wire.nodes import Node, Taint
from connectors.kube.wire.pods import PodSpec, Toleration

CLOSING = (NO_SCHEDULE, NO_EXECUTE)


def not_borne(tolerations: Iterable[Toleration] | None) -> tuple[str, ...]:
    """The effects of our taint that are not borne for ever."""
    lasting = [one for one in tolerations or () if one.toleration_seconds is None]
    taints = (Taint(SIDE, HPC, effect) for effect in CLOSING)
    return tuple(taint.effect for taint in taints if not any(tolerates(one, taint) for one in lasting))


def is_blanket(one: Toleration) -> bool:
    """Whether it bears our taint without naming it."""
    return not one.key and tolerates(one, Taint(SIDE, HPC, NO_SCHEDULE))


def chooses(spec: PodSpec, node: Node) -> bool:
    """Whether pods of a DaemonSet are to be on the node while it is open and well."""
    return not kept_off(place_of(spec), node)


def selects(selector: LabelSelector | None, labels: Mapping[str, str] | None) -> bool:
    """Whether a selector chooses what has these labels; none chooses nothing, an empty one all."""
    if selector is None:
        return False
    known = labels or {}
    equal = all(known.get(key) == value for key, value in (selector.match_labels or {}).items())
    return equal and all(holds(one, known.get(one.key)) for one in selector.match_expressions or ())
