"""The conformance suite through pyslurm.

On a host of a cluster with pyslurm 25.11, name four idle nodes that may be drained, reserved and filled, and the
partition that they are in: ``TIDEGATE_NATIVE_NODES=n1,n2,n3,n4 TIDEGATE_NATIVE_PARTITION=batch``. Or name a root folder
with Slurm's servers, Python, pyslurm and Tidegate in it: ``TIDEGATE_NATIVE_ROOT``; a cluster is then started there.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.slurm.native.process import COMMAND, Process
from connectors.slurm.native.transport import NativeTransport
from connectors.slurm.pool import hosts
from models.acts import Outcome
from models.errors import Unreachable
from tests.conformance.test_hpc_scheduler import *  # noqa: F403 - the suite
from tests.conformance.test_hpc_scheduler import MARK, look
from tests.real.slurm import install
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.fixtures import running
from tests.real.slurm.site import Site
from tests.real.slurm_bench import NODES, SlurmBench
from tests.real.test_slurm_scheduler import (  # noqa: F401 - tried here too
    OTHERWISE,
    test_demand_is_what_runs_and_what_waits_at_slurms_own_time,
    test_from_a_near_hour_on_no_work_starts,
    test_many_are_drained_and_given_back_at_once,
    test_what_runs_is_told_with_the_minute_it_must_have_ended,
)

ROOT = os.environ.get("TIDEGATE_NATIVE_ROOT", "")
GIVEN = os.environ.get("TIDEGATE_NATIVE_NODES", "")
PARTITION = os.environ.get("TIDEGATE_NATIVE_PARTITION", "batch")

Reached = tuple[Cluster, Process, tuple[str, ...]]


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reached]:
    folder = tmp_path_factory.mktemp("slurm-native")
    if ROOT:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(install, "root", lambda release: Path(ROOT))
            with running(folder, next(iter(install.RELEASES))) as cluster:
                command = cluster.inside("python3", *COMMAND[1:])
                yield cluster, Process(command=command), NODES
        return
    if importlib.util.find_spec("pyslurm") is None:
        pytest.skip("pyslurm is not installed here: it is built on a host of the cluster, against its Slurm")
    if len(nodes := hosts(GIVEN)) != 4:
        pytest.skip("TIDEGATE_NATIVE_NODES names no four nodes that may be drained, reserved and filled")
    yield Site(folder), Process(), nodes


@pytest.fixture
def bench(request: pytest.FixtureRequest, reached: Reached) -> Iterator[SlurmBench]:
    if why := OTHERWISE.get(request.node.originalname):
        pytest.skip(why)
    cluster, process, nodes = reached
    transport = NativeTransport(process)
    try:
        one = SlurmBench(cluster, transport, nodes, PARTITION)
        yield one
        one.clear()
    finally:
        transport.close()


def test_a_node_that_there_is_not(bench: SlurmBench):
    assert bench.port.look("no-such-node") is None
    assert bench.port.drain("no-such-node", mark=MARK) is Outcome.REFUSED


def test_a_process_that_is_killed_is_started_anew(bench: SlurmBench, reached: Reached):
    assert look(bench, bench.nodes[0]).drain_reason is None
    reached[1].close()
    assert bench.port.drain(bench.nodes[0], mark=MARK) is Outcome.DONE
    assert look(bench, bench.nodes[0]).drain_reason == MARK


def test_a_configuration_that_is_none(reached: Reached):
    """libslurm ends the process that it is in; ours goes on, and says why."""
    process = Process(conf=Path("/etc/hosts"), command=reached[1].command)
    with pytest.raises(Unreachable, match=r"/etc/hosts"):
        NativeTransport(process)
    process.close()
