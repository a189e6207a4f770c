"""Which resources a cluster has."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.kube.access.api import Answer
from connectors.kube.resource import Resource
from connectors.kube.resources import BUDGETS, DAEMON_SETS, NODES
from connectors.kube.watching.discovery import discovered
from connectors.kube.wire.lists import Bare
from models.errors import Unreachable
from tests.connectors.kube.fake_api import Asked, FakeApi, Rule, refused, said
from tests.connectors.kube.fake_store import Served

NEW = Resource("x.dev", "v2", "things", True, Bare)
OLD = Resource("x.dev", "v1", "things", True, Bare)
TABLE = (DAEMON_SETS, NEW, OLD)


def found(api: FakeApi, known: tuple[Resource[Any], ...] = ()) -> list[tuple[str, str]]:
    return [(row.name, row.version) for row in discovered(api, TABLE, known)]


@pytest.mark.parametrize(
    ("versions", "kept"),
    [
        pytest.param([], [], id="not there"),
        pytest.param(["v1"], [("things.x.dev", "v1")], id="the older"),
        pytest.param(["v1", "v2"], [("things.x.dev", "v2")], id="the first of the table"),
        pytest.param(["v3"], [], id="one of tomorrow"),
    ],
)
def test_versions(versions: list[str], kept: list[tuple[str, str]]):
    api = FakeApi()
    api.served += [Served(f"/apis/x.dev/{version}", "things", "Thing") for version in versions]
    assert found(api) == [("daemonsets.apps", "v1"), *kept]


def test_a_version_that_has_other_resources_only():
    api = FakeApi()
    api.served += [Served("/apis/x.dev/v2", "others", "Other"), Served("/apis/x.dev/v1", "things", "Thing")]
    assert found(api) == [("daemonsets.apps", "v1"), ("things.x.dev", "v1")]


def test_what_cannot_be_watched_is_not_there():
    told = {"kind": "APIResourceList", "resources": [{"name": "daemonsets", "verbs": ["get", "list"]}]}
    api = FakeApi()
    api.rules.append(Rule(lambda asked: asked.path == "/apis/apps/v1", answer=said(200, told)))
    assert found(api) == []


@pytest.mark.parametrize(
    "answer",
    [refused(503, "ServiceUnavailable", "no"), refused(403, "Forbidden", "no"), said(200, {}), Answer(200, b"x")],
    ids=["away", "not allowed", "empty", "garbage"],
)
def test_a_group_that_gives_no_answer_is_as_it_was(answer: Answer):
    api = FakeApi()
    api.served.append(Served("/apis/x.dev/v1", "things", "Thing"))
    api.rules.append(Rule(lambda asked: asked.path == "/apis/x.dev/v1", answer=answer))
    assert found(api) == [("daemonsets.apps", "v1")]
    assert found(api, (OLD,)) == [("daemonsets.apps", "v1"), ("things.x.dev", "v1")]


def test_who_may_not_ask_takes_all_for_there():
    api = FakeApi()
    api.refuse("GET", "/apis.*")
    assert found(api) == [("daemonsets.apps", "v1"), ("things.x.dev", "v2")]


@pytest.mark.parametrize("answer", [refused(503, "", "no"), said(200, {}), said(200, {"kind": "X"}), Answer(200, b"")])
def test_nothing_told_is_not_nothing_there(answer: Answer):
    api = FakeApi()
    api.rules.append(Rule(lambda asked: True, answer=answer))
    with pytest.raises(Unreachable):
        found(api)


def test_each_group_is_asked_once():
    api = FakeApi()
    discovered(api, (*TABLE, BUDGETS, Resource("apps", "v1", "deployments", True, Bare)))
    assert [asked.path for asked in api.asked] == ["/apis", "/apis/apps/v1", "/apis/policy/v1"]
    assert all(isinstance(asked, Asked) for asked in api.asked)


def test_names_and_paths():
    assert (NODES.name, NODES.path, NODES.path_of("n1")) == ("nodes", "/api/v1/nodes", "/api/v1/nodes/n1")
    assert (NEW.name, NEW.group_version) == ("things.x.dev", "x.dev/v2")
    assert NEW.path_of("t/../x", "a") == "/apis/x.dev/v2/namespaces/a/things/t%2F..%2Fx"
