"""Which pods would have to leave a node before it can change sides, and which of them nobody may ask to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from connectors.kube.demand.pods import belongs_to_node
from connectors.kube.wire.pods import Pod

KEEP = "karpenter.sh/do-not-disrupt"
SAFE = "cluster-autoscaler.kubernetes.io/safe-to-evict"
OPT_IN = "tidegate.dev/evict"


@dataclass(frozen=True, slots=True)
class Leaving:
    """The pods of one node that would have to leave; ``bare`` are those of them that nothing makes again."""

    pods: tuple[Pod, ...]
    bare: tuple[Pod, ...]


def leaving(pods: Iterable[Pod]) -> Leaving:
    """Of the pods on a node those that would have to leave: no DaemonSet's, no static ones, none that has ended.

    One that tolerates every taint stays one of them, and so does one that is being deleted, for as long as it is there.
    """
    those = tuple(pod for pod in pods if not pod.ended and not belongs_to_node(pod))
    return Leaving(those, tuple(pod for pod in those if pod.metadata.controller is None))


def protected(pod: Pod, evict: str) -> str:
    """Why the pod may not be evicted under the policy's word (never, optedIn, pods); "" if it may."""
    annotations = pod.metadata.annotations or {}
    if evict == "never":
        return "the policy evicts nothing"
    if annotations.get(KEEP, "false") != "false":
        return f"it has the annotation {KEEP}"
    if annotations.get(SAFE) == "false":
        return f"it has the annotation {SAFE}=false"
    if evict == "optedIn" and annotations.get(OPT_IN) != "allowed":
        return f"it has no annotation {OPT_IN}=allowed"
    return ""
