"""A cluster as its watches tell it: nothing from half of it, nothing that has grown old."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from connectors.kube.access.api import ApiRefused, Busy
from connectors.kube.resource import Resource
from connectors.kube.resources import BUDGETS, DAEMON_SETS
from connectors.kube.watching.cluster import KubeCluster
from connectors.kube.wire.lists import Bare
from models.errors import Unreachable
from tests.connectors.kube.fake_api import FakeApi, Rule, away, refused
from tests.connectors.kube.fake_store import Served
from tests.connectors.kube.test_config import Clock
from tests.connectors.kube.test_reflector import Rounds, pod
from tests.patience import until

OTHERS = (DAEMON_SETS, BUDGETS)
THINGS = Resource("x.dev", "v1", "things", True, Bare)
SERVED = Served("/apis/x.dev/v1", "things", "Thing")


def node(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"allocatable": {"cpu": "4"}}}


def peopled() -> FakeApi:
    api = FakeApi()
    for name in ("n1", "n2"):
        api.put("nodes", node(name))
    for name, where in (("p1", "n1"), ("p2", "n1"), ("p3", "")):
        api.put("pods", pod(name, where))
    api.put("daemonsets", {"metadata": {"name": "d", "namespace": "a"}})
    return api


def cluster(api: FakeApi, clock: Clock | None = None, **more: Any) -> KubeCluster:
    return KubeCluster(api, clock=lambda: 5_000.7, monotonic=clock or Clock(), seed=3, **{"table": OTHERS, **more})


def stepped(one: KubeCluster, times: int = 3) -> KubeCluster:
    for _ in range(times):
        one.step()
    return one


def test_all_that_is_there():
    state = stepped(cluster(peopled())).state()
    assert sorted(state.nodes) == ["n1", "n2"]
    assert sorted(one.metadata.name for one in state.pods.values()) == ["p1", "p2", "p3"]
    assert {name: sorted(p.metadata.name for p in pods) for name, pods in state.pods_on.items()} == {"n1": ["p1", "p2"]}
    assert [one.metadata.name for one in state.of(DAEMON_SETS).values()] == ["d"]
    assert state.of(BUDGETS) == {}
    assert (state.at_s, state.age_s, state.unread, state.denied, state.absent) == (5000, 0.0, {}, {}, frozenset())
    assert set(state.versions) == {"nodes", "pods", "daemonsets.apps", "poddisruptionbudgets.policy"}


def test_nothing_is_put_together_anew_where_nothing_changed():
    api, clock = peopled(), Clock()
    one = stepped(cluster(api, clock))
    first = one.state()
    clock.now_s += 7
    again = one.state()
    assert again.age_s == 7.0
    assert again.order == first.order
    parts = ("nodes", "pods", "pods_on", "others")
    assert all(getattr(again, part) is getattr(first, part) for part in parts)
    api.put("nodes", node("n3"))
    one.step()
    later = one.state()
    assert later.order > first.order
    assert later.pods_on is first.pods_on
    assert sorted(later.nodes) == ["n1", "n2", "n3"]
    assert sorted(first.nodes) == ["n1", "n2"]


def test_the_order_rises_from_one_process_to_the_next():
    api = peopled()
    first = stepped(KubeCluster(api, clock=lambda: 5_000.0, monotonic=Clock())).state().order
    assert stepped(KubeCluster(api, clock=lambda: 5_001.0, monotonic=Clock())).state().order > first


def test_nothing_is_told_before_all_was():
    one = cluster(peopled())
    with pytest.raises(Unreachable, match="nodes of Kubernetes are not known: they have not been told yet"):
        one.state()


@pytest.mark.parametrize("what", ["nodes", "pods"])
def test_without_nodes_or_pods_nothing_is_known(what: str):
    api = peopled()
    one = stepped(cluster(api))
    one.state()
    api.refuse("GET", f"/api/v1/{what}")
    one.step()
    with pytest.raises(Unreachable, match=f"{what} of Kubernetes are not known: .*403 Forbidden"):
        one.state()


def test_what_grows_old_is_not_known():
    api, clock = peopled(), Clock()
    one = stepped(cluster(api, clock))
    rule = Rule(lambda asked: True, error=away())
    api.rules.append(rule)
    clock.now_s += 149
    one.step()
    assert one.state().age_s == 149.0
    clock.now_s += 1
    with pytest.raises(Unreachable, match=r"nothing was told of them for 150 s; the API server .* connection refused"):
        one.state()
    api.rules.remove(rule)
    one.step()
    assert one.state().age_s == 0.0


def test_a_bug_does_not_end_the_looking_for_what_there_is(caplog: pytest.LogCaptureFixture):
    api = peopled()
    api.rules.append(Rule(lambda asked: asked.path == "/apis", error=ZeroDivisionError(), times=1))
    following, rounds = cluster(api)._following, Rounds(2)
    following._stop = rounds
    following._discover()
    assert rounds.waited_s == [pytest.approx(1.0, abs=0.1), 600.0]
    assert set(following.others) == {"daemonsets.apps", "poddisruptionbudgets.policy"}
    assert following.failing == ""
    assert "a bug in Tidegate, please report it: it was not seen what Kubernetes has" in caplog.messages


class Hangs(threading.Thread):
    """In a request that nobody answers, for longer than anybody waits."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def join(self, timeout: float | None = None) -> None:
        self.clock.now_s += 1_000.0 if timeout is None else timeout


