"""Nodes that are open to both sides are told, and whose each of the others is counted."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from models.findings import Finding, Level
from tests.connectors.kube.checkup.cluster import SHAPE, healthy, look, policy
from tests.connectors.kube.objects import node, taint

OURS = {"taints": [taint("tidegate.dev/side", value="hpc")]}
CORDONED = {"spec": {"unschedulable": True}}


def found(drained: Collection[str] | None, mode: str = "auto", **nodes: dict[str, object]) -> list[Finding]:
    api = healthy()
    for name, more in nodes.items():
        api.put("nodes", node(name, **more))
    known = None if drained is None else lambda: drained
    return [one for one in look(api, policy(mode), drained=known) if one.check == "kubernetes.sides"]


@pytest.mark.parametrize(
    ("drained", "closed", "what"),
    [
        (["n3"], ["n1", "n2"], "HPC has 2 nodes, Kubernetes 1"),
        (["n1", "n2", "n3"], [], "HPC has 0 nodes, Kubernetes 3"),
        (["n2", "n3"], ["n1", "n2"], "HPC has 1 node, Kubernetes 1, 1 node closed to both"),
    ],
)
def test_how_many_nodes_each_side_has(drained: list[str], closed: list[str], what: str):
    (one,) = found(drained, **dict.fromkeys(closed, OURS))
    assert (one.level, one.what) == (Level.OK, f"pool gpu: {what}")


@pytest.mark.parametrize(("mode", "level"), [("recommend", Level.WARNING), ("auto", Level.ERROR)])
def test_nodes_that_are_open_to_both_are_told_with_a_command_for_either_side(mode: str, level: Level):
    (one,) = found(["n1"], mode)
    assert one.level is level
    assert "2 nodes (n[2-3]) open to both sides" in one.what
    assert one.commands == (
        "kubectl taint node n2 n3 tidegate.dev/side=hpc:NoSchedule",
        "scontrol update nodename=n[2-3] state=drain reason=tidegate:initial",
    )


def test_a_cordon_closes_a_node_as_well_as_our_taint():
    (one,) = found([], n1=CORDONED, n2=OURS, n3=OURS)
    assert one.what == "pool gpu: HPC has 3 nodes, Kubernetes 0"


def test_where_the_hpc_side_is_not_known_nothing_is_told():
    assert found(None) == []
    unknown = look(healthy(), policy(), hpc={"x1": SHAPE}, drained=lambda: ())
    assert [one for one in unknown if one.check == "kubernetes.sides"] == []
