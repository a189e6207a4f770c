"""slurmctld is away for a while under ``tidegate run``, with a hand-over half-way and need that grows meanwhile.

How long is TIDEGATE_OUTAGE_S, in seconds; with 600 it is the outage that every site has once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from connectors.bus.open_bus import open_bus
from connectors.local.audit_file import read_audit
from models.audit import Decided, Entered, Entry
from models.catch_up import deliveries
from models.demand import Demand
from models.events import Topic
from models.nodes import Side
from models.plans import Switch
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.site import KubeSite
from tests.real.proxy import Proxy
from tests.real.running import POOL, Running
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.conf import Node
from tests.real.slurm.install import RELEASES

OUTAGE_S = float(os.environ.get("TIDEGATE_OUTAGE_S", "40"))
NODES = tuple(f"n{number:02}" for number in range(1, 7))
STALE_S = 40  # more than a watch of Kubernetes is silent for
POLL_S = 2
EVERY_S = 10
SETTLE_S = 60  # so long that slurmctld goes while a node settles
REQUEST_S = 10.0  # the longest that one may take
READ_S = 1.1 * 10 * REQUEST_S + REQUEST_S  # by when a slurmctld that is back is read, however long it was away
POLICY = {
    "mode": "auto",
    "forecast": {"aheadMost": "100%"},
    "pools": [{"name": POOL, "floor": {"hpc": 0, "kubernetes": 0}}],
    "moves": {
        "every": f"{EVERY_S}s",
        "settle": f"{SETTLE_S}s",
        "dwell": "0s",
        "readyFor": "0s",
        "atOnce": "100%",
        "perHour": 1000,
    },
    "safety": {"staleAfter": f"{STALE_S}s"},
}


@dataclass
class Site:
    """The service, what is between it and slurmrestd, and a job that runs all the time."""

    running: Running
    proxy: Proxy
    job: int

    def asked_s(self, what: bytes = b"") -> list[float]:
        """When slurmrestd was asked for something, by the monotonic clock."""
        verbs = (b"GET ", b"POST ", b"DELETE ")
        return [at_s for at_s, said in self.proxy.heard if said.startswith(verbs) and what in said]

    def told_s(self, side: Side, since_s: float) -> list[int]:
        """When demand of a side was told to the bus, in unix seconds."""
        bus = open_bus(self.running.bus, self.running.prefix)
        try:
            subscription = bus.subscribe((Topic.DEMAND,), "test")
            told = [event.payload for delivery in deliveries(subscription) for event in delivery.events]
        finally:
            bus.close()
        return [one.at_s for one in told if isinstance(one, Demand) and one.side is side and one.at_s >= since_s]

    def audit(self, since_s: float) -> list[Entry]:
        def at_s(entry: Entry) -> int:
            return entry.snapshot.now_s if isinstance(entry, Decided) else entry.at_s

        return [entry for entry in read_audit(self.running.folder / "state" / "audit.jsonl") if at_s(entry) > since_s]


@pytest.fixture(params=RELEASES)
def site(
    request: pytest.FixtureRequest,
    own_slurm: Callable[..., Cluster],
    kube: ControlPlane,
    space: str,
    tmp_path: Path,
) -> Iterator[Site]:
    nodes = tuple(Node(name) for name in NODES)
    cluster = own_slurm(request.param, nodes=nodes, partitions={"batch": "Nodes=ALL Default=YES"})
    job = cluster.submit("--exclusive", "--nodelist=n01", wrap="sleep 3600", minutes=60)
    cluster.wait(lambda: cluster.job(job)["JobState"] == "RUNNING", "a job runs")
    cluster.submit("--hold")  # a start alone is not saved, and a job's arrival is
    with Proxy(urlsplit(cluster.rest_url).port or 0) as proxy:
        bus = f"sqlite:{tmp_path / 'bus.db'}"
        there = KubeSite(kube, space, {POOL: NODES}, space)
        running = Running(tmp_path, cluster, there, bus, "", POLICY, rest_url=f"http://{proxy.address}")
        running.need(3)
        yield Site(running, proxy, job)
        running.stop()
        there.close()


def longest(times_s: list[float] | list[int]) -> float:
    return max((after - before for before, after in pairwise(times_s)), default=0.0)


def test_while_slurmctld_is_away_nothing_begins_and_after_it_everything_goes_on(site: Site):
    """B3."""
    running, cluster = site.running, site.running.cluster
    running.start()
    running.wait(lambda: len(running.ours()) == 3, "three nodes are drained, and settle")
    cluster.let_save()
    drained, before_mib = running.ours(), running.resident_mib
    cluster.controller.kill()
    killed_s, killed_unix_s = time.monotonic(), time.time()
    time.sleep(STALE_S + 2 * EVERY_S)
    running.need(5)
    time.sleep(OUTAGE_S)
    back_s, back_unix_s, after_mib = time.monotonic(), time.time(), running.resident_mib
    asked_s = [at_s for at_s in site.asked_s() if at_s > killed_s]
    polled_s = [at_s for at_s in site.asked_s(b"/diag") if at_s > killed_s]
    told_s = site.told_s(Side.KUBERNETES, killed_unix_s)
    log, entries = running.log.read_text(), site.audit(killed_unix_s)
    cluster.start_controller()
    serves_s = time.monotonic()
    running.wait(
        lambda: "side hpc cannot be read: no trouble any more" in running.log.read_text(), "Slurm is read", READ_S
    )
    read_s = time.monotonic() - serves_s
    running.wait(lambda: len(running.ours()) == 5, "what the need asks for is drained, too")
    moved_s = time.monotonic() - serves_s
    print(
        f"\noutage {back_s - killed_s:.0f} s: {len(asked_s)} requests, {len(polled_s)} of them polls,"
        f" after {[round(at_s - killed_s) for at_s in polled_s]} s;"
        f" all after {[round(at_s - killed_s) for at_s in asked_s]} s;"
        f" Kubernetes told {len(told_s)} times, longest gap {longest(told_s)} s;"
        f" memory {before_mib:.1f} -> {after_mib:.1f} MiB; read {read_s:.1f} s and moved {moved_s:.1f} s after"
    )
    assert len(asked_s) * REQUEST_S <= (back_s - killed_s) / 2 + 2 * REQUEST_S, "Slurm is asked more rarely"
    assert longest([killed_unix_s, *told_s, back_unix_s]) <= 2 * REQUEST_S + 3 * POLL_S
    assert log.count("side hpc cannot be read") <= 2
    assert log.count("moves are held (stale)") == 1
    assert "hpc->kubernetes: n05, n06, held back" in log
    held = [entry for entry in entries if isinstance(entry, Decided) and entry.plan.holds]
    assert [entry.plan.holds[0].switch for entry in held] == [Switch.STALE]
    later_s = killed_unix_s + STALE_S + 1
    assert not any(isinstance(entry, Entered) and entry.at_s > later_s for entry in entries)
    assert drained < running.ours()
    assert (cluster.job(site.job)["JobState"], cluster.job(site.job)["Restarts"]) == ("RUNNING", "0")
    assert running.stop() == 0
