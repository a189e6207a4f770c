"""The checkup as a whole: a cluster that is well, one that is away, and one that answers whatever comes to its mind."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.doctor.format import line
from cli.doctor.kubernetes import kubernetes_findings
from connectors.kube.access.api import Answer
from connectors.kube.checkup.checkup import TOLD, KubeCheckup
from connectors.kube.settings import KubernetesSettings
from models.errors import BadInput, Unreachable
from models.findings import Level
from tests.connectors.kube.checkup.cluster import DEVICES, KUEUE, NOW_S, bad, healthy, look, only, policy
from tests.connectors.kube.fake_api import Asked, Rule, away, refused

PATHS = (
    "/version",
    "/apis",
    "/apis/batch/v1",
    "/apis/kueue.x-k8s.io/v1beta2",
    "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    "/api/v1/nodes",
    "/api/v1/pods",
    "/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status",
    "/apis/apps/v1/daemonsets",
    "/apis/apps/v1/deployments",
    "/apis/policy/v1/poddisruptionbudgets",
    "/apis/kueue.x-k8s.io/v1beta2/clusterqueues",
    "/apis/kueue.x-k8s.io/v1beta2/resourceflavors",
    "/apis/resource.k8s.io/v1/resourceslices",
)
EVICTS = {"evict": "pods"}


def test_nothing_bad_is_said_of_a_cluster_that_is_well():
    found = look(healthy())
    assert bad(found) == []
    assert {"kubernetes.rights", "kubernetes.names", "kubernetes.clock"} <= {one.check for one in found}


def test_nothing_is_changed():
    api = healthy(*KUEUE, *DEVICES)
    look(api, policy(moves=EVICTS))
    assert {asked.method for asked in api.asked} == {"GET"}  # but for reviews, which are questions


@pytest.mark.parametrize("how", ["no answer", "no way"])
def test_a_cluster_that_is_away_is_one_error_and_the_rest_is_not_looked_at(how: str):
    api = healthy()
    if how == "no answer":
        api.rules.append(Rule(lambda asked: True, error=away()))
        found = look(api)
    else:

        def none(_: KubernetesSettings) -> Any:
            raise BadInput("there is no such file", where="spec.kubernetes.kubeconfig k")

        checkup = KubeCheckup(KubernetesSettings(), policy(), "campus", lambda: NOW_S, open=none)
        found = list(checkup.findings())
    assert only(found, "kubernetes.access").level is Level.ERROR
    assert [one.check for one in found if one.level is Level.SKIPPED] == list(TOLD)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("how", ["away", "forbidden", "missing", "page", "null", "empty", "list"])
def test_one_answer_that_is_wrong_leaves_the_other_checks_and_is_no_bug_of_ours(path: str, how: str):
    bodies = {"page": b"<html>", "null": b"null", "empty": b"{}", "list": b"[[]]"}
    api = healthy(*KUEUE, *DEVICES)
    answers = {"forbidden": refused(403, "Forbidden", "no"), "missing": refused(404, "NotFound", "no")}
    answer = answers.get(how) or Answer(200, bodies.get(how, b""))
    error = Unreachable("the connection broke off") if how == "away" else None
    api.rules.append(Rule(lambda asked: asked.path == path, answer=answer, error=error))
    found = look(api, policy(moves=EVICTS))
    assert not [one for one in found if "bug" in one.remedy]
    assert (how == "away" and path == "/version") or "kubernetes.names" in {one.check for one in found}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(
        st.sampled_from(["kind", "items", "metadata", "spec", "status", "name", "groups", "resources", "allowed"]), part
    ),
    max_leaves=20,
)  # fmt: skip


@given(path=st.sampled_from(PATHS), told=JSON, kind=st.sampled_from(["NodeList", "List", ""]))
@settings(max_examples=60)
def test_whatever_is_answered_the_checkup_ends_and_finds_no_bug_of_ours(path: str, told: Any, kind: str):
    api = healthy(*KUEUE, *DEVICES)
    body = json.dumps({"kind": kind, "items": told} if kind else told).encode()
    api.rules.append(Rule(lambda asked: asked.path == path, answer=Answer(200, body)))
    assert not [one for one in look(api, policy(moves=EVICTS)) if "bug" in one.remedy]


def test_hpc_that_cannot_be_asked_is_left_to_its_own_checkup():
    def silent() -> Any:
        raise Unreachable("slurmctld is away")

    checkup = KubeCheckup(KubernetesSettings(), policy(), "campus", lambda: NOW_S, silent, open=lambda _: healthy())
    assert bad(checkup.findings()) == []


def test_every_command_stays_on_one_line_and_every_text_in_the_columns():
    api = healthy(*KUEUE, *DEVICES)
    api.may = lambda asked: False
    for finding in look(api, policy(nodes="n[1-9]")):
        shown = re.sub(r"\x1b\[[0-9;]*m", "", line(finding, [finding.check], 80)).splitlines()
        told = [one for one in shown if one.strip() not in finding.commands]
        assert len(shown) - len(told) == len(finding.commands)
        assert [one for one in told if len(one) > 80] == []


@pytest.mark.parametrize(
    ("mode", "level"), [("observe", Level.SKIPPED), ("recommend", Level.ERROR), ("auto", Level.ERROR)]
)
def test_a_site_without_kubernetes_observes_only(mode: str, level: Level):
    (found,) = kubernetes_findings(None, policy(mode), "campus")
    assert found.level is level


def test_pages_are_read_to_their_end():
    api = healthy(names=[f"n{number}" for number in range(1, 1102)])
    asked: list[Asked] = []
    api.before = asked.append
    found = look(api, policy(nodes="n[1-1101]"), hpc={})
    assert bad(found) == []
    assert sum(one.path == "/api/v1/nodes" for one in asked) == 3
