"""A slurmctld that limits how often a user may ask, and what becomes of acts meanwhile; and who may act at all.

slurmrestd waits and asks again each second, for as long as it takes, also for what nobody waits for any more. Neither
root nor SlurmUser is limited.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.slurm.rest.client import Rest
from connectors.slurm.rest.transport import RestTransport
from connectors.slurm.scheduler import SlurmScheduler
from models.acts import Outcome
from models.errors import Unreachable
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.conf import Node
from tests.real.slurm.install import RELEASES
from tests.real.slurm_bench import tells

MARK = "tidegate:1.p1"
DONE, REFUSED, UNKNOWN = Outcome.DONE, Outcome.REFUSED, Outcome.UNKNOWN
TIMEOUT_S = 2.5
A_SECOND, AN_HOUR = (f"rl_enable,rl_bucket_size=2,rl_refill_rate=1,rl_refill_period={every_s}" for every_s in (1, 3600))

Opened = tuple[Cluster, SlurmScheduler]


@pytest.fixture(params=RELEASES)
def opened(request: pytest.FixtureRequest, own_slurm: Callable[..., Cluster], tmp_path: Path) -> Iterator[Opened]:
    """A cluster with accounting, and the port for ada, whom it does not let act yet."""
    nodes, batch = (Node("n01"), Node("n02")), {"batch": "Nodes=ALL Default=YES"}
    cluster = own_slurm(request.param, nodes=nodes, partitions=batch, accounting=True)
    cluster.run("sacctmgr", "--immediate", "add", "account", "science")
    cluster.run("sacctmgr", "--immediate", "add", "user", "ada", "account=science")
    (tmp_path / "token").write_text(cluster.token(user="ada"))
    rest = Rest(cluster.rest_url, tmp_path / "token", timeout_s=TIMEOUT_S)
    port = SlurmScheduler(RestTransport(rest, bulk_s=TIMEOUT_S))
    cluster.wait(lambda: tells(port), "slurmctld tells since when it runs")
    yield cluster, port
    rest.close()


def become(cluster: Cluster, level: str) -> None:
    """Make ada an operator or an administrator, and wait until slurmctld knows."""
    cluster.run("sacctmgr", "--immediate", "modify", "user", "ada", "set", f"adminlevel={level}")
    known = ("scontrol", "show", "assoc_mgr", "flags=users", "users=ada")
    cluster.wait(lambda: f"AdminLevel={level}" in cluster.run(*known), f"slurmctld knows that ada is {level}")


def limit(cluster: Cluster, parameters: str = "") -> None:
    """Let slurmctld answer no more than that; without parameters, whatever it is asked."""
    file = cluster.folder / "etc" / "slurm.conf"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("SlurmctldParameters")]
    lines += [f"SlurmctldParameters={parameters}"] if parameters else []
    file.write_text("\n".join(lines) + "\n")
    cluster.run("scontrol", "reconfigure")
    cluster.wait(cluster.serves, "slurmctld has read it")


def test_what_is_asked_for_under_a_limit_is_done_late_or_unknown_and_comes_true_when_it_is_lifted(opened: Opened):
    """B16."""
    cluster, port = opened
    become(cluster, "Administrator")
    number = cluster.submit("--exclusive", "--nodelist=n02")
    cluster.wait(lambda: cluster.job(number)["JobState"] == "RUNNING", "a job runs")
    demand = port.read().demand
    assert demand.running == 1.0

    limit(cluster, A_SECOND)
    began_s = time.monotonic()
    assert port.drain(["n01"], mark=MARK)["n01"] is DONE
    assert port.undrain("n01", mark=MARK) is DONE
    assert time.monotonic() - began_s > 2.0, "it was limited"

    limit(cluster, AN_HOUR)
    assert port.drain(["n01"], mark=MARK)["n01"] is UNKNOWN
    with pytest.raises(Unreachable):
        port.read()
    with pytest.raises(Unreachable):
        port.look("n01")
    assert cluster.flags("n01") == {"IDLE"}

    limit(cluster)
    cluster.wait(lambda: cluster.flags("n01") == {"IDLE", "DRAIN"}, "slurmrestd still asks for what we gave up")
    cluster.wait(lambda: tells(port), "it is read again")
    assert port.read().nodes["n01"].drain_reason == MARK
    assert port.undrain("n01", mark=MARK) is DONE
    assert port.read().demand.running == 1.0


@pytest.mark.both_releases("the older one cannot reserve over REST")
def test_nodes_are_drained_by_an_administrator_and_by_no_operator(opened: Opened):
    """Slurm lets an operator make reservations, but not change nodes."""
    cluster, port = opened
    become(cluster, "Operator")
    assert port.drain(["n01"], mark=MARK)["n01"] is REFUSED
    if cluster.release.name != "24.11":  # which cannot reserve over REST
        assert port.reserve("n01", start_s=int(time.time()) + 3600, mark=MARK) is DONE
        assert port.release("n01", mark=MARK) is DONE
    become(cluster, "Administrator")
    assert port.drain(["n01"], mark=MARK)["n01"] is DONE
    assert port.undrain("n01", mark=MARK) is DONE
