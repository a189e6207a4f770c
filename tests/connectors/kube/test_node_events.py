from __future__ import annotations

import pytest

from connectors.kube.names import PoolNames
from connectors.kube.node_events import EVERY_S, KEPT, LATER_S, NodeEvents
from models.audit import Entered, Fenced, LeftAlone
from models.handovers import Direction, Handover, Stage, Why
from tests.connectors.kube.fake_api import FakeApi, Rule, refused

ONE = Handover("s_p.3.1", "s_p.3.p1", "n1", Direction.TO_HPC, Stage.CLOSED, 0, 0, 100, uid="uid-7")


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def events(api: FakeApi) -> NodeEvents:
    return NodeEvents(api, PoolNames("p", ("n1", "n2"), "{name}.example.org"))


def told(api: FakeApi) -> list[tuple[str, str, str]]:
    return [(one["type"], one["reason"], one["message"]) for one in api.all("events")]


def test_a_stage_is_told_on_its_node(api: FakeApi, events: NodeEvents):
    events.hear(Entered(1_796_000_000, ONE))
    assert events.tell() == EVERY_S
    (event,) = api.all("events")
    assert event["involvedObject"] == {"apiVersion": "v1", "kind": "Node", "name": "n1.example.org", "uid": "uid-7"}
    assert told(api) == [("Normal", "HandOverClosed", "Hand-over s_p.3.1 to HPC: closed")]
    assert event["firstTimestamp"] == "2026-11-30T00:53:20Z"


def test_what_went_wrong_warns(api: FakeApi, events: NodeEvents):
    events.hear(Entered(1, Handover("i", "b", "n1", Direction.TO_KUBERNETES, Stage.STUCK, 0, 0, 9, why=Why.LATE)))
    events.hear(Fenced(1, 3, "i", "n1", 2, 1))
    events.tell()
    assert sorted(told(api)) == [
        ("Warning", "HandOverStuck", "Hand-over i to Kubernetes: stuck (late)"),
        (
            "Warning",
            "LatePods",
            "2 pods came late to a node that HPC has, and were refused or ended, 1 of them made again by nothing",
        ),
    ]


def test_what_is_of_no_node_is_not_told(api: FakeApi, events: NodeEvents):
    events.hear(LeftAlone(1, 3, "n1", "scribbled"))
    assert (events.tell(), told(api)) == (EVERY_S, [])


def test_a_no_keeps_them_for_later(api: FakeApi, events: NodeEvents, caplog: pytest.LogCaptureFixture):
    rule = api.refuse("POST", "/api/v1/namespaces/default/events")
    events.hear(Entered(1, ONE))
    assert [events.tell(), events.tell()] == [LATER_S, LATER_S]
    assert len(caplog.records) == 1
    api.rules.remove(rule)
    assert events.tell() == EVERY_S
    assert len(told(api)) == 1


def test_one_that_is_never_taken_is_in_nobody_s_way(api: FakeApi, events: NodeEvents):
    api.rules.append(Rule(lambda asked: True, refused(422, "Invalid", "generateName: no"), times=1))
    events.hear(Entered(1, ONE))
    events.hear(Fenced(1, 3, "i", "n1", 2, 0))
    assert events.tell() == EVERY_S
    assert [reason for _, reason, _ in told(api)] == ["LatePods"]


def test_a_server_that_is_slow_holds_up_nothing_else(api: FakeApi):
    times = iter((0.0, 2.9, 5.8, 6.0, 8.9))
    events = NodeEvents(api, PoolNames("p", ("n1",)), monotonic=lambda: next(times))
    for number in range(5):
        events.hear(Entered(number, ONE))
    assert (events.tell(), len(told(api))) == (EVERY_S, 2)


def test_of_too_many_the_newest_are_kept(api: FakeApi, events: NodeEvents):
    for number in range(KEPT + 5):
        events.hear(Entered(number, ONE))
    while len(told(api)) < KEPT:
        events.tell()
    events.tell()
    assert len(told(api)) == KEPT
