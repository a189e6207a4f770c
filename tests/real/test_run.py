"""``tidegate run`` on real Slurm and real Kafka: a surge that is foreseen gets its nodes ahead, and gives them back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.real.kafka.broker import Broker
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.site import KubeSite
from tests.real.running import Running, Surge
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.conf import Node
from tests.real.slurm.install import RELEASES

NODES = tuple(Node(f"n{number:02}", cpus=4) for number in range(1, 9))
BATCH = {"batch": "Nodes=ALL Default=YES"}
MOVES = {
    "every": "10s",
    "lookAhead": "2h",
    "leadTime": "30m",  # until it has been learned: a site that images its nodes anew
    "dwell": "0s",
    "readyFor": "0s",
    "atOnce": "100%",
    "perHour": 1000,
}
POLICY = {
    "mode": "auto",
    "forecast": {"aheadMost": "100%"},
    "pools": [{"name": "pool", "floor": {"hpc": 2, "kubernetes": 0}}],
    "moves": MOVES,
}
INTO_S = 1200  # of the surge, when the service starts
NOW = 2  # nodes that the service needs meanwhile


@pytest.fixture(params=RELEASES)
def site(
    request: pytest.FixtureRequest,
    own_slurm: Callable[..., Cluster],
    kube: ControlPlane,
    space: str,
    broker: Broker,
    prefix: str,
    tmp_path: Path,
) -> Iterator[Running]:
    cluster = own_slurm(request.param, nodes=NODES, partitions=BATCH)
    there = KubeSite(kube, space, {"pool": [node.name for node in NODES]}, space)
    site = Running(tmp_path, cluster, there, f"kafka:{broker.address()}", prefix, POLICY)
    yield site
    site.stop()
    there.close()


def running(cluster: Cluster, jobs: list[int]) -> int:
    return sum(cluster.job(number)["JobState"] == "RUNNING" for number in jobs)


def test_a_foreseen_surge_gets_its_nodes_ahead_and_gives_them_back_after(site: Running, prefix: str):
    cluster = site.cluster
    job = cluster.submit("--exclusive", "--nodelist=n01", minutes=60)
    site.need(NOW)
    now_s = int(time.time())
    site.tell_past(Surge(now_s - INTO_S), now_s)
    site.start()
    site.wait(lambda: len(site.ours()) >= NOW + 2, "nodes are drained that are not needed yet")
    ahead = site.ours()
    assert "n01" not in ahead, "a job runs there"
    site.stop(kill=True)
    assert site.ours() >= ahead, "what was drained stays so, and the next start goes on with it"

    waiting = [cluster.submit("--exclusive", minutes=60) for _ in range(6)]
    site.on_bus(f"{prefix}after.")  # the same site, when the surge is over
    site.need(1)
    now_s = int(time.time())
    site.tell_past(Surge(now_s - Surge(0).lasts_s - 600), now_s)
    site.start()
    site.wait(lambda: running(cluster, waiting) >= 5, "the nodes are given back, and jobs run on them")
    assert 1 <= len(site.ours()) <= 2, "the one that the service still needs, and one for what happens now and then"
    assert running(cluster, [job]) == 1
    assert {cluster.job(number)["Restarts"] for number in (job, *waiting)} == {"0"}
    assert site.stop() == 0


def test_without_such_a_past_only_what_is_needed_now_is_moved(site: Running):
    """What the other test sees comes from the forecast."""
    site.need(NOW)
    now_s = int(time.time())
    site.tell_past(Surge(0, low=NOW, high=NOW), now_s)
    site.start()
    site.wait(lambda: len(site.ours()) >= NOW, "the nodes that are needed are drained")
    site.wait(lambda: site.log.read_text().count("nothing moves") >= 3, "three decisions are content with that")
    assert len(site.ours()) <= NOW + 1, "and one for what happens now and then"
