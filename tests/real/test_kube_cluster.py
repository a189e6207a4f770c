"""The test bed's Kubernetes, tried with bare HTTPS: it places pods, keeps them off, protects, forgets and refuses."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.real.kube import nodes, objects
from tests.real.kube.account import rule
from tests.real.kube.client import RefusedError
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.fixtures import NODES
from tests.real.kube.install import VERSION

TAINT = "test.tidegate.dev/side"
PROTECTED = {"app": "protected"}
TOLERATES = {"key": TAINT, "operator": "Exists"}


def events(control_plane: ControlPlane, path: str, **query: Any) -> list[dict[str, Any]]:
    """What a watch of one second tells."""
    return list(control_plane.admin.watch(path, timeoutSeconds=1, **query))


def kinds(told: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in told]


def is_refused_with(status: int, control_plane: ControlPlane, space: str) -> bool:
    """Whether this is what the API server says when the pod is to be evicted."""
    try:
        objects.evict(control_plane.admin, space, "one")
    except RefusedError as error:
        return error.status == status
    return False


def test_it_is_the_version_that_was_asked_for(kube: ControlPlane):
    assert kube.admin.get("/version")["gitVersion"] == f"v{VERSION}"


def test_every_node_is_ready_and_offers_what_it_says(kube: ControlPlane):
    there = kube.admin.items(nodes.NODES)
    assert {one["metadata"]["name"] for one in there} >= set(nodes.names(NODES))
    assert all(map(nodes.is_ready, there))
    assert all(one["status"]["allocatable"] == dict(nodes.OFFERS) for one in there)


def test_a_node_renews_its_lease(kube: ControlPlane):
    path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n01"
    before = kube.admin.get(path)["spec"]["renewTime"]
    kube.wait(lambda: kube.admin.get(path)["spec"]["renewTime"] > before, "the lease is renewed")


def test_a_pod_is_placed_and_runs(kube: ControlPlane, space: str):
    objects.pod(kube.admin, space, "one", objects.WHOLE)
    assert set(objects.wait_running(kube, space, "one").values()) <= set(nodes.names(NODES))


def test_a_pod_that_fits_nowhere_waits_and_the_scheduler_says_why(kube: ControlPlane, space: str):
    objects.pod(kube.admin, space, "large", {"nvidia.com/gpu": "5"})
    assert f"{NODES} Insufficient nvidia.com/gpu" in objects.wait_unschedulable(kube, space, "large")


def test_a_taint_keeps_a_pod_off_and_lets_one_come_that_tolerates_it(kube: ControlPlane, space: str):
    only = {"kubernetes.io/hostname": "n03"}
    nodes.taint(kube.admin, "n03", TAINT, "hpc")
    try:
        objects.pod(kube.admin, space, "off", selector=only)
        objects.pod(kube.admin, space, "on", selector=only, tolerations=[TOLERATES])
        assert objects.wait_running(kube, space, "on") == {"on": "n03"}
        assert "untolerated taint" in objects.wait_unschedulable(kube, space, "off")
    finally:
        nodes.untaint(kube.admin, "n03", TAINT)
    assert objects.wait_running(kube, space, "off") == {"off": "n03"}


def test_a_cordon_keeps_a_pod_off(kube: ControlPlane, space: str):
    nodes.cordon(kube.admin, "n04")
    try:
        objects.pod(kube.admin, space, "off", selector={"kubernetes.io/hostname": "n04"})
        assert "unschedulable" in objects.wait_unschedulable(kube, space, "off")
    finally:
        nodes.cordon(kube.admin, "n04", on=False)
    objects.wait_running(kube, space, "off")


def test_a_pod_that_is_bound_by_hand_runs_whatever_the_taint(kube: ControlPlane, space: str):
    nodes.taint(kube.admin, "n05", TAINT)
    try:
        objects.pod(kube.admin, space, "bound", node="n05")
        objects.wait_running(kube, space, "bound")
        assert "bound" in {one["metadata"]["name"] for one in objects.pods_on(kube.admin, "n05")}
    finally:
        nodes.untaint(kube.admin, "n05", TAINT)


def test_a_fence_ends_what_does_not_tolerate_it(kube: ControlPlane, space: str):
    objects.pod(kube.admin, space, "ended", node="n06")
    objects.wait_running(kube, space, "ended")
    nodes.taint(kube.admin, "n06", TAINT, effect="NoExecute")
    try:
        objects.wait_gone(kube, space, "ended")
    finally:
        nodes.untaint(kube.admin, "n06", TAINT)


def test_a_node_can_lose_its_gpus_and_have_them_back(kube: ControlPlane):
    nodes.set_offers(kube.admin, "n08", {"nvidia.com/gpu": None})
    assert "nvidia.com/gpu" not in nodes.get(kube.admin, "n08")["status"]["allocatable"]
    nodes.set_offers(kube.admin, "n08", {"nvidia.com/gpu": str(nodes.GPUS)})
    assert nodes.get(kube.admin, "n08")["status"]["allocatable"] == dict(nodes.OFFERS)


def test_a_job_runs_as_long_as_its_pods_say(kube: ControlPlane, space: str):
    objects.job(kube.admin, space, "soon", annotations=objects.runs_for(1.0))
    objects.job(kube.admin, space, "never", parallelism=2)
    jobs = f"{objects.BATCH}/{space}/jobs"
    kube.wait(lambda: kube.admin.get(f"{jobs}/soon")["status"].get("succeeded") == 1, "the job has succeeded")
    kube.wait(lambda: kube.admin.get(f"{jobs}/never")["status"].get("ready") == 2, "the other runs")
    assert "succeeded" not in kube.admin.get(f"{jobs}/never")["status"]


def test_a_suspended_job_has_no_pods(kube: ControlPlane, space: str):
    objects.job(kube.admin, space, "held", suspend=True)
    path = f"{objects.BATCH}/{space}/jobs/held"

    def is_suspended() -> bool:
        conditions = kube.admin.get(path)["status"].get("conditions") or ()
        return ("Suspended", "True") in {(one["type"], one["status"]) for one in conditions}

    kube.wait(is_suspended, "the job says that it is suspended")
    assert objects.pods(kube.admin, space) == []


def test_a_deployment_has_its_pods_and_a_daemon_set_one_on_each_node(kube: ControlPlane, space: str):
    objects.deployment(kube.admin, space, "web", replicas=3)
    objects.daemon_set(kube.admin, space, "agent", {"cpu": "100m"})
    objects.wait_count(kube, space, 3 + NODES)


def test_a_budget_refuses_an_eviction_and_says_which_it_is(kube: ControlPlane, space: str):
    objects.pod(kube.admin, space, "one", labels=PROTECTED)
    objects.wait_running(kube, space, "one")
    objects.budget(kube.admin, space, "kept", app="protected")
    budget = f"{objects.POLICY}/{space}/poddisruptionbudgets/kept"
    kube.wait(lambda: kube.admin.get(budget)["status"].get("observedGeneration") == 1, "the budget is counted")
    with pytest.raises(RefusedError, match="429") as refused:
        objects.evict(kube.admin, space, "one")
    assert refused.value.body["details"]["causes"][0]["reason"] == "DisruptionBudget"
    objects.budget(kube.admin, space, "kept-twice", app="protected")
    kube.wait(lambda: is_refused_with(500, kube, space), "the second budget is seen, too")
    with pytest.raises(RefusedError, match="more than one PodDisruptionBudget"):
        objects.evict(kube.admin, space, "one")


def test_an_eviction_ends_a_pod_that_nothing_protects(kube: ControlPlane, space: str):
    made = objects.pod(kube.admin, space, "one")
    objects.wait_running(kube, space, "one")
    with pytest.raises(RefusedError, match="409"):
        objects.evict(kube.admin, space, "one", uid="another")
    objects.evict(kube.admin, space, "one", uid=made["metadata"]["uid"])
    objects.wait_gone(kube, space, "one")


def test_a_watch_tells_all_there_is_and_then_that_this_was_all(kube: ControlPlane):
    wanted = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    told = events(kube, nodes.NODES, **wanted)
    assert kinds(told)[: NODES + 1] == ["ADDED"] * NODES + ["BOOKMARK"]
    assert told[NODES]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_a_write_of_a_stale_version_is_refused(kube: ControlPlane):
    node = nodes.get(kube.admin, "n07")
    nodes.annotate(kube.admin, "n07", **{"test.tidegate.dev/touched": str(time.monotonic())})
    stale = {"metadata": {"resourceVersion": node["metadata"]["resourceVersion"], "annotations": {"a": "b"}}}
    with pytest.raises(RefusedError, match="409 Conflict"):
        kube.admin.patch(f"{nodes.NODES}/n07", stale)
    nodes.annotate(kube.admin, "n07", **{"test.tidegate.dev/touched": None})


def test_an_account_may_do_what_its_rules_say_until_they_change(kube: ControlPlane):
    account = kube.account("reader", [rule("", "nodes", "get list watch")])
    try:
        with account.client(kube.url) as reader:
            assert len(reader.items(nodes.NODES)) == NODES
            assert (
                reader.ask("PATCH", f"{nodes.NODES}/n01", {}, content_type="application/merge-patch+json").status == 403
            )
            assert reader.ask("GET", "/api/v1/pods").status == 403
            account.allow([rule("", "pods", "list")])
            kube.wait(lambda: reader.ask("GET", "/api/v1/pods").status == 200, "it may list pods")
            assert reader.ask("GET", nodes.NODES).status == 403
    finally:
        account.delete()


def test_a_token_is_good_for_as_long_as_it_lives(kube: ControlPlane):
    account = kube.account("short", [rule("", "nodes", "list")])
    reader = kube.client(account.token(lives_s=2.0))
    try:
        assert reader.ask("GET", nodes.NODES).status == 200
        kube.wait(lambda: reader.ask("GET", nodes.NODES).status == 401, "the token has ended")
    finally:
        reader.close()
        account.delete()


def test_what_a_killed_api_server_had_acknowledged_is_there_when_it_is_back(own_kube: Callable[..., ControlPlane]):
    own = own_kube(scheduler=False, controller_manager=False, kwok=False)
    nodes.create(own, "n01")
    own.apiserver.kill()
    with pytest.raises(OSError, match="refused"):
        own.admin.get(nodes.NODES)
    own.start_apiserver()
    assert nodes.taints(nodes.get(own.admin, "n01")) == {}


def test_a_paused_api_server_is_silent_and_goes_on(own_kube: Callable[..., ControlPlane]):
    own = own_kube(scheduler=False, controller_manager=False, kwok=False)
    own.apiserver.pause()
    with pytest.raises(TimeoutError):
        own.admin.ask("GET", nodes.NODES, timeout_s=1.0)
    own.apiserver.resume()
    assert own.admin.items(nodes.NODES) == []


def test_who_asks_for_what_was_forgotten_is_told_410(own_kube: Callable[..., ControlPlane]):
    own = own_kube(scheduler=False, controller_manager=False, kwok=False)
    nodes.create(own, "n01", "n02", "n03")
    page = own.admin.get(nodes.NODES, limit=1)["metadata"]
    nodes.annotate(own.admin, "n01", a="b")
    own.apiserver.stop()
    own.compact()
    own.start_apiserver()
    with pytest.raises(RefusedError, match="410 Expired"):
        own.admin.get(nodes.NODES, limit=1, **{"continue": page["continue"]})
    told = events(own, nodes.NODES, resourceVersion=page["resourceVersion"])
    assert [(event["type"], event["object"]["code"]) for event in told] == [("ERROR", 410)]


def test_a_node_that_falls_silent_is_not_ready_and_ready_again_when_it_speaks(own_kube: Callable[..., ControlPlane]):
    own = own_kube(nodes=2, lease_s=8, unready_s=10)
    nodes.silence(own, "n01")
    nodes.wait_not_ready(own, "n01")
    own.wait(lambda: "node.kubernetes.io/unreachable" in nodes.taints(nodes.get(own.admin, "n01")), "it is tainted")
    assert nodes.is_ready(nodes.get(own.admin, "n02"))
    nodes.revive(own, "n01")
    nodes.wait_ready(own, ["n01"])


def test_what_is_off_by_default_can_be_turned_on(own_kube: Callable[..., ControlPlane]):
    served = ("scheduling.k8s.io/v1beta1=true",)
    own = own_kube(controller_manager=False, kwok=False, feature_gates={"GenericWorkload": True}, runtime_config=served)
    body = {"metadata": {"name": "gang"}, "spec": {"schedulingPolicy": {"gang": {"minCount": 3}}}}
    path = "/apis/scheduling.k8s.io/v1beta1/namespaces/default/podgroups"
    own.wait(lambda: own.admin.create(path, body), "a gang is taken")
    assert own.admin.get(f"{path}/gang")["spec"]["schedulingPolicy"]["gang"]["minCount"] == 3
