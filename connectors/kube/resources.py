"""Which resources are listed and watched. Those besides nodes and pods are looked for: a cluster need not have them."""

from __future__ import annotations

from typing import Any

from connectors.kube.resource import Resource
from connectors.kube.wire.budgets import PodDisruptionBudget
from connectors.kube.wire.daemonsets import DaemonSet
from connectors.kube.wire.nodes import Node
from connectors.kube.wire.pods import Pod

NODES = Resource("", "v1", "nodes", False, Node)
PODS = Resource("", "v1", "pods", True, Pod)
DAEMON_SETS = Resource("apps", "v1", "daemonsets", True, DaemonSet)
BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", True, PodDisruptionBudget)

OTHERS: tuple[Resource[Any], ...] = (DAEMON_SETS, BUDGETS)
"""Of several rows with one name, versions of the same resource, the first that is served is read."""
