"""Slurm's own stream: what its messages mean, and what of them is told beside the polls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.slurm import completions as under_test
from connectors.slurm import jobs
from connectors.slurm.completions import AGAIN_S, OLD_S, Completions
from connectors.slurm.completions_message import BYTES_MOST, read_message
from connectors.slurm.wire import Job
from models.demand import Demand
from models.errors import BadInput, BusUnavailable
from models.nodes import HpcNode, Side
from models.reading import Picture
from models.work import WaitingWork, WorkRecord, WorkState
from tests.connectors.slurm.makers import POOL

FOLDER = Path(__file__).parent / "recorded"
RELEASES = ("24.11", "26.05")
NOON_S = 1_795_521_600  # 2026-11-24T12:00:00 UTC
RUNNING, ENDED = WorkState.RUNNING, WorkState.ENDED


def iso(after_s: int) -> str:
    return f"2026-11-24T12:{after_s // 60:02}:{after_s % 60:02}"


def start(ident: int = 1, at_s: int = 10, **more: Any) -> dict[str, Any]:
    """A job that has started on two whole nodes, so many seconds past noon."""
    told = {
        "jobid": ident,
        "state": None,
        "username": "ada",
        "@start": iso(at_s),
        "@submit": iso(0),
        "nodes": "n[01-02]",
    }
    amounts = {"total_nodes": 2, "tres_alloc": "cpu=128,mem=500G,node=2", "time_limit": 600, "partition": "batch"}
    return told | amounts | more


def end(ident: int = 1, at_s: int = 20, **more: Any) -> dict[str, Any]:
    return start(ident, 10) | {"state": "COMPLETED", "@end": iso(at_s)} | more


def record(
    ident: str = "1", state: WorkState = ENDED, started_s: int | None = 10, ended_s: int | None = 20, nodes: float = 2.0
) -> WorkRecord:
    started_s = None if started_s is None else NOON_S + started_s
    ended_s = None if ended_s is None else NOON_S + ended_s
    return WorkRecord(ident, Side.HPC, state, nodes, NOON_S, 600, started_s, ended_s, "ada")


WAITING = record("1", WorkState.ELIGIBLE, None, None)


def shows(at_s: int, *records: WorkRecord) -> Picture[HpcNode]:
    demand, waiting = Demand(Side.HPC, NOON_S + at_s, 0.0, 0.0), WaitingWork(Side.HPC, ())
    return Picture(Side.HPC, 0, NOON_S + at_s, {}, records, demand, waiting)


class Topic:
    """A source that has what it is given, and fails when it is told to."""

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.gone = False
        self.opened = 0
        self.now_s = 0.0
        self.stream = Completions(self.open, monotonic=lambda: self.now_s)

    def open(self) -> Topic:
        self.opened += 1
        if self.gone:
            raise BusUnavailable(f"no broker answers ({self.opened})")
        return self

    def read(self) -> list[bytes]:
        if self.gone:
            raise BusUnavailable("no broker answers")
        values, self.values = self.values, []
        return values

    def close(self) -> None:
        pass

    def say(self, *messages: dict[str, Any]) -> None:
        self.values += [json.dumps(message).encode() for message in messages]

    def poll(self, at_s: int, *records: WorkRecord) -> tuple[WorkRecord, ...]:
        self.picture = shows(at_s, *records)
        self.merged = self.stream.merged(self.picture, POOL)
        return self.merged

    def between(self) -> tuple[WorkRecord, ...]:
        """What is told besides what the last poll was merged to."""
        return tuple(one for one in self.stream.merged(self.picture, POOL) if one not in self.merged)


@pytest.fixture
def topic() -> Topic:
    topic = Topic()
    topic.poll(0)
    return topic


def test_what_has_started_and_then_ended_is_told_between_two_polls(topic: Topic):
    topic.say(start())
    assert topic.between() == (record(state=RUNNING, ended_s=None),)
    topic.say(end())
    assert topic.between() == (record(),)
    assert topic.poll(30) == (record(),)
    assert topic.poll(60) == ()


def test_an_end_that_comes_before_its_start_stays_one(topic: Topic):
    topic.say(end(), start(), end(), start())
    assert topic.between() == (record(),)


def test_size_user_and_limit_are_those_of_the_poll(topic: Topic):
    shown = WorkRecord("1", Side.HPC, WorkState.ELIGIBLE, 7.0, NOON_S - 5, None, user="poll")
    topic.poll(5, shown)
    topic.say(start())
    (told,) = topic.between()
    assert (told.state, told.nodes, told.submitted_s, told.limit_s, told.user) == (
        RUNNING,
        7.0,
        NOON_S - 5,
        None,
        "poll",
    )


def test_what_a_poll_shows_keeps_its_place(topic: Topic):
    others = record("0", RUNNING, 1, None), record("9", RUNNING, 1, None)
    topic.say(end())
    assert topic.poll(15, others[0], WAITING, others[1]) == (others[0], record(), others[1])


def test_a_job_that_is_requeued_runs_no_more(topic: Topic):
    """What it is instead, the next poll tells."""
    topic.say(start(), end(state="PENDING"))
    assert topic.between() == ()
    topic.say(start(1, 40))
    assert topic.between() == (record(state=RUNNING, started_s=40, ended_s=None),)


def test_duplicates_after_a_later_poll_change_nothing(topic: Topic):
    again = record(state=RUNNING, started_s=40, ended_s=None)
    topic.say(end())
    topic.poll(50, again)
    topic.say(start(), end())
    assert topic.poll(60, again) == (again,)


def test_what_ended_long_before_a_poll_that_does_not_show_it_is_no_news(topic: Topic):
    topic.say(end())
    assert topic.poll(20 + OLD_S, *()) == (record(),)
    topic.say(end())
    assert topic.poll(21 + OLD_S) == ()


def test_a_heterogeneous_job_is_one_by_its_leader(topic: Topic):
    leader, other = end(4, het_job_id=4), end(5, het_job_id=4, nodes="n03", total_nodes=1, tres_alloc="cpu=64,node=1")
    topic.say(start(4, het_job_id=4), start(5, het_job_id=4, nodes="n03", total_nodes=1, tres_alloc="cpu=64,node=1"))
    assert topic.between() == (record("4", RUNNING, ended_s=None, nodes=3.0),)
    topic.say(leader, other)
    assert topic.poll(30) == (record("4", nodes=3.0),)
    assert topic.poll(60) == ()


def test_a_task_has_the_name_that_a_poll_gives_it(topic: Topic):
    topic.say(end(12, array_job_id=11, array_task_id=0))
    assert topic.between() == (record("11_0"),)


@pytest.mark.parametrize(
    ("what", "message", "size"),
    [
        ("some of its nodes are of another pool", end(nodes="n01,x01"), 1.0),
        ("a part of one node", end(nodes="n01", total_nodes=1, tres_alloc="cpu=16,mem=1G,node=1"), 0.25),
        ("amounts are not told", end(tres_alloc=None), 2.0),
    ],
)
def test_the_size_of_what_no_poll_has_shown(topic: Topic, what: str, message: dict[str, Any], size: float):
    topic.say(message)
    assert topic.between() == (record(nodes=size),)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("on nodes of another pool", end(nodes="x[01-02]")),
        ("on more nodes than the pool has", end(nodes="n[01-09]")),
        ("on 100,000 nodes", end(nodes="n[1-100000]")),
        ("larger than the pool", end(tres_alloc="cpu=99999999,node=99999999")),
        ("resized", end(state="RESIZING")),
        ("cancelled before it had started", end(nodes=None, total_nodes=0, tres_alloc=None, state="CANCELLED")),
    ],
)
def test_what_is_passed_over(topic: Topic, what: str, message: dict[str, Any]):
    topic.say(message)
    assert topic.between() == ()
    assert topic.stream.nonsense == 0


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x00\xff",
        b"[]",
        b"{}",
        b'"job"',
        b'{"jobid": "one"}',
        b'{"jobid": 1e400}',
        b'{"jobid": 1, "state": "COMPLETED"}',
        b'{"jobid": 1, "state": null, "@start": "Unknown", "nodes": "n01"}',
        b'{"jobid": 1, "state": null, "@start": "2026-11-24T12:00:10"}',
        b'{"jobid": 1, "state": null, "@start": "2026-11-24T12:00:10", "nodes": "n[01-99999999]"}',
        b'{"jobid": 1, "state": "FAILED", "@end": "9999-12-31T23:59:59"}',
        b'{"jobid": 1, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b" " * (BYTES_MOST + 1),
        json.dumps(start(nodes=",".join(f"n{number}" for number in range(100_001)))).encode(),
        json.dumps(start(nodes="n" + "[1-2]" * 1_000_000)).encode(),
        json.dumps(start(tres_alloc="cpu=1," * 1_000_000)).encode(),
        json.dumps(start(partition="p," * 4_000_000)).encode(),
        json.dumps(start(username="u" * 8_000_000)).encode(),
    ],
)  # fmt: skip
def test_nonsense_is_counted_and_what_follows_is_read(topic: Topic, value: bytes):
    with pytest.raises(BadInput):
        read_message(value, 8)
    topic.values.append(value)
    topic.say(end())
    assert topic.between() == (record(),)
    assert (topic.stream.nonsense, topic.stream.received) == (1, 2)


def test_a_source_that_fails_is_said_once_and_opened_again_later(topic: Topic, caplog: pytest.LogCaptureFixture):
    topic.gone = True
    for _ in range(3):
        assert topic.poll(5, WAITING) == (WAITING,), "the polls go on"
    assert topic.opened == 1, "not at once"
    topic.now_s += AGAIN_S + 1
    topic.poll(5, WAITING)
    assert topic.opened == 2
    topic.now_s += 2 * AGAIN_S
    topic.gone = False
    topic.say(end())
    assert topic.poll(15, WAITING) == (record(),)
    assert len([one for one in caplog.records if one.levelname == "WARNING"]) == 1


def test_no_more_is_remembered_than_there_is_room_for(topic: Topic, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(under_test, "TOLD_MOST", 3)
    topic.say(*(end(number) for number in range(1, 6)))
    assert {one.id for one in topic.between()} == {"3", "4", "5"}


def test_no_more_nodes_are_remembered_than_there_is_room_for(topic: Topic, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(under_test, "NODES_MOST", 6)
    topic.say(*(end(number) for number in range(1, 6)))
    assert {one.id for one in topic.between()} == {"3", "4", "5"}
    topic.poll(60)
    topic.say(end(6, 70), end(6, 71), end(7, 70), end(8, 70))
    assert {one.id for one in topic.between()} == {"6", "7", "8"}, "what is forgotten or replaced counts no more"


def test_of_many_messages_each_turn_takes_up_some_and_reads_no_more_until_all_are(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(under_test, "TURN_NODES", 4)
    topic.say(*(end(number) for number in range(1, 6)))
    seen = []
    for _ in range(3):
        seen.append({one.id for one in topic.between()})
        topic.say(end(6))
    assert seen == [{"1", "2"}, {"1", "2", "3", "4"}, {"1", "2", "3", "4", "5"}]


def test_a_turn_ends_when_its_time_is_over(topic: Topic, monkeypatch: pytest.MonkeyPatch):
    """Whatever a message takes: here a fifth of a second each, of which three make more than half of one."""
    read = read_message

    def slow(value: bytes, nodes_most: int) -> Job | None:
        topic.now_s += 0.2
        return read(value, nodes_most)

    monkeypatch.setattr(under_test, "read_message", slow)
    topic.say(*(end(number) for number in range(1, 6)))
    assert [len(topic.between()) for _ in range(2)] == [3, 5]


def test_what_was_told_is_worked_out_once(topic: Topic, monkeypatch: pytest.MonkeyPatch):
    topic.say(end(1))
    topic.between()
    monkeypatch.setattr(jobs, "hosts", None)
    assert topic.between() == (record(),)


@pytest.mark.parametrize("release", RELEASES)
def test_what_real_plug_ins_said(release: str):
    """Two nodes; an array of three; a whole node; a heterogeneous job. Two were cancelled in the queue."""
    topic = Topic()
    topic.poll(0)
    topic.values = (FOLDER / f"completions-{release}.jsonl").read_bytes().splitlines()
    told = {one.id: (one.state, one.nodes) for one in topic.between()}
    assert told == {
        "1": (ENDED, 2.0),
        "2_1": (ENDED, 1 / 64),
        "2_2": (ENDED, 1 / 64),
        "2_3": (ENDED, 1 / 64),
        "3": (ENDED, 1.0),
        "4": (ENDED, 2.015625),
    }
    assert topic.stream.nonsense == 0
