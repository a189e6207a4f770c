"""The port and Kueue's quota: what is written first, and what is made good that could not be written at the time."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.kube.names import PoolNames
from connectors.kube.nodes import Rules
from connectors.kube.quota import Quota
from connectors.kube.watching.cluster import KubeCluster
from connectors.kube.watching.state import ClusterState
from models.acts import Outcome
from tests.connectors.kube import objects
from tests.connectors.kube.fake_api import SERVED, FakeApi
from tests.connectors.kube.fake_store import Served
from tests.connectors.kube.kube_bench import NOW_S, Followed, NoWork

QUEUES = "/apis/kueue.x-k8s.io/v1beta2"
MARK = "tidegate:s_p.1.p1"
TWO, ONE = "16", "8"


class Site:
    """Two nodes, both counted by the quota, and one that is closed to Kubernetes."""

    def __init__(self) -> None:
        self.api = FakeApi((*SERVED, Served(QUEUES, "clusterqueues", "ClusterQueue", namespaced=False)))
        self.now_s = NOW_S
        for name in ("n1", "n2"):
            self.api.put("nodes", objects.node(name))
        resources = [{"name": "cpu", "nominalQuota": TWO}]
        group = {"coveredResources": ["cpu"], "flavors": [{"name": "f", "resources": resources}]}
        self.api.put("clusterqueues", {"metadata": {"name": "q"}, "spec": {"resourceGroups": [group]}})
        self.port = self.new_port()

    def new_port(self) -> Followed:
        """Another process's."""
        cluster = KubeCluster(self.api, clock=lambda: self.now_s, monotonic=lambda: float(self.now_s), seed=1)
        quota = Quota(self.api, "q", "f")
        names = PoolNames("p", ("n1", "n2"))
        port = Followed(cluster, self.api, names, Rules(), self._work, clock=lambda: self.now_s, quota=quota)
        port.cluster = cluster
        port.may_act = lambda: True
        return port

    def act(self, verb: str, node: str = "n1") -> Outcome:
        seen = self.port.look(node)
        assert seen is not None
        mark = {} if verb in ("note", "discourage") else {"mark": MARK}
        outcome: Outcome = getattr(self.port, verb)(node, record="{}", version=seen.version, **mark)
        return outcome

    def read(self, after_s: int) -> None:
        self.now_s += after_s
        self.port.read()

    @property
    def quota(self) -> str:
        queue = self.api.get("clusterqueues", "q")
        assert queue is not None
        return str(queue["spec"]["resourceGroups"][0]["flavors"][0]["resources"][0]["nominalQuota"])

    def _work(self, state: ClusterState, pool: str) -> NoWork:
        return NoWork(state.at_s)


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_quota_that_cannot_shrink_keeps_the_node_open(site: Site):
    assert site.act("discourage") is Outcome.DONE
    site.api.refuse("PATCH", ".*/clusterqueues/q", 500, "InternalError")
    assert site.act("close") is Outcome.UNKNOWN
    (taint,) = (site.api.get("nodes", "n1") or {})["spec"]["taints"]
    assert taint["effect"] == "PreferNoSchedule"


def test_a_quota_that_could_not_grow_grows_later(site: Site):
    assert (site.act("close"), site.quota) == (Outcome.DONE, ONE)
    away = site.api.refuse("PATCH", ".*/clusterqueues/q", 500, "InternalError")
    assert (site.act("open"), site.quota) == (Outcome.DONE, ONE)
    site.read(5)
    site.read(25)
    site.api.rules.remove(away)
    site.read(5)
    assert site.quota == ONE, "it is not asked for all the time"
    site.read(20)
    assert site.quota == TWO
    asked = len(site.api.asked)
    site.read(60)
    assert not any("nodes/n1" in one.path for one in site.api.asked[asked:]), "there is nothing left to do"


def test_while_kueue_is_away_one_node_at_a_time_is_tried_and_it_is_logged_once(
    site: Site, caplog: pytest.LogCaptureFixture
):
    for name in ("n1", "n2"):
        site.act("close", name)
    away = site.api.refuse("PATCH", ".*/clusterqueues/q", 500, "InternalError")
    for name in ("n1", "n2"):
        site.act("open", name)
    site.read(5)
    for _ in range(4):
        asked = len(site.api.asked)
        site.read(20)
        assert [one.method for one in site.api.asked[asked:]].count("PATCH") == 1
    assert len([one for one in caplog.messages if "has not grown yet" in one]) == 2
    site.api.rules.remove(away)
    site.read(20)
    assert site.quota == TWO


def test_a_process_that_does_not_lead_leaves_the_quota_alone(site: Site):
    site.act("close")
    away = site.api.refuse("PATCH", ".*/clusterqueues/q", 500, "InternalError")
    site.act("open")
    site.api.rules.remove(away)
    site.port = site.new_port()
    site.port.may_act = lambda: False
    for _ in range(5):
        site.read(30)
    assert site.quota == ONE
    site.port.may_act = lambda: True
    site.read(5)
    site.read(30)
    assert site.quota == TWO, "whoever leads sees to it"


@pytest.mark.parametrize("after_s", [1, 60])
def test_a_node_that_is_closed_gives_nothing(site: Site, after_s: int):
    site.act("close")
    for _ in range(4):
        site.read(after_s)
    assert site.quota == ONE


def test_a_person_who_opens_a_node_of_ours_has_it_counted(site: Site):
    site.act("close")
    shown: dict[str, Any] = site.api.get("nodes", "n1") or {}
    site.api.put("nodes", {**shown, "spec": {}})
    site.read(5)
    site.read(30)
    assert site.quota == TWO
