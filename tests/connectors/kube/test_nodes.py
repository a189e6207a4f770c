from __future__ import annotations

from typing import Any

import pytest

from connectors.kube.node_patch import same_for_us
from connectors.kube.nodes import Rules, amounts_of, closed_by_others, lacking, node_of, offers_of, usual_offers
from connectors.kube.owners_of_nodes import managed_by
from models.nodes import KubernetesNode, NodeShape
from models.policies import Evict
from tests.connectors.kube.objects import SINCE, WHOLE, Object, as_node, as_pod, node, pod, taint

SIDE = "tidegate.dev/side"
MARK = {"tidegate.dev/mark": "tidegate:s_p.3.p1"}


def shown(of: Object, *pods: Object, evict: Evict = Evict.NEVER) -> KubernetesNode:
    return node_of("here", as_node(of), [as_pod(one) for one in pods], Rules(frozenset({"nvidia.com/gpu"}), evict))


# what the node bears -> closed_by, discouraged, fenced
CLOSED: dict[str, tuple[Object, tuple[str | None, bool, bool]]] = {
    "nothing": (node(), (None, False, False)),
    "our taint and mark": (
        node(taints=[taint(SIDE, value="hpc")], annotations=MARK),
        ("tidegate:s_p.3.p1", False, False),
    ),
    "a person's taint, as the docs say it": (node(taints=[taint(SIDE, value="hpc")]), ("tidegate:hpc", False, False)),
    "somebody else's word": (node(taints=[taint(SIDE, value="maintenance")]), ("maintenance", False, False)),
    "somebody else's word beside ours": (
        node(taints=[taint(SIDE, value="hpc"), taint(SIDE, "NoExecute", "maintenance")], annotations=MARK),
        ("maintenance", False, False),
    ),
    "no word": (node(taints=[taint(SIDE)]), ("a taint without a value", False, False)),
    "our mark without a taint": (node(annotations=MARK), (None, False, False)),
    "a wish": (node(taints=[taint(SIDE, "PreferNoSchedule", "hpc")]), (None, True, False)),
    "a fence": (
        node(taints=[taint(SIDE, value="hpc"), taint(SIDE, "NoExecute", "hpc")], annotations=MARK),
        ("tidegate:s_p.3.p1", False, True),
    ),
    "a fence alone": (node(taints=[taint(SIDE, "NoExecute", "hpc")]), ("tidegate:hpc", False, True)),
}


@pytest.mark.parametrize(("of", "expected"), CLOSED.values(), ids=CLOSED.keys())
def test_who_closed_a_node_and_how(of: Object, expected: tuple[str | None, bool, bool]):
    one = shown(of)
    assert (one.closed_by, one.discouraged, one.fenced) == expected
    assert not one.cordoned


LIFECYCLE = {"status": {"conditions": [{"type": "DrainInProgress", "status": "True"}]}}
# what the node bears -> what others closed it with
OTHERS: dict[str, tuple[Object, str]] = {
    "nothing": (node(), ""),
    "a cordon": (node(spec={"unschedulable": True}), "cordoned"),
    "a cordon and its taint": (
        node(spec={"unschedulable": True}, taints=[taint("node.kubernetes.io/unschedulable")]),
        "cordoned",
    ),
    "a taint of theirs": (node(taints=[taint("maintenance")]), "taint maintenance"),
    "one that ends pods": (node(taints=[taint("maintenance", "NoExecute")]), "taint maintenance"),
    "a wish of theirs": (node(taints=[taint("maintenance", "PreferNoSchedule")]), ""),
    "one that the policy names": (node(taints=[taint("nvidia.com/gpu")]), ""),
    "not ready, which Ready tells": (node(taints=[taint("node.kubernetes.io/not-ready")]), ""),
    "unreachable, which Ready tells": (node(taints=[taint("node.kubernetes.io/unreachable", "NoExecute")]), ""),
    "no memory": (
        node(taints=[taint("node.kubernetes.io/memory-pressure")]),
        "taint node.kubernetes.io/memory-pressure",
    ),
    "dead": (
        node(taints=[taint("node.kubernetes.io/out-of-service", "NoExecute")]),
        "taint node.kubernetes.io/out-of-service",
    ),
    "a drain, as 1.37 tells it": (node(**LIFECYCLE), "condition DrainInProgress"),
    "ours": (node(taints=[taint(SIDE, value="hpc")]), ""),
}  # fmt: skip


@pytest.mark.parametrize(("of", "expected"), OTHERS.values(), ids=OTHERS.keys())
def test_what_others_closed_a_node_with(of: Object, expected: str):
    assert closed_by_others(as_node(of), frozenset({"nvidia.com/gpu"})) == expected
    assert (shown(of).cordoned, shown(of).cordoned_by) == (bool(expected), expected)


