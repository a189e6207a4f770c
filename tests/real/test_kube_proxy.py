"""The proxy in front of an API server does to requests and answers what its rules say."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPException, IncompleteRead
from itertools import islice

import pytest

from tests.real.kube import nodes, objects
from tests.real.kube.account import rule
from tests.real.kube.client import Client
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.fixtures import NODES
from tests.real.kube.http_proxy import HttpProxy

SOON_S, LONG_S = 1.0, 20.0
NODE = f"{nodes.NODES}/n02"
RIGHTS = [rule("", "nodes", "get list watch patch")]


@pytest.fixture
def proxy(kube: ControlPlane) -> Iterator[HttpProxy]:
    with kube.proxy() as proxy:
        yield proxy


@pytest.fixture
def through(kube: ControlPlane, proxy: HttpProxy) -> Iterator[Client]:
    """Somebody who may look at nodes and change them, and asks through the proxy."""
    account = kube.account("through", RIGHTS, server=proxy.url)
    with account.client(proxy.url) as client:
        yield client
    account.delete()


def touch(client: Client, value: str | None) -> int:
    body = {"metadata": {"annotations": {"test.tidegate.dev/touched": value}}}
    return client.ask("PATCH", NODE, body, content_type="application/merge-patch+json").status


def touched(kube: ControlPlane) -> str | None:
    annotations = nodes.get(kube.admin, "n02")["metadata"]["annotations"]
    return annotations.get("test.tidegate.dev/touched")  # type: ignore[no-any-return]


def test_all_goes_through_as_it_is(kube: ControlPlane, through: Client, proxy: HttpProxy):
    assert {one["metadata"]["name"] for one in through.items(nodes.NODES)} == set(nodes.names(NODES))
    assert touch(through, "a") == 200
    assert touched(kube) == "a"
    assert touch(through, None) == 200
    assert through.ask("GET", "/api/v1/pods").status == 403
    assert [one.status for one in proxy.heard] == [200, 200, 200, 403]
    assert proxy.count("PATCH", "nodes/n02$") == 2


def test_a_watch_goes_through_event_by_event(kube: ControlPlane, through: Client):
    version = kube.admin.get(nodes.NODES)["metadata"]["resourceVersion"]
    with closing(through.watch(nodes.NODES, resourceVersion=version)) as events:  # type: ignore[type-var]
        nodes.annotate(kube.admin, "n02", a="b")
        assert next(events)["object"]["metadata"]["annotations"]["a"] == "b"
        nodes.annotate(kube.admin, "n02", a=None)
        assert "a" not in next(events)["object"]["metadata"]["annotations"]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (409, "Conflict"),
        (410, "Expired"),
        (429, "TooManyRequests"),
        (500, "InternalError"),
        (503, "ServiceUnavailable"),
    ],
)
def test_it_answers_itself_as_an_api_server_does(
    kube: ControlPlane, through: Client, proxy: HttpProxy, status: int, reason: str
):
    proxy.rule("PATCH", "/nodes/", answer=status, retry_after_s=7)
    body = {"metadata": {"annotations": {"test.tidegate.dev/touched": "never"}}}
    answer = through.ask("PATCH", NODE, body, content_type="application/merge-patch+json")
    assert (answer.status, answer.body["reason"], answer.headers["Retry-After"]) == (status, reason, "7")
    assert answer.body["details"]["retryAfterSeconds"] == 7
    assert through.ask("GET", NODE).status == 200, "the rule is not for this"
    assert touched(kube) is None
    proxy.heal()
    assert touch(through, None) == 200


def test_a_rule_holds_for_as_many_requests_as_it_says(through: Client, proxy: HttpProxy):
    made = proxy.rule("GET", "/nodes/n02$", answer=503, most=2)
    assert [through.ask("GET", NODE).status for _ in range(3)] == [503, 503, 200]
    assert made.seen == 2


def test_a_body_of_the_tests_own(through: Client, proxy: HttpProxy):
    gone = b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}\n'
    proxy.rule("GET", "watch=true", answer=200, body=gone)
    assert [event["object"]["code"] for event in through.watch(nodes.NODES)] == [410]


def test_a_request_is_held_and_then_done(kube: ControlPlane, through: Client, proxy: HttpProxy):
    made = proxy.rule("PATCH", hold_s=SOON_S)
    began = time.monotonic()
    assert touch(through, "late") == 200
    assert time.monotonic() - began >= SOON_S
    assert touched(kube) == "late"
    proxy.lift(made)
    touch(through, None)


def test_a_request_that_is_held_goes_on_when_the_rule_is_lifted(kube: ControlPlane, through: Client, proxy: HttpProxy):
    made = proxy.rule("PATCH", hold_s=lambda: 600.0)
    with ThreadPoolExecutor() as aside:
        asked = aside.submit(touch, through, "held")
        kube.wait(lambda: made.held == 1, "it is held")
        assert touched(kube) is None
        proxy.lift(made)
        assert asked.result(LONG_S) == 200
    assert (touched(kube), made.held) == ("held", 0)
    touch(through, None)


def test_a_reset_ends_the_connection_before_anything_is_done(kube: ControlPlane, through: Client, proxy: HttpProxy):
    proxy.rule("PATCH", reset=True)
    with pytest.raises((OSError, HTTPException)):
        touch(through, "never")
    assert touched(kube) is None


def test_what_was_done_may_go_without_an_answer(kube: ControlPlane, through: Client, proxy: HttpProxy):
    proxy.rule("PATCH", lose=True)
    with pytest.raises((OSError, HTTPException)):
        touch(through, "done")
    assert touched(kube) == "done"
    proxy.heal()
    touch(through, None)


def test_a_watch_falls_silent_and_goes_on_when_it_is_healed(kube: ControlPlane, through: Client, proxy: HttpProxy):
    version = kube.admin.get(nodes.NODES)["metadata"]["resourceVersion"]
    events = through.watch(nodes.NODES, timeout_s=SOON_S, resourceVersion=version)
    nodes.annotate(kube.admin, "n02", a="1")
    assert next(events)["type"] == "MODIFIED"
    proxy.rule("GET", "watch=true", silent=True)
    nodes.annotate(kube.admin, "n02", a="2")
    with pytest.raises(TimeoutError):
        next(events)
    with ThreadPoolExecutor() as aside:
        another = through.watch(nodes.NODES, timeout_s=LONG_S, resourceVersion=version)
        told = aside.submit(lambda: [event["object"]["metadata"]["annotations"]["a"] for event in islice(another, 2)])
        proxy.heal()
        assert told.result(LONG_S) == ["1", "2"]
        another.close()  # type: ignore[attr-defined]
    nodes.annotate(kube.admin, "n02", a=None)


def test_what_a_silent_watch_kept_back_can_be_lost(kube: ControlPlane, through: Client, proxy: HttpProxy):
    version = kube.admin.get(nodes.NODES)["metadata"]["resourceVersion"]
    rule = proxy.rule("GET", "watch=true", silent=True)
    nodes.annotate(kube.admin, "n02", a="1")
    with ThreadPoolExecutor() as aside:
        told = aside.submit(next, through.watch(nodes.NODES, timeout_s=LONG_S, resourceVersion=version))
        kube.wait(lambda: rule.seen, "the watch has come")
        proxy.lift(rule, lost=True)
        with pytest.raises((IncompleteRead, OSError)):
            told.result(LONG_S)
    nodes.annotate(kube.admin, "n02", a=None)


def test_a_list_is_cut_off(through: Client, proxy: HttpProxy):
    proxy.rule("GET", "/nodes$", cut_after=5000)
    with pytest.raises((IncompleteRead, OSError)):
        through.items(nodes.NODES)
    proxy.heal()
    assert len(through.items(nodes.NODES)) == NODES


def test_a_client_that_goes_ends_its_watch_at_the_server(kube: ControlPlane, through: Client, proxy: HttpProxy):
    def watchers() -> int:
        told = kube.admin.ask("GET", "/metrics").body.splitlines()
        mine = [line for line in told if line.startswith("apiserver_longrunning_requests{") and "nodes" in line]
        return sum(int(float(line.split()[-1])) for line in mine)

    before = watchers()
    events = through.watch(nodes.NODES, sendInitialEvents="true", resourceVersionMatch="NotOlderThan",
                           allowWatchBookmarks="true")  # fmt: skip
    assert next(events)["type"] == "ADDED"
    assert watchers() == before + 1
    events.close()  # type: ignore[attr-defined]
    kube.wait(lambda: watchers() == before, "the server watches for it no more")


def test_the_schedulers_binding_is_held_and_the_pod_comes_late(kube: ControlPlane, proxy: HttpProxy, space: str):
    kube.start_scheduler(proxy.url)
    try:
        binding = proxy.rule("POST", "/pods/.*/binding", hold_s=600.0)
        objects.pod(kube.admin, space, "late")
        kube.wait(lambda: binding.held == 1, "the binding is held")
        assert objects.get_pod(kube.admin, space, "late")["spec"].get("nodeName") is None
        objects.pod(kube.admin, space, "another", node="n01")
        objects.wait_running(kube, space, "another")
        proxy.lift(binding)
        objects.wait_running(kube, space, "late")
        assert proxy.count("POST", "/pods/late/binding") == 1
    finally:
        kube.start_scheduler()
