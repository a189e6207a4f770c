"""Pods that no node can hold, in words."""

from __future__ import annotations

from collections.abc import Sequence

from models.nodes import NodeShape
from models.unserved import UnservedReason
from simulator.work import Pod


def larger_than_node(pods: Sequence[Pod], shape: NodeShape) -> tuple[UnservedReason, str]:
    """Why no node of the shape can hold any of the pods, and what the worst of them asks for and a node has."""
    gpus = max(pod.gpu_milli for pod in pods)
    if gpus and not shape.gpu_milli:
        return UnservedReason.RESOURCE, f"{gpus / 1000:g} GPUs, a node has none"
    asked = (
        (max(pod.cpu_milli for pod in pods) / 1000, shape.cpu_milli / 1000, "cpus"),
        (max(pod.memory_mib for pod in pods) / 1024, shape.memory_mib / 1024, "GiB of memory"),
        (gpus / 1000, shape.gpu_milli / 1000, "GPUs"),
    )
    wants, has, what = max(asked, key=lambda one: one[0] / one[1] if one[1] else 0.0)
    return UnservedReason.NODE, f"{wants:,.6g} {what}, a node has {has:,.6g}"