REFUSES = {"karpenter.sh/do-not-disrupt": "true"}
UNSAFE = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
ASKED = {"tidegate.dev/evict": "allowed"}
MIRROR = {"kubernetes.io/config.mirror": "x"}
SLINKY = {"nodeset.slinky.slurm.net/pod-name": "x"}
# pod -> pods, bare; staying under never, optedIn, pods
PODS: dict[str, tuple[Object, tuple[int, int, int, int, int]]] = {
    "of a Deployment": (pod(on="n1", owner="ReplicaSet"), (1, 0, 1, 1, 0)),
    "one that opted in": (pod(on="n1", owner="Job", metadata={"annotations": ASKED}), (1, 0, 1, 0, 0)),
    "bare": (pod(on="n1"), (1, 1, 1, 1, 0)),
    "not to be disrupted": (pod(on="n1", owner="Job", metadata={"annotations": REFUSES}), (1, 0, 1, 1, 1)),
    "not safe, though opted in": (
        pod(on="n1", owner="Job", metadata={"annotations": UNSAFE | ASKED}),
        (1, 0, 1, 1, 1),
    ),
    "of a DaemonSet": (pod(on="n1", owner="DaemonSet"), (0, 0, 0, 0, 0)),
    "a static pod": (pod(on="n1", metadata={"annotations": MIRROR}), (0, 0, 0, 0, 0)),
    "of the node, as it says itself": (pod(on="n1", owner="Node"), (1, 0, 1, 1, 0)),
    "slurmd itself": (pod(on="n1", owner="NodeSet", metadata={"labels": SLINKY}), (0, 0, 0, 0, 0)),
    "with slurmd's label": (pod(on="n1", owner="Job", metadata={"labels": SLINKY}), (1, 0, 1, 1, 0)),
    "ended well": (pod(on="n1", phase="Succeeded"), (0, 0, 0, 0, 0)),
    "failed": (pod(on="n1", phase="Failed"), (0, 0, 0, 0, 0)),
    "bound and not started": (pod(on="n1", phase="Pending", owner="Job"), (1, 0, 1, 1, 0)),
    "on its way out": (pod(on="n1", owner="Job", metadata={"deletionTimestamp": SINCE}), (1, 0, 1, 1, 0)),
}  # fmt: skip


@pytest.mark.parametrize(("of", "expected"), PODS.values(), ids=PODS.keys())
def test_which_pods_would_have_to_leave_and_which_stay(of: Object, expected: tuple[int, ...]):
    faces = [shown(node(), of, evict=evict) for evict in Evict]
    assert {(face.pods, face.bare) for face in faces} == {expected[:2]}
    assert tuple(face.staying for face in faces) == expected[2:]


OFFERS: dict[str, tuple[dict[str, Any], NodeShape | None]] = {
    "whole": (WHOLE, NodeShape(8000, 62_500, 4000)),
    "no GPU": ({"cpu": "7910m", "memory": "64Gi"}, NodeShape(7910, 65_536, 0)),
    "of another maker": ({"cpu": 4, "memory": "1Gi", "gpu.intel.com/i915": "2"}, NodeShape(4000, 1024, 2000)),
    "nothing yet": ({}, None),
    "no memory": ({"cpu": "4"}, None),
    "what is no amount": ({"cpu": "many", "memory": "1Gi"}, None),
}


@pytest.mark.parametrize(("allocatable", "expected"), OFFERS.values(), ids=OFFERS.keys())
def test_what_a_node_offers(allocatable: dict[str, Any], expected: NodeShape | None):
    assert offers_of(as_node(node(status={"allocatable": allocatable}))) == expected


PLAIN = {"cpu": 1, "memory": "1Gi"}
# what kubelet tells, what ResourceSlices tell (None: not all) -> GPUs in thousandths, None where that is not known
DEVICES: dict[str, tuple[dict[str, Any], dict[str, int] | None, int | None]] = {
    "of a class that names its resource": (PLAIN, {"nvidia.com/gpu": 8}, 8000),
    "of a class that names none": (PLAIN, {"gpu": 2}, 2000),
    "of two classes that fit the same": (PLAIN, {"gpu": 8, "nvidia.com/gpu": 8}, 8000),
    "of another kind": (PLAIN, {"mig.nvidia.com": 8}, 0),
    "not all are told": (PLAIN, None, None),
    "kubelet tells of them": ({**PLAIN, "nvidia.com/gpu": "4"}, {"gpu": 8}, 4000),
    "kubelet tells of them, and not all slices are there": ({**PLAIN, "nvidia.com/gpu": "4"}, None, 4000),
}


