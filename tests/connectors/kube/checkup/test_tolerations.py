"""Who bears our taint, and who should: DaemonSets, pods with a blanket toleration, slurmd in a pod."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from models.findings import Level
from tests.connectors.kube.checkup.cluster import bad, healthy, look, only, policy, text
from tests.connectors.kube.objects import node, pod, taint

SIDE = {"key": "tidegate.dev/side", "operator": "Exists"}
EXECUTE = {**SIDE, "effect": "NoExecute"}
SCHEDULE = {**SIDE, "effect": "NoSchedule"}
ALL = {"operator": "Exists"}
GPU = {"key": "nvidia.com/gpu", "operator": "Exists"}


def daemon(name: str = "plugin", tolerations: Any = None, **spec: Any) -> dict[str, Any]:
    whole = spec | ({"tolerations": tolerations} if tolerations is not None else {})
    return {"metadata": {"name": name, "namespace": "gpu"}, "spec": {"template": {"spec": whole}}}


def affinity(operator: str, key: str, *values: str) -> dict[str, Any]:
    expression = {"key": key, "operator": operator, "values": list(values)}
    term = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": term}}


@pytest.mark.parametrize(
    ("tolerations", "fence", "needle"),
    [
        pytest.param(None, "pods", "they end when", id="none"),
        pytest.param([GPU], "pods", "they end when", id="another"),
        pytest.param([SCHEDULE], "pods", "they end when", id="one effect of two"),
        pytest.param([EXECUTE], "pods", "is not made", id="the other effect"),
        pytest.param([EXECUTE, SCHEDULE], "pods", "", id="both"),
        pytest.param([SIDE], "pods", "", id="ours"),
        pytest.param([{**SIDE, "operator": "Equal", "value": "hpc"}], "pods", "", id="ours by value"),
        pytest.param([{**SIDE, "operator": "Equal", "value": "x"}], "pods", "they end when", id="another value"),
        pytest.param([{**EXECUTE, "tolerationSeconds": 60}, SCHEDULE], "pods", "they end when", id="for a while"),
        pytest.param([ALL], "pods", "", id="every taint"),
        pytest.param(None, "none", "is not made", id="no fence"),
        pytest.param([SCHEDULE], "none", "", id="no fence, and one effect"),
    ],
)
def test_daemon_sets_that_do_not_tolerate_our_taint(tolerations: Any, fence: str, needle: str):
    api = healthy()
    api.put("daemonsets", daemon(tolerations=tolerations))
    found = bad(look(api, policy(moves={"fence": fence})), "kubernetes.daemonsets")
    assert [needle in one.what and "gpu/plugin" in one.what for one in found] == ([True] if needle else [])
    for one in found:
        (command,) = one.commands
        *start, patch = shlex.split(command)
        assert start[:4] == ["kubectl", "patch", "daemonset", "plugin"]
        (added,) = json.loads(patch)
        assert added["path"] == "/spec/template/spec/tolerations" + ("/-" if tolerations else "")
        assert added["value"] == (SIDE if tolerations else [SIDE])


@pytest.mark.parametrize(
    ("spec", "is_told"),
    [
        pytest.param({"nodeSelector": {"gpu": "yes"}}, True, id="a label that they have"),
        pytest.param({"nodeSelector": {"gpu": "no"}}, False, id="a label that they have not"),
        pytest.param({"affinity": affinity("In", "gpu", "yes")}, True, id="affinity"),
        pytest.param({"affinity": affinity("NotIn", "gpu", "yes")}, False, id="affinity to others"),
        pytest.param({"affinity": affinity("DoesNotExist", "gpu")}, False, id="affinity to those without"),
        pytest.param({"affinity": affinity("Gt", "gpus", "2")}, True, id="a number"),
        pytest.param({"affinity": affinity("Lt", "gpus", "2")}, False, id="too large a number"),
        pytest.param({"affinity": affinity("Near", "gpu")}, False, id="an operator of later"),
    ],
)
def test_daemon_sets_elsewhere_are_nothing_to_us(spec: dict[str, Any], is_told: bool):
    api = healthy(names=[])
    for name in ("n1", "n2", "n3"):
        api.put("nodes", node(name, labels={"gpu": "yes", "gpus": "4"}))
    api.put("daemonsets", daemon(**spec))
    assert bool(bad(look(api), "kubernetes.daemonsets")) is is_told


def test_daemon_sets_that_a_taint_of_the_pool_keeps_off_are_nothing_to_us():
    api = healthy(names=[])
    for name in ("n1", "n2", "n3"):
        api.put("nodes", node(name, taints=[taint("nvidia.com/gpu"), taint("node.kubernetes.io/disk-pressure")]))
    api.put("daemonsets", daemon("exporter"))
    api.put("daemonsets", daemon("plugin", [GPU]))
    (found,) = bad(look(api, policy(kubernetes={"taints": ["nvidia.com/gpu"]})), "kubernetes.daemonsets")
    assert "pods of DaemonSet gpu/plugin do not tolerate" in found.what


def test_many_daemon_sets_are_one_finding():
    api = healthy()
    for number in range(30):
        api.put("daemonsets", daemon(f"d{number:02}"))
    found = only(look(api), "kubernetes.daemonsets")
    assert "and 22 more" in found.what
    assert len(found.commands) == 20


@pytest.mark.parametrize(
    ("on", "tolerations", "owner", "needle"),
    [
        pytest.param("n1", [ALL], "ReplicaSet", "1 pod (ReplicaSet ml/o) on nodes of the pools", id="on a node"),
        pytest.param("n1", [ALL], "", "1 pod (ml/p1) on nodes of the pools", id="of nobody"),
        pytest.param("", [ALL], "Job", "may come to a node that the HPC side has", id="elsewhere"),
        pytest.param("n1", [SIDE], "", "on nodes of the pools", id="by our key"),
        pytest.param("n1", [{**ALL, "effect": "NoSchedule"}], "", "on nodes of the pools", id="one effect"),
        pytest.param("n1", [{**ALL, "effect": "NoExecute"}], "", "", id="the other effect"),
        pytest.param("n1", [GPU], "", "", id="another taint"),
        pytest.param("n1", [ALL], "DaemonSet", "", id="a DaemonSet's"),
        pytest.param("n1", [ALL], "Node", "1 pod (Node ml/o) on nodes", id="one that says it is the node's"),
    ],
)
def test_pods_that_our_taint_does_not_keep_off(on: str, tolerations: Any, owner: str, needle: str):
    api = healthy()
    api.put("pods", pod("p1", on, owner=owner, spec={"tolerations": tolerations}))
    found = bad(look(api), "kubernetes.tolerations")
    assert [needle in one.what for one in found] == ([True] if needle else [])


@pytest.mark.parametrize(
    ("tolerations", "fence", "levels"),
    [
        (None, "pods", [Level.ERROR]),
        (None, "none", [Level.WARNING]),
        ([SCHEDULE], "pods", [Level.ERROR]),
        ([SIDE], "pods", []),
        ([ALL], "pods", []),
    ],
)
def test_slurmd_in_a_pod_has_to_stay(tolerations: Any, fence: str, levels: list[Level]):
    api = healthy()
    labels = {"nodeset.slinky.slurm.net/pod-name": "slurmd-0"}
    api.put(
        "pods",
        pod("slurmd-0", "n1", owner="NodeSet", metadata={"labels": labels}, spec={"tolerations": tolerations or []}),
    )
    found = [one for one in bad(look(api, policy(moves={"fence": fence}))) if "slurmd runs in 1 pod" in one.what]
    assert [one.level for one in found] == levels
    assert all("kubectl edit nodesets.slinky.slurm.net -n ml" in text(one) for one in found)
