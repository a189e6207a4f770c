"""Pods that would have to leave a node before it is empty, and which of them may be asked to."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.kube.demand.node_pods import BY_WORD, NodeOwners, belongs_to_node
from connectors.kube.names import ALLOWED, EVICT
from connectors.kube.wire.pods import Pod
from models.policies import Evict

KEEP = ("karpenter.sh/do-not-disrupt", "karpenter.sh/do-not-evict")  # true, or for how long
SAFE = "cluster-autoscaler.kubernetes.io/safe-to-evict"


def leaving(pods: Iterable[Pod], owners: NodeOwners = BY_WORD) -> tuple[Pod, ...]:
    """Those that would have to leave: not what belongs to the node itself, nor what has ended."""
    return tuple(pod for pod in pods if has_to_leave(pod, owners))


def has_to_leave(pod: Pod, owners: NodeOwners = BY_WORD) -> bool:
    """Whether a node with this pod on it is not empty."""
    return not (pod.ended or belongs_to_node(pod, owners))


def is_bare(pod: Pod) -> bool:
    """Whether nothing makes it again once it has ended."""
    return pod.metadata.controller is None


def stays(pod: Pod, evict: Evict) -> str:
    """Why the pod must not be asked to leave, in words; empty when it may."""
    annotations = pod.metadata.annotations or {}
    if evict is Evict.NEVER:
        return "the policy says evict: never"
    for key in KEEP:
        if annotations.get(key, "false") != "false":
            return f"it has {key}: {annotations[key]}"
    if annotations.get(SAFE) == "false":
        return f"it has {SAFE}: false"
    if evict is Evict.OPTED_IN and annotations.get(EVICT) != ALLOWED:
        return f"it lacks {EVICT}: {ALLOWED}"
    return ""


def named(pod: Pod) -> str:
    """The pod as kubectl names it."""
    return f"{pod.metadata.namespace}/{pod.metadata.name}"
