"""Pods that are there for their node: they are no demand, and with no other pod on it a node is empty.

Whoever may create pods may write any owner, label and annotation on one. So an owner's name alone is not believed where
it can be seen whether there is such an owner.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from connectors.kube.wire.pods import Pod

MIRROR = "kubernetes.io/config.mirror"  # on what stands for a static pod
NODE_SET = "nodeset.slinky.slurm.net/pod-name"  # on a pod that is a Slurm node of Slinky's operator


@dataclass(frozen=True, slots=True)
class NodeOwners:
    """Whose pods are there for their nodes: the uids of the DaemonSets and of Slinky's NodeSets that exist, None where
    they cannot be listed, and what a pod says of itself has to do."""

    daemon_sets: frozenset[str] | None = None
    node_sets: frozenset[str] | None = None


BY_WORD = NodeOwners()


def belongs_to_node(pod: Pod, owners: NodeOwners = BY_WORD) -> bool:
    """Whether the pod is there for its node: of a DaemonSet, static, or a Slurm node of Slinky's.

    A pod with the annotation of a static one is believed: kubelet runs none that it did not make itself from a file,
    and the API server lets nobody add it later.
    """
    return (
        MIRROR in (pod.metadata.annotations or {})
        or _is_of(pod, "DaemonSet", owners.daemon_sets)
        or is_slurmd(pod, owners)
    )


def is_slurmd(pod: Pod, owners: NodeOwners = BY_WORD) -> bool:
    """Whether slurmd runs in the pod."""
    return NODE_SET in (pod.metadata.labels or {}) and _is_of(pod, "NodeSet", owners.node_sets)


def _is_of(pod: Pod, kind: str, uids: Collection[str] | None) -> bool:
    owner = pod.metadata.controller
    return owner is not None and owner.kind == kind and (uids is None or owner.uid in uids)
