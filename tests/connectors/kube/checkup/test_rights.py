"""What a missing right is told as, and what is too much."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from connectors.kube.checkup.allowed import AS_THE_POLICY_HAS_IT
from models.findings import Level
from tests.connectors.kube.checkup.cluster import KUEUE, Looked, bad, healthy, least, look, policy

FOLLOWS = {"kubernetes": {"kueue": {"quota": "follows", "clusterQueue": "gpus", "flavor": "h100"}}}


def without(verb: str, resource: str, subresource: str = "") -> object:
    def may(asked: Mapping[str, str]) -> bool:
        this = (asked["verb"], asked["resource"], asked["subresource"])
        return this != (verb, resource, subresource) and least(asked)

    return may


@pytest.mark.parametrize(
    ("verb", "resource", "part", "more", "what", "rule"),
    [
        ("patch", "nodes", "", {}, "may not patch nodes: no node can be closed", {"": "nodes"}),
        ("watch", "pods", "", {}, "may not watch pods", {"": "pods"}),
        ("list", "jobs", "", {}, "may not list jobs.batch", {"batch": "jobs"}),
        ("create", "events", "", {}, "may not create events in namespace default", {"": "events"}),
        ("create", "pods", "eviction", {"moves": {"evict": "pods"}}, "create pods/eviction", {"": "pods/eviction"}),
        ("patch", "clusterqueues", "", FOLLOWS, "patch clusterqueues.kueue", {"kueue.x-k8s.io": "clusterqueues"}),
    ],
)
def test_a_missing_verb_is_an_error_with_the_exact_rule(
    verb: str, resource: str, part: str, more: dict[str, object], what: str, rule: dict[str, str]
):
    api = healthy(*(KUEUE if more is FOLLOWS else ()))
    api.may = without(verb, resource, part)  # type: ignore[assignment]
    moves = more.get("moves")
    its = policy(moves=moves, **{key: value for key, value in more.items() if key != "moves"})  # type: ignore[arg-type]
    (found,) = bad(look(api, its), "kubernetes.rights")
    assert found.level is Level.ERROR
    assert what in found.what
    *makes, command = found.commands
    assert makes == ([AS_THE_POLICY_HAS_IT] if resource == "events" else [])
    ((group, named),) = rule.items()
    assert f'"apiGroups":["{group}"],"resources":["{named}"],"verbs":["{verb}"]' in command
    assert ('"resourceNames":["gpus"]' in command) is (resource == "clusterqueues")
    assert ("-n default" in command) is (resource == "events")


@pytest.mark.parametrize("mode", ["observe", "recommend"])
def test_a_read_only_token_is_enough_for_all_but_auto(mode: str):
    api = healthy(*KUEUE)
    api.may = lambda asked: asked["verb"] in ("get", "list", "watch") and least(asked)
    assert bad(look(api, policy(mode)), "kubernetes.rights") == []
    assert len(bad(look(api, policy("auto")), "kubernetes.rights")) == 2


@pytest.mark.parametrize(("mode", "how"), [("recommend", "--mode recommend"), ("auto", "--policy POLICY --site SITE")])
def test_who_may_nothing_is_told_once_how_to_make_an_account_that_may(mode: str, how: str):
    api = healthy(*KUEUE)
    api.may = lambda _: False
    (found,) = bad(look(api, policy(mode)), "kubernetes.rights")
    assert found.level is Level.ERROR
    assert found.commands == (f"tidegate rights {how} | kubectl apply -f -",)


def test_what_is_not_served_needs_no_right():
    api = healthy()
    api.may = lambda asked: asked["group"] != "kueue.x-k8s.io" and least(asked)
    assert bad(look(api), "kubernetes.rights") == []
    api = healthy(*KUEUE)
    api.may = lambda asked: asked["group"] != "kueue.x-k8s.io" and least(asked)
    (found,) = bad(look(api), "kubernetes.rights")
    assert "get, list, watch clusterqueues.kueue.x-k8s.io, resourceflavors.kueue.x-k8s.io" in found.what


@pytest.mark.parametrize(
    ("too_much", "needle"),
    [
        ("secrets", "may also read all secrets:"),
        ("*", "may also do everything:"),
        ("pods", "may also delete pods, whatever their budgets say:"),
    ],
)
def test_rights_that_nobody_needs(too_much: str, needle: str):
    api = healthy()
    api.may = lambda asked: least(asked) or (asked["resource"] == too_much and asked["subresource"] == "")
    (found,) = bad(look(api), "kubernetes.rights")
    assert found.level is Level.WARNING
    assert needle in found.what


def test_a_server_that_does_not_say_what_we_may_is_not_looked_at():
    api: Looked = healthy()
    api.refuse("POST", ".*selfsubjectaccessreviews")
    (found,) = [one for one in look(api) if one.check == "kubernetes.rights"]
    assert found.level is Level.SKIPPED


def test_a_rule_of_objects_by_name_is_asked_for_each_of_them():
    api, asked = healthy(*KUEUE), []

    def may(what: Mapping[str, str]) -> bool:
        asked.append(dict(what))
        return least(what)

    api.may = may
    look(api, policy(**FOLLOWS))
    (one,) = [what for what in asked if what["verb"] == "patch" and what["resource"] == "clusterqueues"]
    assert one["name"] == "gpus"
    assert json.dumps(one)