@pytest.mark.parametrize(("allocatable", "devices", "gpus"), DEVICES.values(), ids=DEVICES.keys())
def test_gpus_that_are_told_elsewhere_count_where_the_node_has_none(
    allocatable: dict[str, Any], devices: dict[str, int] | None, gpus: int | None
):
    one = as_node(node(status={"allocatable": allocatable}))
    assert offers_of(one, devices) == (None if gpus is None else NodeShape(1000, 1024, gpus))


LIKE = [
    as_node(node(f"n{number}", status={"allocatable": {**WHOLE, "rdma/hca": "1", "pods": "110"}}))
    for number in (1, 2, 3)
]
# what a node offers -> what it lacks of what three like it have
LACKING = {
    "nothing": ({**WHOLE, "rdma/hca": "1"}, ""),
    "more": ({**WHOLE, "cpu": "64", "rdma/hca": "1"}, ""),
    "a little memory": ({**WHOLE, "memory": "60000Mi", "rdma/hca": "1"}, ""),
    "much memory": ({**WHOLE, "memory": "59000Mi", "rdma/hca": "1"}, f"{59_000 * 2**20} of {62_500 * 2**20} memory"),
    "a GPU": ({**WHOLE, "nvidia.com/gpu": "3", "rdma/hca": "1"}, "3 of 4 nvidia.com/gpu"),
    "all devices": ({"cpu": "8", "memory": "62500Mi"}, "0 of 4 nvidia.com/gpu, 0 of 1 rdma/hca"),
}  # fmt: skip


@pytest.mark.parametrize(("allocatable", "expected"), LACKING.values(), ids=LACKING.keys())
def test_what_a_node_lacks_of_what_its_like_have(allocatable: dict[str, Any], expected: str):
    assert lacking(amounts_of(as_node(node(status={"allocatable": allocatable}))), usual_offers(LIKE)) == expected


def test_what_only_few_have_nobody_lacks():
    odd = as_node(node("odd", status={"allocatable": {**WHOLE, "example.org/fpga": "1"}}))
    assert "example.org/fpga" not in usual_offers([*LIKE, odd])
    assert usual_offers([]) == {}


OWNERS: dict[str, tuple[Object, str]] = {
    "nobody": (node(), ""),
    "Karpenter": (node(labels={"karpenter.sh/nodepool": "gpu"}), "Karpenter"),
    "Cluster API": (node(annotations={"cluster.x-k8s.io/machine": "m"}), "Cluster API"),
    "cluster-autoscaler": (node(taints=[taint("ToBeDeletedByClusterAutoscaler")]), "cluster-autoscaler"),
    "SUNK": (node(taints=[taint("sunk.coreweave.com/lock")]), "SUNK"),
}


@pytest.mark.parametrize(("of", "expected"), OWNERS.values(), ids=OWNERS.keys())
def test_whose_a_node_is(of: Object, expected: str):
    assert (managed_by(as_node(of)), shown(of).managed_by) == (expected, expected)


# ---- what another wrote ----

OURS = [taint(SIDE, value="hpc")]
# what has been written on a node that bears our taint -> whether it is the same for us
WRITTEN: dict[str, tuple[Object, bool]] = {
    "a label": (node(taints=OURS, labels={"a": "b"}), True),
    "kubelet's status": (node(taints=OURS, status={"nodeInfo": {"kubeletVersion": "v2"}}), True),
    "a wish of theirs": (node(taints=[*OURS, taint("maintenance", "PreferNoSchedule")]), True),
    "a closing of theirs": (node(taints=[*OURS, taint("maintenance")]), False),
    "our taint is gone": (node(), False),
    "our taint is a fence": (node(taints=[*OURS, taint(SIDE, "NoExecute", "hpc")]), False),
    "our taint is a wish": (node(taints=[taint(SIDE, "PreferNoSchedule", "hpc")]), False),
    "cordoned": (node(taints=OURS, spec={"unschedulable": True}), False),
    "a record": (node(taints=OURS, annotations={"tidegate.dev/record": "x"}), False),
    "a mark": (node(taints=OURS, annotations=MARK), False),
    "made anew": (node(taints=OURS, uid="another"), False),
}


@pytest.mark.parametrize("row", WRITTEN)
def test_only_what_matters_to_us_stops_a_write(row: str):
    written, is_same = WRITTEN[row]
    assert same_for_us(as_node(node(taints=OURS)), as_node(written)) is is_same
