"""``tidegate doctor`` as a user types it, at sites of both releases of Slurm with something wrong at each."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.doctor.bus import bus_findings
from cli.main import app
from connectors.bus.broker.bus import KafkaBus
from models.identity import PoolId
from service.site import BusPlace
from tests.conformance.bus_suite import demand, told
from tests.real.kafka.broker import PLAIN, SECURE, USER, Broker
from tests.real.kafka.certificates import Certificates
from tests.real.slurm.cluster import Cluster, CommandError
from tests.real.slurm.conf import Node
from tests.real.slurm.install import RELEASES
from tests.service.kube_site import KubeSite, kube_site

FEW: dict[str, Any] = {
    "nodes": (Node("n01"), Node("n02")),
    "partitions": {"batch": "Nodes=ALL Default=YES MaxTime=1-0 DefaultTime=60"},
}
releases = pytest.mark.parametrize("release", RELEASES)

LEVELS = ("error", "warning")

Found = list[dict[str, Any]]


class Doctor:
    """The command, at a site of its own folder."""

    def __init__(self, folder: Path, cluster: Cluster, kube: KubeSite) -> None:
        self.kube = kube
        self.folder = folder
        self.cluster = cluster
        self.url = cluster.rest_url
        self.token(cluster.token())

    def token(self, token: str) -> None:
        (self.folder / "token").write_text(token)
        (self.folder / "token").chmod(0o600)

    def look(self, hostlist: str = "n[01-08]", mode: str = "auto") -> tuple[int, Found]:
        """The exit code and what was found."""
        conf = self.cluster.folder / "etc" / "slurm.conf"
        slurm = f"{{url: '{self.url}', tokenFile: token, conf: '{conf}'}}"
        (self.folder / "site.yaml").write_text(f"spec: {{slurm: {slurm}, kubernetes: {self.kube.text}}}")
        (self.folder / "policy.yaml").write_text(f"spec: {{mode: {mode}, pools: [{{name: a, nodes: '{hostlist}'}}]}}")
        files = ["--site", str(self.folder / "site.yaml"), "--policy", str(self.folder / "policy.yaml")]
        done = CliRunner().invoke(app, ["doctor", *files, "--json"], catch_exceptions=False)
        return done.exit_code, json.loads(done.output)["findings"]


@pytest.fixture
def kube_of(tmp_path: Path) -> Iterator[Callable[[Cluster], KubeSite]]:
    """A fake Kubernetes with a Slurm's nodes: what is found of a real one is tried in test_kube_doctor.py."""
    with ExitStack() as stack:
        yield lambda cluster: stack.enter_context(kube_site(tmp_path, cluster.slurmds))


@pytest.fixture
def doctor(slurm: Cluster, tmp_path: Path, kube_of: Callable[[Cluster], KubeSite]) -> Doctor:
    return Doctor(tmp_path, slurm, kube_of(slurm))


def of_slurm(found: Found) -> Found:
    return [one for one in found if not one["check"].startswith("kubernetes")]


def bad(found: Found, level: str = "error") -> list[tuple[str, str]]:
    return [(one["check"], one["what"]) for one in found if one["level"] == level]


def state(cluster: Cluster) -> str:
    """All that a change of a node would show in, but the load that comes and goes."""
    return cluster.run("sinfo", "--noheader", "--Node", "--format=%N %T %E %u %H %c %m")


@pytest.fixture
def drained(slurm: Cluster) -> Iterator[None]:
    slurm.run("scontrol", "update", "nodename=n02", "state=drain", "reason=disk is broken")
    slurm.run("scontrol", "update", "nodename=n03", "state=drain", "reason=tidegate:7.p1")
    try:
        yield
    finally:
        slurm.run("scontrol", "update", "nodename=n02,n03", "state=undrain")
        slurm.wait(lambda: slurm.flags("n02") == slurm.flags("n03") == {"IDLE"}, "they are idle again")