def test_the_end_waits_for_all_threads_together_and_no_longer():
    clock = Clock()
    following = cluster(peopled(), clock)._following
    following._threads = [Hangs(clock) for _ in range(24)]
    began_s = clock.now_s
    following.close()
    assert 1.0 <= clock.now_s - began_s <= 10.0


def test_others_are_waited_for_until_they_are_told_or_cannot_be():
    api = peopled()
    discovery = Rule(lambda asked: asked.path == "/apis", error=away())
    api.rules.append(discovery)
    clock = Clock()
    one = stepped(cluster(api, clock))
    with pytest.raises(Unreachable, match=r"it is not known what Kubernetes has: .*connection refused"):
        one.state()
    api.rules.remove(discovery)
    clock.now_s += 60
    one._following.discover()
    with pytest.raises(Unreachable, match=r"daemonsets.apps of Kubernetes have not been told yet"):
        one.state()
    one.step()
    assert len(one.state().of(DAEMON_SETS)) == 1


def test_who_waits_for_a_server_that_does_not_answer_is_told_why_once(caplog: pytest.LogCaptureFixture):
    api, seconds = peopled(), count()
    api.rules.append(Rule(lambda asked: True, error=away()))
    one = stepped(KubeCluster(api, monotonic=lambda: float(next(seconds)), table=OTHERS))
    with pytest.raises(Unreachable, match="connection refused"):
        one.wait(longest_s=20.0)
    told = [record.message for record in caplog.records if "waited for" in record.message]
    assert len(told) == 1
    assert "for 20 s at most: nodes of Kubernetes are not known" in told[0]


def test_others_that_cannot_be_read_are_named(caplog: pytest.LogCaptureFixture):
    api = peopled()
    api.served.append(SERVED)
    api.refuse("GET", DAEMON_SETS.path)
    broken = Rule(lambda asked: asked.path == BUDGETS.path, answer=refused(500, "", "a webhook"))
    api.rules.append(broken)
    one = stepped(cluster(api, table=(*OTHERS, THINGS, Resource("y.dev", "v1", "more", True, Bare))))
    state = one.state()
    assert list(state.denied) == ["daemonsets.apps"]
    assert list(state.unread) == ["poddisruptionbudgets.policy"]
    assert "a webhook" in state.unread["poddisruptionbudgets.policy"]
    assert state.absent == {"more.y.dev"}
    one.state()
    told = [record.getMessage() for record in caplog.records if "part of Kubernetes" in record.getMessage()]
    assert len(told) == 1
    api.rules.remove(broken)
    one.step()
    mended = one.state()
    assert (mended.unread, mended.order > state.order) == ({}, True)


