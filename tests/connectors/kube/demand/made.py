"""Pods, nodes and what belongs to devices, made by hand as an API server would show them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec

from connectors.kube.demand.pools import Pool
from connectors.kube.wire.dra import DeviceClass, ResourceClaim, ResourceClaimTemplate, ResourceSlice
from connectors.kube.wire.nodes import Node
from connectors.kube.wire.pods import Pod

NOW_S = 1_796_036_400
CREATED = "2026-11-30T10:00:00Z"  # NOW_S is an hour later
CREATED_S = NOW_S - 3600
STARTED = "2026-11-30T10:00:20Z"
UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
GPU = "nvidia.com/gpu"


def pod(name: str = "p", *, status: dict[str, Any] | None = None, **told: Any) -> Pod:
    """A pod that waits for a node, looked at by its scheduler, unless told otherwise.

    What is told: ``asks`` (requests of its container), ``on`` (its node), ``owner`` (kind and uid of its controller),
    fields of its spec in camel case, and those of its metadata.
    """
    asks, on, owner = told.pop("asks", {"cpu": "1"}), told.pop("on", ""), told.pop("owner", None)
    names = ("labels", "annotations", "deletionTimestamp", "namespace", "creationTimestamp", "uid")
    meta = {"name": name, "namespace": "team", "uid": f"uid-{name}", "creationTimestamp": CREATED}
    meta |= {key: told.pop(key) for key in names if key in told}
    if owner is not None:
        meta["ownerReferences"] = [{"kind": owner[0], "uid": owner[1], "controller": True}]  # type: ignore[assignment]
    spec = {"containers": [{"name": "main", "resources": {"requests": asks}}], "nodeName": on or None} | told
    state: dict[str, Any] = {"phase": "Running", "startTime": STARTED} if on else {"phase": "Pending"}
    if not on:
        state["conditions"] = [UNSCHEDULABLE]
    return msgspec.convert({"metadata": meta, "spec": spec, "status": state | (status or {})}, Pod)


def node(name: str = "n1", *, offers: dict[str, Any] | None = None, ready: bool = True, **told: Any) -> Node:
    """A node at work with 64 cores, 256 GiB and 8 GPUs, unless told otherwise; ``told`` is of its spec, or labels."""
    labels = {"kubernetes.io/hostname": name} | told.pop("labels", {})
    has = {"cpu": "64", "memory": "256Gi", GPU: "8", "pods": "110"} if offers is None else offers
    return msgspec.convert(
        {
            "metadata": {"name": name, "labels": labels},
            "spec": told,
            "status": {"allocatable": has, "conditions": [{"type": "Ready", "status": str(ready)}]},
        },
        Node,
    )


def cluster(pods: list[Pod], nodes: list[Node], **others: Any) -> SimpleNamespace:
    """A cluster that has these."""
    return SimpleNamespace(
        pods={one.metadata.uid: one for one in pods},
        nodes={one.metadata.name: one for one in nodes},
        others=others.pop("others", {}),
    )


def pool(*nodes: str, name: str = "gpu", most: int = 100) -> Pool:
    """A pool of these nodes."""
    return Pool(name, frozenset(nodes), most)


def device_class(name: str = "gpu.nvidia.com", extended: str | None = None, *cel: str) -> DeviceClass:
    """A class of devices."""
    selectors = [{"cel": {"expression": expression}} for expression in cel]
    return msgspec.convert(
        {"metadata": {"name": name}, "spec": {"selectors": selectors, "extendedResourceName": extended}}, DeviceClass
    )


def claim(
    name: str = "c", *requests: dict[str, Any], devices: tuple[str, ...] | None = None, held_by: tuple[str, ...] = ()
) -> ResourceClaim:
    """A claim; ``devices`` are what it has of node n1, None where it has none."""
    status: dict[str, Any] = {"reservedFor": [{"resource": "pods", "name": pod, "uid": pod} for pod in held_by]}
    if devices is not None:
        results = [{"driver": "gpu.nvidia.com", "pool": "n1", "device": device} for device in devices]
        status["allocation"] = {"devices": {"results": results}}
    asked = [{"name": f"r{number}", **request} for number, request in enumerate(requests)]
    told = {"metadata": {"name": name, "namespace": "team"}, "spec": {"devices": {"requests": asked}}, "status": status}
    return msgspec.convert(told, ResourceClaim)


def template(name: str, *requests: dict[str, Any]) -> ResourceClaimTemplate:
    """A template of claims."""
    told = {
        "metadata": {"name": name, "namespace": "team"},
        "spec": {"spec": {"devices": {"requests": list(requests)}}},
    }
    return msgspec.convert(told, ResourceClaimTemplate)


def device_slice(
    node: str = "n1",
    devices: int = 8,
    *,
    generation: int = 1,
    of: int = 1,
    first: int = 0,
    kind: str = "gpu",
    pool: str = "",
) -> ResourceSlice:
    """A slice of a node's devices, one of ``of`` of its generation."""
    there = [{"name": f"gpu-{first + n}", "attributes": {"type": {"string": kind}}} for n in range(devices)]
    return msgspec.convert(
        {
            "metadata": {"name": f"{node}-{generation}-{first}"},
            "spec": {
                "driver": "gpu.nvidia.com",
                "pool": {"name": pool or node, "generation": generation, "resourceSliceCount": of},
                "nodeName": node or None,
                "devices": there,
            },
        },
        ResourceSlice,
    )
