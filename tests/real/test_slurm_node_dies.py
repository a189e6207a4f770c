"""A node dies half-way through its hand-over: its slurmd is killed, and Kubernetes does not see it either."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from models.handovers import Stage, Why
from tests.real.slurm.both_ways import BATCH, both_ways, nodes
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.install import RELEASES

UP, DOWN = ["u1", "u2"], ["d1", "d2"]


@pytest.mark.parametrize("release", RELEASES)
def test_a_node_that_dies_half_way_is_opened_to_nobody_and_counts_as_lost(
    own_slurm: Callable[..., Cluster], tmp_path: Path, release: str
):
    """B11: in both directions; the hand-over turns back by itself, and the node of the HPC side is no candidate."""
    cluster = own_slurm(release, nodes=nodes(*UP, *DOWN), partitions=BATCH, settings={"SlurmdTimeout": "2"})
    with both_ways(cluster, tmp_path, UP, DOWN, pods=1) as scene:
        up, down = scene.up, scene.down
        up.want(1)
        up.wait_for("u1", Stage.DRAINED)
        down.want(1)
        down.wait_for("d1", Stage.EMPTY)
        with scene.standing_still():
            for pool, node in ((up, "u1"), (down, "d1")):
                pool.kube.set_absent(pool.names.index(node), True)
                cluster.slurmds[node].kill()
            cluster.wait(lambda: all("DOWN" in cluster.flags(node) for node in ("u1", "d1")), "Slurm has noticed")
            died_s = time.monotonic()
        up.wait_for("u1", Stage.CANCELLED)
        down.wait_for("d1", Stage.CANCELLING, Stage.CANCELLED)
        up.want(2)
        with scene.standing_still():
            assert up.port.look("u1").ready is False
    assert [handover.why for handover in up.ended if handover.node == "u1"] == [Why.UNHEALTHY]
    later = [sight for sight in scene.observer.sights if sight.began_s > died_s]
    assert later
    assert not any(node in sight.given for sight in later for node in ("u1", "d1"))
    assert all("DOWN" in sight.nodes[node].flags for sight in later for node in ("u1", "d1"))
    assert scene.observer.open_to_both() == []
    assert up.audit.stages("u1").count(Stage.PLANNED) == 1
