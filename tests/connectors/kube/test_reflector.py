"""One resource, kept as the server has it, whatever goes wrong on the way."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kube.access.api import Answer
from connectors.kube.resources import PODS
from connectors.kube.watching.reflector import Reflector
from connectors.kube.wire.pods import Pod
from models.errors import Unreachable
from tests.connectors.kube.fake_api import Asked, FakeApi, Rule, away, event, refused
from tests.connectors.kube.test_config import Clock

WATCHES_ALL, LISTS = True, False


def pod(name: str, node: str = "n1", **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "a", **more}, "spec": {"nodeName": node}}


def reflector(api: FakeApi, clock: Clock | None = None, **more: Any) -> Reflector[Pod]:
    return Reflector(api, PODS, monotonic=clock or Clock(), seed=7, **more)


def held(one: Reflector[Pod]) -> dict[str, str | None]:
    return {pod.metadata.name: pod.spec.node_name for pod in one.objects.shown()[1].values()}


def there(api: FakeApi) -> dict[str, str]:
    return {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in api.all("pods")}


def synced(api: FakeApi, **more: Any) -> Reflector[Pod]:
    """Has all, and watches with its next step."""
    one = reflector(api, **more)
    while not (one.synced and one.resource_version):
        one.step()
    return one


def watches(api: FakeApi) -> list[Asked]:
    return [asked for asked in api.asked if asked.watches]


def lists(api: FakeApi) -> list[Asked]:
    return [asked for asked in api.asked if asked.method == "GET" and not asked.watches]


def is_watch(asked: Asked) -> bool:
    return asked.watches


def is_list(asked: Asked) -> bool:
    return not asked.watches


# ---- one code path ----


def test_where_the_server_streams_all_no_list_is_asked_for():
    api = FakeApi()
    api.put("pods", pod("p1"))
    one = reflector(api)
    one.step()
    assert (one.synced, held(one), lists(api)) == (True, {"p1": "n1"}, [])
    query = watches(api)[0].query
    assert query["sendInitialEvents"] == query["allowWatchBookmarks"] == "true"
    assert query["resourceVersionMatch"] == "NotOlderThan"
    assert "resourceVersion" not in query
    assert 60 <= int(query["timeoutSeconds"]) <= 100


@pytest.mark.parametrize(
    ("knows", "asked"),
    [pytest.param(False, 1, id="it says no"), pytest.param(None, 1, id="it passes over the option")],
)
def test_a_server_that_does_not_stream_all_is_asked_for_pages(knows: bool | None, asked: int):
    api = FakeApi(watch_list=knows)
    for number in range(5):
        api.put("pods", pod(f"p{number}"))
    one = reflector(api, page=2)
    assert [one.step(), one.step()] == [0.0, 0.0]
    assert held(one) == there(api)
    assert [one.query.get("limit") for one in lists(api)] == ["2", "2", "2"]
    api.put("pods", pod("p9"))
    one.step()
    assert held(one) == there(api)
    assert sum("sendInitialEvents" in asked.query for asked in watches(api)) == asked
    assert len(lists(api)) == 3


def test_a_watch_goes_on_where_it_ended():
    api = FakeApi()
    one = synced(api)
    api.put("pods", pod("p1"))
    one.step()
    api.put("pods", pod("p1", "n2"))
    api.put("pods", pod("p2"))
    api.drop("pods", "p1", "a")
    one.step()
    assert (held(one), one.lists) == ({"p2": "n1"}, 1)


def test_a_bookmark_moves_the_version_and_is_no_change():
    api = FakeApi()
    called: list[int] = []
    one = synced(api, changed=lambda: called.append(1))
    api.put("nodes", {"metadata": {"name": "n1"}})
    order, calls = one.objects.order, len(called)
    one.step()
    assert one.resource_version == str(api.store.revision)
    assert (one.objects.order, len(called)) == (order, calls)


def test_each_change_is_told_and_raises_the_order():
    api = FakeApi()
    called: list[int] = []
    one = synced(api, changed=lambda: called.append(1))
    orders, calls = [one.objects.order], [len(called)]
    for act in (
        lambda: api.put("pods", pod("p1")),
        lambda: api.put("pods", pod("p1", "n2")),
        lambda: api.drop("pods", "p1", "a"),
    ):
        act()
        one.step()
        orders.append(one.objects.order)
        calls.append(len(called))
    assert orders == sorted(set(orders))
    assert calls == sorted(set(calls))


# ---- what goes wrong ----


def garbage(lines: Iterator[bytes]) -> Iterator[bytes]:
    yield b'{"type":"ADDED","object":{'
    yield from lines


def cut(lines: Iterator[bytes]) -> Iterator[bytes]:
    yield from lines
    raise away()


def from_tomorrow(lines: Iterator[bytes]) -> Iterator[bytes]:
    yield event("RESIZED", pod("p1", resourceVersion="900"))


def expired(lines: Iterator[bytes]) -> Iterator[bytes]:
    yield event("ERROR", json.loads(refused(410, "Expired", "too old resource version").body))


def unversioned(lines: Iterator[bytes]) -> Iterator[bytes]:
    yield event("MODIFIED", pod("p1"))


@pytest.mark.parametrize("lines", [garbage, from_tomorrow, expired, unversioned], ids=lambda one: one.__name__)
def test_what_a_watch_cannot_go_on_from_has_all_listed_anew(lines: Any):
    api = FakeApi()
    api.put("pods", pod("p1"))
    one = synced(api)
    api.rules.append(Rule(is_watch, lines=lines, times=1))
    api.drop("pods", "p1", "a")
    api.put("pods", pod("p2"))
    assert one.step() == 0.0
    assert held(one) == {"p1": "n1"}  # it stands until all is told
    one.step()
    assert (held(one), one.lists) == ({"p2": "n1"}, 2)


@pytest.mark.parametrize("status", [410], ids=["410"])
def test_a_version_that_is_forgotten_has_all_listed_anew(status: int):
    api = FakeApi()
    one = synced(api)
    api.rules.append(Rule(is_watch, answer=refused(status, "Expired", "too old"), times=1))
    api.put("pods", pod("p1"))
    one.step()
    one.step()
    assert (held(one), one.lists) == ({"p1": "n1"}, 2)


def test_a_watch_that_breaks_off_goes_on_where_it_was():
    api = FakeApi()
    one = synced(api)
    api.rules.append(Rule(is_watch, lines=cut, times=1))
    api.put("pods", pod("p1"))
    assert one.step() > 0
    assert held(one) == {"p1": "n1"}
    api.put("pods", pod("p2"))
    one.step()
    assert (held(one), one.lists) == ({"p1": "n1", "p2": "n1"}, 1)


def test_a_watch_that_breaks_twice_at_one_place_is_begun_anew():
    def nothing(lines: Iterator[bytes]) -> Iterator[bytes]:
        raise away()
        yield b""

    api = FakeApi()
    one = synced(api)
    api.rules.append(Rule(is_watch, lines=nothing, times=2))
    one.step()
    assert one.resource_version
    one.step()
    assert not one.resource_version
    one.step()
    assert one.lists == 2


def test_an_outage_costs_no_list():
    api = FakeApi()
    one = synced(api)
    rule = Rule(lambda asked: True, error=away())
    api.rules.append(rule)
    waits = [one.step() for _ in range(20)]
    assert "connection refused" in one.failing
    assert waits[-1] == 10.0
    assert waits == sorted(waits)
    api.rules.remove(rule)
    api.put("pods", pod("p1"))
    one.step()
    assert (held(one), one.lists, one.failing) == ({"p1": "n1"}, 1, "")


@pytest.mark.parametrize(
    ("answer", "least_s", "most_s"),
    [
        pytest.param(refused(429, "TooManyRequests", "later", retry_after_s=7), 7.0, 7.0, id="as asked"),
        pytest.param(refused(503, "ServiceUnavailable", "no", retry_after_s=3600), 60.0, 60.0, id="an hour"),
        pytest.param(refused(500, "", "no"), 0.9, 1.1, id="nothing said"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("knows", [True, False])
def test_a_server_that_is_busy_is_left_alone(knows: bool, answer: Answer, least_s: float, most_s: float):
    api = FakeApi(watch_list=knows)
    one = reflector(api)
    if not knows:
        one.step()
    api.rules.append(Rule(lambda asked: True, answer=answer, times=1))
    assert least_s <= one.step() <= most_s
    one.step()
    assert one.synced


class Rounds(threading.Event):
    """Is set after so many waits, which take no time."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most, self.waited_s = most, list[float | None]()

    def wait(self, timeout: float | None = None) -> bool:
        self.waited_s.append(timeout)
        if len(self.waited_s) >= self.most:
            self.set()
        return self.is_set()


