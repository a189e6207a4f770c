"""Devices that pods claim: what they count as, what nodes have of them, who holds them."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.kube.demand.claims import (
    Devices,
    claimed_by,
    devices_of,
    held_without_pods,
    holders_of,
    offers_of,
    renamed,
    resource_of,
)
from connectors.kube.wire.dra import DeviceClass, ResourceSlice
from tests.connectors.kube.demand.made import GPU, claim, device_class, device_slice, pod, template

NVIDIA = device_class("gpu.nvidia.com", GPU, "device.driver == 'gpu.nvidia.com'")


@pytest.mark.parametrize(
    ("one", "resource"),
    [
        (NVIDIA, GPU),
        (device_class("gpu.example.org"), "gpu"),
        (device_class("Big-GPU"), "gpu"),
        (device_class("nic.example.org"), "nic.example.org"),
    ],
)
def test_a_device_counts_as_the_resource_of_its_class(one: DeviceClass, resource: str):
    assert resource_of(one.metadata.name, {one.metadata.name: one}) == resource


def test_a_class_that_is_not_known_is_told_by_its_name():
    assert [resource_of(name, {}) for name in ("gpu.nvidia.com", "tpu")] == ["gpu", "tpu"]


MIG = "device.driver == 'gpu.nvidia.com' && device.attributes['gpu.nvidia.com'].type == 'mig'"
OFFERS: dict[str, tuple[list[ResourceSlice], list[DeviceClass], dict[str, dict[str, int] | None]]] = {
    "one slice": ([device_slice()], [NVIDIA], {"n1": {GPU: 8}}),
    "two slices of one pool": ([device_slice(of=2), device_slice(of=2, first=8)], [NVIDIA], {"n1": {GPU: 16}}),
    "a slice is missing": ([device_slice(of=2)], [NVIDIA], {"n1": None}),
    "a slice too many": ([device_slice(), device_slice(first=8)], [NVIDIA], {"n1": None}),
    "the newest generation counts": (
        [device_slice(devices=4, generation=2), device_slice(devices=8)], [NVIDIA], {"n1": {GPU: 4}}),
    "the newest generation is not complete": (
        [device_slice(devices=4, generation=2, of=2), device_slice()], [NVIDIA], {"n1": None}),
    "the newest generation is not on the node yet": (
        [device_slice("", generation=2, of=2, pool="n1"), device_slice()], [NVIDIA], {"n1": None}),
    "two nodes": ([device_slice("n1"), device_slice("n2", 2)], [NVIDIA], {"n1": {GPU: 8}, "n2": {GPU: 2}}),
    "no devices": ([device_slice(devices=0)], [NVIDIA], {"n1": {}}),
    "no class": ([device_slice()], [], {"n1": {}}),
    "another driver's class": (
        [device_slice()], [device_class("x.gpu", None, 'device.driver == "x.org"')], {"n1": {}}),
    "an attribute decides": (
        [device_slice(of=2), device_slice(of=2, first=8, devices=3, kind="mig")],
        [device_class("mig.nvidia.com", "example.org/mig", MIG)],
        {"n1": {"example.org/mig": 3}},
    ),
    "two classes of one resource count a device once": (
        [device_slice()], [NVIDIA, device_class("other", GPU)], {"n1": {GPU: 8}}),
    "what is not understood is taken to hold": (
        [device_slice()], [device_class("odd", GPU, "device.driver == 'x' || true")], {"n1": {GPU: 8}}),
}  # fmt: skip


@pytest.mark.parametrize("name", OFFERS)
def test_what_nodes_have_is_told_by_their_slices(name: str):
    slices, classes, expected = OFFERS[name]
    for order in (slices, slices[::-1]):
        found = offers_of(order, {one.metadata.name: one for one in classes})
        assert {node: None if its is None else dict(its) for node, its in found.items()} == expected


def exactly(name: str = "gpu.nvidia.com", **more: Any) -> dict[str, Any]:
    return {"exactly": {"deviceClassName": name, "count": 1, "allocationMode": "ExactCount"} | more}


DEVICES = devices_of(
    [NVIDIA],
    [
        claim("two", exactly(count=2)),
        claim("all", exactly(allocationMode="All", count=0)),
        claim("first", {"firstAvailable": [exactly(count=4)["exactly"], exactly("tpu")["exactly"]]}),
        claim("admin", exactly(adminAccess=True)),
        claim("many", exactly(), exactly("nic", count=3)),
        claim("taken", exactly(), devices=("gpu-0",), held_by=("other",)),
    ],
    [device_slice()],
    [template("made", exactly(count=5))],
)
CLAIMS: dict[str, tuple[dict[str, Any], dict[str, int], str]] = {
    "two of a class": ({"resourceClaimName": "two"}, {GPU: 2}, ""),
    "all of a node": ({"resourceClaimName": "all"}, {GPU: 8}, ""),
    "the first that would do": ({"resourceClaimName": "first"}, {GPU: 4}, ""),
    "an administrator's takes none": ({"resourceClaimName": "admin"}, {}, ""),
    "several requests": ({"resourceClaimName": "many"}, {GPU: 1, "nic": 3}, ""),
    "allocated elsewhere": ({"resourceClaimName": "taken"}, {GPU: 1}, "its claim taken has its devices"),
    "not there": ({"resourceClaimName": "none"}, {}, "its claim none is not there"),
    "of a template, not made yet": ({"resourceClaimTemplateName": "made"}, {GPU: 5}, ""),
    "of no template": ({"resourceClaimTemplateName": "lost"}, {}, "its claim gpus is not there"),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_pod_asks_for_the_devices_of_its_claims(name: str):
    reference, request, why = CLAIMS[name]
    found = claimed_by(pod(resourceClaims=[{"name": "gpus"} | reference]), DEVICES)
    assert dict(found.request) == request
    assert found.why.startswith(why)
    assert bool(found.why) == bool(why)


def test_a_claim_made_from_a_template_is_found_by_the_pods_status():
    made = {"resourceClaimStatuses": [{"name": "gpus", "resourceClaimName": "two"}]}
    claims = [{"name": "gpus", "resourceClaimTemplateName": "lost"}]
    assert dict(claimed_by(pod(resourceClaims=claims, status=made), DEVICES).request) == {GPU: 2}
    none = {"resourceClaimStatuses": [{"name": "gpus"}]}
    assert claimed_by(pod(resourceClaims=claims, status=none), DEVICES).why == ""


def test_the_resource_that_every_class_has_counts_as_the_usual_one():
    asked = {"cpu": 1, "deviceclass.resource.kubernetes.io/gpu.nvidia.com": 2, GPU: 1}
    assert dict(renamed(asked, DEVICES.classes)) == {"cpu": 1, GPU: 3}
    assert renamed({"cpu": 1}, DEVICES.classes) == {"cpu": 1}


HERE = [device_slice("n1"), device_slice("n2")]
# a claim with a device of n1, and the pods there -> what is held there although no pod uses it
HELD: dict[str, tuple[Any, list[Any], tuple[str, ...]]] = {
    "for nobody": (claim("c", exactly(), devices=("gpu-0",)), [pod("q", on="n1")], ("team/c",)),
    "for a pod that is there": (claim("c", exactly(), devices=("gpu-0",), held_by=("uid-p",)), [pod("p", on="n1")], ()),
    "for a pod that has gone": (claim("c", exactly(), devices=("gpu-0",), held_by=("uid-p",)), [], ("team/c",)),
    "for a pod that has ended": (
        claim("c", exactly(), devices=("gpu-0",), held_by=("uid-p",)),
        [pod("p", on="n1", status={"phase": "Succeeded"})],
        ("team/c",),
    ),
    "it has nothing yet": (claim("c", exactly()), [], ()),
    "it was given nothing": (claim("c", exactly(), devices=()), [], ()),
}


@pytest.mark.parametrize(("one", "pods", "held"), HELD.values(), ids=HELD.keys())
def test_a_claim_that_no_pod_of_the_node_may_use_holds_its_devices(one: Any, pods: list[Any], held: tuple[str, ...]):
    holders = holders_of([one], HERE)
    assert held_without_pods(holders.get("n1", {}), pods) == held
    assert "n2" not in holders


def test_without_any_device_nothing_is_claimed():
    assert claimed_by(pod(), Devices()).request == {}
