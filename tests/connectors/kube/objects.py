"""Objects of Kubernetes as an API server holds them, in few words."""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.kube.wire.nodes import Node
from connectors.kube.wire.pods import Pod

Object = dict[str, Any]
WHOLE = {"cpu": "8", "memory": "62500Mi", "nvidia.com/gpu": "4"}
SINCE = "2026-11-30T10:00:00Z"


def node(name: str = "n1", *, taints: list[Object] | None = None, ready: bool = True, **more: Any) -> Object:
    """A node of 8 processors, 62,500 MiB and 4 GPUs; ``more`` goes into its metadata, but for ``status``, ``spec``."""
    status = {
        "allocatable": dict(WHOLE),
        "conditions": [{"type": "Ready", "status": str(ready), "lastTransitionTime": SINCE}],
        **more.pop("status", {}),
    }
    spec = {**({"taints": taints} if taints else {}), **more.pop("spec", {})}
    return {"metadata": {"name": name, **more}, "spec": spec, "status": status}


def taint(key: str, effect: str = "NoSchedule", value: str | None = None) -> Object:
    return {"key": key, "effect": effect} | ({"value": value} if value is not None else {})


def pod(name: str = "p1", on: str = "", *, owner: str = "", phase: str = "", **more: Any) -> Object:
    """A pod that asks for a whole node, of an owner of this kind; Running where it has a node."""
    meta: Object = {"name": name, "namespace": more.pop("namespace", "ml"), **more.pop("metadata", {})}
    if owner:
        meta["ownerReferences"] = [{"kind": owner, "name": "o", "uid": f"uid-{owner}", "controller": True}]
    requests = more.pop("requests", {"cpu": "8"})
    spec = {"containers": [{"name": "c", "resources": {"requests": requests}}], **more.pop("spec", {})}
    status: Object = {"phase": phase or ("Running" if on else "Pending"), **more.pop("status", {})}
    return {"metadata": {**meta, **more}, "spec": spec | ({"nodeName": on} if on else {}), "status": status}


def as_node(shown: Object) -> Node:
    return msgspec.convert(shown, Node)


def as_pod(shown: Object) -> Pod:
    return msgspec.convert(shown, Pod)
