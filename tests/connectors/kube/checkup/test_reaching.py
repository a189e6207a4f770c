"""Which API server answers, how its clock goes, who we are to it, and how long for."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from connectors.kube.checkup.token import token_findings
from connectors.kube.settings import KubernetesSettings
from models.findings import Level
from tests.connectors.kube.checkup.cluster import NOW_S, bad, healthy, look, only, text
from tests.connectors.kube.fake_api import Rule, said

OK, WARNING, ERROR = Level.OK, Level.WARNING, Level.ERROR


@pytest.mark.parametrize(
    ("major", "minor", "level", "needle"),
    [
        ("1", "33", OK, "v1.33"),
        ("1", "37+", OK, "v1.37+"),
        ("1", "32", WARNING, "older than what Tidegate was tried with (1.33 to 1.37)"),
        ("1", "38", WARNING, "newer"),
        ("2", "0", WARNING, "no version"),
        ("", "", WARNING, "no version"),
        ("1", "²", WARNING, "no version"),
    ],
)
def test_the_release(major: str, minor: str, level: Level, needle: str):
    api = healthy()
    version = {"major": major, "minor": minor, "gitVersion": f"v{major}.{minor}"}
    api.rules.append(Rule(lambda asked: asked.path == "/version", answer=said(200, version)))
    (found,) = [one for one in look(api) if one.check == "kubernetes.release"]
    assert found.level is level
    assert needle in found.what


@pytest.mark.parametrize(
    ("off_s", "level", "needle"),
    [
        (0, OK, "the same"),
        (4, OK, "the same"),
        (-4, OK, "the same"),
        (8, WARNING, "ahead of"),
        (-29, WARNING, "28 s behind"),
        (60, ERROR, "1 min ahead of"),
        (-3600, ERROR, "1 h behind"),
    ],
)
def test_the_clock(off_s: float, level: Level, needle: str):
    api = healthy()
    api.off_s = off_s
    (found,) = [one for one in look(api) if one.check == "kubernetes.clock"]
    assert found.level is level
    assert needle in found.what


def test_a_server_that_tells_no_time_is_not_looked_at():
    api = healthy()
    api.off_s = None
    (found,) = [one for one in look(api) if one.check == "kubernetes.clock"]
    assert found.level is Level.SKIPPED


def test_a_master_is_told_to_be_somebody_else():
    api = healthy()
    api.user = {"username": "kubernetes-admin", "groups": ["system:masters"]}
    assert "kubernetes-admin in system:masters" in only(look(api), "kubernetes.user").what


def test_served_versions_that_are_not_read():
    api = healthy()
    groups = [{"name": "ray.io", "versions": [{"version": "v1alpha1"}]}, {"name": "batch", "versions": []}]
    api.rules.append(Rule(lambda asked: asked.path == "/apis", answer=said(200, {"groups": groups})))
    whats = [one.what for one in bad(look(api), "kubernetes.served")]
    assert "ray.io is served as v1alpha1 only, which is not read: what it stands for is not counted" in whats
    assert "batch/v1 is not served" in whats


def test_kueue_of_v1beta1_alone():
    api = healthy()
    groups = [{"name": name, "versions": [{"version": "v1"}]} for name in ("apps", "batch", "policy")]
    groups.append({"name": "kueue.x-k8s.io", "versions": [{"version": "v1beta1"}]})
    api.rules.append(Rule(lambda asked: asked.path == "/apis", answer=said(200, {"groups": groups})))
    resources = said(200, {"resources": [{"name": "workloads"}]})
    api.rules.append(Rule(lambda asked: asked.path == "/apis/kueue.x-k8s.io/v1beta1", answer=resources))
    (found,) = bad(look(api), "kubernetes.served")
    assert "v1beta1 alone" in found.what


def jwt(**claims: Any) -> str:
    parts = ({"alg": "none"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + ".x"


@pytest.mark.parametrize(
    ("token", "level", "needle"),
    [
        (jwt(exp=NOW_S + 7200), OK, "ends in 2 h"),
        (jwt(exp=NOW_S + 600), WARNING, "nothing shows that it is renewed"),
        (jwt(exp=NOW_S - 60), ERROR, "ended 1 min ago"),
        (jwt(sub="somebody"), OK, "does not say when it ends"),
        (jwt(exp="soon"), OK, "does not say when it ends"),
        (jwt(exp=1e300), OK, "ends in"),
        pytest.param("0pAqUe", OK, "does not say when it ends", id="no JWT"),
    ],
)
def test_a_tokens_life(tmp_path: Path, token: str, level: Level, needle: str):
    path = tmp_path / "token"
    path.write_text(f"{token}\n")
    path.chmod(0o600)
    settings = KubernetesSettings.model_validate({"server": "https://k:6443", "caFile": "ca", "tokenFile": str(path)})
    (found,) = token_findings(settings, NOW_S)
    assert found.level is level
    assert needle in found.what
    assert token not in text(found)


def test_a_token_that_kubelet_keeps_fresh_may_end_soon(tmp_path: Path):
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..2026" / "token").write_text(jwt(exp=NOW_S + 600))
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "token").symlink_to("..data/token")
    (found,) = token_findings(KubernetesSettings(), NOW_S, tmp_path)
    assert found.level is OK
    assert "kubelet renews it" in found.what


@pytest.mark.parametrize("kind", ["token", "tokenFile"])
def test_a_kubeconfig_and_its_token_that_others_can_read(tmp_path: Path, kind: str):
    (tmp_path / "t").write_text(jwt(exp=NOW_S + 600))
    user = {"token": jwt(exp=NOW_S + 600)} if kind == "token" else {"tokenFile": "t"}
    document = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": "https://k:6443"}}],
        "users": [{"name": "u", "user": user}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(document))
    path.chmod(0o644)
    (tmp_path / "t").chmod(0o644)
    found = list(token_findings(KubernetesSettings.model_validate({"kubeconfig": str(path)}), NOW_S))
    exposed = [one for one in found if "everybody" in one.what]
    assert len(exposed) == (1 if kind == "token" else 2)
    assert f"chmod o-rwx {path}" in exposed[0].commands
    assert [one.level for one in found if one not in exposed] == [WARNING]


def test_no_token_and_no_file_say_nothing(tmp_path: Path):
    assert list(token_findings(KubernetesSettings(), NOW_S, tmp_path)) == []
    (tmp_path / "kubeconfig").write_text("{}")
    (tmp_path / "kubeconfig").chmod(0o600)
    settings = KubernetesSettings.model_validate({"kubeconfig": str(tmp_path / "kubeconfig")})
    assert list(token_findings(settings, NOW_S)) == []
