"""The Kubernetes of a site in tests: nodes called as Slurm's, all of the HPC side at first, and a service on them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from tests.real.kube import nodes, objects
from tests.real.kube.account import rule
from tests.real.kube.control_plane import ControlPlane

SIDE = "tidegate.dev/side"
POOL = "test/pool"  # a label
WHOLE = {"cpu": str(nodes.CPUS)}
OURS = (SIDE, "tidegate.dev/pool", "tidegate.dev/record", "tidegate.dev/mark")
RIGHTS = (
    rule("", "nodes", "get list watch patch"),
    rule("", "pods", "get list watch"),
    rule("", "pods/eviction", "create"),
    rule("", "events", "create"),
    rule("apps", "daemonsets deployments statefulsets", "get list watch"),
    rule("batch", "jobs cronjobs", "get list watch"),
    rule("policy", "poddisruptionbudgets", "get list watch"),
    rule("autoscaling", "horizontalpodautoscalers", "get list watch"),
    rule("scheduling.k8s.io", "priorityclasses", "get list watch"),
    rule("coordination.k8s.io", "leases", "get create patch"),
)


class KubeSite:
    """``called`` of a control plane's nodes by pool; all its others are cordoned until ``close``."""

    def __init__(
        self, control_plane: ControlPlane, space: str, pools: Mapping[str, Collection[str]], user: str
    ) -> None:
        self.control_plane = control_plane
        self.admin = control_plane.admin
        self.space = space
        self.pools = pools
        self.kubeconfig: Path = control_plane.kubeconfig_for(user, RIGHTS)
        self._needed: dict[str, int] = {}
        ours = {name for called in pools.values() for name in called}
        self._others = [name for name in self._there() if name not in ours]
        for name in self._others:
            nodes.cordon(self.admin, name)
        for pool, called in pools.items():
            for name in called:
                self.admin.patch(f"{nodes.NODES}/{name}", {"metadata": {"labels": {POOL: pool}}})
                self._insist(lambda name=name: nodes.taint(self.admin, name, SIDE, "hpc"))  # type: ignore[misc]

    def need(self, count: int, pool: str) -> None:
        """From now on the service of a pool needs so many nodes."""
        name = f"service-{pool}"
        if pool not in self._needed:
            objects.deployment(self.admin, self.space, name, WHOLE, replicas=count, nodeSelector={POOL: pool})
        elif self._needed[pool] != count:
            self.admin.patch(f"{objects.APPS}/{self.space}/deployments/{name}", {"spec": {"replicas": count}})
        self._needed[pool] = count

    def node(self, name: str) -> Any:
        return nodes.get(self.admin, name)

    def open_nodes(self) -> set[str]:
        """The nodes on which Kubernetes may start pods."""
        return {name for name, node in self._there().items() if not _is_closed(node)}

    def close(self) -> None:
        """All nodes are as they were."""
        for pool in self._needed:
            self.admin.delete(f"{objects.APPS}/{self.space}/deployments/service-{pool}")
        for called in self.pools.values():
            for name in called:
                self._restore(name)
        for name in self._others:
            nodes.cordon(self.admin, name, on=False)

    def _there(self) -> dict[str, Any]:
        return {one["metadata"]["name"]: one for one in self.admin.items(nodes.NODES)}

    def _restore(self, name: str) -> None:
        """As it was; kwok may write to it at the same time."""
        gone: dict[str, None] = dict.fromkeys((*OURS, POOL))
        self.admin.patch(f"{nodes.NODES}/{name}", {"metadata": {"annotations": gone, "labels": gone}})
        self._insist(lambda: nodes.untaint(self.admin, name, SIDE))

    def _insist(self, change: Callable[[], None]) -> None:
        """Change a node as somebody else changes it at the same time."""

        def has_changed() -> bool:
            change()
            return True

        self.control_plane.wait(has_changed, "the node is changed")


def _is_closed(node: Any) -> bool:
    taints = node["spec"].get("taints") or ()
    return bool(node["spec"].get("unschedulable")) or any(taint["effect"] != "PreferNoSchedule" for taint in taints)