@pytest.mark.both_releases("the newer one tells its settings over REST")
@releases
def test_a_site_where_all_is_well(
    own_slurm: Callable[..., Cluster], kube_of: Callable[[Cluster], KubeSite], tmp_path: Path, release: str
):
    """And nothing is changed by being looked at."""
    cluster = own_slurm(release, **FEW)
    one = Doctor(tmp_path, cluster, kube_of(cluster))
    before = state(cluster)
    code, found = one.look("n[01-02]")
    assert code == 0
    assert {finding["level"] for finding in of_slurm(found)} == {"ok"}, found
    said = {finding["check"]: finding["what"] for finding in found}
    assert said["slurm.release"].startswith(f"Slurm {release}")
    assert ("slurmctld's settings" in said["slurm.conf"]) == (cluster.data_parsers[-1] >= "v0.0.45")
    assert state(cluster) == before
    assert sorted(path.name for path in tmp_path.glob("*") if path.is_file()) == [
        "kube-token",
        "policy.yaml",
        "site.yaml",
        "token",
    ]


def test_somebody_who_is_no_operator(doctor: Doctor):
    doctor.token(doctor.cluster.token(user="ada"))
    before = state(doctor.cluster)
    code, found = doctor.look()
    assert (code, [check for check, _ in bad(found)]) == (1, ["slurm.rights"])
    assert doctor.look(mode="observe")[0] == 0, "who only looks needs no rights"
    assert state(doctor.cluster) == before


@pytest.mark.both_releases("how REST refuses a token")
@pytest.mark.parametrize("token", ["not.a.token", "e30.e30.e30"])
def test_a_wrong_token(doctor: Doctor, token: str):
    doctor.token(token)
    code, found = doctor.look()
    ((check, what),) = bad(found)
    assert (code, check, "is not accepted" in what) == (1, "slurm.rest", True)
    assert {name for name, _ in bad(found, "skipped")} >= {"slurm.rights", "slurm.nodes", "slurm.drains"}


def test_an_expired_token(doctor: Doctor):
    doctor.token(doctor.cluster.token(lifespan_s=1))
    both = ["slurm.token", "slurm.rest"]  # slurmctld takes it a moment longer than we think that it will
    doctor.cluster.wait(lambda: [check for check, _ in bad(doctor.look()[1])] == both, "the token has ended", 10)
    code, found = doctor.look()
    assert (code, "and ended" in bad(found)[0][1], "is not accepted" in bad(found)[1][1]) == (1, True, True)


def test_a_token_that_is_about_to_expire(doctor: Doctor):
    doctor.token(doctor.cluster.token(lifespan_s=60))
    code, found = doctor.look()
    assert (code, bad(found)) == (0, [])
    assert "slurm.token" in [check for check, _ in bad(found, "warning")]


@pytest.mark.both_releases("what slurmctld answers to HTTP")
def test_a_wrong_port_and_a_wrong_host(doctor: Doctor):
    ctld = doctor.cluster.ports.controller
    no_rest = "HTTP as slurmrestd does" if doctor.cluster.release.name == "24.11" else "speaks none of"
    for url, said in (
        ("http://127.0.0.1:1", "nothing listens there"),
        (f"http://127.0.0.1:{ctld}", no_rest),
        ("http://no-such-host.invalid:6820", "this host name is not known here"),
        (doctor.url.replace("http:", "https:"), "it does not speak TLS with us"),
    ):
        doctor.url = url
        code, found = doctor.look()
        ((check, what),) = bad(found)
        assert (code, check, said in what) == (1, "slurm.rest", True), what


@pytest.mark.usefixtures("drained")
def test_who_has_drained_what(doctor: Doctor):
    code, found = doctor.look()
    drains = {one["what"].split(" since ")[0]: one for one in found if one["check"] == "slurm.drains"}
    assert (code, bad(found)) == (0, [])
    theirs = drains["node n02 drained by root"]
    assert (theirs["level"], theirs["what"].endswith(": disk is broken")) == ("warning", True)
    assert theirs["commands"] == ["scontrol update nodename=n02 state=undrain"]
    mine = drains["node n03 drained by Tidegate (tidegate:7.p1)"]
    assert (mine["level"], "no Tidegate runs here" in mine["what"]) == ("warning", True)


def test_a_hostlist_with_a_node_that_slurm_has_not(doctor: Doctor):
    code, found = doctor.look("n[05-08,99]")
    assert (code, bad(of_slurm(found))) == (1, [("slurm.nodes", "pool a: Slurm has no node n99")])


def test_a_pool_of_which_only_some_nodes_have_gpus(doctor: Doctor):
    code, found = doctor.look("n[03-06]")
    assert code == 0
    said = [what for check, what in bad(found, "warning") if check == "slurm.nodes"]
    assert any("only some of its nodes have gpu:a100 (2 of 4)" in what for what in said), said


