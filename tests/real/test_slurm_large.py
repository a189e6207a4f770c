"""10,000 nodes of each release: what a reading costs, and 500 of them drained and given back in one request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from connectors.slurm.acts import Said
from connectors.slurm.rest.client import Rest
from connectors.slurm.rest.transport import RestTransport
from connectors.slurm.scheduler import SlurmScheduler
from models.acts import Outcome
from tests.real.slurm import large
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.install import RELEASES
from tests.real.slurm_bench import client

NODES = 10_000
JOBS = 1000
TASKS = 49_000
CPU_S = 1.0  # of ours, on a machine that may be busy with other things; benchmarks/slurm_poll.py has the bars
MARK = "tidegate:large.p1"
DRAINED = [f"a{number:05}" for number in range(1, 501)]


class Counted(RestTransport):
    """Counts what is asked for."""

    def __init__(self, rest: Rest) -> None:
        super().__init__(rest)
        self.asked: list[tuple[str, int]] = []

    def drain(self, names: Sequence[str], *, reason: str) -> Said | None:
        self.asked.append(("drain", len(names)))
        return super().drain(names, reason=reason)

    def undrain(self, names: Sequence[str]) -> Said | None:
        self.asked.append(("undrain", len(names)))
        return super().undrain(names)


@pytest.fixture
def slurm_asked(site: Cluster, tmp_path: Path) -> Iterator[Counted]:
    with closing(Counted(client(site, tmp_path))) as counted:
        yield counted


@pytest.fixture(params=RELEASES)
def site(request: pytest.FixtureRequest, own_slurm: Callable[..., Cluster]) -> Cluster:
    options = large.options(NODES)
    cluster = own_slurm(request.param, nodes=(), absent=options.absent, settings=options.settings)
    large.open_nodes(cluster)
    return cluster


@pytest.mark.both_releases("data parsers, and the memory of slurmrestd")
def test_a_large_site_is_read_and_500_nodes_are_drained_in_one_request(site: Cluster, slurm_asked: Counted):
    port = SlurmScheduler(slurm_asked)
    large.hold_array(site, TASKS)
    large.hold_jobs(site, JOBS)

    costs = [large.measured_poll(port) for _ in range(2)]
    picture = port.read()
    assert len(picture.nodes) == NODES
    assert len(picture.records) == JOBS + 1, "the tasks of an array that wait are one record"
    assert max(cost.cpu_s for cost in costs) < CPU_S, costs

    assert port.drain(DRAINED, mark=MARK) == dict.fromkeys(DRAINED, Outcome.DONE)
    assert slurm_asked.asked == [("drain", 500)]
    told = {node["name"]: node for node in site.ask("GET", "nodes/").body["nodes"]}
    closed = {name for name, node in told.items() if "DRAIN" in node["state"] and node["reason"] == MARK}
    assert closed == set(DRAINED)

    assert slurm_asked.undrain(DRAINED) is Said.YES
    assert slurm_asked.asked == [("drain", 500), ("undrain", 500)]
    told = {node["name"]: node for node in site.ask("GET", "nodes/").body["nodes"]}
    assert not any("DRAIN" in node["state"] for node in told.values())
