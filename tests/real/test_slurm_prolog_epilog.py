"""What runs on a node before and after a job's own script, on real Slurm: a prolog, a node that is switched on for the
job, an epilog that hangs. The job has begun, or has not gone yet, and nothing of that may be cut short."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.slurm.rest.transport import RestTransport
from connectors.slurm.scheduler import SlurmScheduler
from models.acts import Outcome, Verb
from models.demand import Demand
from models.handovers import Stage, Why
from tests.real.slurm.both_ways import BATCH, BothWays, both_ways, nodes
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.conf import Node
from tests.real.slurm.install import RELEASES
from tests.real.slurm_bench import client, tells

releases = pytest.mark.parametrize("release", RELEASES)
UP, DOWN = ["u1"], ["d1"]
SIGHTS = 10  # of the observer, ten a second
DEADLINE_S = 15
MARK = "tidegate:1.p1"
POWER_SAVING = {
    **{"SuspendProgram": "/bin/true", "ResumeProgram": "/bin/true", "SuspendTime": "86400", "SuspendTimeout": "2"},
    "SlurmctldParameters": "power_save_interval=1,power_save_min_interval=0",
}


def waiting(name: str) -> dict[str, str]:
    """A program of the cluster's that does not end before it may."""
    return {name: f"#!/bin/sh\nuntil [ -e /etc/slurm/{name}-may-end ]; do sleep 0.1; done\n"}


def end(cluster: Cluster, name: str) -> None:
    """From now on it may."""
    (cluster.folder / "etc" / f"{name}-may-end").touch()


def lands(cluster: Cluster, state: str) -> int:
    """A job comes to u1 and gets into this state."""
    number = cluster.submit("--exclusive", "--nodelist=u1", wrap="sleep 2", minutes=1)
    cluster.wait(lambda: cluster.job(number)["JobState"] == state, f"job {number} is {state}")
    return number


def busy_and_drained(scene: BothWays, flags: set[str]) -> Demand:
    """See the node shut and in these states for a while, and no step of the hand-over; the demand meanwhile."""
    scene.observer.wait_for(len(scene.observer.sights) + SIGHTS)
    assert {sight.nodes["u1"].flags for sight in scene.observer.sights[-SIGHTS:]} == {frozenset(flags)}
    assert scene.up.stage("u1") is Stage.DRAINING
    with scene.standing_still():
        picture = scene.up.port.read()
        shown = scene.up.port.look("u1")
    assert (picture.nodes["u1"].busy, picture.nodes["u1"].drained) == (True, False)
    assert (shown.busy, shown.drained) == (True, False)
    demand: Demand = picture.demand
    return demand


def all_is_well(scene: BothWays, job: int) -> None:
    """The job ended as it wanted, and no rule was broken."""
    shown = scene.cluster.job(job)
    assert (shown["JobState"], shown["Restarts"]) == ("COMPLETED", "0")
    observer = scene.observer
    assert [*observer.given_while_busy(), *observer.open_to_both(), *observer.ended_badly()] == []


@releases
def test_a_job_whose_prolog_runs_has_begun_and_the_node_is_not_drained_before_it_ends(
    own_slurm: Callable[..., Cluster], tmp_path: Path, release: str
):
    """B17: CONFIGURING. The job came between our look and our drain."""
    settings, programs = {"PrologSlurmctld": "/etc/slurm/prolog"}, waiting("prolog")
    cluster = own_slurm(release, nodes=nodes(*UP, *DOWN), partitions=BATCH, settings=settings, programs=programs)
    jobs: list[int] = []
    with both_ways(cluster, tmp_path, UP, DOWN, pods=1) as scene:
        up = scene.up
        up.port.before[Verb.DRAIN, "u1"] = lambda: jobs.append(lands(cluster, "CONFIGURING"))
        up.want(1)
        demand = busy_and_drained(scene, {"ALLOCATED", "DRAIN"})
        assert (demand.running, demand.waiting) == (1.0, 0.0), "once, and it does not wait"
        assert cluster.job(jobs[0])["JobState"] == "CONFIGURING"
        end(cluster, "prolog")
        up.wait_for("u1", Stage.DONE)
    all_is_well(scene, jobs[0])


@releases
def test_an_epilog_that_hangs_keeps_its_node_until_the_deadline_gives_it_back(
    own_slurm: Callable[..., Cluster], tmp_path: Path, release: str
):
    """B17: COMPLETING, for ever."""
    settings, programs = {"Epilog": "/etc/slurm/epilog"}, waiting("epilog")
    cluster = own_slurm(release, nodes=nodes(*UP, *DOWN), partitions=BATCH, settings=settings, programs=programs)
    jobs: list[int] = []
    with both_ways(cluster, tmp_path, UP, DOWN, pods=1, deadline_s=DEADLINE_S) as scene:
        up = scene.up
        up.port.before[Verb.DRAIN, "u1"] = lambda: jobs.append(lands(cluster, "RUNNING"))
        up.want(1)
        cluster.wait(lambda: cluster.job(jobs[0])["JobState"] == "COMPLETING", "the epilog runs")
        demand = busy_and_drained(scene, {"IDLE", "DRAIN", "COMPLETING"})
        assert (demand.running, demand.waiting) == (0.0, 0.0)
        up.wait_for("u1", Stage.CANCELLED)
        assert "DRAIN" not in cluster.flags("u1")
        assert "COMPLETING" in cluster.flags("u1"), "it still hangs"
        end(cluster, "epilog")
        cluster.wait(lambda: cluster.flags("u1") == {"IDLE"}, "the node is as it was")
    assert [handover.why for handover in up.ended] == [Why.LATE]
    assert Stage.DRAINED not in up.audit.stages("u1")
    assert scene.given() == {"d1": 0}
    all_is_well(scene, jobs[0])


@releases
def test_a_node_that_is_switched_on_for_a_job_is_not_drained(
    own_slurm: Callable[..., Cluster], tmp_path: Path, release: str
):
    """B17, B10: CONFIGURING again. Slurm would send the job back to the queue."""
    cluster = own_slurm(release, nodes=(Node("n01"), Node("n02")), partitions=BATCH, settings=POWER_SAVING)
    rest = client(cluster, tmp_path)
    port = SlurmScheduler(RestTransport(rest))
    cluster.wait(lambda: tells(port), "slurmctld tells since when it runs")
    for power in ("POWERED_DOWN", "POWERING_UP"):
        cluster.run("scontrol", "update", "nodename=n02", "state=power_down_force")
        cluster.wait(lambda: "POWERED_DOWN" in cluster.flags("n02"), "n02 is switched off")
        number = cluster.submit("--exclusive", "--nodelist=n02")
        cluster.wait(lambda power=power: {"ALLOCATED", power} <= cluster.flags("n02"), f"a job has n02, {power}")
        picture = port.read()
        assert (picture.demand.running, picture.demand.waiting) == (1.0, 0.0)
        assert (picture.nodes["n02"].busy, picture.nodes["n02"].ready) == (True, False), "no candidate"
        assert port.drain(["n01", "n02"], mark=MARK) == {"n01": Outcome.DONE, "n02": Outcome.REFUSED}
        assert (cluster.job(number)["JobState"], cluster.job(number)["Restarts"]) == ("CONFIGURING", "0")
        cluster.run("scancel", str(number))
        assert port.undrain("n01", mark=MARK) is Outcome.DONE
        cluster.wait(lambda: not {"ALLOCATED", "COMPLETING"} & cluster.flags("n02"), "the job has gone")
    rest.close()
