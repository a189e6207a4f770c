"""Watches a real Slurm and a real Kubernetes ten times a second, apart from Tidegate and through clients of its own.

Each sight of Slurm lies between two looks at Kubernetes; what was so in both looks was so when Slurm was seen.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.real.kube import nodes
from tests.real.kube.client import Client, RefusedError
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.site import SIDE
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.observer import Observer, Sight


@dataclass(frozen=True, slots=True)
class Bound:
    """A pod that is bound to a node and has not ended; ``app`` is its label."""

    name: str
    node: str
    app: str
    runs: bool
    ready: bool


@dataclass(frozen=True, slots=True)
class Look:
    """Kubernetes between two instants of the monotonic clock: its nodes that are open, those that are fenced off, and
    its pods by uid."""

    began_s: float
    ended_s: float
    open: frozenset[str]
    fenced: frozenset[str]
    pods: Mapping[str, Bound]


Between = tuple[Look, Sight, Look]


class BothObserver(Observer):
    """``between`` has each sight with the look before it and the one after it."""

    def __init__(self, cluster: Cluster, control_plane: ControlPlane, space: str) -> None:
        super().__init__(cluster, self._open_nodes)
        self.between: list[Between] = []
        self._client = Client(control_plane.url, control_plane.certificates.ca, pair=control_plane.certificates.admin)
        self._pods = f"/api/v1/namespaces/{space}/pods"
        self._first: Look | None = None
        self._last: Look | None = None

    def _look(self) -> None:
        self._first = self._last = None
        super()._look()
        assert self._first
        assert self._last
        self.between.append((self._first, self.sights[-1], self._last))

    def _open_nodes(self) -> Mapping[str, int]:
        """Called by the base before and after it looks at Slurm."""
        try:
            look = self._ask_kubernetes()
        except RefusedError as error:
            raise OSError(str(error)) from error
        self._first, self._last = self._first or look, look
        pods = [pod.node for pod in look.pods.values() if pod.runs]
        return {name: pods.count(name) for name in look.open}

    def _ask_kubernetes(self) -> Look:
        began_s = time.monotonic()
        bound = self._client.items(self._pods, fieldSelector="status.phase!=Succeeded,status.phase!=Failed")
        there = self._client.items(nodes.NODES)  # after the pods: one that is opened may have a pod at once
        return Look(
            began_s,
            time.monotonic(),
            frozenset(node["metadata"]["name"] for node in there if not _effects(node) and not _is_cordoned(node)),
            frozenset(node["metadata"]["name"] for node in there if "NoExecute" in _effects(node)),
            {pod["metadata"]["uid"]: _bound(pod) for pod in bound if pod["spec"].get("nodeName")},
        )

    def _let_go(self) -> None:
        super()._let_go()
        self._client.close()


def _effects(node: Any) -> set[str]:
    """With which of our taints the node is closed."""
    taints = node["spec"].get("taints") or ()
    return {one["effect"] for one in taints if one["key"] == SIDE} - {"PreferNoSchedule"}


def _is_cordoned(node: Any) -> bool:
    return bool(node["spec"].get("unschedulable"))


def _bound(pod: Any) -> Bound:
    meta, status = pod["metadata"], pod["status"]
    conditions = status.get("conditions") or ()
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    app = (meta.get("labels") or {}).get("app", "")
    return Bound(meta["name"], pod["spec"]["nodeName"], app, status["phase"] == "Running", ready)
