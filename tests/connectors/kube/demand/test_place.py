"""Where pods may run: every operator, every effect, what passes and what stays."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.kube.demand.need import Place
from connectors.kube.demand.place import candidates, kept_off, names_nodes, place_of, pools_of, tolerates_us
from connectors.kube.wire.pods import PodSpec
from tests.connectors.kube.demand.made import node


def place(**spec: Any) -> Place:
    return place_of(msgspec.convert(spec, PodSpec))


def affine(*terms: dict[str, Any]) -> dict[str, Any]:
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}
    return {"affinity": {"nodeAffinity": required}}


def wants(key: str, operator: str, *values: str) -> dict[str, Any]:
    return affine({"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]})


def named(operator: str, *values: str) -> dict[str, Any]:
    return affine({"matchFields": [{"key": "metadata.name", "operator": operator, "values": list(values)}]})


HERE = node("n1", labels={"gpu": "a100", "memory": "512", "odd": "many", "tidegate.dev/side": "hpc"})
PLACES: dict[str, tuple[dict[str, Any], bool]] = {
    "anywhere": ({}, True),
    "a label": ({"nodeSelector": {"gpu": "a100"}}, True),
    "another value": ({"nodeSelector": {"gpu": "h100"}}, False),
    "one label of two": ({"nodeSelector": {"gpu": "a100", "ib": "yes"}}, False),
    "In": (wants("gpu", "In", "h100", "a100"), True),
    "In, another": (wants("gpu", "In", "h100"), False),
    "In, no label": (wants("ib", "In", "yes"), False),
    "NotIn": (wants("gpu", "NotIn", "h100"), True),
    "NotIn, this": (wants("gpu", "NotIn", "a100"), False),
    "NotIn, no label": (wants("ib", "NotIn", "yes"), True),
    "Exists": (wants("gpu", "Exists"), True),
    "Exists, no label": (wants("ib", "Exists"), False),
    "DoesNotExist": (wants("ib", "DoesNotExist"), True),
    "DoesNotExist, but does": (wants("gpu", "DoesNotExist"), False),
    "Gt": (wants("memory", "Gt", "511"), True),
    "Gt, equal": (wants("memory", "Gt", "512"), False),
    "Lt": (wants("memory", "Lt", "513"), True),
    "Lt, equal": (wants("memory", "Lt", "512"), False),
    "Gt, no number": (wants("odd", "Gt", "1"), False),
    "Gt, of no number": (wants("memory", "Gt", "many"), False),
    "Gt, two values": (wants("memory", "Gt", "1", "2"), False),
    "Gt, no label": (wants("ib", "Gt", "1"), False),
    "an operator that is not known": (wants("gpu", "Like", "a100"), False),
    "its name": (named("In", "n1"), True),
    "another name": (named("In", "n2"), False),
    "any name but its own": (named("NotIn", "n1"), False),
    "an empty term fits nothing": (affine({}), False),
    "no term": (affine(), False),
    "one term of two is enough": (
        affine({"matchExpressions": [{"key": "ib", "operator": "Exists"}]},
               {"matchExpressions": [{"key": "gpu", "operator": "Exists"}]}), True),
    "all of a term": (
        affine({"matchExpressions": [{"key": "gpu", "operator": "Exists"}],
                "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n2"]}]}), False),
    "the selector and the affinity": ({"nodeSelector": {"gpu": "h100"}, **wants("gpu", "Exists")}, False),
    "a node of Kubernetes, which a move makes it": ({"nodeSelector": {"tidegate.dev/side": "kubernetes"}}, True),
    "a node of the other side": ({"nodeSelector": {"tidegate.dev/side": "hpc"}}, False),
}  # fmt: skip


@pytest.mark.parametrize("name", PLACES)
def test_selectors_and_affinities(name: str):
    spec, fits = PLACES[name]
    assert (kept_off(place(**spec), HERE) == "") is fits


def taint(key: str, effect: str = "NoSchedule", value: str | None = None) -> dict[str, Any]:
    return {"key": key, "effect": effect, "value": value}


GPU_TAINT = taint("nvidia.com/gpu", value="present")
TAINTS: dict[str, tuple[dict[str, Any], dict[str, Any] | None, bool]] = {
    "not tolerated": (GPU_TAINT, None, False),
    "NoExecute, not tolerated": (taint("x", "NoExecute"), None, False),
    "PreferNoSchedule forbids nothing": (taint("x", "PreferNoSchedule"), None, True),
    "by equal value": (GPU_TAINT, {"key": "nvidia.com/gpu", "value": "present", "operator": "Equal"}, True),
    "by equal value, said by nothing": (GPU_TAINT, {"key": "nvidia.com/gpu", "value": "present"}, True),
    "by another value": (GPU_TAINT, {"key": "nvidia.com/gpu", "value": "true"}, False),
    "by no value": (GPU_TAINT, {"key": "nvidia.com/gpu"}, False),
    "by existence": (GPU_TAINT, {"key": "nvidia.com/gpu", "operator": "Exists"}, True),
    "by another effect": (GPU_TAINT, {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoExecute"}, False),
    "by its effect": (GPU_TAINT, {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}, True),
    "by another key": (GPU_TAINT, {"key": "amd.com/gpu", "operator": "Exists"}, False),
    "all are tolerated": (GPU_TAINT, {"operator": "Exists"}, True),
    "all of an effect": (GPU_TAINT, {"operator": "Exists", "effect": "NoExecute"}, False),
    "a number below": (taint("sla", value="5"), {"key": "sla", "operator": "Lt", "value": "6"}, True),
    "a number not below": (taint("sla", value="6"), {"key": "sla", "operator": "Lt", "value": "6"}, False),
    "a number above": (taint("sla", value="7"), {"key": "sla", "operator": "Gt", "value": "6"}, True),
    "an operator that is not known": (GPU_TAINT, {"key": "nvidia.com/gpu", "operator": "Like"}, False),
    "ours passes": (taint("tidegate.dev/side", value="hpc"), None, True),
    "our fence passes": (taint("tidegate.dev/side", "NoExecute", "hpc"), None, True),
    "a cordon passes": (taint("node.kubernetes.io/unschedulable"), None, True),
    "not ready passes": (taint("node.kubernetes.io/not-ready", "NoExecute"), None, True),
    "a dead node does not": (taint("node.kubernetes.io/out-of-service", "NoExecute"), None, False),
    "one that goes away does not": (taint("ToBeDeletedByClusterAutoscaler"), None, False),
}


@pytest.mark.parametrize("name", TAINTS)
def test_taints_and_tolerations(name: str):
    told, toleration, fits = TAINTS[name]
    tolerating = place(tolerations=[toleration] if toleration else [])
    assert (kept_off(tolerating, node(taints=[told])) == "") is fits


@pytest.mark.parametrize(
    ("spec", "named_ones"),
    [
        ({}, False),
        ({"nodeSelector": {"kubernetes.io/hostname": "n1"}}, True),
        ({"nodeSelector": {"gpu": "a100"}}, False),
        (wants("kubernetes.io/hostname", "In", "n1", "n2"), True),
        (wants("kubernetes.io/hostname", "NotIn", "n1"), False),
        (wants("kubernetes.io/hostname", "Exists"), False),
        (named("In", "n1"), True),
        (named("NotIn", "n1"), False),
        (affine({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]},
                {"matchExpressions": [{"key": "gpu", "operator": "Exists"}]}), False),
    ],
)  # fmt: skip
def test_pods_that_want_certain_nodes_by_name(spec: dict[str, Any], named_ones: bool):
    assert names_nodes(place(**spec)) is named_ones


def test_who_names_our_taint_is_told():
    ours = {"key": "tidegate.dev/side", "operator": "Exists"}
    assert tolerates_us(place(tolerations=[ours]))
    assert not tolerates_us(place(tolerations=[{"operator": "Exists"}]))


def test_equal_places_are_one_object():
    assert place(nodeSelector={"a": "1", "b": "2"}) is place(nodeSelector={"b": "2", "a": "1"})


CPU = candidates("cpu", [node(f"c{n}", labels={"kind": "cpu"}) for n in range(3)])
ACCELERATED = candidates("gpu", [node(f"g{n}", labels={"kind": "gpu"}, taints=[GPU_TAINT]) for n in range(3)])
TOLERANT = {"tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}]}
POOLS: dict[str, tuple[dict[str, Any], tuple[str, ...], str]] = {
    "any": (TOLERANT, ("gpu", "cpu"), ""),
    "not tolerant": ({}, ("cpu",), ""),
    "by its label": (TOLERANT | {"nodeSelector": {"kind": "gpu"}}, ("gpu",), ""),
    "in none, for a taint": ({"nodeSelector": {"kind": "gpu"}}, (), "no node of a pool is for it: "),
    "in none, for a label": ({"nodeSelector": {"kind": "fpga"}}, (), "no node of a pool is for it: no label kind=fpga"),
    "any node but one": (wants("kubernetes.io/hostname", "NotIn", "c0"), ("cpu",), ""),
    "any node but all": (wants("kubernetes.io/hostname", "NotIn", "c0", "c1", "c2"), (), "no node of a pool"),
}


@pytest.mark.parametrize("name", POOLS)
def test_the_pools_that_have_a_node_in_the_order_of_the_policy(name: str):
    spec, pools, why = POOLS[name]
    room = pools_of(place(**spec), [ACCELERATED, CPU])
    assert room.pools == pools
    assert room.why.startswith(why)
    assert bool(room.why) is not bool(pools)


def test_nodes_alike_are_one_kind():
    assert len(CPU.kinds) == 1
    ours = {"key": "tidegate.dev/side", "effect": "NoSchedule", "value": "hpc", "timeAdded": "2026-11-30T10:00:00Z"}
    assert len(candidates("p", [node("a"), node("b", taints=[ours]), node("c", labels={"rack": "1"})]).kinds) == 2


def test_without_nodes_there_is_no_room():
    assert pools_of(place(), [candidates("p", [])]).why == "no pool has a node"
