"""What slurmrestd of two releases answered about one scene (tests/real/slurm/scene.py), raw, and what it means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.slurm import wire
from connectors.slurm.acts import Said
from connectors.slurm.read import Answers, PoolReading, pool_reading
from connectors.slurm.rest.client import Reply
from connectors.slurm.rest.transport import is_not_allowed, said
from models.errors import Unreachable
from models.work import WorkState

RECORDED = Path(__file__).parents[2] / "recorded"
FOLDERS = {"24.11": RECORDED / "slurm-24.11" / "v0.0.42", "26.05": RECORDED / "slurm-26.05" / "v0.0.44"}
releases = pytest.mark.parametrize("release", FOLDERS)
HELD, ELIGIBLE, RUNNING, ENDED = WorkState.HELD, WorkState.ELIGIBLE, WorkState.RUNNING, WorkState.ENDED


def told(release: str, name: str) -> tuple[int, bytes]:
    recorded: dict[str, Any] = json.loads((FOLDERS[release] / f"{name}.json").read_text(encoding="utf-8"))
    return recorded["status"], json.dumps(recorded["body"]).encode()


def scene(release: str) -> PoolReading:
    answers = Answers(
        wire.decode(told(release, "diag")[1], wire.Diagnosis),
        wire.decode(told(release, "nodes")[1], wire.Nodes),
        wire.decode(told(release, "jobs")[1], wire.Jobs),
        wire.decode(told(release, "partitions")[1], wire.Partitions),
        wire.decode(told(release, "reservations")[1], wire.Reservations),
    )
    return pool_reading(answers, None, None)


NODES = {  # ready, busy, drained by whom
    "n01": (True, True, None),  # a whole node's job
    "n02": (True, True, None),  # small jobs
    "n03": (True, True, None),
    "n04": (True, True, "tidegate:draining"),
    "n05": (True, False, "tidegate:drained"),
    "n06": (False, False, None),  # DOWN by a person
    "n07": (False, False, None),  # NOT_RESPONDING: its slurmd was killed
    "n08": (False, False, None),  # MAINTENANCE
    "n09": (False, False, None),  # POWER_DOWN
    "n10": (False, True, "new kernel"),  # REBOOT_REQUESTED
    "n11": (False, False, None),  # FAIL
    "n12": (False, False, "gres/gpu count reported lower than configured (0 < 4)"),  # INVALID_REG
    "n13": (True, True, None),  # a suspended job keeps it
    "n14": (True, True, None),  # COMPLETING: an epilog runs
    "n15": (True, True, None),
    "n16": (True, False, None),  # PLANNED for a job, in four partitions
    "c01": (False, False, None),  # CLOUD, POWERED_DOWN
    "d01": (False, False, None),  # DOWN from the beginning, in a hidden partition
}
BOOKED = {"n03": "tonight", "n09": "flexible", "n11": "daily"}
JOBS = {
    "1": (ENDED, 0.0625),  # TIMEOUT
    "2": (RUNNING, 1.0),  # --exclusive
    "3": (RUNNING, 0.0625),
    "4": (RUNNING, 0.0625),  # without a limit
    "5": (RUNNING, 1.0),  # suspended
    "6": (RUNNING, 0.0625),  # on a node that will reboot
    "7": (ENDED, 0.0625),  # NODE_FAIL
    "8": (ENDED, 2.0),  # CANCELLED, on two nodes
    "9": (RUNNING, 1.0),  # of a partition that gives whole nodes
    "10": (ENDED, 0.0625),  # FAILED
    "11": (ENDED, 0.0625),
    "12": (RUNNING, 0.0625),  # has both licences
    "13_1": (RUNNING, 0.125),
    "13_rest": (HELD, 0.5),  # its array's limit lets none start
    "15": (ENDED, 0.0625),  # CANCELLED
    "16": (HELD, 0.0625),
    "17": (HELD, 0.0625),  # --begin
    "18": (ELIGIBLE, 2.0),
    "19": (ELIGIBLE, 5.0),  # all of the nodes that have GPUs
    "20": (HELD, 0.0625),  # waits for a licence
    "21": (ELIGIBLE, 1.0),  # --constraint, and one node by its name
    "22": (HELD, 0.0625),  # in a reservation to come
    "24_rest": (HELD, 6.25),  # a hundred tasks
    "25": (HELD, 2.0625),  # heterogeneous
    "27": (HELD, 0.0625),  # a dependency
    "28": (HELD, 0.0625),  # requeued
    "29": (ENDED, 0.0625),  # COMPLETING
}  # 23 waits in a closed partition
SAID = {  # what an answer says, by release
    "drain": (Said.YES, Said.YES),
    "drain-many-one-unknown": (Said.NO, Said.NO),
    "drain-unknown-node": (Said.NO, Said.NO),
    "drain-by-a-user": (Said.NO, Said.NO),
    "drain-paused": (Said.UNSURE, Said.UNSURE),
    "drain-dead": (Said.UNSURE, Said.UNSURE),
    "release": (Said.UNSURE, Said.YES),  # 24.11 has no such address
    "reserve-overlapping": (Said.UNSURE, Said.NO),
}


@releases
def test_nodes_in_every_state_are_what_they_are(release: str):
    nodes = scene(release).nodes
    assert {name: (node.ready, node.busy, node.drain_reason) for name, node in nodes.items()} == NODES
    assert {name: nodes[name].booked_by for name in BOOKED} == BOOKED
    assert {nodes[name].booked_by for name in ("n04", "n05", "n13", "n16")} == {None}
    assert {nodes["n01"].kind, nodes["n05"].kind} == {"gpu", "cpu"}


@releases
def test_jobs_of_every_kind_are_what_they_are(release: str):
    shown = scene(release)
    assert {record.id: (record.state, record.nodes) for record in shown.records} == JOBS
    assert (shown.demand.running, shown.demand.waiting) == (3.375, 8.0)
    assert (shown.waiting.sizes, shown.waiting.oversize) == ((2.0, 5.0, 1.0), 0)


@releases
@pytest.mark.parametrize("name", SAID)
def test_an_answer_to_an_act_says_what_became_of_it(release: str, name: str):
    reply = Reply(*told(release, name))
    assert said(reply) is SAID[name][list(FOLDERS).index(release)]
    assert is_not_allowed(reply) is (name == "drain-by-a-user")


@releases
@pytest.mark.parametrize("name", ["nodes-paused", "nodes-dead", "nodes-old-token", "nodes-wrong-token"])
def test_where_nodes_cannot_be_told_the_list_is_empty_and_only_status_and_errors_say_so(release: str, name: str):
    status, body = told(release, name)
    answer = wire.decode(body, wire.Nodes)
    assert not answer.nodes
    assert status != 200
    assert all(fault.error_number for fault in answer.errors)


@releases
def test_without_a_token_the_answer_is_no_list(release: str):
    status, body = told(release, "nodes-without-token")
    assert status == 401
    with pytest.raises(Unreachable):
        wire.decode(body, wire.Nodes)
