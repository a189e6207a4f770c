"""Hand-overs between a real Slurm and the twin's Kubernetes while users and administrators do what they like.

What is claimed is what an observer saw that knows nothing of Tidegate.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from models.acts import Verb
from models.handovers import Stage, Why
from models.plans import Reason
from tests.real.slurm.both_ways import BATCH, BothWays, both_ways, nodes
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.handing_over import HandingOver
from tests.real.slurm.install import RELEASES

releases = pytest.mark.parametrize("release", RELEASES)
UP, DOWN = ["u1", "u2", "u3", "u4", "u5", "u6"], ["d1", "d2", "d3", "d4"]
DEADLINE_S = 20  # a policy's least is a minute
LONG_S, SHORT_S = DEADLINE_S + 10, 6
CLOSES_S = 3.0  # by when a node that a person opened to both is closed again
THEIRS = "bad disk"


def submit(cluster: Cluster, node: str, seconds: int) -> int:
    """A job that has the whole node as soon as it is open."""
    return cluster.submit("--exclusive", f"--nodelist={node}", wrap=f"sleep {seconds}", user="ada")


def run(cluster: Cluster, node: str, seconds: int) -> int:
    """The same, and it runs."""
    number = submit(cluster, node, seconds)
    cluster.wait(lambda: state(cluster, number) == "RUNNING", f"job {number} runs on {node}")
    return number


def state(cluster: Cluster, number: int) -> str:
    return cluster.job(number)["JobState"]


def change(cluster: Cluster, node: str, *how: str) -> None:
    """What an administrator does."""
    cluster.run("scontrol", "update", f"nodename={node}", *how)


def why(pool: HandingOver, node: str) -> Why | None:
    return next(handover.why for handover in pool.ended if handover.node == node)


@releases
def test_users_and_administrators_come_first(own_slurm: Callable[..., Cluster], tmp_path: Path, release: str):
    """B6, B7, B8 and B9: each on a node of its own, in both directions, half-way through the hand-over and after it."""
    cluster = own_slurm(release, nodes=nodes(*UP, *DOWN), partitions=BATCH)
    with both_ways(cluster, tmp_path, UP, DOWN, pods=5, deadline_s=DEADLINE_S) as scene:
        up, down = scene.up, scene.down
        jobs: dict[str, int] = {}
        up.port.before[Verb.DRAIN, "u1"] = lambda: jobs.update(u1=run(cluster, "u1", LONG_S))
        up.port.before[Verb.DRAIN, "u2"] = lambda: jobs.update(u2=run(cluster, "u2", SHORT_S))
        change(cluster, "d3", "state=drain", f"reason={THEIRS}")
        plan = down.want(0)
        assert plan is not None
        assert [kept.nodes for kept in plan.rejections if kept.reason is Reason.NOT_OURS] == [("d3",)]
        down.wait_for("d2", Stage.EMPTY)
        change(cluster, "d2", "state=drain", f"reason={THEIRS}")
        down.wait_for("d4", Stage.EMPTY)
        jobs["d4"] = submit(cluster, "d4", SHORT_S)
        change(cluster, "d4", "state=resume")
        jobs["d1"] = submit(cluster, "d1", SHORT_S)
        up.want(5)
        meddle(cluster, up, jobs)
        for pool, node, stage in EXPECTED:
            getattr(scene, pool).wait_for(node, stage)
        for number in jobs.values():
            cluster.wait(lambda number=number: state(cluster, number) == "COMPLETED", f"job {number} ends well")
    check(scene)


EXPECTED = (
    ("up", "u1", Stage.CANCELLED),
    ("up", "u2", Stage.DONE),
    ("up", "u3", Stage.CANCELLED),
    ("up", "u4", Stage.CANCELLED),
    ("down", "d1", Stage.DONE),
    ("down", "d2", Stage.CANCELLED),
    ("down", "d4", Stage.DONE),
)


def meddle(cluster: Cluster, up: HandingOver, jobs: dict[str, int]) -> None:
    """What persons do to nodes on their way to Kubernetes, and to one that is there."""
    up.wait_for("u3", Stage.DRAINED)
    change(cluster, "u3", "state=drain", f"reason={THEIRS}")
    up.wait_for("u4", Stage.DRAINED)
    jobs["u4"] = submit(cluster, "u4", SHORT_S)
    change(cluster, "u4", "state=resume")
    up.wait_for("u5", Stage.DONE)
    up.wait(lambda: "u5" in up.given(), "u5 is in Kubernetes")
    change(cluster, "u5", "state=resume")


def check(scene: BothWays) -> None:
    """What the observer saw, and how the hand-overs ended."""
    up, down, observer = scene.up, scene.down, scene.observer
    assert (why(up, "u1"), why(up, "u3"), why(up, "u4")) == (Why.LATE, Why.FOREIGN, Why.FOREIGN)
    assert why(down, "d2") is Why.FOREIGN
    assert observer.ended_badly() == []
    assert observer.undone("u3", THEIRS) == []
    assert observer.undone("d2", THEIRS) == []
    assert observer.undone("d3", THEIRS) == []
    others = [sight for sight in observer.sights if any(observer.is_open_to_both(sight, node) for node in UP + DOWN)]
    assert {node for sight in others for node in UP + DOWN if observer.is_open_to_both(sight, node)} <= {"u5"}
    assert not others or others[-1].ended_s - others[0].began_s < CLOSES_S
    assert observer.given_while_busy() == []
    ever = {node for sight in observer.sights for node in sight.given}
    assert ever.isdisjoint(("u1", "u3", "u4", "u6"))
    assert {"u2", "u5", "d2", "d3"} <= ever
    assert up.given().keys() == {"u2"}
