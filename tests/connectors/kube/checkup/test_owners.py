"""Who else owns nodes, closes them or drains them."""

from __future__ import annotations

from typing import Any

import pytest

from models.findings import Level
from tests.connectors.kube.checkup.cluster import bad, healthy, look, only, policy, text
from tests.connectors.kube.fake_store import Served
from tests.connectors.kube.objects import node, pod, taint

OK, WARNING, ERROR = Level.OK, Level.WARNING, Level.ERROR
SIDE, MARK, RECORD = "tidegate.dev/side", "tidegate.dev/mark", "tidegate.dev/record"


def deployment(name: str, *, image: str = "registry/app:v1", labels: dict[str, str] | None = None) -> dict[str, Any]:
    spec = {"containers": [{"name": "c", "image": image}]}
    return {"metadata": {"name": name, "namespace": "ops", "labels": labels}, "spec": {"template": {"spec": spec}}}


@pytest.mark.parametrize(
    ("marks", "owner"),
    [
        ({"labels": {"karpenter.sh/nodepool": "x"}}, "Karpenter"),
        ({"annotations": {"cluster.x-k8s.io/machine": "x"}}, "Cluster API"),
        ({"labels": {"sunk.coreweave.com/lock": "x"}}, "SUNK"),
    ],
)
def test_nodes_of_other_owners(marks: dict[str, Any], owner: str):
    api = healthy()
    api.put("nodes", node("n2", **marks))
    found = only(look(api), "kubernetes.owners")
    assert found.level is WARNING
    assert f"pool gpu: of {owner}, which makes and removes nodes: node n2;" in found.what
    for name in ("n1", "n3"):
        api.put("nodes", node(name, **marks))
    assert only(look(api), "kubernetes.owners").level is ERROR


@pytest.mark.parametrize(
    ("its", "needle"),
    [
        (deployment("cluster-autoscaler"), "cluster-autoscaler runs here"),
        (
            deployment("ca", image="k8s.io/ca/cluster-autoscaler:v1.36@sha256:0"),
            "cluster-autoscaler runs here",
        ),
        (deployment("aws", labels={"app.kubernetes.io/name": "cluster-autoscaler"}), "cluster-autoscaler runs here"),
        (deployment("karpenter"), "Karpenter runs here"),
        (deployment("my-app"), ""),
    ],
)
def test_autoscalers_that_run_here(its: dict[str, Any], needle: str):
    api = healthy()
    api.put("deployments", its)
    found = bad(look(api), "kubernetes.owners")
    assert [needle in one.what for one in found] == ([True] if needle else [])


def test_an_autoscaler_that_runs_elsewhere_leaves_its_status():
    api = healthy()
    api.put("configmaps", {"metadata": {"name": "cluster-autoscaler-status", "namespace": "kube-system"}})
    assert "cluster-autoscaler runs here" in only(look(api), "kubernetes.owners").what


@pytest.mark.parametrize(
    ("labels", "image", "level", "needle"),
    [
        ({"app.kubernetes.io/version": "1.3.0"}, "slurm-operator", OK, "1.3.0, and knows"),
        ({"app.kubernetes.io/version": "v1.2.9"}, "slurm-operator", WARNING, "1.2.9, which does not know"),
        ({}, "ghcr.io/slinkyproject/slurm-operator:1.10.0-rc1", OK, "1.10.0, and knows"),
        ({}, "ghcr.io/slinkyproject/slurm-operator:latest", WARNING, "cannot be told"),
        ({}, "host:5000/slurm-operator@sha256:00", WARNING, "cannot be told"),
    ],
)
def test_slinkys_operator(labels: dict[str, str], image: str, level: Level, needle: str):
    api = healthy()
    api.put("deployments", deployment("slurm-operator", image=image, labels=labels))
    (found,) = [one for one in look(api) if one.check == "kubernetes.slinky"]
    assert found.level is level
    assert needle in found.what


