"""A node with a real kubelet and a real slurmd: no process of a pod is beside one of a job.

The other nodes are kwok's. The controller manager ends no pod for a taint here, so it is kubelet alone that refuses.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from models.handovers import Direction
from models.policies import Evict
from tests.real.both.history import History
from tests.real.both.processes import ProcessObserver
from tests.real.both.race import Race
from tests.real.both.rules import breaches
from tests.real.both.sides import BATCH, NAMES, SETTLE_S, BothSides, PoolSide, both_sides
from tests.real.kube import nodes, objects
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.http_proxy import HttpProxy
from tests.real.kube.real_node import RealNode
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.conf import Node
from tests.real.slurm.install import RELEASES

pytestmark = pytest.mark.long("a kubelet, and bindings that are held for up to five minutes")
NEWEST = list(RELEASES)[-1]
REAL = f"real{os.getpid()}"  # processes are told apart by it, and other tests may run on this machine
KWOKS = NAMES[1:4]
POOL, SPACE = "race", "race"
KUBELET_ALONE = ("--controllers=*,-taint-eviction-controller",)
PACE_S = 2.0
MOVED_S = 120.0
SOON_S = 60.0


@pytest.fixture
def node(own_kube: Callable[..., ControlPlane], tmp_path: Path) -> Iterator[RealNode]:
    control_plane = own_kube(controller_manager_arguments=KUBELET_ALONE)
    nodes.create(control_plane, *KWOKS)
    objects.namespace(control_plane.admin, SPACE)
    real = RealNode(control_plane, REAL, tmp_path / "node")
    try:
        real.start()
        yield real
    finally:
        real.stop()


@pytest.fixture
def proxy(node: RealNode) -> Iterator[HttpProxy]:
    with node.control_plane.proxy() as between:
        node.control_plane.start_scheduler(between.url)
        yield between


def go(scene: BothSides, wanted: int, direction: Direction) -> None:
    """Kubernetes wants so many from now on; wait until the real node has gone that way, too."""
    controller, until_s, done = scene.controllers[POOL], time.monotonic() + MOVED_S, scene.handed_over(direction)
    while not (scene.rest() and scene.handed_over(direction) >= done + len(controller.names)):
        assert time.monotonic() < until_s, f"{scene.ends()}, {controller.controller.open_handovers}"
        controller.want(wanted)
        time.sleep(PACE_S)


def state(node: RealNode, name: str) -> tuple[str, str]:
    status = objects.get_pod(node.control_plane.admin, SPACE, name)["status"]
    return status.get("phase", ""), status.get("reason", "")


@dataclass(frozen=True)
class Trial:
    """Rounds, and for how long bindings are held in each; whether there is a fence that refuses what comes late."""

    rounds: tuple[tuple[float, ...], ...]
    fence: str = "pods"
    settle_s: int = SETTLE_S

    def play(self, scene: BothSides, node: RealNode, race: Race, holds_s: tuple[float, ...]) -> None:
        """Pods run on the node, it goes to HPC as bindings to it are held, a job runs there until long after, and it
        comes back."""
        control_plane, cluster = node.control_plane, scene.cluster
        early = [f"early-{len(race.held)}-{number}" for number in range(2)]
        for name in early:
            node.pod(SPACE, name, bound=False)
        objects.wait_running(control_plane, SPACE, *early, timeout_s=SOON_S)
        race.hold(REAL, *holds_s)
        lasts = f"sleep {max(holds_s) + 10:.0f}"
        job = cluster.submit("--exclusive", f"--nodelist={REAL}", wrap=lasts, minutes=10)
        go(scene, 0, Direction.TO_HPC)
        cluster.wait(lambda: cluster.job(job)["JobState"] == "RUNNING", "the job runs")
        control_plane.wait(race.are_all_through, "all are bound", max(holds_s) + SOON_S)
        if self.fence == "pods":
            refused = {("Failed", "TaintToleration")}
            control_plane.wait(lambda: {state(node, one.name) for one in race.held[-len(holds_s) :]} == refused, "no")
        cluster.wait(lambda: cluster.job(job)["JobState"] == "COMPLETED", "the job has ended", max(holds_s) + SOON_S)
        go(scene, 1 + len(KWOKS), Direction.TO_KUBERNETES)


@pytest.mark.parametrize(
    "trial",
    [
        pytest.param(Trial(((10, 20, 40, 60), (15, 30, 90, 300))), id="refused by kubelet"),
        pytest.param(Trial(((1, 2, 3, 4),) * 3, fence="none", settle_s=10), id="without a fence, within its settling"),
    ],
)
def test_no_process_of_a_pod_is_beside_one_of_a_job(
    own_slurm: Callable[..., Cluster], node: RealNode, proxy: HttpProxy, tmp_path: Path, trial: Trial
):
    control_plane = node.control_plane
    cluster = own_slurm(NEWEST, nodes=tuple(Node(name) for name in (REAL, *KWOKS)), partitions=BATCH)
    pool = PoolSide(POOL, (REAL, *KWOKS), 4, Evict.PODS, trial.fence, trial.settle_s)

    def make(name: str, _: str) -> Any:
        return node.pod(SPACE, name, bound=False)

    with ExitStack() as stack:
        scene = stack.enter_context(both_sides(cluster, control_plane, SPACE, tmp_path, pool))
        history = stack.enter_context(History(control_plane, SPACE).followed())
        processes = stack.enter_context(ProcessObserver(REAL).watching())
        race = Race(scene, proxy, make)
        for holds_s in trial.rounds:
            trial.play(scene, node, race, holds_s)
    held, ran = {one.name for one in race.held}, processes.ran()
    print(
        f"\n{scene.ends()}; {len(race.held)} bindings held, {len(history.came_late())} came beside a fence;"
        f" {len(ran)} pods and {len(processes.worked())} jobs were processes in {len(processes.looks)} looks"
    )
    assert processes.met() == []
    assert breaches(scene.observer, history) == []
    assert ran - held == {f"early-{number}-{which}" for number in _begun(trial) for which in range(2)}
    assert len(processes.worked()) == len(trial.rounds)
    if trial.fence == "pods":
        assert held & ran == set()
        assert len(history.came_late()) >= len(held) - len(trial.rounds)
    else:
        assert held & ran, "some came while it settled, and ran"


def _begun(trial: Trial) -> list[int]:
    """How many were held before each round."""
    return [sum(map(len, trial.rounds[:number])) for number in range(len(trial.rounds))]
