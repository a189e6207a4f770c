"""Budgets that can never be met, over pods that Tidegate may ask to leave."""

from __future__ import annotations

from typing import Any

import pytest

from tests.connectors.kube.checkup.cluster import bad, healthy, look, only, policy
from tests.connectors.kube.objects import pod

ALLOWED = {"tidegate.dev/evict": "allowed"}


def budget(name: str = "b1", *, allowed: int = 0, desired: int = 1, expected: int = 1, **more: Any) -> dict[str, Any]:
    told = {"disruptionsAllowed": allowed, "desiredHealthy": desired, "expectedPods": expected, "observedGeneration": 1}
    meta = {"name": name, "namespace": more.pop("namespace", "ml"), "generation": more.pop("generation", 1)}
    return {"metadata": meta, "spec": {"selector": more.pop("selector", {"matchLabels": {"app": "a"}})}, "status": told}


def looked(*budgets: dict[str, Any], evict: str = "pods", **pod_: Any) -> list[str]:
    api = healthy()
    metadata = {"labels": {"app": "a", "tier": "front"}, **pod_.pop("metadata", {})}
    api.put("pods", pod("p1", pod_.pop("on", "n1"), metadata=metadata, **pod_))
    for one in budgets:
        api.put("poddisruptionbudgets", one)
    return [one.what for one in bad(look(api, policy(moves={"evict": evict})), "kubernetes.budgets")]


@pytest.mark.parametrize(
    ("one", "needle"),
    [
        pytest.param(budget(), "no eviction is ever allowed by budget ml/b1", id="as many as there are"),
        pytest.param(budget(desired=2, expected=1), "no eviction is ever allowed", id="more than there are"),
        pytest.param(budget(allowed=1), "", id="one may go"),
        pytest.param(budget(desired=1, expected=2), "", id="one may go once all are healthy"),
        pytest.param(budget(expected=0), "", id="it covers nothing"),
        pytest.param(budget(generation=2, allowed=1), "nobody has counted", id="out of date"),
        pytest.param(budget(namespace="other"), "", id="another namespace"),
        pytest.param(budget(selector={}), "no eviction is ever allowed", id="all pods"),
        pytest.param(budget(selector=None), "", id="no pods"),
        pytest.param(
            budget(selector={"matchExpressions": [{"key": "tier", "operator": "In", "values": ["front"]}]}),
            "no eviction is ever allowed",
            id="by an expression",
        ),
        pytest.param(
            budget(selector={"matchExpressions": [{"key": "tier", "operator": "Exists", "values": []}],
                             "matchLabels": {"app": "b"}}), "", id="by both",
        ),
    ],
)  # fmt: skip
def test_a_budget(one: dict[str, Any], needle: str):
    found = looked(one)
    assert [needle in what for what in found] == ([True] if needle else [])


def test_two_budgets_over_one_pod():
    (found,) = looked(budget(allowed=1), budget("b2", allowed=1))
    assert "ml/p1 has budgets ml/b1, ml/b2" in found


@pytest.mark.parametrize(
    ("evict", "more", "is_told"),
    [
        ("never", {}, False),
        ("pods", {}, True),
        ("optedIn", {}, False),
        ("optedIn", {"metadata": {"annotations": ALLOWED}}, True),
        ("pods", {"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}}}, False),
        ("pods", {"on": "elsewhere"}, False),
        ("pods", {"owner": "DaemonSet"}, False),
        ("pods", {"phase": "Succeeded"}, False),
    ],
)
def test_only_pods_that_may_be_asked_to_leave_count(evict: str, more: dict[str, Any], is_told: bool):
    assert bool(looked(budget(), evict=evict, **more)) is is_told


def test_the_budget_is_shown_by_a_command():
    api = healthy()
    api.put("pods", pod("p1", "n1", metadata={"labels": {"app": "a"}}))
    api.put("poddisruptionbudgets", budget())
    found = only(look(api, policy(moves={"evict": "pods"})), "kubernetes.budgets")
    assert found.commands == ("kubectl get pdb -n ml b1 -o yaml",)
