"""Whose a node is, where somebody else's software makes and removes nodes: such a node is not ours to move."""

from __future__ import annotations

from connectors.kube.wire.nodes import Node

_LABELS = {
    "karpenter.sh/nodepool": "Karpenter",
    "karpenter.sh/provisioner-name": "Karpenter",
    "karpenter.sh/capacity-type": "Karpenter",
}
_ANNOTATIONS = {
    "cluster.x-k8s.io/machine": "Cluster API",
    "machine.openshift.io/machine": "the Machine API",
}
_TAINTS = {
    "karpenter.sh/disrupted": "Karpenter",
    "karpenter.sh/unregistered": "Karpenter",
    "ToBeDeletedByClusterAutoscaler": "cluster-autoscaler",
    "DeletionCandidateOfClusterAutoscaler": "cluster-autoscaler",
}
_SUNK = "sunk.coreweave.com/"


def managed_by(node: Node) -> str:
    """Who else makes and removes this node, by what it bears; empty when nobody is known to."""
    labels, annotations = node.metadata.labels or {}, node.metadata.annotations or {}
    taints = [taint.key for taint in node.spec.taints or ()]
    for table, keys in ((_LABELS, labels), (_ANNOTATIONS, annotations), (_TAINTS, taints)):
        for key, owner in table.items():
            if key in keys:
                return owner
    if any(key.startswith(_SUNK) for key in (*labels, *annotations, *taints)):
        return "SUNK"
    return ""
