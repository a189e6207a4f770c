"""Hand-overs between a real Slurm and a real Kubernetes, both ways at once, under jobs and pods of all kinds.

What is claimed is what an observer saw that knows nothing of Tidegate.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from models.handovers import Direction
from models.policies import Evict
from tests.real.both.history import History
from tests.real.both.load import LEAST, Jobs, Pods, refuses, repeating
from tests.real.both.rules import breaches, fewest_ready
from tests.real.both.sides import BATCH, NAMES, NODES, BothSides, PoolSide, both_sides
from tests.real.kube.control_plane import ControlPlane
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.install import RELEASES

NEWEST = list(RELEASES)[-1]
POOLS = (PoolSide("one", NAMES[:8], 4, Evict.PODS), PoolSide("two", NAMES[8:], 4, Evict.OPTED_IN))
HIGH, LOW = 6, 2  # how many of a pool's nodes Kubernetes wants at its tide, and at its ebb
TIDE_S = 30.0  # the longest; a service that may not be evicted can keep a node
PACE_S = 2.0
EACH_S = 20.0  # the longest that a hand-over may take, on average
GAP_S = 3.0  # the longest in which the observer sees nothing, on a machine that does much else


def ebb_and_flow(scene: BothSides, count: int) -> None:
    """One pool's tide is the other's ebb, until so many hand-overs of each direction are done."""
    end_s, rises = time.monotonic() + EACH_S * count + TIDE_S, True

    def done() -> int:
        return min(map(scene.handed_over, Direction))

    while done() < count:
        assert time.monotonic() < end_s, f"{done()} each way are done; {scene.ends()}"
        until_s, before = time.monotonic() + TIDE_S, scene.ends()
        while time.monotonic() < until_s and done() < count:
            for name, controller in scene.controllers.items():
                controller.want(HIGH if (name == "one") is rises else LOW)
            time.sleep(PACE_S)
            if scene.rest() and scene.ends() != before:
                break
        rises = not rises


@pytest.mark.parametrize(
    ("release", "count"),
    [
        *(pytest.param(release, 12, id=f"{release}-12 each way") for release in RELEASES),
        pytest.param(NEWEST, 60, id=f"{NEWEST}-60 each way", marks=pytest.mark.long("6 minutes")),
    ],
)
def test_nodes_go_both_ways_under_load_and_nothing_that_runs_is_harmed(
    own_slurm: Callable[..., Cluster], kube: ControlPlane, space: str, tmp_path: Path, release: str, count: int
):
    cluster = own_slurm(release, nodes=NODES, partitions=BATCH)
    pods = Pods(kube, space, seed=count)
    with both_sides(cluster, kube, space, tmp_path, *POOLS) as scene:
        pods.begin()
        jobs, began_s = Jobs(cluster, scene.observer, seed=count), time.monotonic()
        with ExitStack() as stack:
            history = stack.enter_context(History(kube, space).followed())
            stack.enter_context(repeating(jobs.submit))
            stack.enter_context(repeating(pods.create))
            ebb_and_flow(scene, count)
        took_s = time.monotonic() - began_s
    observer = scene.observer
    done = {direction: scene.handed_over(direction) for direction in Direction}
    print(
        f"\n{took_s:.0f} s: {done}, {scene.ends()}; {len(observer.sights)} looks, {observer.failures} unanswered,"
        f" longest gap {observer.longest_gap_s():.2f} s; {jobs.ran()} jobs ran, {pods.made} pods and Jobs were made,"
        f" of {len(history.last)} pods {sum(map(refuses, history.last.values()))} refuse and {len(history.harmed)} were"
        f" evicted; {len(history.came_late())} came beside a fence"
    )
    assert breaches(observer, history) == []
    assert [told for uid, told in history.harmed.items() if refuses(history.last[uid])] == []
    assert sum(map(refuses, history.last.values())) >= count
    assert history.harmed, "no pod was evicted that may be"
    assert {app: least for app, least in LEAST.items() if fewest_ready(observer.between, app) < least} == {}
    assert observer.longest_gap_s() < GAP_S
    assert jobs.ran() >= count
