"""Hand-overs between a real Slurm and the twin's Kubernetes, both ways at once, while something happens to slurmctld.

What is claimed is what an observer saw that knows nothing of Tidegate.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from models.acts import Outcome, Verb
from models.handovers import Stage
from models.plans import Switch
from tests.real.slurm.both_ways import BATCH, SPARE, BothWays, both_ways, nodes
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.handing_over import SETTLE_S, HandingOver
from tests.real.slurm.install import RELEASES

releases = pytest.mark.parametrize("release", RELEASES)
UP, DOWN = ["u1", "u2"], ["d1", "d2"]
UNSAVED_S = 2  # before a drain, another one has slurmctld save; what follows within 5 s is not safe
HANG_S = 8.0
CLOSES_S = 3.0  # by when a node that a lost drain opened to both is closed again


def queue(cluster: Cluster, node: str, seconds: int) -> int:
    """A job for the whole node, held for now."""
    return cluster.submit("--hold", "--exclusive", f"--nodelist={node}", wrap=f"sleep {seconds}")


def state(cluster: Cluster, number: int) -> str:
    return cluster.job(number)["JobState"]


def settles(pool: HandingOver, node: str, left_s: float) -> bool:
    """Whether the node will have settled within so many seconds."""
    handover = pool.open_handover(node)
    return bool(handover and handover.emptied_s and time.time() - handover.emptied_s >= SETTLE_S - left_s)


def breaches(scene: BothWays) -> list[str]:
    """Every breach of I1 and I2 that was seen."""
    observer = scene.observer
    return [*observer.given_while_busy(), *observer.open_to_both(), *observer.ended_badly()]


@releases
def test_what_a_killed_slurmctld_forgot_is_done_again_before_anything_opens(
    own_slurm: Callable[..., Cluster], tmp_path: Path, release: str
):
    """B1, A1: killed with a drain acknowledged and seen, an undrain acknowledged, and neither saved."""
    cluster = own_slurm(release, nodes=nodes(*UP, *DOWN), partitions=BATCH)
    with both_ways(cluster, tmp_path, UP, DOWN, pods=1) as scene:
        up, down = scene.up, scene.down
        jobs = {node: queue(cluster, node, 8) for node in ("u1", "d1")}
        cluster.let_save()
        down.want(1)
        down.wait(lambda: settles(down, "d1", UNSAVED_S), "d1 has nearly settled")
        cluster.run("scontrol", "update", f"nodename={SPARE}", "state=drain", "reason=bad disk")
        up.want(1)
        up.wait_for("u1", Stage.DRAINED)
        down.wait(lambda: (Verb.UNDRAIN, "d1", Outcome.DONE) in down.port.acts, "d1 is given back")
        with scene.standing_still():
            assert "DRAIN" in cluster.flags("u1")
            assert "DRAIN" not in cluster.flags("d1")
            cluster.controller.kill()
            cluster.start_controller()
            assert "DRAIN" not in cluster.flags("u1"), "the drain is lost"
            assert "DRAIN" in cluster.flags("d1"), "and so is its end"
            for number in jobs.values():
                cluster.run("scontrol", "release", str(number))
            cluster.wait(lambda: state(cluster, jobs["u1"]) == "RUNNING", "a job runs where the drain was")
        up.wait_for("u1", Stage.DONE)
        down.wait_for("d1", Stage.DONE)
        cluster.wait(lambda: state(cluster, jobs["d1"]) == "COMPLETED", "the job ran on d1")
        up.wait(lambda: up.given() == {"u1": 1}, "a pod runs on u1")
    assert up.audit.stages("u1").count(Stage.DRAINING) == 2
    assert state(cluster, jobs["u1"]) == "COMPLETED"
    assert breaches(scene) == []
    assert scene.observer.undone(SPARE, "bad disk") == []


@releases
def test_what_a_hanging_slurmctld_was_asked_for_is_neither_undone_nor_taken_for_done(
    own_slurm: Callable[..., Cluster], tmp_path: Path, release: str
):
    """B2, B3: it stops as a drain and an undrain are on their way, and does both later; nothing begins meanwhile."""
    cluster = own_slurm(release, nodes=nodes(*UP, *DOWN), partitions=BATCH)
    with both_ways(cluster, tmp_path, UP, DOWN, pods=1) as scene:
        up, down, hangs = scene.up, scene.down, Event()
        jobs = {node: queue(cluster, node, 2) for node in ("u1", "d1")}

        def hang() -> None:
            cluster.controller.pause()
            hangs.set()

        down.port.before[Verb.UNDRAIN, "d1"] = hang
        up.port.before[Verb.DRAIN, "u1"] = lambda: hangs.wait(HANG_S)
        down.want(1)
        down.wait(lambda: settles(down, "d1", UNSAVED_S), "d1 has nearly settled")
        up.want(1)
        try:
            up.wait(lambda: up.port.acts, "the drain was given up")
            down.wait(lambda: down.port.acts, "the undrain was given up")
            time.sleep(HANG_S)
            plan = up.want(2)
            assert plan is None or plan.holds
            assert {hold.switch for hold in up.controller.holds} <= {Switch.STALE, Switch.UNREACHABLE}
        finally:
            cluster.controller.resume()
        for number in jobs.values():
            cluster.run("scontrol", "release", str(number))
        up.wait_for("u1", Stage.DONE)
        down.wait_for("d1", Stage.DONE)
        cluster.wait(lambda: state(cluster, jobs["d1"]) == "COMPLETED", "the job ran on d1")
    assert up.port.acts[0] == (Verb.DRAIN, "u1", Outcome.UNKNOWN)
    assert down.port.acts[0] == (Verb.UNDRAIN, "d1", Outcome.UNKNOWN)
    assert up.given() == {"u1": 1}
    assert up.audit.stages("u2") == []
    assert breaches(scene) == []


@releases
def test_a_backup_that_takes_over_is_another_run_and_hand_overs_go_on(
    own_slurm: Callable[..., Cluster], tmp_path: Path, release: str
):
    """B4: half-way through both hand-overs, and with all of it saved."""
    cluster = own_slurm(release, nodes=nodes(*UP, *DOWN), partitions=BATCH, backup=True)
    with both_ways(cluster, tmp_path, UP, DOWN, pods=1) as scene:
        up, down = scene.up, scene.down
        running = cluster.submit("--exclusive", "--nodelist=u2", wrap="sleep 30")
        cluster.wait(lambda: state(cluster, running) == "RUNNING", "a job runs")
        cluster.let_save()
        with scene.standing_still():
            run = up.port.look("u1").booted
        up.want(1)
        up.wait_for("u1", Stage.DRAINED)
        down.want(1)
        down.wait_for("d1", Stage.EMPTY)
        with scene.standing_still():
            cluster.let_save()
            cluster.controller.kill()
        up.wait_for("u1", Stage.DONE)
        down.wait_for("d1", Stage.DONE)
        with scene.standing_still():
            assert up.port.look("u1").booted != run
        cluster.wait(lambda: state(cluster, running) == "COMPLETED", "the job goes on to its end")
    assert breaches(scene) == []


@releases
def test_when_slurmctld_lost_its_state_nothing_begins_and_what_it_opened_is_closed_in_kubernetes(
    own_slurm: Callable[..., Cluster], tmp_path: Path, release: str
):
    """B5: neither drains nor jobs are left, half-way through both hand-overs."""
    cluster = own_slurm(release, nodes=nodes(*UP, *DOWN), partitions=BATCH)
    with both_ways(cluster, tmp_path, UP, DOWN, pods=1, lent_pods=1) as scene:
        up, down, observer = scene.up, scene.down, scene.observer
        (lent,) = (node for node, pods in down.given().items() if pods)
        (comes_back,) = down.given().keys() - {lent}
        running = cluster.submit("--exclusive", "--nodelist=u2")
        cluster.wait(lambda: state(cluster, running) == "RUNNING", "a job runs")
        up.want(1)
        up.wait_for("u1", Stage.DRAINED)
        down.want(1)
        down.wait_for(comes_back, Stage.EMPTY)
        with scene.standing_still():
            cluster.clean()
            lost_s = time.monotonic()
        down.wait(lambda: lent not in down.given(), "the lent node is closed in Kubernetes")
        down.wait_for(comes_back, Stage.DONE)
        up.wait_for("u1", Stage.DONE, Stage.CANCELLED)
        plan = up.want(2)
        assert plan is not None
        assert [hold.switch for hold in plan.holds] == [Switch.VANISHED]
    assert up.audit.stages("u2") == []
    assert observer.given_while_busy() == []
    seen_s = [sight.ended_s for sight in observer.sights if observer.is_open_to_both(sight, lent)]
    assert max(seen_s, default=0.0) - lost_s < CLOSES_S
    assert not any(observer.is_open_to_both(sight, node) for sight in observer.sights for node in ("u1", comes_back))