def test_a_bug_does_not_end_the_following(caplog: pytest.LogCaptureFixture):
    api, stop = FakeApi(), Rounds(3)
    api.put("pods", pod("p"))
    api.rules.append(Rule(lambda asked: True, error=ZeroDivisionError(), times=1))
    one = reflector(api)
    one.follow(stop)
    assert stop.waited_s[0]
    assert held(one) == {"p": "n1"}
    assert one.failing == ""
    assert [record.message for record in caplog.records if record.exc_info] == [
        "a bug in Tidegate, please report it: pods could not be followed"
    ]


def test_half_a_list_changes_nothing():
    api = FakeApi(watch_list=False)
    for number in range(4):
        api.put("pods", pod(f"p{number}"))
    one = synced(api, page=2)
    before = held(one)
    for number in range(4):
        api.drop("pods", f"p{number}", "a")
        api.put("pods", pod(f"q{number}"))
    api.store.compact()
    one.step()
    api.rules.append(Rule(lambda asked: "continue" in asked.query, error=away(), times=1))
    one.step()
    assert held(one) == before
    one.step()
    assert held(one) == there(api)


def test_pages_that_expire_are_read_anew_and_then_at_once():
    api = FakeApi(watch_list=False)
    for number in range(5):
        api.put("pods", pod(f"p{number}"))
    one = reflector(api, page=2)
    one.step()

    def meddle(asked: Asked) -> None:
        if "continue" in asked.query:
            api.put("pods", pod("late"))

    api.before = meddle
    one.step()
    assert not one.synced
    one.step()
    assert held(one) == there(api)
    assert "limit" not in lists(api)[-1].query