def test_a_resource_that_comes_and_one_that_goes():
    api, clock = peopled(), Clock()
    one = stepped(cluster(api, clock, table=(*OTHERS, THINGS)))
    orders = [one.state().order]
    assert one.state().absent == {"things.x.dev"}
    api.served.append(SERVED)
    api.put("things", {"metadata": {"name": "t", "namespace": "a"}})
    stepped(one)
    assert one.state().absent == {"things.x.dev"}
    clock.now_s += 600
    stepped(one)
    orders.append(one.state().order)
    assert [thing.metadata.name for thing in one.state().of(THINGS).values()] == ["t"]
    api.served.remove(SERVED)
    clock.now_s += 600
    stepped(one)
    orders.append(one.state().order)
    assert (one.state().of(THINGS), one.state().absent) == ({}, {"things.x.dev"})
    assert orders == sorted(set(orders))


def test_objects_that_cannot_be_read_are_told():
    api = peopled()
    api.put("pods", pod("odd", 7))
    assert list(stepped(cluster(api)).state().left_out["pods"]) == ["a/odd"]


# ---- one node, now ----


def test_a_node_as_it_is_now():
    api = peopled()
    one = cluster(api)
    found, pods = one.fresh("n1")
    assert found is not None
    assert (found.metadata.name, sorted(p.metadata.name for p in pods)) == ("n1", ["p1", "p2"])
    listed = next(asked for asked in api.asked if asked.path == "/api/v1/pods")
    assert dict(listed.query) == {"fieldSelector": "spec.nodeName=n1"}  # no resourceVersion: the most recent


def test_a_node_that_is_gone():
    assert cluster(peopled()).fresh("n9") == (None, ())


def test_a_node_is_not_empty_where_a_pod_on_it_cannot_be_read():
    api = peopled()
    odd = pod("odd", "n2") | {"status": {"phase": 7}}
    api.put("pods", odd)
    with pytest.raises(Unreachable, match="pods on n2 cannot be read: a/odd"):
        cluster(api).fresh("n2")


@pytest.mark.parametrize("path", ["/api/v1/nodes/n1", "/api/v1/pods"])
def test_half_a_look_is_none(path: str):
    api = peopled()
    rule = Rule(lambda asked: asked.path == path, answer=refused(500, "", "no"))
    api.rules.append(rule)
    with pytest.raises(Unreachable):
        cluster(api).fresh("n1")
    rule.answer = refused(403, "Forbidden", "no")
    with pytest.raises(ApiRefused):
        cluster(api).fresh("n1")


@pytest.mark.parametrize(("path", "status"), [("/api/v1/nodes/n1", 429), ("/api/v1/pods", 503)])
def test_a_server_that_wants_to_be_left_alone_is(path: str, status: int):
    api, clock = peopled(), Clock()
    one = cluster(api, clock)
    told = replace(refused(status, "", "too much"), retry_after_s=7.0)
    api.rules.append(Rule(lambda asked: asked.path == path, answer=told, times=1))
    with pytest.raises(Busy):
        one.fresh("n1")
    asked = len(api.asked)
    clock.now_s += 5.0
    with pytest.raises(Busy, match="for 2 s more"):
        one.fresh("n2")
    assert len(api.asked) == asked
    clock.now_s += 2.0
    assert one.fresh("n1")[0] is not None


# ---- with threads ----


@pytest.fixture
def running() -> Iterator[tuple[FakeApi, KubeCluster, threading.Event]]:
    api, changed = peopled(), threading.Event()
    api.patient = True
    one = KubeCluster(api, table=OTHERS, seed=1, on_change=changed.set)
    one.start()
    yield api, one, changed
    one.close()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("kube ")] == []


def told(one: KubeCluster, name: str) -> bool:
    try:
        return name in one.state().nodes
    except Unreachable:
        return False


def test_it_is_followed_by_threads(running: tuple[FakeApi, KubeCluster, threading.Event]):
    api, one, changed = running
    until(lambda: told(one, "n1"))
    changed.clear()
    api.put("nodes", node("n3"))
    until(changed.is_set)
    until(lambda: told(one, "n3"))
    assert sorted(one.state().others) == ["daemonsets.apps", "poddisruptionbudgets.policy"]
