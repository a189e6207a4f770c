"""Objects that say the same hold the same, and say what they said."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.kube.resource import Resource
from connectors.kube.resources import BUDGETS, DAEMON_SETS, NODES, PODS
from connectors.kube.watching.sharing import sharing
from connectors.kube.wire.lists import Bare
from connectors.kube.wire.pods import Pod
from tests.connectors.kube.fake_api import FakeApi
from tests.connectors.kube.test_reflector import synced


def pod(name: str, cpu: str = "1", **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "a", "labels": labels},
        "spec": {
            "nodeName": name,
            "containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}],
            "tolerations": [{"operator": "Exists"}],
        },
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }


def test_what_is_equal_is_held_once_and_what_is_not_stays():
    like, new = (msgspec.convert(one, Pod) for one in (pod("p1", "1", a="b"), pod("p2", "2", a="b")))
    was = msgspec.json.encode(new)
    sharing(Pod)(new, like)
    assert msgspec.json.encode(new) == was
    assert new.metadata.labels is like.metadata.labels
    assert new.spec.tolerations is like.spec.tolerations
    assert new.status.conditions is like.status.conditions
    assert new.spec.containers is not like.spec.containers
    assert (new.metadata.name, new.spec.node_name) == ("p2", "p2")


@pytest.mark.parametrize("resource", [NODES, PODS, DAEMON_SETS, BUDGETS, Resource("", "v1", "x", True, Bare)])
def test_every_kind_can_be_shared(resource: Resource[Any]):
    new, like = resource.type(), resource.type()
    sharing(resource.type)(new, like)
    assert new == like


@pytest.mark.parametrize("knows", [True, False])
def test_pods_of_a_cluster_share(knows: bool):
    api = FakeApi(watch_list=knows)
    for name in ("p1", "p2"):
        api.put("pods", pod(name))
    one = synced(api)
    api.put("pods", pod("p3"))
    api.put("pods", pod("p1"))
    one.step()
    pods = list(one.objects.shown()[1].values())
    assert len(pods) == 3
    assert len({id(pod.spec.containers) for pod in pods}) == 1
    assert sorted(pod.metadata.name for pod in pods) == ["p1", "p2", "p3"]