@pytest.mark.parametrize("knows", [True, False])
def test_an_odd_object_is_left_out_and_named_once(knows: bool, caplog: pytest.LogCaptureFixture):
    api = FakeApi(watch_list=knows)
    api.put("pods", pod("p1"))
    api.put("pods", pod("odd", 7))
    one = synced(api)
    assert held(one) == {"p1": "n1"}
    assert list(one.objects.left_out) == ["a/odd"]
    api.put("pods", pod("p1", 8))
    one.step()
    assert (held(one), sorted(one.objects.left_out)) == ({}, ["a/odd", "a/p1"])
    api.put("pods", pod("p1", "n2"))
    api.drop("pods", "odd", "a")
    one.step()
    assert (held(one), dict(one.objects.left_out), one.lists) == ({"p1": "n2"}, {}, 1)
    api.put("pods", pod("p1", 9))
    one.step()
    assert [record.getMessage().split(" is left out")[0] for record in caplog.records] == ["pods a/odd", "pods a/p1"]


def test_what_we_may_not_read_is_told_and_tried_again(caplog: pytest.LogCaptureFixture):
    api = FakeApi()
    api.put("pods", pod("p1"))
    one = synced(api)
    rule = api.refuse("GET", "/api/v1/pods")
    order = one.objects.order
    waits = [one.step() for _ in range(6)]
    assert waits == [10.0, 30.0, 90.0, 270.0, 600.0, 600.0]
    assert "403 Forbidden" in one.denied
    assert (one.synced, held(one), one.last_heard, one.absent) == (False, {}, None, False)
    assert len([record for record in caplog.records if "let our user list and watch it" in record.getMessage()]) == 1
    told = one.objects.order
    assert told > order
    one.step()
    assert one.objects.order == told
    api.rules.remove(rule)
    one.step()
    assert (one.synced, one.denied, held(one)) == (True, "", {"p1": "n1"})
    assert one.objects.order > told


def test_what_is_not_there_is_absent_and_no_finding():
    api = FakeApi()
    api.served = [served for served in api.served if served.plural != "pods"]
    one = reflector(api)
    one.step()
    assert (one.absent, one.denied, one.synced) == (True, "", False)


def test_heard_of_is_what_was_told_not_that_a_stream_was_opened():
    api, clock = FakeApi(), Clock()
    one = synced(api, clock=clock)
    begun_s = one.last_heard

    def silent(lines: Iterator[bytes]) -> Iterator[bytes]:
        clock.now_s += 120
        raise Unreachable("it was silent for 120 s")
        yield b""

    api.rules.append(Rule(is_watch, lines=silent, times=1))
    clock.now_s += 5
    one.step()
    assert one.last_heard == begun_s
    one.step()
    assert one.last_heard == clock.now_s


def test_a_stream_that_ends_at_once_is_not_asked_for_in_a_circle():
    def nothing(lines: Iterator[bytes]) -> Iterator[bytes]:
        return iter(())

    api = FakeApi()
    one = synced(api)
    heard = one.last_heard
    api.rules.append(Rule(is_watch, lines=nothing))
    waits = [one.step() for _ in range(8)]
    assert waits[0] >= 0.9
    assert waits[-1] == 10.0
    assert one.last_heard == heard


