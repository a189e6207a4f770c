"""Lists and events as servers send them, odd ones too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.kube.resources import DAEMON_SETS, NODES, PODS
from connectors.kube.watching.reading import Kind, ListAnew, Reading, key_of, name_of
from connectors.kube.wire.meta import Metadata
from models.errors import Unreachable

POD = {
    "metadata": {"name": "p", "namespace": "a", "uid": "u", "resourceVersion": "7", "managedFields": [{"f": {}}]},
    "spec": {"nodeName": "n1", "containers": [{"name": "c", "resources": {"requests": {"cpu": 1, "memory": "2Gi"}}}]},
    "status": {"phase": "Running", "newField": [1]},
}
ODD = {"metadata": {"name": "odd", "namespace": "a", "uid": "v", "resourceVersion": "8"}, "spec": {"nodeName": 7}}


def a_list(*items: Any, **meta: str) -> bytes:
    told = {"kind": "PodList", "metadata": {"resourceVersion": "9", **meta}, "items": list(items)}
    return json.dumps(told).encode()


def a_line(kind: str, object_: Any) -> bytes:
    return json.dumps({"type": kind, "object": object_}).encode()


def test_an_odd_object_of_a_list_costs_none_of_the_others():
    page = Reading(PODS).page(a_list(POD, ODD, POD, **{"continue": "more"}))
    assert [one.spec.node_name for one in page.objects] == ["n1", "n1"]
    assert list(page.left_out) == ["a/odd"]
    assert "Expected `str | null`, got `int`" in page.left_out["a/odd"]
    assert (page.version, page.goes_on) == ("9", "more")


def test_an_object_without_a_name_is_left_out_by_its_number():
    assert list(Reading(PODS).page(a_list(POD, "text", 3)).left_out) == ["number 1", "number 2"]


@pytest.mark.parametrize("items", [None, []])
def test_a_list_may_be_empty(items: Any):
    told = {"kind": "PodList", "metadata": {"resourceVersion": "9", "continue": None}, "items": items}
    assert Reading(PODS).page(json.dumps(told).encode()).objects == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{}", id="an empty object"),
        pytest.param(b"[]", id="a list of JSON"),
        pytest.param(b"<html>", id="a page of a proxy"),
        pytest.param(a_list(POD)[:-20], id="cut off"),
        pytest.param(b'{"kind":"Status","metadata":{},"status":"Failure"}', id="a status"),
        pytest.param(b'{"kind":"PodList","metadata":{},"items":[]}', id="no version"),
        pytest.param(b'{"kind":"PodList","metadata":{"resourceVersion":"9"},"items":{}}', id="items are none"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"[" * 100_000, id="deep"),
    ],
)
def test_what_is_no_list_is_no_empty_one(body: bytes):
    with pytest.raises(Unreachable):
        Reading(PODS).page(body)


@pytest.mark.parametrize("kind", ["ADDED", "MODIFIED", "DELETED"])
def test_an_event_has_its_object(kind: str):
    event = Reading(PODS).event(a_line(kind, POD))
    assert (event.kind, event.metadata.uid, event.why) == (Kind(kind), "u", "")
    assert event.object is not None
    assert event.object.spec.node_name == "n1"


@pytest.mark.parametrize(("annotations", "ends"), [({"k8s.io/initial-events-end": "true"}, True), (None, False)])
def test_a_bookmark_has_a_version_only(annotations: dict[str, str] | None, ends: bool):
    told = {"kind": "Pod", "metadata": {"resourceVersion": "9", "annotations": annotations, "creationTimestamp": None}}
    event = Reading(PODS).event(a_line("BOOKMARK", {**told, "spec": {"containers": None}, "status": {}}))
    assert (event.kind, event.object, event.metadata.resource_version) == (Kind.BOOKMARK, None, "9")
    assert event.ends_initial is ends


def test_an_event_of_an_odd_object_tells_which():
    event = Reading(PODS).event(a_line("MODIFIED", ODD))
    assert (event.kind, event.object, event.metadata.uid) == (Kind.MODIFIED, None, "v")
    assert "nodeName" in event.why


@pytest.mark.parametrize("resource", [PODS, NODES, DAEMON_SETS], ids=lambda one: one.name)
@pytest.mark.parametrize(
    "line",
    [
        pytest.param(a_line("ERROR", {"kind": "Status", "status": "Failure", "code": 410}), id="error"),
        pytest.param(a_line("ERROR", None), id="an error of nothing"),
        pytest.param(a_line("RESIZED", POD), id="an event of tomorrow"),
        pytest.param(b'{"type":"ADDED","obj', id="cut off"),
        pytest.param(b"garbage", id="garbage"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(b"{}", id="nothing"),
        pytest.param(a_line("ADDED", {"metadata": {"name": "p"}}), id="no version"),
        pytest.param(a_line("BOOKMARK", {"metadata": {}}), id="a bookmark without a version"),
        pytest.param(a_line("ADDED", "text"), id="no object"),
        pytest.param(b"[" * 100_000, id="deep"),
    ],
)  # fmt: skip
def test_what_is_no_event_has_all_listed_anew(resource: Any, line: bytes):
    with pytest.raises(ListAnew):
        Reading(resource).event(line)


def test_an_error_is_told_in_its_own_words():
    with pytest.raises(ListAnew, match="a watch of pods ended: ERROR: 410 too old"):
        Reading(PODS).event(a_line("ERROR", {"kind": "Status", "code": 410, "message": "too old"}))


@pytest.mark.parametrize("body", [b"{}", b"", b'{"metadata": {"name": 7}}'])
def test_one_object_that_cannot_be_read(body: bytes):
    with pytest.raises(Unreachable):
        Reading(NODES).object(body)


def test_keys_and_names():
    assert key_of(Metadata(name="n", uid="u")) == "u"
    assert key_of(Metadata(name="n", namespace="a")) == name_of(Metadata(name="n", namespace="a")) == "a/n"
    assert name_of(Metadata(name="n")) == "n"
