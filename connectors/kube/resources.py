"""Which resources are listed and watched. Those besides nodes and pods are looked for: a cluster need not have them."""

from __future__ import annotations

from typing import Any

from connectors.kube.demand.listed import LISTED
from connectors.kube.resource import Resource
from connectors.kube.wire.budgets import PodDisruptionBudget
from connectors.kube.wire.daemonsets import DaemonSet
from connectors.kube.wire.dra import DeviceClass, ResourceClaim, ResourceClaimTemplate, ResourceSlice
from connectors.kube.wire.lists import Bare
from connectors.kube.wire.nodes import Node
from connectors.kube.wire.pods import Pod

NODES = Resource("", "v1", "nodes", False, Node)
PODS = Resource("", "v1", "pods", True, Pod)
DAEMON_SETS = Resource("apps", "v1", "daemonsets", True, DaemonSet)
BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", True, PodDisruptionBudget)  # looked at by the checkup alone
NODE_SETS = tuple(Resource("slinky.slurm.net", version, "nodesets", True, Bare) for version in ("v1beta1", "v1alpha1"))
DEVICES: tuple[Resource[Any], ...] = (
    Resource("resource.k8s.io", "v1", "deviceclasses", False, DeviceClass),
    Resource("resource.k8s.io", "v1", "resourceclaims", True, ResourceClaim),
    Resource("resource.k8s.io", "v1", "resourceclaimtemplates", True, ResourceClaimTemplate),
    Resource("resource.k8s.io", "v1", "resourceslices", False, ResourceSlice),
)

OTHERS: tuple[Resource[Any], ...] = (DAEMON_SETS, *NODE_SETS, *DEVICES, *LISTED)
"""Of several rows with one name, versions of the same resource, the first that is served is read."""
