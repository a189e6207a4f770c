"""The checkup of a real control plane: what a service account may not do is named, and what is there is seen."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from connectors.kube.checkup.checkup import KubeCheckup
from connectors.kube.rights import READ, Rule, Wanted, rights, rule_of
from connectors.kube.settings import KubernetesSettings
from models.findings import Finding, Level
from models.policies import Evict, Mode, Policy
from tests.real.kube import crds, kueue, nodes
from tests.real.kube.account import Account
from tests.real.kube.client import RefusedError
from tests.real.kube.control_plane import ControlPlane

WANTED = Wanted(Mode.AUTO, Evict.PODS)
MOVES = {"evict": "pods"}
DAY_S = 86_400.0
DAEMONS = "/apis/apps/v1/namespaces/default/daemonsets"


def ruled(rules: tuple[Rule, ...]) -> list[Mapping[str, Any]]:
    """As cluster roles: a rule that holds in one namespace holds in all."""
    return [rule_of(rule) for rule in rules]


@pytest.fixture(scope="module")
def account(kube: ControlPlane) -> Iterator[Account]:
    """Somebody with the least rights of mode auto."""
    made = kube.account("doctor", ruled(rights(WANTED)))
    made.write_token(DAY_S)  # one that ends within the hour is warned of
    yield made
    made.delete()


def look(account: Account, mode: str = "auto", hpc: Mapping[str, None] | None = None) -> list[Finding]:
    pool = {"name": "gpu", "nodes": "n[01-16]"}
    policy = Policy.model_validate({"spec": {"mode": mode, "pools": [pool], "moves": MOVES}})
    settings = KubernetesSettings.model_validate({"kubeconfig": str(account.kubeconfig)})
    checkup = KubeCheckup(settings, policy, "campus", time.time, lambda: hpc or {})
    return list(checkup.findings())


def bad(found: list[Finding]) -> list[Finding]:
    return [one for one in found if one.level in (Level.WARNING, Level.ERROR)]


def told(found: list[Finding], check: str) -> list[Finding]:
    return [one for one in found if one.check == check]


def test_with_the_least_rights_all_is_well_and_nothing_is_skipped(account: Account):
    found = look(account)
    assert [one for one in found if one.level is not Level.OK] == []
    assert told(found, "kubernetes.user")[0].what == f"we are {account.user}"
    assert "of its 16 nodes" in told(found, "kubernetes.names")[0].what


@pytest.mark.parametrize(
    ("rule", "verb"),
    [(0, "watch"), (2, "list"), (4, "get"), (len(READ), "patch"), (len(READ) + 2, "create")],
)
def test_a_cluster_role_that_lacks_one_verb_is_told_with_the_rule_and_its_command_mends_it(
    kube: ControlPlane, account: Account, rule: int, verb: str
):
    """C13."""
    all_of_it = rights(WANTED)
    lacking = [rule_of(one) for one in all_of_it]
    lacking[rule] = lacking[rule] | {"verbs": [one for one in lacking[rule]["verbs"] if one != verb]}
    account.allow([one for one in lacking if one["verbs"]])
    whole = rule_of(all_of_it[rule])
    try:
        kube.wait(lambda: not account.may(whole), "the right has gone")
        missing = told(bad(look(account)), "kubernetes.rights")
        (command,) = missing[0].commands
        added = json.loads(command[command.index("[{") : command.rindex("]") + 1])
        assert [one["value"]["verbs"] for one in added] == [[verb]]
        assert added[0]["value"]["resources"] == whole["resources"]
        assert f"may not {verb} " in missing[0].what
        account.allow([*(one for one in lacking if one["verbs"]), added[0]["value"]])
        kube.wait(lambda: account.may(whole), "the right is back")
        assert told(bad(look(account)), "kubernetes.rights") == []
    finally:
        account.allow(ruled(all_of_it))
        kube.wait(lambda: account.may(whole), "the right is back")


def test_a_token_that_may_read_is_enough_for_all_but_auto(kube: ControlPlane):
    reader = kube.account("reader", ruled(READ))
    reader.write_token(DAY_S)
    try:
        assert bad(look(reader, "recommend")) == []
        assert len(told(bad(look(reader)), "kubernetes.rights")) == 3
    finally:
        reader.delete()


def test_a_daemon_set_that_does_not_tolerate_us_is_told_until_the_command_was_run(kube: ControlPlane, account: Account):
    labels = {"app": "plugin"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "none"}]}}
    daemon = {"metadata": {"name": "plugin"}, "spec": {"selector": {"matchLabels": labels}, "template": pod}}
    kube.admin.create(DAEMONS, daemon)
    try:
        (found,) = bad(look(account))
        assert found.check == "kubernetes.daemonsets"
        assert "pods of DaemonSet default/plugin do not tolerate" in found.what
        (command,) = found.commands
        patch = json.loads(command[command.index("[{") : command.rindex("]") + 1])
        answer = kube.admin.ask("PATCH", f"{DAEMONS}/plugin", patch, content_type="application/json-patch+json")
        assert answer.status == 200
        assert bad(look(account)) == []
    finally:
        kube.admin.delete(f"{DAEMONS}/plugin")
        kube.wait(lambda: not kube.admin.items("/api/v1/namespaces/default/pods"), "its pods have gone")


def test_what_others_do_to_nodes_is_told(kube: ControlPlane, account: Account):
    kube.admin.patch(f"{nodes.NODES}/n01", {"spec": {"unschedulable": True}})
    nodes.taint(kube.admin, "n02", "tidegate.dev/side", "repair")
    try:
        found = bad(look(account))
        assert [(one.check, one.level) for one in found] == [
            ("kubernetes.marks", Level.WARNING), ("kubernetes.cordons", Level.WARNING)]  # fmt: skip
        assert "kubectl uncordon n01" in found[1].commands
    finally:
        kube.admin.patch(f"{nodes.NODES}/n01", {"spec": {"unschedulable": None}})
        nodes.untaint(kube.admin, "n02", "tidegate.dev/side")


def test_kueues_quota_is_looked_at_and_its_queue_proposed(kube: ControlPlane, account: Account):
    crds.apply(kube, "kueue")
    kueue.flavor(kube.admin, "doctor", {"kubernetes.io/os": "linux"})
    kueue.cluster_queue(kube.admin, "doctor", "doctor", {"cpu": str(15 * nodes.CPUS)})
    nodes.taint(kube.admin, "n16", "tidegate.dev/side", "hpc")
    try:
        (found,) = bad(look(account))
        assert "it looks like follows (cpu: quota 960, all nodes 1024, those that are open 960)" in found.what
        assert "{quota: follows, clusterQueue: doctor, flavor: doctor}" in found.remedy
    finally:
        nodes.untaint(kube.admin, "n16", "tidegate.dev/side")
        for kind in ("clusterqueues", "resourceflavors"):
            kube.admin.delete(f"{kueue.API}/{kind}/doctor")


def test_a_token_that_the_server_does_not_know_is_one_error(kube: ControlPlane):
    stranger = kube.account("stranger", [])
    stranger.delete()
    kube.wait(lambda: _is_unknown(kube, stranger), "the token is good no more")
    found = bad(look(stranger))
    assert [one.check for one in found][-1] == "kubernetes.access"
    assert "does not know us (401" in found[-1].what


def _is_unknown(kube: ControlPlane, account: Account) -> bool:
    with account.client(kube.url) as client:
        try:
            client.get("/version")
        except RefusedError as error:
            return error.status == 401
    return False
