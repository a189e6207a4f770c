"""Pods that are bound while their node is handed over to HPC, or long after: none of them runs beside a job.

On kwok's nodes every bound pod "runs" at once, whatever its node bears, until the taint manager has come to it. A real
kubelet refuses a pod that is bound to a node with our NoExecute taint, as the last test shows. So on kwok a pod counts
as one that runs beside a job unless it was bound after its node had been fenced off, by the revisions of both; and such
a one must be gone in the end.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from models.handovers import Direction
from models.policies import Evict
from tests.real.both.history import History
from tests.real.both.race import Flood, Race
from tests.real.both.rules import breaches
from tests.real.both.sides import BATCH, NAMES, NODES, SETTLE_S, BothSides, PoolSide, both_sides
from tests.real.kube import nodes, objects
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.http_proxy import HttpProxy
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.install import RELEASES
from tests.real.slurm.observer import WORKS

NEWEST = list(RELEASES)[-1]
POOL = "race"
JOBS = "--array=1-100"
PACE_S = 2.0
MOVED_S = 120.0  # by when all nodes have gone one way
STARTS_S = 30.0  # by when a job runs on each
LOOKS = 100  # of the observer after all
ENDED_S = 300.0  # by when the taint manager has come to all: where hundreds have ended it takes its time
GAP_S = 5.0  # the longest in which the observer sees nothing: a flood takes all there is of two processors


@pytest.fixture
def proxy(kube: ControlPlane) -> Iterator[HttpProxy]:
    """What the scheduler asks the API server through."""
    with kube.proxy() as between:
        kube.start_scheduler(between.url)
        try:
            yield between
        finally:
            kube.start_scheduler()


class Rounds:
    """All nodes go to HPC, where jobs wait for them, and back to Kubernetes."""

    def __init__(self, scene: BothSides) -> None:
        self.scene = scene
        self.flood = Flood(scene)
        self.controller = scene.controllers[POOL]
        self.round = 0
        self._first = 0
        self._seen: set[str] = set()

    @property
    def done(self) -> int:
        """Hand-overs from Kubernetes to HPC."""
        return self.scene.handed_over(Direction.TO_HPC)

    def go(self, wanted: int) -> None:
        """Kubernetes wants so many from now on; wait until all that can has moved. Work that waits keeps a node."""
        until_s, done = time.monotonic() + MOVED_S, len(self.controller.ended)
        while not (self.scene.rest() and len(self.controller.ended) > done):
            assert time.monotonic() < until_s, self._waits_for()
            self.controller.want(wanted)
            self.flood.clear_away()
            time.sleep(PACE_S)

    def _waits_for(self) -> str:
        """The hand-overs that do not end, with what Kubernetes tells of their nodes and the pods on them."""
        admin, there = self.scene.admin, self.scene.observer.between[-1][2].pods.values()
        shown = []
        for one in self.controller.controller.open_handovers:
            node = admin.get(f"{nodes.NODES}/{one.node}")
            status = {key: node["status"].get(key) for key in ("allocatable", "conditions")}
            shown.append(f"{one}: {node['spec']}, {status}, pods {[pod for pod in there if pod.node == one.node]}")
        return "\n".join(shown)

    def begin(self) -> None:
        """A new round."""
        self.round += 1
        self._first = len(self.scene.observer.sights)
        self._seen.clear()
        self.queue_jobs()

    def queue_jobs(self) -> bool:
        """See to it that jobs wait; each of them takes a whole node. Whether some did."""
        is_there = any("PENDING" in states for states in self.scene.observer.sights[-1].jobs.values())
        if not is_there:
            self.scene.cluster.submit("--exclusive", JOBS, wrap="sleep 4", minutes=1)
        return is_there

    def wait_for_jobs(self) -> None:
        """Wait until a job has been seen in this round on each node that HPC has."""
        self.scene.cluster.wait(self._have_jobs_run, "a job runs on each node", STARTS_S)

    def _have_jobs_run(self) -> bool:
        new = self.scene.observer.sights[self._first :]
        self._first += len(new)
        self._seen.update(name for sight in new for name, shown in sight.nodes.items() if WORKS & shown.flags)
        theirs = {name for name, shown in new[-1].nodes.items() if "DRAIN" not in shown.flags} if new else set()
        return bool(new) and self.queue_jobs() and theirs <= self._seen

    def are_late_ones_gone(self) -> bool:
        """Whether no pod is on a node that is fenced off."""
        look = self.scene.observer.between[-1][2]
        return not any(pod.node in look.fenced for pod in look.pods.values())

    def close_all(self) -> None:
        """Kubernetes wants none; wait until all nodes of the plan are closed there."""
        plan = self.controller.want(0)
        assert plan is not None
        assert plan.moves
        going = {move.node for move in plan.moves}
        self.scene.cluster.wait(
            lambda: not going & self.scene.observer.sights[-1].given.keys(), "all are closed in Kubernetes", 180.0
        )


def tell(rounds: Rounds, race: Race, history: History, began_s: float) -> None:
    observer, landed = rounds.scene.observer, race.landed()
    print(
        f"\n{time.monotonic() - began_s:.0f} s, {rounds.round} rounds: {rounds.scene.ends()};"
        f" {rounds.flood.made} pods poured; {len(landed)} bindings held,"
        f" of which {sum(one.fenced for one in landed)} came beside a fence;"
        f" {len(history.came_late())} of {len(history.last)} pods were bound beside one; {len(observer.sights)} looks,"
        f" {observer.failures} unanswered, longest gap {observer.longest_gap_s():.2f} s"
    )


@dataclass(frozen=True)
class Trial:
    """So many hand-overs to HPC at least, and in them so many bindings that are held for some time."""

    handovers: int
    bindings: int
    held_s: tuple[float, float]
    fence: str = "pods"
    settle_s: int = SETTLE_S
    flood_s: float = 0.0  # between two pods; as fast as the API takes them without

    def run(self, rounds: Rounds, race: Race) -> None:
        dice, each = random.Random(self.handovers), -(-self.bindings * len(NAMES) // max(self.handovers, len(NAMES)))
        while rounds.done < self.handovers:
            rounds.begin()
            wanted = min(each, self.bindings - len(race.held))
            going = dice.choices(sorted(rounds.scene.observer.sights[-1].given), k=wanted)
            for node in sorted(set(going)):
                race.hold(node, *(dice.uniform(*self.held_s) for _ in range(going.count(node))))
            with rounds.flood.pouring(every_s=self.flood_s):
                rounds.close_all()
            rounds.go(0)
            rounds.wait_for_jobs()
            rounds.scene.before_close.clear()
            if rounds.done < self.handovers:
                rounds.go(len(NAMES))
        rounds.scene.cluster.wait(
            lambda: rounds.queue_jobs() and race.are_all_through(), "all are bound", self.held_s[1] + STARTS_S
        )
        rounds.scene.observer.wait_for(len(rounds.scene.observer.sights) + LOOKS)


@pytest.mark.parametrize(
    "trial",
    [
        pytest.param(Trial(12, 20, (10.0, 60.0)), id="20 up to a minute"),
        pytest.param(Trial(200, 20, (10.0, 300.0)), id="20 up to five minutes", marks=pytest.mark.long("10 minutes")),
        pytest.param(
            Trial(32, 32, (1.0, 4.0), fence="none", settle_s=8, flood_s=0.05),
            id="without a fence for less than it settles",
            marks=pytest.mark.long("2 minutes"),
        ),
    ],
)
def test_no_pod_runs_beside_a_job_however_late_it_is_bound(
    own_slurm: Callable[..., Cluster], kube: ControlPlane, proxy: HttpProxy, space: str, tmp_path: Path, trial: Trial
):
    def make(name: str, node: str) -> None:
        objects.pod(kube.admin, space, name, selector={"kubernetes.io/hostname": node})

    cluster = own_slurm(NEWEST, nodes=NODES, partitions=BATCH)
    pool = PoolSide(POOL, NAMES, len(NAMES), Evict.PODS, trial.fence, trial.settle_s)
    with both_sides(cluster, kube, space, tmp_path, pool) as scene:
        rounds, race, began_s = Rounds(scene), Race(scene, proxy, make), time.monotonic()
        with History(kube, space).followed() as history:
            trial.run(rounds, race)
            kube.wait(rounds.are_late_ones_gone, "the taint manager has ended what was bound late", ENDED_S)
        rounds.flood.end()
        tell(rounds, race, history, began_s)
    landed = race.landed()
    assert breaches(scene.observer, history) == []
    through = {one.held.name for one in landed if one.status == 201}
    assert through == {one.name for one in race.held}
    assert len(through) >= trial.bindings / 2
    assert bool([one for one in landed if one.fenced]) == (trial.fence == "pods")
    assert scene.observer.longest_gap_s() < GAP_S
