"""Pods that would have to leave a node before it is empty, and which of them may be asked to."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.kube.names import ALLOWED, EVICT
from connectors.kube.wire.pods import Pod
from models.policies import Evict

MIRROR = "kubernetes.io/config.mirror"  # an annotation of static pods, which kubelet alone can end
SLINKY = "nodeset.slinky.slurm.net/pod-name"  # a label of pods in which slurmd runs: the HPC side itself
_REFUSING = {
    "karpenter.sh/do-not-disrupt": "true",
    "karpenter.sh/do-not-evict": "true",
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
}


def leaving(pods: Iterable[Pod]) -> tuple[Pod, ...]:
    """Those that would have to leave: not what belongs to the node itself, nor what has ended."""
    return tuple(pod for pod in pods if has_to_leave(pod))


def has_to_leave(pod: Pod) -> bool:
    """Whether a node with this pod on it is not empty."""
    if pod.ended or belongs_to_node(pod):
        return False
    return SLINKY not in (pod.metadata.labels or {})


def belongs_to_node(pod: Pod) -> bool:
    """Whether it is a DaemonSet's, or a static pod's mirror: it comes and goes with its node."""
    controller = pod.metadata.controller
    if controller is not None and controller.kind in ("DaemonSet", "Node"):
        return True
    return MIRROR in (pod.metadata.annotations or {})


def is_bare(pod: Pod) -> bool:
    """Whether nothing makes it again once it has ended."""
    return pod.metadata.controller is None


def stays(pod: Pod, evict: Evict) -> str:
    """Why the pod must not be asked to leave, in words; empty when it may."""
    annotations = pod.metadata.annotations or {}
    if evict is Evict.NEVER:
        return "the policy says evict: never"
    for key, value in _REFUSING.items():
        if annotations.get(key) == value:
            return f"it has {key}: {value}"
    if evict is Evict.OPTED_IN and annotations.get(EVICT) != ALLOWED:
        return f"it lacks {EVICT}: {ALLOWED}"
    return ""


def named(pod: Pod) -> str:
    """The pod as kubectl names it."""
    return f"{pod.metadata.namespace}/{pod.metadata.name}"
