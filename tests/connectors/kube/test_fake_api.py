"""The fake answers as the API server does where tests lean on it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.kube.access.api import MERGE_PATCH, ApiRefused
from tests.connectors.kube.fake_api import INITIAL_END, FakeApi

PODS = "/api/v1/pods"


def pod(name: str, node: str = "", phase: str = "Running", **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "a", "labels": labels},
        "spec": {"nodeName": node},
        "status": {"phase": phase},
    }


def budget(name: str, allowed: int, **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "a"},
        "spec": {"selector": {"matchLabels": labels}},
        "status": {"disruptionsAllowed": allowed},
    }


def told(api: FakeApi, **query: str) -> list[tuple[str, str]]:
    with api.watch(PODS, query=query, silence_s=1.0) as lines:
        events = [json.loads(line) for line in lines]
    return [(one["type"], one["object"].get("metadata", {}).get("name", "")) for one in events]


def test_pages_until_something_changes():
    api = FakeApi()
    for number in range(5):
        api.put("pods", pod(f"p{number}"))
    first = json.loads(api.ask("GET", PODS, query={"limit": "2"}).body)
    assert [one["metadata"]["name"] for one in first["items"]] == ["p0", "p1"]
    token = first["metadata"]["continue"]
    assert len(json.loads(api.ask("GET", PODS, query={"limit": "4", "continue": token}).body)["items"]) == 3
    api.put("pods", pod("p9"))
    assert api.ask("GET", PODS, query={"limit": "4", "continue": token}).status == 410


def test_a_watch_tells_what_came_after_its_version():
    api = FakeApi()
    version = api.put("pods", pod("p1"))["metadata"]["resourceVersion"]
    api.put("pods", pod("p2", "n1"))
    api.put("pods", pod("p2", "n2"))
    api.drop("pods", "p1", "a")
    assert told(api, resourceVersion=version) == [("ADDED", "p2"), ("MODIFIED", "p2"), ("DELETED", "p1")]
    assert told(api, resourceVersion=version, fieldSelector="spec.nodeName=n1") == [("ADDED", "p2"), ("DELETED", "p2")]
    api.store.compact()
    assert told(api, resourceVersion=version) == [("ERROR", "")]


def test_watch_list_where_it_is_known():
    api = FakeApi()
    api.put("pods", pod("p1"))
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    with api.watch(PODS, query=query, silence_s=1.0) as lines:
        events = [json.loads(line) for line in lines]
    assert [one["type"] for one in events] == ["ADDED", "BOOKMARK", "BOOKMARK"]
    assert events[1]["object"]["metadata"]["annotations"] == {INITIAL_END: "true"}
    api.watch_list = False
    with pytest.raises(ApiRefused) as met, api.watch(PODS, query=query, silence_s=1.0):
        pass
    assert met.value.status == 422


def test_a_patch_of_an_older_version_is_refused():
    api = FakeApi()
    version = api.put("nodes", {"metadata": {"name": "n1"}})["metadata"]["resourceVersion"]
    body = {"metadata": {"resourceVersion": version, "annotations": {"a": "b"}}, "spec": {"taints": []}}
    answers = [api.ask("PATCH", "/api/v1/nodes/n1", body=body, content_type=MERGE_PATCH).status for _ in range(2)]
    assert answers == [200, 409]


@pytest.mark.parametrize(
    ("budgets", "phase", "uid", "status", "left"),
    [
        pytest.param([], "Running", None, 201, 0, id="no budget"),
        pytest.param([budget("b", 1, app="x")], "Running", None, 201, 0, id="a budget with room"),
        pytest.param([budget("b", 0, app="x")], "Running", None, 429, 1, id="a budget that is spent"),
        pytest.param([budget("b", 0, app="x")], "Pending", None, 201, 0, id="pending: no budget is asked"),
        pytest.param([budget("b", 1, app="x"), budget("c", 1)], "Running", None, 500, 1, id="two budgets"),
        pytest.param([], "Running", "other", 409, 1, id="another uid"),
        pytest.param([budget("b", 0, app="y")], "Running", None, 201, 0, id="a budget of others"),
    ],
)
def test_evictions(budgets: list[dict[str, Any]], phase: str, uid: str | None, status: int, left: int):
    api = FakeApi()
    api.put("pods", pod("p1", "n1", phase, app="x"))
    for one in budgets:
        api.put("poddisruptionbudgets", one)
    body = {"metadata": {"name": "p1"}, "deleteOptions": {"preconditions": {"uid": uid}} if uid else {}}
    assert api.ask("POST", "/api/v1/namespaces/a/pods/p1/eviction", body=body).status == status
    assert len(api.all("pods")) == left


def test_who_may_not_is_told_so():
    api = FakeApi()
    rule = api.refuse("GET", PODS)
    assert api.ask("GET", PODS).status == 403
    api.rules.remove(rule)
    assert api.ask("GET", PODS).status == 200
