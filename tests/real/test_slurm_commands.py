"""The conformance suite with nodes and jobs read by Slurm's commands, on both releases; and that both ways agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from connectors.slurm.rest.transport import RestTransport
from connectors.slurm.scheduler import SlurmScheduler
from models.errors import Unreachable
from tests.conformance.test_hpc_scheduler import *  # noqa: F403 - the suite
from tests.real.slurm import commands
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.conf import Node
from tests.real.slurm.install import RELEASES
from tests.real.slurm_bench import SlurmBench, client
from tests.real.test_slurm_scheduler import (  # noqa: F401 - tried here too
    OTHERWISE,
    test_demand_is_what_runs_and_what_waits_at_slurms_own_time,
    test_every_kind_of_job_counts_as_what_it_is,
    test_many_are_drained_at_once_and_given_back,
    test_what_runs_is_told_with_the_minute_it_must_have_ended,
)


@pytest.fixture
def bench(request: pytest.FixtureRequest, slurm: Cluster, tmp_path: Path) -> Iterator[SlurmBench]:
    if why := OTHERWISE.get(request.node.originalname):
        pytest.skip(why)
    with closing(commands.transport(slurm, client(slurm, tmp_path), tmp_path)) as transport:
        one = SlurmBench(slurm, transport)
        yield one
        one.clear()


@pytest.mark.both_releases("how squeue and scontrol tell of whole nodes")
def test_both_ways_show_the_same(bench: SlurmBench, slurm: Cluster, tmp_path: Path):
    submit = slurm.submit
    bench.foreign_drain(bench.nodes[3])
    submit("--nodelist=n05", "--exclusive", wrap="sleep 600")
    submit("--nodelist=n06", "--ntasks=3", wrap="sleep 600")
    submit("--array=1-20:3%2", "--exclude=n[01-05]")
    submit("--hold", "--gres=gpu:2")
    submit("--hold", "--time=5", "--wrap=sleep 60", ":", "--ntasks=2")
    slurm.wait(lambda: bench.port.read().demand.running > 1, "two jobs run")
    with closing(RestTransport(client(slurm, tmp_path))) as rest:
        other = SlurmScheduler(rest, ",".join(bench.nodes))
        slurm.wait(lambda: told(other) == told(bench.port), "both show the same", timeout_s=20)


def told(port: SlurmScheduler) -> object:
    """All but the second of the poll."""
    picture = port.read()
    running, waiting = picture.demand.running, picture.demand.waiting
    return picture.nodes, picture.records, picture.waiting, port.pool, running, waiting


@pytest.mark.parametrize("release", RELEASES)
def test_a_slurmctld_that_is_away_is_no_empty_queue(release: str, own_slurm: Callable[..., Cluster], tmp_path: Path):
    slurm = own_slurm(release, nodes=(Node("n01"),), partitions={"batch": "Nodes=ALL Default=YES"})
    with closing(commands.transport(slurm, client(slurm, tmp_path), tmp_path)) as transport:
        slurm.submit("--hold")
        assert [job.hold for job in transport.jobs().jobs or ()] == [True]
        slurm.let_save()
        slurm.controller.kill()
        for read in (transport.jobs, transport.nodes):
            with pytest.raises(Unreachable, match="ended with 1"):
                read()
        slurm.start_controller()
        assert [job.hold for job in transport.jobs().jobs or ()] == [True]
        assert [node.name for node in transport.nodes().nodes or ()] == ["n01"]
