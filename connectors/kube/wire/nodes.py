"""Nodes, as far as they are read."""

from __future__ import annotations

import msgspec

from connectors.kube.wire.meta import EMPTY, Condition, Metadata
from connectors.kube.wire.pods import Amounts


class Taint(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """What keeps pods off a node; ``effect`` is NoSchedule, PreferNoSchedule or NoExecute. Written back as it came."""

    key: str = ""
    value: str | None = None
    effect: str = ""
    time_added: str | None = None


class NodeSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What others and we set on a node."""

    taints: tuple[Taint, ...] | None = None
    unschedulable: bool | None = None


class NodeStatus(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What kubelet says of the node."""

    allocatable: Amounts | None = None
    conditions: tuple[Condition, ...] | None = None


class Node(msgspec.Struct, frozen=True, gc=False):
    """A node."""

    metadata: Metadata = EMPTY
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()
