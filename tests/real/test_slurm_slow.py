"""What takes its time: a slurmctld that limits how often it is asked (B16), and jobs whose nodes are prepared (B17)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from connectors.slurm.rest.client import Rest
from connectors.slurm.rest.transport import RestTransport
from connectors.slurm.scheduler import SlurmScheduler
from connectors.slurm.transport import Transport
from connectors.sources.backoff import Backoff
from models.errors import Unreachable
from models.work import WorkState
from tests.real.slurm import commands
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.conf import Node
from tests.real.slurm.fixtures import running
from tests.real.slurm.install import RELEASES
from tests.real.slurm_bench import client, tells

ONE = {"nodes": (Node("n01"),), "partitions": {"batch": "Nodes=ALL Default=YES"}}
RARELY = {"SlurmctldParameters": "rl_enable,rl_bucket_size=2,rl_refill_rate=1,rl_refill_period=1"}
PREPARED_S = 8
PROLOG = f"#!/bin/sh\nsleep {PREPARED_S}\n"


@pytest.mark.parametrize("over", ["rest", "commands"])
@pytest.mark.parametrize("release", RELEASES)
def test_a_limit_on_requests_makes_a_poll_slow_or_none_and_never_half_a_one(
    release: str, over: str, own_slurm: Callable[..., Cluster], tmp_path: Path
):
    """Nobody but root is limited; slurmrestd and Slurm's commands wait and ask again."""
    slurm = own_slurm(release, settings=RARELY, **ONE)
    with closing(RestTransport(client(slurm, tmp_path))) as root:
        slurm.wait(lambda: tells(SlurmScheduler(root)), "slurmctld tells since when it runs")
    (tmp_path / "token").write_text(slurm.token(user="ada"))
    slurm.submit("--hold")
    with ExitStack() as stack:
        port = SlurmScheduler(stack.enter_context(closing(ways(slurm, tmp_path)[over])))
        began_s = time.monotonic()
        picture = port.read()
        took_s = time.monotonic() - began_s
        assert took_s > 1.0, "it was limited"
        assert [(record.state, record.user) for record in picture.records] == [(WorkState.HELD, "root")]
        assert list(picture.nodes) == ["n01"]
        assert Backoff(1.0).after(took_s) > 5 * took_s, "Slurm is asked more rarely"

        hasty = Rest(slurm.rest_url, tmp_path / "token", timeout_s=0.3)
        other = SlurmScheduler(stack.enter_context(closing(RestTransport(hasty))))
        with pytest.raises(Unreachable, match="timed out"):
            other.read()
        slurm.run("scontrol", "update", "nodename=n01", "state=drain", "reason=mine")
        assert port.read().nodes["n01"].drain_reason == "mine"


def ways(slurm: Cluster, folder: Path) -> dict[str, Transport]:
    """Both with ada's token."""
    rest = Rest(slurm.rest_url, folder / "token")
    return {"rest": RestTransport(rest), "commands": commands.transport(slurm, rest, folder)}


@pytest.fixture(params=RELEASES)
def preparing(request: pytest.FixtureRequest, tmp_path: Path, slurm_logs: None) -> Iterator[Cluster]:
    """A cluster in which a job's node is prepared for some seconds before it starts."""
    prolog = tmp_path / "slurm" / "etc" / "prolog"
    prolog.parent.mkdir(parents=True)
    prolog.write_text(PROLOG, encoding="ascii")
    prolog.chmod(0o755)
    settings = {"PrologSlurmctld": "/etc/slurm/prolog"}
    with running(tmp_path / "slurm", request.param, settings=settings, **ONE) as cluster:
        yield cluster


def test_both_ways_tell_that_a_job_whose_node_is_prepared_runs(preparing: Cluster, tmp_path: Path):
    rest = client(preparing, tmp_path)
    with closing(commands.transport(preparing, rest, tmp_path)) as by_commands:
        ports = [SlurmScheduler(RestTransport(rest)), SlurmScheduler(by_commands)]
        preparing.wait(lambda: tells(ports[0]), "slurmctld tells since when it runs")
        number = preparing.submit("--exclusive")
        preparing.wait(lambda: preparing.job(number)["JobState"] == "CONFIGURING", "its node is prepared")
        for port in ports:
            picture = port.read()
            assert [record.state for record in picture.records] == [WorkState.RUNNING]
            assert (picture.demand.running, picture.demand.waiting) == (1.0, 0.0)
            assert picture.nodes["n01"].busy
