"""A bench of the port over a real control plane, whose nodes are kwok's: users and persons ask it apart from us."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from itertools import count

from connectors.kube.demand.pools import Pool
from connectors.kube.kubernetes import KubernetesPool
from connectors.kube.names import PoolNames
from connectors.kube.nodes import Rules
from connectors.kube.quota import Quota
from connectors.kube.settings import KubernetesSettings
from connectors.kube.watching.cluster import KubeCluster
from connectors.kube.work import ClusterWork, PoolRules
from models.errors import Unreachable
from models.nodes import KubernetesNode
from models.policies import Evict, KubernetesPolicy
from models.pools import KueuePolicy
from models.reading import Picture
from service.kube_api import open_api
from tests.conformance.benches import FOREIGN
from tests.real.kube import nodes, objects
from tests.real.kube.control_plane import ControlPlane

WHOLE: Mapping[str, str] = {"cpu": str(nodes.CPUS)}
SIDE = "tidegate.dev/side"
CAUGHT_UP_S = 20.0
QUIET = 5  # looks at nodes that are the same
NUMBERS = count(1)


class CaughtUp(KubernetesPool):
    """Whatever the API server has now has been heard when it is read."""

    bench: KubeBench

    def read(self) -> Picture[KubernetesNode]:
        self.bench.catch_up()
        return super().read()


class KubeBench:
    """The connector on the nodes ``called`` of a control plane, with pods in a namespace of the test's own."""

    runs_work = True

    def __init__(
        self,
        control_plane: ControlPlane,
        space: str,
        called: tuple[str, ...],
        evict: Evict,
        *,
        kueue: KueuePolicy | None = None,
    ) -> None:
        self.control_plane = control_plane
        self.admin = control_plane.admin
        self.space = space
        self.nodes = called
        self.api = open_api(KubernetesSettings(kubeconfig=str(control_plane.kubeconfig)))
        self.cluster = KubeCluster(self.api)
        names = PoolNames("p", called)
        pool = Pool("p", frozenset(called), len(called))
        work = ClusterWork([PoolRules(pool, kueue)], KubernetesPolicy())
        quota = None
        if kueue is not None and kueue.cluster_queue is not None and kueue.flavor is not None:
            quota = Quota(self.api, kueue.cluster_queue, kueue.flavor)
        rules, clock = Rules(evict=evict), lambda: int(time.time())
        self.port = CaughtUp(self.cluster, self.api, names, rules, work.of, clock=clock, quota=quota)
        self.port.bench = self
        self.cluster.start()
        self._wait_until_quiet()

    def close(self) -> None:
        """The nodes are as they were, and nothing of ours is left."""
        self.cluster.close()
        for one in objects.pods(self.admin, self.space):
            objects.delete_pod(self.admin, self.space, one["metadata"]["name"])
        for node in self.nodes:
            self._restore(node)
        self.control_plane.wait(lambda: not objects.pods(self.admin, self.space), "the test's pods are gone")

    def catch_up(self) -> None:
        """Wait until what lists and watches have told us is what the API server has."""
        deadline_s = time.monotonic() + CAUGHT_UP_S
        while not self._is_caught_up():
            assert time.monotonic() < deadline_s, "the watches do not catch up"
            time.sleep(0.02)

    def pass_time(self, seconds: int) -> None:
        """Only what is bound to come is waited for: pods run, have been told that there is no place, or have ended."""
        self.control_plane.wait(self._has_settled, "every pod runs, or has no place")

    def submit_pod(self) -> None:
        self._pod()
        self.pass_time(0)

    def bind_pod(self, node: str) -> None:
        objects.wait_running(self.control_plane, self.space, self._pod(nodeName=node))

    def bind_late(self, node: str) -> None:
        name = self._pod(nodeName=node)
        if not self._is_fenced(node):
            objects.wait_running(self.control_plane, self.space, name)

    def end_pods(self, node: str) -> None:
        for one in objects.pods_on(self.admin, node):
            objects.delete_pod(self.admin, self.space, one["metadata"]["name"])
        self.control_plane.wait(lambda: not objects.pods_on(self.admin, node), f"no pod is on {node}")

    def forbid_eviction(self, forbidden: bool) -> None:
        path = f"{objects.POLICY}/{self.space}/poddisruptionbudgets/all"
        if not forbidden:
            self.admin.delete(path)
            return
        objects.budget(self.admin, self.space, "all", app="work", min_available=1000)
        self.control_plane.wait(
            lambda: self.admin.get(path).get("status", {}).get("observedGeneration"), "the budget counts"
        )

    def foreign_close(self, node: str) -> None:
        self._insist(lambda: nodes.taint(self.admin, node, SIDE, FOREIGN))

    def foreign_open(self, node: str) -> None:
        self._insist(lambda: nodes.untaint(self.admin, node, SIDE))

    def cordon(self, node: str) -> None:
        nodes.cordon(self.admin, node)
        self._wait_until_quiet()  # a controller makes a taint of it

    def make_anew(self, node: str) -> None:
        nodes.delete(self.control_plane, node)
        nodes.create(self.control_plane, node)
        self._wait_until_quiet()

    def _pod(self, **spec: str) -> str:
        name = f"p{next(NUMBERS)}"
        objects.pod(self.admin, self.space, name, WHOLE, labels={"app": "work"}, **spec)
        return name

    def _is_fenced(self, node: str) -> bool:
        taints = nodes.get(self.admin, node)["spec"].get("taints") or ()
        return any(taint["effect"] == "NoExecute" for taint in taints)

    def _has_settled(self) -> bool:
        fenced = {node for node in self.nodes if self._is_fenced(node)}
        for one in objects.pods(self.admin, self.space):
            if one["spec"].get("nodeName") in fenced or one["metadata"].get("deletionTimestamp"):
                return False
            conditions = one["status"].get("conditions") or ()
            if one["status"]["phase"] != "Running" and not any(c.get("reason") == "Unschedulable" for c in conditions):
                return False
        return True

    def _insist(self, change: Callable[[], None]) -> None:
        """Change a node as somebody else changes it at the same time."""

        def has_changed() -> bool:
            change()
            return True

        self.control_plane.wait(has_changed, "the node is changed")

    def _wait_until_quiet(self) -> None:
        """Wait until controllers have written on the nodes what they write on new ones."""
        seen: list[dict[str, str]] = [{}]

        def is_quiet() -> bool:
            there = self.admin.items(nodes.NODES)
            seen.append({one["metadata"]["name"]: one["metadata"]["resourceVersion"] for one in there})
            return len(seen) > QUIET and all(one == seen[-1] for one in seen[-QUIET:])

        self.control_plane.wait(is_quiet, "the nodes stay as they are")

    def _is_caught_up(self) -> bool:
        try:
            state = self.cluster.state()
        except Unreachable:
            return False
        for told, path in ((state.nodes, nodes.NODES), (state.pods, "/api/v1/pods")):
            there = {one["metadata"]["uid"]: one["metadata"]["resourceVersion"] for one in self.admin.items(path)}
            if there != {one.metadata.uid: one.metadata.resource_version for one in told.values()}:
                return False
        return True

    def _restore(self, node: str) -> None:
        nodes.cordon(self.admin, node, on=False)
        self._insist(lambda: nodes.untaint(self.admin, node, SIDE))
        ours = dict.fromkeys(("tidegate.dev/record", "tidegate.dev/mark"))
        labels = dict.fromkeys((SIDE, "tidegate.dev/pool"))
        self.admin.patch(f"{nodes.NODES}/{node}", {"metadata": {"annotations": ours, "labels": labels}})