@pytest.mark.parametrize("by", ["its resources", "slurmd's pods"])
def test_slinky_without_an_operator_that_is_seen(by: str):
    group = Served("/apis/slinky.slurm.net/v1beta1", "nodesets", "NodeSet")
    api = healthy(*((group,) if by == "its resources" else ()))
    if by != "its resources":
        labels = {"nodeset.slinky.slurm.net/pod-name": "s"}
        bears = {"tolerations": [{"operator": "Exists"}]}
        api.put("pods", pod("s", "n1", owner="NodeSet", metadata={"labels": labels}, spec=bears))
    assert "version cannot be told" in only(look(api), "kubernetes.slinky").what


def closed(name: str, value: str | None = "hpc", mark: str = "", record: str = "") -> dict[str, Any]:
    notes = {MARK: mark} if mark else {}
    notes |= {RECORD: record} if record else {}
    return node(name, taints=[taint(SIDE, value=value)], annotations=notes)


@pytest.mark.parametrize(
    ("shown", "level", "needle"),
    [
        pytest.param(closed("n1", mark="tidegate:campus_gpu.7.p3"), OK, "1 node closed for the HPC side", id="ours"),
        pytest.param(closed("n1", mark="tidegate:7.p3"), OK, "closed for the HPC side", id="of release 0.1.0"),
        pytest.param(closed("n1"), OK, "closed for the HPC side", id="by hand, for HPC"),
        pytest.param(
            closed("n1", mark="tidegate:other_gpu.7.p3"), ERROR, "of site and pool other_gpu", id="another site"
        ),
        pytest.param(
            closed("n1", mark="tidegate:campus_a100.7.p3"), ERROR, "of site and pool campus_a100", id="another pool"
        ),
        pytest.param(closed("n1", "repair"), WARNING, "by a person with tidegate.dev/side (repair)", id="a person"),
        pytest.param(closed("n1", None), WARNING, "by a person", id="a person, without a word"),
    ],
)
def test_nodes_that_our_taint_closes(shown: dict[str, Any], level: Level, needle: str):
    api = healthy()
    api.put("nodes", shown)
    (found,) = [one for one in look(api) if one.check == "kubernetes.marks"]
    assert found.level is level
    assert needle in found.what
    assert ("kubectl taint node n1 tidegate.dev/side-" in found.commands) is (level is WARNING)
    assert ("kubectl annotate node n1 tidegate.dev/mark- tidegate.dev/record-" in found.commands) is (level is ERROR)


def test_a_taint_that_the_pool_always_has_is_proposed():
    api = healthy(names=[])
    for name in ("n1", "n2"):
        api.put("nodes", node(name, taints=[taint("nvidia.com/gpu"), taint("node.kubernetes.io/disk-pressure")]))
    api.put("nodes", node("n3"))
    (found,) = bad(look(api), "kubernetes.taints")
    assert found.level is ERROR
    assert "kubernetes: {taints: [nvidia.com/gpu]}" in found.remedy
    assert bad(look(api, policy(kubernetes={"taints": ["nvidia.com/gpu"]})), "kubernetes.taints") == []


@pytest.mark.parametrize(
    ("shown", "needle", "command"),
    [
        (node("n1", spec={"unschedulable": True}), "(cordoned)", "kubectl uncordon n1"),
        (node("n1", taints=[taint("example.org/broken")]), "(taint example.org/broken)", "kubectl describe node n1"),
        (node("n1", taints=[taint("node.kubernetes.io/out-of-service")]), "out-of-service", "kubectl describe node n1"),
    ],
)
def test_single_nodes_that_others_have_closed(shown: dict[str, Any], needle: str, command: str):
    api = healthy()
    api.put("nodes", shown)
    found = only(look(api), "kubernetes.cordons")
    assert needle in found.what
    assert found.commands == (command,)


def test_what_strangers_wrote_cannot_steer_a_terminal():
    api = healthy()
    api.put("nodes", closed("n1", "\x1b[2J\nroot"))
    api.put("nodes", node("n2", taints=[taint("a/\x1b[2J")]))
    for one in bad(look(api)):
        assert "\x1b" not in one.what + one.remedy
        assert "\n" not in text(one)
