"""What a node of a pool usually offers, less what DaemonSets take."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.kube.demand.need import Request
from connectors.kube.demand.shapes import at_work, less, offers_of, taken_by_daemons, usual_offer
from tests.connectors.kube.demand.made import GPU, node

GIB = 2**30
FULL = {"cpu": 64_000, "memory": 256 * GIB, GPU: 8}
NO_GPU = {"cpu": 64_000, "memory": 256 * GIB}
OFFERS: dict[str, tuple[list[tuple[Request, bool]], Request]] = {
    "none": ([], {}),
    "one": ([(FULL, True)], FULL),
    "most decide": ([(FULL, True), (FULL, True), (FULL | {GPU: 4}, True)], FULL),
    "of as many, the larger": ([(FULL, True), (FULL | {GPU: 4}, True)], FULL),
    "memory is the least of those alike": (
        [(FULL, True), (FULL | {"memory": 255 * GIB}, True), (FULL | {"memory": 250 * GIB}, True)],
        FULL | {"memory": 250 * GIB}),
    "memory of the few with little does not count": (
        [(FULL, True), (FULL, True), (FULL | {"memory": 128 * GIB}, True)], FULL),
    "a node at rest may lack what it has": ([(FULL, True), (NO_GPU, False), (NO_GPU, False)], FULL),
    "no node is at work": ([(NO_GPU, False), (NO_GPU, False), (FULL, False)], FULL),
    "nodes at work have none": ([(NO_GPU, True), (NO_GPU, True), (FULL, False)], NO_GPU),
}  # fmt: skip


@pytest.mark.parametrize("name", OFFERS)
def test_the_usual_offer(name: str):
    offers, expected = OFFERS[name]
    for order in (offers, offers[::-1]):
        assert dict(usual_offer(order)) == expected


DEVICES: dict[str, tuple[dict[str, Any], dict[str, Request | None], Request | None]] = {
    "by kubelet": ({"cpu": "2", GPU: "4"}, {}, {"cpu": 2000, GPU: 4}),
    "by slices": ({"cpu": "2"}, {"n1": {GPU: 8}}, {"cpu": 2000, GPU: 8}),
    "kubelet goes before slices": ({"cpu": "2", GPU: "4"}, {"n1": {GPU: 8}}, {"cpu": 2000, GPU: 4}),
    "kubelet's zero does not": ({"cpu": "2", GPU: "0"}, {"n1": {GPU: 8}}, {"cpu": 2000, GPU: 8}),
    "slices of another node": ({"cpu": "2"}, {"n2": {GPU: 8}}, {"cpu": 2000}),
    "slices that are not complete": ({"cpu": "2"}, {"n1": None}, None),
    "an amount that is none": ({"cpu": "two"}, {}, None),
}


@pytest.mark.parametrize("name", DEVICES)
def test_what_a_node_offers(name: str):
    offers, devices, expected = DEVICES[name]
    found = offers_of(node(offers=offers), devices)
    assert (None if found is None else dict(found)) == expected


def test_a_node_is_at_work_where_pods_may_start():
    side = {"key": "tidegate.dev/side", "value": "hpc"}
    assert at_work(node())
    assert at_work(node(taints=[side | {"effect": "PreferNoSchedule"}]))
    assert not at_work(node(ready=False))
    assert not at_work(node(unschedulable=True))
    assert not at_work(node(taints=[side | {"effect": "NoSchedule"}]))


def test_daemons_take_of_a_node():
    pods: list[tuple[str, str, Request]] = [
        ("n1", "cni", {"cpu": 100, "memory": GIB}),
        ("n2", "cni", {"cpu": 200}),
        ("n1", "plug-in", {"cpu": 50}),
        ("n3", "cni", {"cpu": 100}),
    ]
    assert dict(taken_by_daemons(pods)) == {"cpu": 200, "memory": GIB, "pods": 1}
    assert dict(taken_by_daemons(pods[:3])) == {"cpu": 250, "memory": GIB, "pods": 2}
    assert dict(taken_by_daemons([])) == {"pods": 0}


def test_what_is_left():
    assert dict(less(FULL, [{"cpu": 4000, "pods": 3}, {GPU: 9}])) == {"cpu": 60_000, "memory": 256 * GIB, GPU: 0}
