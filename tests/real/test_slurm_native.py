"""The conformance suite through pyslurm.

On a host of a cluster with pyslurm 25.11, name four idle nodes that may be drained, reserved and filled, and the
partition that they are in: ``TIDEGATE_NATIVE_NODES=n1,n2,n3,n4 TIDEGATE_NATIVE_PARTITION=batch``. Or name a root folder
with Slurm's servers, Python, pyslurm and Tidegate in it: ``TIDEGATE_NATIVE_ROOT``; a cluster is then started there.
"""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from connectors.slurm.checkup.native import native_findings
from connectors.slurm.native.process import COMMAND, Process
from connectors.slurm.native.transport import NativeTransport
from connectors.slurm.rest.transport import RestTransport
from connectors.slurm.scheduler import SlurmScheduler
from connectors.slurm.settings import SlurmSettings
from models.acts import Outcome
from models.errors import Unreachable
from models.findings import Level
from models.hostlists import hosts
from models.work import WorkState
from tests.conformance.test_hpc_scheduler import *  # noqa: F403 - the suite
from tests.conformance.test_hpc_scheduler import MARK, look
from tests.real.slurm import install
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.fixtures import running
from tests.real.slurm.site import Site
from tests.real.slurm_bench import NODES, SlurmBench, client, tells
from tests.real.test_slurm_scheduler import (  # noqa: F401 - tried here too
    OTHERWISE,
    test_demand_is_what_runs_and_what_waits_at_slurms_own_time,
    test_from_a_near_hour_on_no_work_starts,
    test_many_are_drained_at_once_and_given_back,
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


def test_both_transports_show_the_same(bench: SlurmBench, tmp_path: Path):
    """Kinds of jobs and nodes of which each transport makes its own words."""
    if not ROOT:
        pytest.skip("a site is not filled with jobs on all its nodes")
    cluster = bench.cluster
    bench.foreign_drain("n05")
    bench.foreign_reserve("n06", start_s=int(time.time()) + 7200)
    bench.port.drain(["n07"], mark=MARK)
    submit = cluster.submit
    numbers = [submit("--exclusive", "--nodelist=n08"), submit("--exclusive", "--nodelist=n08", nodes=1)]
    numbers += [submit("--array=0-3%2", "--exclusive"), submit("--array=0-90:3", "--exclusive", nodes=2)]
    numbers += [submit("--hold"), submit("--begin=now+1hour"), submit("--ntasks=1", "--cpus-per-task=16")]
    numbers += [submit("--nodelist=n05", "--exclusive"), submit("--gres=gpu:1"), submit("--gres=gpu:1", "--hold")]
    numbers += [submit(f"--dependency=afterok:{numbers[0]}"), submit("--ntasks=2", "--mem=1000M", user="ada")]
    rest = RestTransport(client(cluster, tmp_path))
    over_rest = SlurmScheduler(rest)
    native = SlurmScheduler(bench.port.transport)

    first = {str(numbers[0]), f"{numbers[2]}_0", f"{numbers[2]}_1"}
    listed = ("squeue", "--noheader", "--states=running", "--format=%i")
    cluster.wait(lambda: first <= {*cluster.run(*listed).split()}, "the first of the jobs run")

    def differences() -> list[str]:
        one, other = vars_of(over_rest), vars_of(native)
        return [f"{name}: {one[name]} != {other[name]}" for name in one if one[name] != other[name]]

    try:
        told: list[list[str]] = []
        with suppress(RuntimeError):
            cluster.wait(lambda: told.append(differences()) or not told[-1], "nothing starts between two polls", 30)
        assert told[-1] == []
        running = {record.id for record in native.read().records if record.state is WorkState.RUNNING}
        assert running >= first
        for name in bench.nodes:
            assert native.look(name) == over_rest.look(name)
    finally:
        rest.close()
        cluster.run("scancel", "--user=ada")


def vars_of(port: SlurmScheduler) -> dict[str, object]:
    """What the newest picture shows, thing by thing, but the second that it is of."""
    picture = port.read()
    told: dict[str, object] = {f"node {name}": node for name, node in picture.nodes.items()}
    told |= {f"job {record.id}": record for record in picture.records}
    demand = picture.demand
    return told | {"demand": (demand.running, demand.waiting), "waiting": picture.waiting, "pool": port.pool}


def test_a_node_that_there_is_not(bench: SlurmBench):
    assert bench.port.look("no-such-node") is None
    assert bench.port.drain(["no-such-node"], mark=MARK)["no-such-node"] is Outcome.REFUSED


def test_a_process_that_is_killed_is_started_anew(bench: SlurmBench, reached: Reached):
    assert look(bench, bench.nodes[0]).drain_reason is None
    reached[1].close()
    assert bench.port.drain([bench.nodes[0]], mark=MARK)[bench.nodes[0]] is Outcome.DONE
    assert look(bench, bench.nodes[0]).drain_reason == MARK


def test_a_configuration_that_is_none(reached: Reached):
    """libslurm ends the process that it is in; ours goes on, and says why."""
    process = Process(conf=Path("/etc/hosts"), command=reached[1].command)
    with pytest.raises(Unreachable, match=r"/etc/hosts"):
        NativeTransport(process)
    process.close()


def test_the_checkup_finds_an_administrator_and_every_node(bench: SlurmBench, reached: Reached):
    process = Process(command=reached[1].command)
    found = {one.check: one for one in native_findings(process, SlurmSettings(over="native"), None, None, False)}
    assert {found[name].level for name in ("slurm.native", "slurm.rights", "slurm.clock")} == {Level.OK}
    assert not [one for one in found.values() if one.level is Level.SKIPPED]
    bench.port.drain([bench.nodes[0]], mark=MARK)
    again = native_findings(process, SlurmSettings(over="native"), None, None, False)
    drains = [one for one in again if one.check == "slurm.drains"]
    assert any(MARK in one.what and bench.nodes[0] in one.what for one in drains)


@pytest.mark.skipif(not ROOT, reason="a site's slurmctld is not stopped")
def test_a_slurmctld_that_stands_still_or_is_gone(bench: SlurmBench, reached: Reached):
    """No answer is no empty queue, a drain may come true, and neither takes longer than it may."""
    cluster, process, _ = reached
    port = SlurmScheduler(NativeTransport(process, timeout_s=3.0, bulk_s=3.0))
    for stop, again in (
        (cluster.controller.pause, cluster.controller.resume),
        (cluster.controller.kill, cluster.start_controller),
    ):
        stop()
        try:
            began_s = time.monotonic()
            assert port.drain(["n05"], mark=MARK)["n05"] is Outcome.UNKNOWN
            for ask in (port.read, lambda: port.look("n05")):
                with pytest.raises(Unreachable):
                    ask()
            assert time.monotonic() - began_s < 30
        finally:
            again()
        cluster.wait(lambda: tells(port), "slurmctld tells since when it runs")
    assert port.drain(["n05"], mark=MARK)["n05"] is Outcome.DONE


@pytest.mark.skipif(not ROOT, reason="a site's users are not borrowed")
def test_a_user_who_is_no_operator_is_refused(bench: SlurmBench, reached: Reached, caplog: pytest.LogCaptureFixture):
    ada = ("setpriv", "--reuid=1001", "--regid=1001", "--clear-groups")
    process = Process(command=reached[0].inside(*ada, "python3", *COMMAND[1:]))
    port = SlurmScheduler(NativeTransport(process))
    try:
        assert port.drain(["n05"], mark=MARK)["n05"] is Outcome.REFUSED
        assert port.reserve("n05", start_s=0, mark=MARK) is Outcome.REFUSED
        assert "is no Slurm administrator" in caplog.text
        assert look(bench, "n05").drain_reason is None
        found = {one.check: one for one in native_findings(process, SlurmSettings(over="native"), None, None, False)}
        assert found["slurm.rights"].level is Level.ERROR
    finally:
        process.close()
