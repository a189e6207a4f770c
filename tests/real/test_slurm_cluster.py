"""The test bed's Slurm, tried with its own commands and bare HTTP: it runs jobs, drains, forgets, and tells Kafka."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from tests.real.kafka import clients
from tests.real.kafka.broker import Broker
from tests.real.slurm.cluster import Cluster, CommandError
from tests.real.slurm.conf import ENDS, STARTS, Node
from tests.real.slurm.install import RELEASES

releases = pytest.mark.parametrize("release", RELEASES)
READ_MS = 10_000
WRONG = "not.a.token"


def state(cluster: Cluster, node: str, version: str = "") -> tuple[set[str], str]:
    """The flags and the reason that the REST server tells of a node."""
    told = cluster.ask("GET", f"node/{node}", version=version).body["nodes"][0]
    return set(told["state"]), told["reason"]


def wait_for_job(cluster: Cluster, number: int, wanted: str) -> dict[str, str]:
    cluster.wait(lambda: cluster.job(number)["JobState"] == wanted, f"job {number} is {wanted}")
    return cluster.job(number)


def now(cluster: Cluster) -> int:
    """What time slurmctld thinks it is."""
    told: int = cluster.ask("GET", "diag").body["statistics"]["req_time"]["number"]
    return told


def consume(broker: Broker, topic: str, count: int) -> list[dict[str, Any]]:
    """The first so many messages of a topic."""
    consumer = KafkaConsumer(auto_offset_reset="earliest", group_id=None, **clients.plain(broker))
    try:
        consumer.assign([partition := TopicPartition(topic, 0)])
        told: list[dict[str, Any]] = []
        while len(told) < count and (records := consumer.poll(timeout_ms=READ_MS)):
            told += [json.loads(record.value) for record in records[partition]]
        return told
    finally:
        consumer.close()


def test_every_node_is_idle_and_what_it_says_it_is(slurm: Cluster):
    nodes = slurm.ask("GET", "nodes").body["nodes"]
    assert {node["name"] for node in nodes} == set(slurm.slurmds)
    assert {node["gres"] for node in nodes} == {"gpu:a100:4", ""}
    assert {(node["cpus"], node["real_memory"]) for node in nodes} == {(64, 256_000)}


def test_a_job_runs_and_ends(slurm: Cluster):
    number = slurm.submit(wrap="true", nodes=2, user="ada")
    assert wait_for_job(slurm, number, "COMPLETED")["UserId"] == "ada(1001)"


def test_a_job_has_the_gpus_that_it_asks_for(slurm: Cluster):
    number = slurm.submit("--gres=gpu:a100:4", wrap="sleep 30")
    where = wait_for_job(slurm, number, "RUNNING")["NodeList"]
    assert slurm.ask("GET", f"node/{where}").body["nodes"][0]["gres_used"].startswith("gpu:a100:4")
    slurm.run("scancel", str(number))
    wait_for_job(slurm, number, "CANCELLED")


def test_a_job_that_asks_for_more_gpus_than_any_node_has_is_refused(slurm: Cluster):
    with pytest.raises(CommandError, match="Requested node configuration is not available"):
        slurm.submit("--gres=gpu:a100:5")


@pytest.mark.both_releases("data parsers")
@pytest.mark.parametrize("path", ["ping", "diag", "nodes", "jobs", "partitions", "reservations"])
def test_rest_answers_in_every_version_that_it_speaks(slurm: Cluster, path: str):
    for version in slurm.data_parsers:
        answer = slurm.ask("GET", path, version=version)
        assert (answer.status, answer.body["errors"]) == (200, [])


@pytest.mark.both_releases("how REST refuses a token")
def test_rest_answers_nobody_without_a_token_and_not_for_long_with_a_short_one(slurm: Cluster):
    short = slurm.token(lifespan_s=1)
    assert slurm.ask("GET", "nodes", token=WRONG).status in {401, 511}
    slurm.wait(lambda: slurm.ask("GET", "nodes", token=short).status in {401, 511}, "the token is too old")


@pytest.mark.both_releases("data parsers")
def test_a_drain_over_rest_is_seen_and_undone_in_every_version(slurm: Cluster):
    for version in slurm.data_parsers:
        drained = slurm.ask("POST", "node/n08", {"state": ["DRAIN"], "reason": "by rest"}, version=version)
        assert (drained.status, drained.body["errors"]) == (200, [])
        flags, reason = state(slurm, "n08", version)
        assert flags - {"NOT_RESPONDING"} == {"IDLE", "DRAIN"}
        assert reason == "by rest"
        assert slurm.flags("n08") - {"NOT_RESPONDING"} == {"IDLE", "DRAIN"}
        assert slurm.ask("POST", "node/n08", {"state": ["RESUME"]}, version=version).status == 200
    slurm.wait(lambda: state(slurm, "n08")[0] == {"IDLE"}, "the node is idle again")


def test_a_drain_by_a_person_is_seen_over_rest(slurm: Cluster):
    slurm.run("scontrol", "update", "nodename=n08", "state=drain", "reason=by a person")
    flags, reason = state(slurm, "n08")
    assert flags - {"NOT_RESPONDING"} == {"IDLE", "DRAIN"}
    assert reason == "by a person"
    slurm.run("scontrol", "update", "nodename=n08", "state=resume")
    slurm.wait(lambda: state(slurm, "n08")[0] == {"IDLE"}, "the node is idle again")


@releases
def test_what_a_killed_controller_had_saved_is_there_when_it_is_back(own_slurm: Callable[..., Cluster], release: str):
    cluster = own_slurm(release)
    number = cluster.submit("--hold")
    cluster.run("scontrol", "update", "nodename=n01", "state=drain", "reason=kept")
    cluster.let_save()
    cluster.controller.kill()
    with pytest.raises(CommandError):
        cluster.run("squeue", timeout_s=3)
    cluster.start_controller()
    assert cluster.node("n01")["Reason"] == "kept"
    assert "DRAIN" in cluster.flags("n01")
    assert cluster.job(number)["JobState"] == "PENDING"


@releases
def test_a_paused_controller_says_nothing_and_goes_on_where_it_was(own_slurm: Callable[..., Cluster], release: str):
    cluster = own_slurm(release, nodes=(Node("n01"),))
    cluster.controller.pause()
    with pytest.raises(CommandError):
        cluster.run("squeue", timeout_s=2)
    cluster.controller.resume()
    assert cluster.serves()


@releases
def test_a_controller_that_lost_its_state_knows_no_job_and_no_drain(own_slurm: Callable[..., Cluster], release: str):
    cluster = own_slurm(release)
    number = cluster.submit(user="ben")
    wait_for_job(cluster, number, "RUNNING")
    cluster.run("scontrol", "update", "nodename=n08", "state=drain", "reason=lost")
    cluster.clean()
    assert cluster.ask("GET", "jobs").body["jobs"] == []
    cluster.wait(lambda: cluster.flags("n08") == {"IDLE"}, "the drain is forgotten and the node is back")
    with pytest.raises(CommandError, match="Invalid job id"):
        cluster.job(number)


def test_a_node_whose_server_is_killed_goes_down_and_comes_back(own_slurm: Callable[..., Cluster]):
    cluster = own_slurm("26.05", settings={"SlurmdTimeout": "1", "ReturnToService": "1"})
    cluster.slurmds["n02"].kill()
    cluster.wait(lambda: "DOWN" in cluster.flags("n02"), "the node is down")
    cluster.slurmds["n02"].start()
    cluster.wait(lambda: cluster.flags("n02") == {"IDLE"}, "the node is idle again")


def test_a_backup_takes_over_with_all_that_was_saved(own_slurm: Callable[..., Cluster]):
    cluster = own_slurm("26.05", backup=True)
    cluster.run("scontrol", "update", "nodename=n01", "state=drain", "reason=kept")
    cluster.let_save()
    cluster.controller.kill()
    cluster.wait(lambda: "DRAIN" in state(cluster, "n01")[0], "the backup answers, and knows of the drain")


@releases
def test_a_cluster_whose_clock_is_off_runs_jobs_in_its_own_time(own_slurm: Callable[..., Cluster], release: str):
    cluster = own_slurm(release, clock="+3h")
    number = cluster.submit(wrap="true", user="ada")
    wait_for_job(cluster, number, "COMPLETED")
    assert cluster.ask("GET", f"job/{number}").body["jobs"][0]["start_time"]["number"] > time.time() + 10_000
    cluster.set_clock("+5h")
    cluster.wait(lambda: now(cluster) > time.time() + 17_000, "the clock has been set")


@releases
def test_a_controller_alone_knows_thousands_of_nodes(own_slurm: Callable[..., Cluster], release: str):
    cluster = own_slurm(release, nodes=(), partitions={"batch": "Nodes=ALL Default=YES"}, absent=2000)
    nodes = cluster.ask("GET", "nodes").body["nodes"]
    assert len(nodes) == 2000
    cluster.run("scontrol", "update", "nodename=a[00001-02000]", "state=resume")
    assert state(cluster, "a02000")[0] == {"IDLE", "NOT_RESPONDING"}


@releases
def test_the_accounting_tells_of_a_job_that_has_ended(own_slurm: Callable[..., Cluster], release: str):
    cluster = own_slurm(release, accounting=True)
    number = cluster.submit(wrap="exit 3", user="cyd")
    wait_for_job(cluster, number, "FAILED")
    asked = ("sacct", "--allusers", "--allocations", "--noheader", "--parsable2", "--format=JobID,State,ExitCode,User")
    cluster.wait(lambda: cluster.run(*asked).split() == [f"{number}|FAILED|3:0|cyd"], "the accounting has the job")


@pytest.mark.both_releases("the older one does not tell of starts")
@pytest.mark.parametrize(("release", "starts"), [("24.11", 0), ("26.05", 1)])
def test_kafka_is_told_when_a_job_ends_and_by_the_newer_release_when_it_starts(
    own_slurm: Callable[..., Cluster], own_broker: Callable[..., Broker], release: str, starts: int
):
    broker = own_broker()
    broker.create(STARTS, ENDS)
    cluster = own_slurm(release, jobcomp=broker.address())
    number = cluster.submit(wrap="true", user="ada")
    wait_for_job(cluster, number, "COMPLETED")
    (ended,) = consume(broker, ENDS, 1)
    assert (ended["jobid"], ended["state"]) == (number, "COMPLETED")
    assert [(told["jobid"], told["state"]) for told in consume(broker, STARTS, starts)] == [(number, None)] * starts
