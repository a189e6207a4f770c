"""Nodes as a pool shows them: compared with their like, with devices and claims, and not worked out twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.kube.demand.node_pods import BY_WORD
from connectors.kube.names import PoolNames
from connectors.kube.nodes import Rules
from connectors.kube.seen_nodes import SeenNodes
from connectors.kube.watching.state import ClusterState
from connectors.kube.wire.nodes import Node
from connectors.kube.wire.pods import Pod
from models.nodes import NodeShape
from models.policies import Evict
from tests.connectors.kube.demand.made import claim, device_class, device_slice
from tests.connectors.kube.objects import WHOLE, as_node, as_pod, node, pod, taint

CLOSED = [taint("tidegate.dev/side", value="hpc")]
PLAIN = {"allocatable": {"cpu": "8", "memory": "62500Mi"}}
NAMES = ("n1", "n2", "n3")
THREE: dict[str, Node] = {name: as_node(node(name)) for name in NAMES}


def seen(evict: Evict = Evict.PODS) -> SeenNodes:
    return SeenNodes(PoolNames("p", NAMES), Rules(evict=evict), lambda: 1_900_000_000)


def state(
    nodes: Mapping[str, Node], pods: Mapping[str, tuple[Pod, ...]] | None = None, **dra: list[Any]
) -> ClusterState:
    others = {f"{kind}.resource.k8s.io": {str(n): one for n, one in enumerate(those)} for kind, those in dra.items()}
    return ClusterState(0, 0.0, 0, nodes, {}, pods or {}, others, {}, frozenset(), {}, {}, {})


def test_what_has_not_changed_is_the_same_value():
    one, pods = seen(), {"n1": (as_pod(pod("a", "n1", owner="Job")),)}
    first = one.update(state(THREE, pods))
    again = one.update(state({**THREE, "n2": as_node(node("n2", labels={"a": "b"}))}, {**pods}))
    assert first["n1"] is again["n1"]
    assert first["n2"] is not again["n2"]
    assert (first["n1"].pods, list(first)) == (1, list(NAMES))
    assert one.update(state(THREE, {"n1": ()}))["n1"].pods == 0


def test_all_are_compared_anew_when_most_offer_something_else():
    one = seen()
    less = as_node(node("n1", status={"allocatable": {**WHOLE, "nvidia.com/gpu": "2"}}))
    assert one.update(state({**THREE, "n1": less}))["n1"].lacks == "2 of 4 nvidia.com/gpu"
    others = {name: as_node(node(name, status={"allocatable": {**WHOLE, "nvidia.com/gpu": "2"}})) for name in NAMES[1:]}
    assert one.update(state({"n1": less, **others}))["n1"].lacks == ""


def test_closed_nodes_do_not_say_what_is_usual():
    there = {name: as_node(node(name, taints=CLOSED, status=PLAIN)) for name in NAMES[1:]}
    shown = seen().update(state({"n1": THREE["n1"], **there}))
    assert shown["n2"].lacks == "0 of 4 nvidia.com/gpu"


def test_devices_of_resource_slices_count_and_are_missed_where_they_are_not():
    there = {name: as_node(node(name, status=PLAIN)) for name in NAMES}
    classes = [device_class(extended="nvidia.com/gpu")]
    both = [device_slice("n1", 4), device_slice("n2", 4)]
    one = seen()
    shown = one.update(state(there, deviceclasses=classes, resourceslices=both))
    assert shown["n1"].offers == NodeShape(8000, 62_500, 4000)
    assert (shown["n3"].lacks, shown["n3"].offers) == ("0 of 4 nvidia.com/gpu", NodeShape(8000, 62_500, 0))
    half = [*both, device_slice("n3", 2, of=2)]
    told = state(there, deviceclasses=classes, resourceslices=half)
    assert one.update(told)["n3"].offers is None, "unknown is not zero"
    look = one.show("n3", there["n3"], (), BY_WORD)
    assert (look.offers, one.devices_of(there["n1"])) == (None, {"nvidia.com/gpu": 4})


def test_a_claim_that_is_held_for_nobody_keeps_its_node_from_being_empty():
    slices, user = [device_slice("n1", 4)], as_pod(pod("p", "n1", owner="Job", uid="u"))
    held = claim("c", devices=("gpu-0",), held_by=("u",))
    one = seen()
    told = state(THREE, {"n1": (user,)}, resourceclaims=[held], resourceslices=slices)
    shown = one.update(told)["n1"]
    assert (shown.pods, shown.staying) == (1, 0)
    gone = one.show("n1", THREE["n1"], (), BY_WORD)
    assert (gone.pods, gone.staying, gone.bare) == (1, 1, 0), "although the claim was reserved when it was last told"
    freed = state(THREE, {}, resourceclaims=[claim("c", held_by=())], resourceslices=slices)
    assert one.update(freed)["n1"].pods == 0
