"""Real Slurm that is killed, hung, forgetful and touched by persons, behind the port."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from connectors.slurm.rest.client import Rest
from connectors.slurm.rest.transport import RestTransport
from connectors.slurm.scheduler import SlurmScheduler
from connectors.sources.standing import Standing
from models.acts import Outcome
from models.errors import Unreachable
from models.nodes import HpcNode, Side
from tests.real.proxy import Proxy
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.conf import Node
from tests.real.slurm.install import RELEASES
from tests.real.slurm_bench import tells

MARK = "tidegate:1.p1"
DONE, REFUSED, UNKNOWN = Outcome.DONE, Outcome.REFUSED, Outcome.UNKNOWN
NODES = (Node("n01"), Node("n02"), Node("n03"))
BATCH = {"batch": "Nodes=ALL Default=YES"}

Opened = tuple[Cluster, SlurmScheduler]


@pytest.fixture(params=RELEASES)
def opened(request: pytest.FixtureRequest, own_slurm: Callable[..., Cluster], tmp_path: Path) -> Iterator[Opened]:
    cluster = own_slurm(request.param, nodes=NODES, partitions=BATCH)
    (tmp_path / "token").write_text(cluster.token())
    rest = Rest(cluster.rest_url, tmp_path / "token", timeout_s=4.0)
    port = SlurmScheduler(RestTransport(rest, bulk_s=4.0))
    cluster.wait(lambda: tells(port), "slurmctld tells since when it runs")
    yield cluster, port
    rest.close()


def look(port: SlurmScheduler, node: str = "n01") -> HpcNode:
    shown = port.look(node)
    assert shown is not None
    return shown


def occupy(cluster: Cluster, node: str = "n01", minutes: int = 10) -> int:
    number = cluster.submit("--exclusive", f"--nodelist={node}", minutes=minutes)
    cluster.wait(lambda: cluster.job(number)["JobState"] == "RUNNING", f"job {number} runs")
    return number


def test_a_drain_that_is_lost_with_its_slurmctld_is_seen_to_be_lost(opened: Opened):
    """B1: what was acknowledged may be gone within seconds; the run that shows it has another name."""
    cluster, port = opened
    cluster.run("scontrol", "update", "nodename=n02", "state=drain", "reason=somebody")  # saved, and then not for 5 s
    cluster.let_save()
    cluster.run("scontrol", "update", "nodename=n03", "state=drain", "reason=somebody")
    assert port.drain(["n01"], mark=MARK)["n01"] is DONE
    before = look(port)
    cluster.controller.kill()
    cluster.start_controller()
    cluster.wait(lambda: tells(port), "slurmctld tells since when it runs")
    after = look(port)
    assert after.booted != before.booted
    assert after.drain_reason in (None, MARK), "lost or kept, as the node shows it"
    assert port.drain(["n01"], mark=MARK)["n01"] is DONE
    assert look(port).drain_reason == MARK


def test_a_drain_that_times_out_is_unknown_and_may_come_true(opened: Opened):
    """B2: slurmctld hangs, and works off later what it was sent."""
    cluster, port = opened
    look(port)
    cluster.controller.pause()
    try:
        began_s = time.monotonic()
        assert port.drain(["n01"], mark=MARK)["n01"] is UNKNOWN
        with pytest.raises(Unreachable):
            port.read()
        with pytest.raises(Unreachable):
            port.look("n01")
        assert time.monotonic() - began_s < 20
    finally:
        cluster.controller.resume()
    cluster.wait(lambda: tells(port), "slurmctld is back")
    assert look(port).drain_reason in (None, MARK)
    assert port.drain(["n01"], mark=MARK)["n01"] is DONE


def test_while_slurmctld_is_gone_nothing_is_told_and_the_last_reading_gets_old(opened: Opened):
    """B3: no answer is no empty queue."""
    cluster, port = opened
    occupy(cluster)
    cluster.let_save()
    source = Standing(port, Side.HPC)
    before = source.read()
    cluster.controller.kill()
    for ask in (port.read, lambda: port.look("n01")):
        with pytest.raises(Unreachable):
            ask()
    assert port.drain(["n02"], mark=MARK)["n02"] is UNKNOWN
    assert source.read() is before
    assert source.unread
    cluster.start_controller()
    cluster.wait(lambda: tells(port), "slurmctld is back")
    assert source.read().demand.nodes == 1.0, "running, or waiting again"


def test_a_slurmctld_without_its_state_shows_another_run(opened: Opened):
    """B5: the queue has vanished, and the name of the run says why."""
    cluster, port = opened
    occupy(cluster)
    before = port.read()
    assert before.demand.running == 1.0
    began_s = max(int(node.booted) for node in before.nodes.values())
    cluster.wait(lambda: time.time() > began_s + 1, "a run that begins now has a name of its own")
    cluster.clean()
    cluster.wait(lambda: tells(port), "slurmctld tells since when it runs")
    after = port.read()
    assert after.demand.nodes == 0.0
    assert {node.booted for node in before.nodes.values()}.isdisjoint(node.booted for node in after.nodes.values())


def test_a_running_job_outlives_drain_and_undrain(opened: Opened):
    """B6: a drain waits; nothing is cancelled."""
    cluster, port = opened
    number = occupy(cluster)
    assert port.drain(["n01"], mark=MARK)["n01"] is DONE
    assert (look(port).busy, look(port).drained) == (True, False)
    assert port.undrain("n01", mark=MARK) is DONE
    assert cluster.job(number)["JobState"] == "RUNNING"
    port.drain(["n01"], mark=MARK)
    cluster.run("scancel", str(number))
    cluster.wait(lambda: look(port).drained, "the node is drained")


def test_an_admin_who_drains_the_node_too_keeps_it(opened: Opened):
    """B8: his reason stands, and is not undone by us."""
    cluster, port = opened
    assert port.drain(["n01"], mark=MARK)["n01"] is DONE
    cluster.run("scontrol", "update", "nodename=n01", "state=drain", "reason=bad disk")
    assert look(port).drain_reason == "bad disk"
    assert port.drain(["n01"], mark=MARK)["n01"] is REFUSED
    assert port.undrain("n01", mark=MARK) is REFUSED
    assert cluster.node("n01")["Reason"].startswith("bad")


def test_an_admin_who_resumes_the_node_is_seen_at_once(opened: Opened):
    """B9: it is open again, and undraining it changes nothing."""
    cluster, port = opened
    assert port.drain(["n01"], mark=MARK)["n01"] is DONE
    cluster.run("scontrol", "update", "nodename=n01", "state=resume")
    assert look(port).drain_reason is None
    assert port.undrain("n01", mark=MARK) is DONE


@pytest.mark.both_releases("how REST refuses a token")
def test_a_token_that_expired_is_told_by_its_file_and_a_new_one_helps(opened: Opened, tmp_path: Path):
    """B16: nothing is applied by halves; the act is unknown, and nothing of it happened."""
    cluster, port = opened
    good = (tmp_path / "token").read_text()
    (tmp_path / "token").write_text(cluster.token(lifespan_s=1))
    time.sleep(2.5)
    with pytest.raises(Unreachable, match=str(tmp_path / "token")):
        port.read()
    assert port.drain(["n01"], mark=MARK)["n01"] is UNKNOWN
    (tmp_path / "token").write_text(good)
    assert look(port).drain_reason is None
    assert tells(port)


def test_half_an_answer_is_none_and_changes_nothing_that_is_known(opened: Opened, tmp_path: Path):
    """B16: what was read before stands; an act whose answer was cut off is unknown, and may have come true."""
    cluster, _ = opened
    occupy(cluster)
    with Proxy(urlsplit(cluster.rest_url).port or 0) as proxy:
        rest = Rest(f"http://{proxy.address}", tmp_path / "token", timeout_s=4.0)
        port = SlurmScheduler(RestTransport(rest, bulk_s=4.0))
        source = Standing(port, Side.HPC)
        known = source.read()
        for most in (0, 1, 300, 2000):
            proxy.answer_most = most
            proxy.reset()
            with pytest.raises(Unreachable):
                port.read()
            assert source.read() is known
        assert port.drain(["n02"], mark=MARK)["n02"] is UNKNOWN
        proxy.heal()
        proxy.reset()
        assert look(port, "n02").drain_reason in (None, MARK)
        assert port.drain(["n02"], mark=MARK)["n02"] is DONE
        assert look(port, "n02").drain_reason == MARK
        assert port.read().demand.nodes == 1.0
        rest.close()


@pytest.mark.both_releases("how REST tells of a missing right")
def test_a_user_who_is_no_operator_is_refused(opened: Opened, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    cluster, port = opened
    (tmp_path / "token").write_text(cluster.token(user="ada"))
    assert port.drain(["n01"], mark=MARK)["n01"] is REFUSED
    assert "is no Slurm administrator's" in caplog.text
    assert look(port).drain_reason is None


def test_a_node_whose_slurmd_died_is_no_candidate(opened: Opened):
    """B10 and B11, as far as a node that is down."""
    cluster, port = opened
    cluster.run("scontrol", "update", "nodename=n01", "state=down", "reason=dead")
    assert (look(port).ready, look(port).open, look(port).drain_reason) == (False, False, None)
    assert port.drain(["n01"], mark=MARK)["n01"] is DONE, "a drain is remembered while the node is down"
    assert not look(port).ready