def test_a_reservation_over_our_nodes(doctor: Doctor):
    what = ["reservationname=maint", "starttime=now+1hour", "duration=60", "users=root", "nodes=n05-n06"]
    doctor.cluster.run("scontrol", "create", "reservation", *what[:-1], "nodes=n[05-06]", "flags=ignore_jobs")
    try:
        found = doctor.look()[1]
    finally:
        with suppress(CommandError):
            doctor.cluster.run("scontrol", "delete", "reservation=maint")
    (said,) = [one for one in found if one["check"] == "slurm.reservations"]
    assert said["what"].startswith("maint for root, from ")
    assert said["what"].endswith(": 2 nodes (n[05-06])")


@pytest.mark.both_releases("the newer one tells its settings over REST")
@releases
def test_settings_that_endanger_hand_overs_a_clock_and_no_slurmctld(
    own_slurm: Callable[..., Cluster], kube_of: Callable[[Cluster], KubeSite], tmp_path: Path, release: str
):
    """One cluster for all that a cluster has to be started for."""
    preempts = {"PreemptType": "preempt/partition_prio", "PreemptMode": "REQUEUE", "JobRequeue": "0"}
    power = {"SuspendTime": "86400", "SuspendProgram": "/bin/true", "ResumeProgram": "/bin/true"}
    health = {"HealthCheckProgram": "/bin/true", "HealthCheckInterval": "3600"}
    settings = {"ReturnToService": "2", **preempts, **power, **health}
    cluster = own_slurm(release, **FEW, settings=settings, clock="+3h")
    one = Doctor(tmp_path, cluster, kube_of(cluster))
    code, found = one.look("n[01-02]")
    words = {(level, what.split("=")[0].split(":")[0]) for level in LEVELS for _, what in bad(found, level)}
    assert code == 1
    assert {
        ("warning", "ReturnToService"),
        ("warning", "PreemptMode"),
        ("error", "SuspendTime"),
        ("warning", "HealthCheckProgram"),
    } <= words
    assert "slurmctld's clock is 3 h ahead of that of this machine" in dict(bad(found))["slurm.clock"]

    cluster.controller.kill()
    code, found = one.look("n[01-02]")
    errors = dict(bad(found))
    assert (code, "no slurmctld does" in errors["slurm.controller"]) == (1, True)
    assert "slurm.rest" not in errors
    assert ("slurm.conf" in errors, "slurm.nodes" in dict(bad(found, "skipped"))) == (True, True), "the file is read"
    cluster.rest.kill()
    assert "nothing listens there" in dict(bad(one.look("n[01-02]")[1]))["slurm.rest"]


# ---- the bus ----


def of_bus(folder: Path, broker: Broker, text: str, listener: str = PLAIN) -> list[tuple[str, str, str]]:
    (folder / "bus.yaml").write_text(text)
    place = BusPlace(address=f"kafka:{broker.address(listener)}", settings=str(folder / "bus.yaml"))
    return [(one.check, one.level.value, one.what) for one in bus_findings(place, [PoolId("campus", "pool")])]


def test_a_broker_before_and_after_somebody_publishes(broker: Broker, prefix: str, tmp_path: Path):
    ((check, level, what),) = of_bus(tmp_path, broker, f"prefix: {prefix}")
    assert (check, "no topic" in what, level in ("ok", "warning")) == ("bus", True, True)
    bus = KafkaBus([broker.address()], prefix=prefix)
    try:
        told(
            bus,
            [replace(demand(number, "campus/pool/hpc"), at_s=time.time() - number * 36 * 3600) for number in (0, 1)],
        )
    finally:
        bus.close(1)
    there, history = of_bus(tmp_path, broker, f"prefix: {prefix}")
    assert there[:2] == ("bus", "ok")
    assert "has 7 topics of ours" in there[2]
    assert history[2] == "36.0 h of demand of pool campus/pool are on it"


def test_a_broker_that_does_not_take_the_password(
    broker: Broker, certificates: Certificates, prefix: str, tmp_path: Path
):
    (tmp_path / "password").touch(mode=0o600)
    (tmp_path / "password").write_text("wrong")
    security = f"{{caFile: '{certificates.ca}', username: {USER}, passwordFile: password}}"
    ((check, level, what),) = of_bus(tmp_path, broker, f"prefix: {prefix}\nsecurity: {security}", SECURE)
    assert (check, level, f"does not accept user {USER}" in what) == ("bus", "error", True)
