"""A real kubelet and containerd in the test bed: pods are processes, and a fence keeps the late ones from starting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real.kube import nodes, objects
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.fixtures import running
from tests.real.kube.real_node import RealNode

pytestmark = pytest.mark.long("a kubelet and containerd are not built otherwise")
SIDE = "test.tidegate.dev/side"
SPACE = "default"
KUBELET_ALONE = ("--controllers=*,-taint-eviction-controller",)  # else the pod may be gone before it is refused


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, kube_logs: None) -> Iterator[RealNode]:
    wanted = {"kwok": False, "controller_manager_arguments": KUBELET_ALONE}
    with running(tmp_path_factory.mktemp("kube"), 0, **wanted) as control_plane:
        real = RealNode(control_plane, "real", tmp_path_factory.mktemp("node"))
        try:
            real.start()
            yield real
        finally:
            real.stop()


def test_a_pod_is_a_process_as_long_as_it_runs(node: RealNode):
    node.pod(SPACE, "one", bound=False)
    objects.wait_running(node.control_plane, SPACE, "one")
    assert node.containers() == {"one"}
    objects.delete_pod(node.control_plane.admin, SPACE, "one")
    node.control_plane.wait(lambda: node.containers() == set(), "it has ended")


@pytest.mark.parametrize("effect", ["NoSchedule", "NoExecute"])
def test_a_pod_that_is_bound_late_runs_beside_a_taint_and_not_beside_a_fence(node: RealNode, effect: str):
    admin = node.control_plane.admin
    name = f"late-{effect.lower()}"
    nodes.taint(admin, node.name, SIDE, effect=effect)
    try:
        node.pod(SPACE, name)
        if effect == "NoSchedule":
            objects.wait_running(node.control_plane, SPACE, name)
            assert node.containers() == {name}
        else:
            ended = ("Failed", "TaintToleration")
            node.control_plane.wait(lambda: _state(node.control_plane, name) == ended, "kubelet refuses it")
            assert node.containers() == set()
    finally:
        nodes.untaint(admin, node.name, SIDE)
        objects.delete_pod(admin, SPACE, name)
        node.control_plane.wait(lambda: node.containers() == set(), "nothing runs")


def _state(control_plane: ControlPlane, name: str) -> tuple[str, str]:
    answer = control_plane.admin.ask("GET", f"{objects.CORE}/{SPACE}/pods/{name}")
    status = answer.body["status"] if answer.status == 200 else {}
    return status.get("phase", ""), status.get("reason", "")
