"""What we need to be allowed, by mode, and as RBAC and the page have it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from connectors.kube.resources import BUDGETS, NODES, OTHERS, PODS
from connectors.kube.rights import ACCOUNT, READ, Wanted, acting, manifest, rights
from models.policies import Evict, Mode

DOCS = Path(__file__).parents[3] / "docs" / "kubernetes.md"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(Mode.OBSERVE, Evict.PODS, ("q",), "ns"), []),
        (Wanted(Mode.RECOMMEND, Evict.PODS, ("q",), "ns"), []),
        (Wanted(Mode.AUTO), ["nodes patch", "events create"]),
        (Wanted(Mode.AUTO, Evict.OPTED_IN), ["nodes patch", "events create", "pods/eviction create"]),
        (Wanted(Mode.AUTO, queues=("q",)), ["nodes patch", "events create", "clusterqueues patch"]),
        (Wanted(Mode.AUTO, lease_in="ns"), ["nodes patch", "events create", "leases get create patch"]),
    ],
)
def test_what_each_mode_needs_besides_reading(wanted: Wanted, expected: list[str]):
    assert [" ".join((*rule.resources, *rule.verbs)) for rule in acting(wanted)] == expected
    assert rights(wanted) == (*READ, *acting(wanted))


def test_nothing_that_is_read_may_be_changed():
    assert {verb for rule in READ for verb in rule.verbs} == {"get", "list", "watch"}
    assert "secrets" not in {resource for rule in READ for resource in rule.resources}


def test_what_is_read_is_what_is_listed():
    listed = {(row.group, row.plural) for row in (NODES, PODS, BUDGETS, *OTHERS)}
    assert {(rule.group, resource) for rule in READ for resource in rule.resources} == listed


def test_the_manifest_is_what_rbac_takes():
    documents = list(yaml.safe_load_all(manifest("moves", acting(Wanted(Mode.AUTO, Evict.PODS, ("q",), "here")))))
    assert [one["kind"] for one in documents] == ["ClusterRole", "ClusterRoleBinding", *(["Role", "RoleBinding"] * 2)]
    rules = [rule for one in documents for rule in one.get("rules", ())]
    assert {"apiGroups": ["kueue.x-k8s.io"], "resources": ["clusterqueues"], "verbs": ["patch"],
            "resourceNames": ["q"]} in rules  # fmt: skip
    assert {one["metadata"].get("namespace") for one in documents} == {None, "default", "here"}
    assert {one["roleRef"]["name"] for one in documents if "roleRef" in one} == {"moves"}


def test_the_page_has_the_rights_as_they_are():
    """When this fails, put what ``tidegate rights`` prints into the page."""
    page = DOCS.read_text(encoding="utf-8")
    assert f"```yaml\n{manifest(ACCOUNT, READ)}```\n" in page
    rows = [row.split(" | ") for row in re.findall(r"^\| ((?:patch|create|get).*)", page, re.MULTILINE)]
    wanted = acting(Wanted(Mode.AUTO, Evict.PODS, ("q",), "here"))
    assert sorted((row[0], row[1]) for row in rows) == sorted(
        (", ".join(rule.verbs), ", ".join(rule.resources)) for rule in wanted
    )
