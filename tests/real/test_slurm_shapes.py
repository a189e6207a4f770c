"""Names, versions and clocks as real Slurm has them, through the port."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from connectors.slurm.rest.transport import RestTransport
from connectors.slurm.scheduler import SlurmScheduler
from models.acts import Outcome
from models.hostlists import hosts
from models.work import WorkState
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.conf import Node
from tests.real.slurm.install import RELEASES
from tests.real.slurm_bench import client, tells

MARK = "tidegate:9.p1"
HOSTLISTS = ("n1", "n[001-003,7],gpu-a", "rack[1-2]-n[01-03]", "n[09-11]", "a.b_c-[5],n[1-2,4-5,10]", "n[00098-00102]")
NAMED = ("n001", "n002", "n003", "n7", "gpu-a", "rack1-n01", "rack1-n02")
TIERS = {"low": "Nodes=ALL Default=YES PriorityTier=1", "high": "Nodes=ALL PriorityTier=10 PreemptMode=OFF"}
PREEMPTION = {"PreemptType": "preempt/partition_prio", "PreemptMode": "REQUEUE"}
POWER_SAVING = {
    **{"SuspendProgram": "/bin/true", "ResumeProgram": "/bin/true", "SuspendTime": "86400", "SuspendTimeout": "2"},
    "SlurmctldParameters": "power_save_interval=1,power_save_min_interval=0",
}
POOL = "n[001-003,7],gpu-a,rack1-n[01-02]"


@pytest.mark.parametrize("hostlist", HOSTLISTS)
def test_a_hostlist_means_what_scontrol_says(slurm: Cluster, hostlist: str):
    """B14."""
    assert sorted(hosts(hostlist)) == sorted(slurm.run("scontrol", "show", "hostnames", hostlist).split())


def test_nodes_of_unlike_names_are_found_by_their_hostlist(own_slurm: Callable[..., Cluster], tmp_path: Path):
    """B14: and drained and given back by name."""
    nodes = tuple(Node(name) for name in (*NAMED, "other"))
    cluster = own_slurm("26.05", nodes=nodes, partitions={"batch": "Nodes=ALL Default=YES"})
    rest = client(cluster, tmp_path)
    port = SlurmScheduler(RestTransport(rest), POOL)
    cluster.wait(lambda: tells(port), "slurmctld tells since when it runs")
    assert set(port.read().nodes) == set(NAMED)
    assert set(port.drain(NAMED, mark=MARK).values()) == {Outcome.DONE}
    assert {port.undrain(name, mark=MARK) for name in NAMED} == {Outcome.DONE}
    assert port.drain(["other"], mark=MARK)["other"] is Outcome.REFUSED
    rest.close()


@pytest.mark.both_releases("data parsers")
def test_every_version_of_the_data_shows_the_same(slurm: Cluster, tmp_path: Path):
    """B15: whichever data parser is left after an update."""
    slurm.run("scontrol", "update", "nodename=n05", "state=drain", "reason=bad disk")
    number = slurm.submit("--exclusive", "--nodelist=n06")
    waits = slurm.submit("--exclusive", "--nodelist=n06", nodes=1)
    slurm.wait(lambda: slurm.job(number)["JobState"] == "RUNNING", "a job runs")
    slurm.wait(lambda: slurm.job(waits)["Reason"] in {"Resources", "Priority"}, "and one waits")
    shown = {}
    with ExitStack() as stack:
        stack.callback(slurm.run, "scontrol", "update", "nodename=n05", "state=undrain")
        stack.callback(slurm.run, "scancel", str(number), str(waits))
        for version in slurm.data_parsers:
            rest = client(slurm, tmp_path)
            stack.callback(rest.close)
            rest.version = version
            port = SlurmScheduler(RestTransport(rest))
            picture = port.read()
            assert rest.version == version
            work = {record.id: (record.state, record.nodes) for record in picture.records}
            shown[version] = (picture.nodes, work, picture.demand.running, picture.demand.waiting)
    first = shown[slurm.data_parsers[0]]
    assert all(other == first for other in shown.values())
    assert first[0]["n05"].drain_reason == "bad disk"
    assert first[2:] == (1.0, 1.0)
    slurm.wait(lambda: slurm.flags("n06") == {"IDLE"}, "the node is as it was")


def now(cluster: Cluster) -> int:
    """What time slurmctld thinks it is."""
    told: int = cluster.ask("GET", "diag").body["statistics"]["req_time"]["number"]
    return told


@pytest.mark.parametrize("off", ["+3h", "-90m"])
@pytest.mark.parametrize("release", RELEASES)
def test_a_slurmctld_whose_clock_is_off_is_told_in_its_time_and_read_in_ours(
    own_slurm: Callable[..., Cluster], tmp_path: Path, release: str, off: str
):
    """B18: when a node frees is by our clock, a reservation by theirs; readings get old by our monotonic clock."""
    cluster = own_slurm(release, nodes=(Node("n01"),), partitions={"batch": "Nodes=ALL Default=YES"}, clock=off)
    rest = client(cluster, tmp_path)
    port = SlurmScheduler(RestTransport(rest))
    cluster.wait(lambda: tells(port), "slurmctld tells since when it runs")
    number = cluster.submit("--exclusive", minutes=10)
    cluster.wait(lambda: cluster.job(number)["JobState"] == "RUNNING", "a job runs")
    picture = port.read()
    looked = port.look("n01")
    assert abs(picture.at_s - time.time()) < 10, "by our clock"
    assert looked is not None
    for shown in (picture.nodes["n01"], looked):
        assert shown.frees_at_s is not None
        assert abs(shown.frees_at_s - time.time() - 600) < 45, "by our clock"
    if release != "24.11":  # which cannot reserve over REST
        assert port.reserve("n01", start_s=int(time.time()) + 3600, mark=MARK) is Outcome.DONE
        (booking,) = cluster.ask("GET", "reservations").body["reservations"]
        assert abs(booking["start_time"]["number"] - now(cluster) - 3600) < 45, "an hour from now by theirs"
        assert port.release("n01", mark=MARK) is Outcome.DONE
    assert port.drain(["n01"], mark=MARK)["n01"] is Outcome.DONE
    cluster.set_clock("+5h")
    assert port.undrain("n01", mark=MARK) is Outcome.DONE
    rest.close()


@pytest.mark.parametrize("release", RELEASES)
def test_a_job_that_made_room_for_a_better_one_waits_again_and_100000_tasks_are_one_record(
    own_slurm: Callable[..., Cluster], tmp_path: Path, release: str
):
    """B17: preempted, and a large array."""
    nodes, room = (Node("n01"), Node("n02")), {"MaxArraySize": "100001", "MaxJobCount": "200000"}
    cluster = own_slurm(release, nodes=nodes, partitions=TIERS, settings=PREEMPTION | room)
    rest = client(cluster, tmp_path)
    port = SlurmScheduler(RestTransport(rest))
    cluster.wait(lambda: tells(port), "slurmctld tells since when it runs")

    def shown() -> dict[str, tuple[WorkState, float]]:
        return {record.id: (record.state, record.nodes) for record in port.read().records}

    plain = str(cluster.submit("--exclusive", "--requeue", "--partition=low", nodes=2))
    cluster.wait(lambda: shown() == {plain: (WorkState.RUNNING, 2.0)}, "it runs")
    better = str(cluster.submit("--exclusive", "--partition=high"))
    cluster.wait(lambda: shown().get(better) == (WorkState.RUNNING, 1.0), "the better one runs")
    cluster.wait(lambda: shown()[plain] == (WorkState.HELD, 2.0), "the other one waits, and for two minutes must do so")
    array = cluster.submit("--exclusive", "--array=0-99999", "--partition=low", nodes=2)
    cluster.wait(lambda: shown().get(f"{array}_rest") == (WorkState.ELIGIBLE, 200_000.0), "the array waits")
    assert len(shown()) == 3
    rest.close()


@pytest.mark.parametrize("release", RELEASES)
def test_a_node_that_is_not_there_yet_or_is_being_switched_on_is_not_ready(
    own_slurm: Callable[..., Cluster], tmp_path: Path, release: str
):
    """B10: what Slurm may make a node of later, and what its power saving has under way."""
    nodes = (Node("n01"), Node("n02"), Node("n03", state="FUTURE"))
    cluster = own_slurm(release, nodes=nodes, partitions={"batch": "Nodes=ALL Default=YES"}, settings=POWER_SAVING)
    rest = client(cluster, tmp_path)
    port = SlurmScheduler(RestTransport(rest))
    cluster.wait(lambda: tells(port), "slurmctld tells since when it runs")

    def ready() -> dict[str, bool]:
        return {name: node.ready for name, node in port.read().nodes.items()}

    assert ready() == {"n01": True, "n02": True}, "n03 is of the future"
    for state, flag in (("power_down_force", "POWERED_DOWN"), ("power_up", "POWERING_UP")):
        cluster.run("scontrol", "update", "nodename=n02", f"state={state}")
        cluster.wait(lambda flag=flag: flag in cluster.flags("n02"), f"n02 is {flag}")
        assert ready() == {"n01": True, "n02": False}
        assert flag in cluster.flags("n02"), "it still was so when it was read"
    rest.close()


@pytest.mark.parametrize("release", RELEASES)
def test_a_job_that_is_suspended_is_seen_where_slurm_shows_its_node_idle(
    own_slurm: Callable[..., Cluster], tmp_path: Path, release: str
):
    """And it goes on although the node is drained: it would be on a node that Kubernetes has."""
    cluster = own_slurm(
        release,
        nodes=(Node("n01"),),
        partitions={"batch": "Nodes=ALL Default=YES"},
        settings={"SelectTypeParameters": "CR_Core", "DefMemPerCPU": "0"},
    )
    rest = client(cluster, tmp_path)
    port = SlurmScheduler(RestTransport(rest))
    cluster.wait(lambda: tells(port), "slurmctld tells since when it runs")
    number = cluster.submit()
    cluster.wait(lambda: cluster.job(number)["JobState"] == "RUNNING", "it runs")
    assert port.drain(["n01"], mark=MARK)["n01"] is Outcome.DONE
    cluster.run("scontrol", "suspend", str(number))
    cluster.wait(lambda: cluster.flags("n01") == {"IDLE", "DRAIN"}, "the node looks empty")
    assert getattr(port.look("n01"), "busy", None) is True
    port.read()
    assert getattr(port.look("n01"), "busy", None) is True
    cluster.run("scontrol", "resume", str(number))
    cluster.wait(lambda: cluster.job(number)["JobState"] == "RUNNING", "it goes on")
    cluster.run("scancel", str(number))
    cluster.wait(lambda: not getattr(port.look("n01"), "busy", True), "now it is empty")
    rest.close()
