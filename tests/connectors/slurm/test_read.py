"""Answers become what the port shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.slurm import read, wire
from connectors.slurm.jobs import NEVER_S
from models.announced import Announced
from models.errors import Unreachable
from models.nodes import HpcNode, NodeShape, Side
from models.pieces import WAITING_MAX
from models.unserved import Unserved, UnservedReason
from models.work import WorkState
from tests.connectors.slurm.makers import EIGHT, NOW_S, SHAPE, answers, diagnosis, job, node, number, running


def pool_reading(names: frozenset[str] | None = None, nodes_max: int | None = None, **told: list[Any]) -> read.Picture:
    return read.pool_reading(answers(**told), names, nodes_max)


def shown(*state: str, **more: Any) -> HpcNode:
    return pool_reading(nodes=[node("n01", *state, **more)]).nodes["n01"]


def test_an_idle_node_is_open_and_says_what_it_has():
    assert shown("IDLE", features=["ib", "a100"]) == HpcNode(
        name="n01", kind="a100,ib", drain_reason=None, busy=False, frees_at_s=None, offers=SHAPE, booted="500000"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "reason", "drain_reason"),
    [
        (("IDLE",), "", None),
        (("IDLE",), "tidegate:old", None),  # 24.11 leaves the reason of a drain that was undone
        (("IDLE", "DRAIN"), "tidegate:1.p1", "tidegate:1.p1"),
        (("IDLE", "DRAIN"), "bad disk", "bad disk"),
        (("IDLE", "DRAIN"), "", ""),
        (("DOWN",), "Not responding", None),
        (("DOWN", "DRAIN"), "tidegate:1.p1", "tidegate:1.p1"),
    ],
)
def test_only_a_drain_has_a_reason(state: tuple[str, ...], reason: str, drain_reason: str | None):
    assert shown(*state, reason=reason).drain_reason == drain_reason


def test_drained_is_closed_and_empty():
    assert shown("IDLE", "DRAIN", reason="x").drained
    assert not shown("MIXED", "DRAIN", reason="x").drained
    assert not shown("IDLE", "COMPLETING", "DRAIN", reason="x").drained
    assert shown("IDLE", "DRAIN", reason="x", alloc_memory=100).drained, "slurmctld tells late of what was given back"


def test_a_node_with_a_suspended_job_is_not_drained():
    told = pool_reading(nodes=[node("n01", "IDLE", "DRAIN")], jobs=[running(1, "n01") | {"job_state": ["SUSPENDED"]}])
    assert not told.nodes["n01"].drained


@pytest.mark.parametrize("state", [("DOWN",), ("IDLE", "NOT_RESPONDING"), ("IDLE", "MAINTENANCE"), ("IDLE", "NEWFLAG")])
def test_a_node_that_cannot_work_is_not_open(state: tuple[str, ...]):
    assert not shown(*state).open


def test_a_node_that_does_not_tell_its_size_offers_nothing_known():
    told = pool_reading(nodes=[node("n01", cpus=0), node("n02", gres="")])
    assert (told.nodes["n01"].offers, told.nodes["n02"].offers) == (None, NodeShape(64_000, 256_000, 0))


def test_a_busy_node_tells_when_its_last_job_must_have_ended():
    told = pool_reading(
        nodes=[
            node("n01", "ALLOCATED"),
            node("n02", "ALLOCATED"),
            node("n03", "COMPLETING", "IDLE"),
            node("n04", "MIXED"),
        ],
        jobs=[running(1, "n[01-02]"), running(2, "n02", end_time=number(NOW_S + 5000))],
    )
    assert [told.nodes[name].frees_at_s for name in EIGHT[:3]] == [NOW_S + 540, NOW_S + 5000, None]
    assert told.nodes["n03"].busy
    assert told.nodes["n04"].frees_at_s == NEVER_S, "what runs there is hidden from us"


def test_a_job_that_started_after_the_nodes_were_read_makes_its_node_busy():
    assert pool_reading(nodes=[node("n01", "IDLE")], jobs=[running(1, "n01")]).nodes["n01"].busy


def test_reservations_are_told_by_our_mark_or_their_name_and_others_come_first():
    told = pool_reading(
        reservations=[
            {"name": "tidegate-1.p1-n01", "node_list": "n01"},
            {"name": "tidegate-1.p1-n02", "node_list": "n02"},
            {"name": "maintenance", "node_list": "n[02-03]"},
            {"name": "licences only", "node_list": ""},
            {"name": "zzz", "node_list": "m[01-99]"},
        ]
    )
    marks = [told.nodes[name].booked_by for name in EIGHT[:4]]
    assert marks == ["tidegate:1.p1", "maintenance", "maintenance", None]


def test_begin_times_and_users_reservations_are_announced_and_no_demand():
    later = {"state_reason": "BeginTime", "eligible_time": number(NOW_S + 600), "time_limit": number(30)}
    booked = {"start_time": number(NOW_S + 900), "end_time": number(NOW_S + 1500), "users": "ann"}
    told = pool_reading(
        nodes_max=4,
        jobs=[job(4, **later), job(5, tres_req_str="cpu=5,mem=20000M,node=5", **later), job(6, hold=True, **later)],
        reservations=[
            {"name": "course", "node_list": "n[02-03],m1", **booked},
            {"name": "begun", "node_list": "n04", **booked, "start_time": number(NOW_S)},
            {"name": "down", "node_list": "n[01-08]", **booked, "flags": ["MAINT", "SPEC_NODES"]},
            {"name": "roots", "node_list": "n[01-08]", **booked, "users": "root"},
            {"name": "tidegate-1.p1-n01", "node_list": "n01", **booked},
            {"name": "elsewhere", "node_list": "m1", **booked},
        ],
    )
    assert told.demand.announced == (
        Announced(NOW_S + 600, Side.HPC, 1.0, "job 4", 1800),
        Announced(NOW_S + 900, Side.HPC, 2.0, "reservation course", 600),
    )
    assert (told.demand.waiting, told.waiting.sizes) == (0.0, ())


def test_everything_is_of_the_pool():
    told = pool_reading(
        frozenset({"n01", "n02"}),
        jobs=[running(1, "n[01-04]", tres_alloc_str="cpu=256,mem=1000G,node=4"), job(2)],
        nodes=[node(name, "ALLOCATED") for name in EIGHT],
    )
    assert sorted(told.nodes) == ["n01", "n02"]
    assert (told.demand.running, told.demand.waiting) == (2.0, 1.0)


def test_demand_and_queue_leave_out_what_is_held_and_count_what_is_too_large():
    told = pool_reading(
        nodes_max=4,
        nodes=[node("n01", "ALLOCATED"), *(node(name) for name in EIGHT[1:])],
        jobs=[
            running(1, "n01"),
            job(2, tres_req_str="cpu=2,mem=8000M,node=2"),
            job(3, hold=True),
            job(4, tres_req_str="cpu=5,mem=20000M,node=5"),
            job(5, array_job_id=number(5), array_task_string="1-3", priority=number(9)),
        ],
    )
    assert (told.demand.at_s, told.demand.running, told.demand.waiting) == (NOW_S, 1.0, 5.0)
    assert (told.waiting.sizes, told.waiting.oversize) == ((1.0, 1.0, 1.0, 2.0), 1)
    assert told.waiting.unserved == (Unserved(Side.HPC, UnservedReason.POOL, 1, 5.0, "5 nodes, HPC can have 4", 5.0),)


def test_of_a_long_queue_the_beginning_is_handed_on():
    told = pool_reading(jobs=[job(1, array_job_id=number(1), array_task_string="0-99999")])
    assert (len(told.waiting.sizes), told.demand.waiting) == (WAITING_MAX, 100_000.0)


def test_running_work_is_no_more_than_the_nodes_it_keeps_busy():
    jobs = [running(number_, "n[01-02]", shared=[], tres_alloc_str="cpu=2,mem=8000M,node=2") for number_ in range(1, 9)]
    told = pool_reading(nodes=[node(name, "MIXED") for name in EIGHT[:2]], jobs=jobs)
    assert told.demand.running == 2.0


def test_every_record_is_told_held_and_ended_ones_too():
    ended = running(3) | {"job_state": ["COMPLETED"], "end_time": number(NOW_S - 1)}
    told = pool_reading(jobs=[running(1), job(2, hold=True), ended])
    assert {record.id: record.state for record in told.records} == {
        "1": WorkState.RUNNING, "2": WorkState.HELD, "3": WorkState.ENDED,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("no nodes", {"nodes": []}),
        ("no size of any", {"nodes": [node("n01", cpus=0)]}),
        ("a hostlist that is none", {"jobs": [running(1, "n[3-1]")]}),
        ("a reservation of no hostlist", {"reservations": [{"name": "x", "node_list": "n["}]}),
        ("a job in no known state", {"jobs": [job(1, "TELEPORTING")]}),
    ],
)
def test_what_cannot_be_told_is_not_guessed(what: str, told: dict[str, list[Any]]):
    with pytest.raises(Unreachable):
        pool_reading(**told)


@pytest.mark.parametrize(
    "statistics",
    [{}, {"statistics": None}, diagnosis(0), {"statistics": {"req_time": number(5), "req_time_start": number(None)}}],
)
def test_without_slurms_clock_nothing_is_told(statistics: dict[str, Any]):
    with pytest.raises(Unreachable):
        read.clock(wire.decode(json.dumps(statistics).encode(), wire.Diagnosis))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{", b'{"nodes": [{"name": "n01"', b'{"nodes": [{"name": "n01"}]}', b"<html>503</html>",
        b'{"nodes": {"n01": 1}}', b'{"nodes": [{"name": "n01", "state": "IDLE"}]}', b"\xff\xfe",
        b'{"x": ' + b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_answer_is_no_answer(body: bytes):
    with pytest.raises(Unreachable):
        wire.decode(body, wire.Nodes)


def test_fields_and_flags_that_are_not_known_are_passed_over():
    told = wire.decode(
        b'{"nodes": [{"name": "n01", "state": ["IDLE", "NEW"], "new": {"a": [1]}}], "more": 1}', wire.Nodes
    )
    assert (told.nodes or ())[0].state == ("IDLE", "NEW")


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"set": true, "infinite": false, "number": 7}', 7),
        (b'{"set": false, "infinite": true, "number": 0}', None),
        (b'{"set": true, "infinite": true, "number": 0}', None),
        (b'{"set": false, "infinite": false, "number": 3}', None),
        (b'{"set": true, "infinite": false, "number": 2.5}', 2),
    ],
)
def test_numbers_that_may_be_none(body: bytes, value: int | None):
    told = wire.decode(b'{"jobs": [{"job_id": 1, "job_state": ["PENDING"], "time_limit": ' + body + b"}]}", wire.Jobs)
    assert (told.jobs or ())[0].time_limit.value == value