def test_the_silence_that_is_borne_is_longer_than_the_watch_and_short_enough():
    borne: list[tuple[int, float]] = []

    class Listens(FakeApi):
        def watch(self, path: str, *, query: Any, silence_s: float) -> Any:
            borne.append((int(query["timeoutSeconds"]), silence_s))
            return super().watch(path, query=query, silence_s=silence_s)

    api = Listens()
    one = reflector(api)
    for _ in range(50):
        one.step()
    assert all(lasts_s < silence_s <= 120 for lasts_s, silence_s in borne)
    assert len({lasts_s for lasts_s, _ in borne}) > 10


def test_watches_that_all_end_in_garbage_make_no_circle():
    api, clock = FakeApi(watch_list=False), Clock()
    one = synced(api, clock=clock)
    rule = Rule(is_watch, lines=garbage)
    api.rules.append(rule)
    waits = [one.step() for _ in range(20)]
    assert waits[::2][0] == 0.0
    assert waits[::2][-1] == 10.0
    assert set(waits[1::2]) == {0.0}  # the lists

    def long(lines: Iterator[bytes]) -> Iterator[bytes]:
        clock.now_s += 60
        yield from lines

    api.rules[:] = [Rule(is_watch, lines=long, times=1), rule]
    assert [one.step() for _ in range(3)][-1] == 0.0  # all anew, a watch that lasts, and then garbage


def test_one_seed_is_one_history():
    def waits(seed: int) -> list[float]:
        api = FakeApi()
        api.rules.append(Rule(lambda asked: True, error=away()))
        one = Reflector(api, PODS, monotonic=Clock(), seed=seed)
        return [one.step() for _ in range(5)]

    assert waits(1) == waits(1) != waits(2)


# ---- whatever happens, in the end it is as the server has it ----

NAMES = st.sampled_from(["p1", "p2", "p3", "p4"])
PAGES_WRONG = (refused(429, "TooManyRequests", "later"), refused(500, "", "no"), Answer(200, b"{}"), Answer(200, b"x"))
RULES = st.one_of(
    st.sampled_from([garbage, cut, from_tomorrow, expired, unversioned]).map(
        lambda lines: Rule(is_watch, lines=lines, times=1)
    ),
    st.sampled_from(PAGES_WRONG).map(lambda answer: Rule(is_list, answer=answer, times=1)),
    st.just(Rule(is_watch, answer=refused(410, "Expired", "old"), times=1)),
    st.builds(lambda times: Rule(lambda asked: True, error=away(), times=times), st.integers(1, 3)),
    st.just(Rule(lambda asked: "continue" in asked.query, answer=refused(410, "Expired", "old"), times=1)),
    st.just(Rule(lambda asked: True, answer=refused(403, "Forbidden", "no"), times=1)),
)
ACTS = st.one_of(
    st.tuples(st.just("put"), NAMES, st.sampled_from(["n1", "n2", "n3"])),
    st.tuples(st.just("odd"), NAMES, st.just("")),
    st.tuples(st.just("drop"), NAMES, st.just("")),
    st.tuples(st.just("again"), NAMES, st.just("n4")),
    st.tuples(st.sampled_from(["compact", "step"]), st.just(""), st.just("")),
)


def act(api: FakeApi, one: Reflector[Pod], what: tuple[str, str, str]) -> None:
    kind, name, node = what
    if kind == "put":
        api.put("pods", pod(name, node))
    elif kind == "odd":
        api.put("pods", pod(name, 7))
    elif kind == "drop":
        api.drop("pods", name, "a")
    elif kind == "again":  # gone, and another of that name with its own uid
        api.drop("pods", name, "a")
        api.put("pods", pod(name, node))
    elif kind == "compact":
        api.store.compact()
    else:
        one.step()


@given(
    st.lists(st.one_of(ACTS, RULES), max_size=40), st.sampled_from([True, False, None]), st.sampled_from([0, 1, 2, 500])
)
def test_after_any_history_it_holds_what_the_server_holds(history: list[Any], knows: bool | None, page: int):
    api = FakeApi(watch_list=knows)
    one = reflector(api, page=page)
    for what in history:
        if isinstance(what, Rule):
            api.rules.append(Rule(what.where, what.answer, what.error, what.lines, what.times))
            one.step()
        else:
            act(api, one, what)
    api.rules.clear()
    for _ in range(6):
        one.step()
    right = {uid_of(one): one["spec"]["nodeName"] for one in api.all("pods") if one["spec"]["nodeName"] != 7}
    assert {key: one.spec.node_name for key, one in one.objects.shown()[1].items()} == right
    odd = {f"a/{one['metadata']['name']}" for one in api.all("pods") if one["spec"]["nodeName"] == 7}
    assert set(one.objects.left_out) == odd
    assert int(one.resource_version) <= api.store.revision


def uid_of(one: dict[str, Any]) -> str:
    return str(one["metadata"]["uid"])
