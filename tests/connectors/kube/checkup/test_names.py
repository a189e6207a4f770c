"""Whether the nodes of a pool are there under the names that the policy makes, and as large as HPC has them."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.kube.checkup.checkup import KubeCheckup
from connectors.kube.settings import KubernetesSettings
from models.findings import Level
from models.nodes import NodeShape
from tests.connectors.kube.checkup.cluster import NOW_S, SHAPE, bad, healthy, look, only, policy, text
from tests.connectors.kube.objects import WHOLE, node

FQDN = [f"n{number}.example.org" for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("there", "pool", "needles"),
    [
        pytest.param(["n1", "n2"], {}, ["pool gpu: Kubernetes has no node n3", "Join them"], id="one is missing"),
        pytest.param(["a", "b"], {}, ["no 3 nodes (n[1-3])", "Mend nodes or kubernetesName"], id="all are missing"),
        pytest.param(FQDN, {}, ["it has n1.example.org", "kubernetesName: '{name}.example.org'"], id="longer there"),
        pytest.param(
            ["n1", "n2", "n3"],
            {"kubernetesName": "{name}.example.org"},
            ["but it has n1", "kubernetesName: '{name}'"],
            id="shorter there",
        ),
        pytest.param(["gpu1"], {"nodes": "GPU1"}, ["but it has gpu1: names have no capitals"], id="capitals"),
        pytest.param(["n1", "n2", *FQDN[2:]], {}, ["kubernetesName: '{name}.example.org'"], id="some longer"),
    ],
)
def test_missing_nodes(there: list[str], pool: dict[str, Any], needles: list[str]):
    (found,) = bad(look(healthy(names=there), policy(**pool)), "kubernetes.names")
    assert found.level is Level.ERROR
    for needle in needles:
        assert needle in text(found)
    assert found.commands == ("kubectl get nodes -o name",)


def test_all_that_hpc_has_where_the_policy_names_none():
    api = healthy(names=["n1", "n2", "control"])
    found = look(api, policy(nodes=None), hpc={"n1": SHAPE, "n2": SHAPE, "n4": SHAPE})
    assert "no node n4" in only(found, "kubernetes.names").what


def test_names_that_nobody_tells():
    checkup = KubeCheckup(KubernetesSettings(), policy(nodes=None), "campus", lambda: NOW_S, open=lambda _: healthy())
    (found,) = [one for one in checkup.findings() if one.check == "kubernetes.names"]
    assert found.level is Level.SKIPPED


def test_nodes_that_bear_our_label_and_are_in_no_pool():
    api = healthy()
    api.put("nodes", node("old", labels={"tidegate.dev/pool": "v100"}))
    found = only(look(api), "kubernetes.names")
    assert "node old bear the label tidegate.dev/pool=v100" in found.what


@pytest.mark.parametrize(
    ("offers", "hpc", "needle"),
    [
        pytest.param({}, SHAPE, "", id="the same"),
        pytest.param({"cpu": "7600m", "memory": "58Gi"}, SHAPE, "", id="what kubelet keeps"),
        pytest.param({"cpu": "16"}, SHAPE, "", id="threads and cores"),
        pytest.param({"cpu": "64"}, SHAPE, "64 and 8 processors", id="another processor"),
        pytest.param({"memory": "16Gi"}, SHAPE, "16384 and 64000 MiB", id="another memory"),
        pytest.param({"nvidia.com/gpu": "8"}, SHAPE, "8 and 4 GPUs", id="other GPUs"),
        pytest.param({"nvidia.com/gpu": "0"}, SHAPE, "", id="GPUs that are told elsewhere"),
        pytest.param({"cpu": "lots"}, SHAPE, "tells no size", id="no amount"),
        pytest.param({"cpu": "64"}, None, "", id="HPC does not tell"),
    ],
)
def test_shapes(offers: dict[str, str], hpc: NodeShape | None, needle: str):
    api = healthy()
    api.put("nodes", node("n2", status={"allocatable": {**WHOLE, **offers}}))
    found = bad(look(api, hpc={"n1": SHAPE, "n2": hpc, "n3": SHAPE}), "kubernetes.shapes")
    assert [needle in one.what for one in found] == ([True] if needle else [])


def test_the_size_of_a_node_that_is_not_ready_is_not_looked_at():
    api = healthy()
    api.put("nodes", node("n2", ready=False, status={"allocatable": {"cpu": "1"}}))
    assert bad(look(api), "kubernetes.shapes") == []
