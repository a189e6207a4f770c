"""A bench of the port over an API server in the process: nothing runs there but what is put there by hand."""

from __future__ import annotations

from connectors.kube.kubernetes import KubernetesPool
from connectors.kube.names import PoolNames
from connectors.kube.nodes import Rules
from connectors.kube.watching.cluster import KubeCluster
from connectors.kube.watching.state import ClusterState
from models.demand import Demand
from models.nodes import KubernetesNode, Side
from models.policies import Evict
from models.reading import Picture
from models.work import WaitingWork
from tests.conformance.benches import FOREIGN
from tests.connectors.kube import objects
from tests.connectors.kube.fake_api import FakeApi

NODES = ("n1", "n2", "n3", "n4")
SIDE = "tidegate.dev/side"
NOW_S = 1_800_000_000


class NoWork:
    """What is measured elsewhere."""

    def __init__(self, at_s: int) -> None:
        self.demand = Demand(Side.KUBERNETES, at_s, 0.0, 0.0)
        self.waiting = WaitingWork(Side.KUBERNETES, ())
        self.records = ()


class Followed(KubernetesPool):
    """Whatever was told until now has been heard when it is read."""

    cluster: KubeCluster

    def read(self) -> Picture[KubernetesNode]:
        for _ in range(4):
            self.cluster.step()
        return super().read()


class FakeKubernetesBench:
    """The connector, on the fake."""

    runs_work = False

    def __init__(self, *, evict: Evict = Evict.PODS) -> None:
        self.api = FakeApi()
        self.nodes = NODES
        self.now_s = NOW_S
        for name in NODES:
            self.api.put("nodes", objects.node(name))
        self.cluster = KubeCluster(self.api, clock=lambda: self.now_s, monotonic=lambda: float(self.now_s), seed=1)
        self.port = Followed(
            self.cluster, self.api, PoolNames("p", NODES), Rules(evict=evict), self._work, clock=lambda: self.now_s
        )
        self.port.cluster = self.cluster
        self._count = 0

    def _work(self, state: ClusterState, pool: str) -> NoWork:
        return NoWork(state.at_s)

    def pass_time(self, seconds: int) -> None:
        """What a controller manager does to pods on a node with a NoExecute taint, too."""
        self.now_s += seconds
        for one in self.api.all("nodes"):
            if any(taint["effect"] == "NoExecute" for taint in one["spec"].get("taints") or ()):
                self.end_pods(one["metadata"]["name"])

    def submit_pod(self) -> None:
        raise NotImplementedError("nothing starts by itself here: the suite looks at runs_work first")

    def bind_pod(self, node: str) -> None:
        self._count += 1
        labels = {"labels": {"app": "work"}}
        self.api.put("pods", objects.pod(f"p{self._count}", on=node, owner="ReplicaSet", metadata=labels))

    def bind_late(self, node: str) -> None:
        self.bind_pod(node)

    def end_pods(self, node: str) -> None:
        for one in self.api.all("pods"):
            if one["spec"]["nodeName"] == node:
                self.api.drop("pods", one["metadata"]["name"], one["metadata"]["namespace"])

    def forbid_eviction(self, forbidden: bool) -> None:
        if forbidden:
            budget = {
                "metadata": {"name": "all", "namespace": "ml"},
                "spec": {"selector": {"matchLabels": {"app": "work"}}},
                "status": {"disruptionsAllowed": 0},
            }
            self.api.put("poddisruptionbudgets", budget)
        else:
            self.api.drop("poddisruptionbudgets", "all", "ml")

    def foreign_close(self, node: str) -> None:
        self._change(node, taints=[objects.taint(SIDE, value=FOREIGN)])

    def foreign_open(self, node: str) -> None:
        self._change(node, taints=None)

    def cordon(self, node: str) -> None:
        self._change(node, unschedulable=True)

    def make_anew(self, node: str) -> None:
        self.api.drop("nodes", node)
        self.api.put("nodes", objects.node(node))

    def _change(self, node: str, **spec: object) -> None:
        shown = self.api.get("nodes", node)
        assert shown is not None
        self.api.put("nodes", {**shown, "spec": {**shown["spec"], **spec}})
