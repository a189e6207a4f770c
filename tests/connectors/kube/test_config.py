"""From settings to who we are: what is read, and what is said where it cannot be."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from connectors.kube.access.config import Access, open_access
from connectors.kube.settings import KubernetesSettings
from models.errors import BadInput, Unreachable
from tests.connectors.kube.fake_http import TOKEN, made_certificate

PLUGIN = """#!/bin/sh
echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "of-a-plug-in"}}'
"""


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def document(server: str = "http://127.0.0.1:6443", **user: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": user or {"token": TOKEN}}],
    }


def with_ca(**cluster: str) -> dict[str, Any]:
    return document() | {"clusters": [{"name": "c", "cluster": {"server": "https://h", **cluster}}]}


def opened(folder: Path, told: Any, clock: Clock | None = None, **settings: Any) -> Access:
    path = folder / "kubeconfig"
    path.write_text(told if isinstance(told, str) else yaml.safe_dump(told))
    return open_access(KubernetesSettings(kubeconfig=str(path), **settings), monotonic=clock or Clock())


def without(told: dict[str, Any], part: str) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != part}


@pytest.mark.parametrize(
    ("told", "settings", "says"),
    [
        pytest.param("", {}, "is no kubeconfig: it has no clusters", id="empty"),
        pytest.param("a: [", {}, "is no YAML (line 1)", id="no YAML"),
        pytest.param("\0", {}, "is no YAML", id="no text"),
        pytest.param("- a", {}, "is no kubeconfig", id="a list"),
        pytest.param(document(), {"context": "two"}, "has no context 'two'; it has 'one'", id="context unknown"),
        pytest.param(without(document(), "current-context"), {}, "names no current-context", id="no current context"),
        pytest.param(without(document(), "users"), {}, "has no user 'u'", id="no user"),
        pytest.param(document() | {"clusters": [{"name": "d"}]}, {}, "has no cluster 'c'", id="no cluster"),
        pytest.param(document(""), {}, "names no server", id="no server"),
        pytest.param(document("http://10.0.0.1:80"), {}, "has no TLS", id="plain HTTP"),
        pytest.param(document("ftp://10.0.0.1"), {}, "is no address", id="another protocol"),
        pytest.param(document("https://h:99999"), {}, "is no address", id="a port out of range"),
        pytest.param(document(tokenFile="missing"), {}, "missing: No such file", id="token file missing"),
        pytest.param(
            with_ca(**{"certificate-authority": "x"}),
            {},
            "File does not exist",
            id="CA missing",
        ),
        pytest.param(
            with_ca(**{"certificate-authority-data": "AAAA"}),
            {},
            "holds none that can be used",
            id="CA is none",
        ),
        pytest.param(
            document(exec={"command": "false", "apiVersion": "client.authentication.k8s.io/v1"}),
            {},
            "names 'false' to get credentials, and it gave none",
            id="plug-in fails",
        ),
    ],
)
def test_a_kubeconfig_that_cannot_be_used(tmp_path: Path, told: Any, settings: dict[str, str], says: str):
    with pytest.raises(BadInput) as met:
        opened(tmp_path, told, **settings)
    assert says in str(met.value)
    assert str(tmp_path / "kubeconfig") in str(met.value)


def test_no_error_shows_a_token(tmp_path: Path):
    secret = document() | {"users": [{"name": "u", "user": {"token": TOKEN, "exec": {}}}, {"user": {"token": TOKEN}}]}
    for told in (secret, yaml.safe_dump(secret) + "  token: " + TOKEN + ": {"):
        with pytest.raises(BadInput) as met:
            opened(tmp_path, told)
        error: BaseException | None = met.value
        while error is not None:
            assert TOKEN not in str(error)
            error = None if error.__suppress_context__ else error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("NOBODYS\nNOBODYS", id="broken into lines"),
        pytest.param("NOBODYS\u2026", id="cut short by a terminal"),
        pytest.param("NOBODYS\xf6", id="of another alphabet"),
        pytest.param("NOBODYS\0", id="with a zero byte"),
    ],
)
def test_a_token_that_no_header_can_hold_is_refused_and_not_shown(tmp_path: Path, token: str):
    with pytest.raises(BadInput, match="no token has") as met:
        opened(tmp_path, document(token=token))
    assert "NOBODYS" not in str(met.value)
    access = opened(tmp_path, document())
    access.configuration.refresh_api_key_hook = None
    access.configuration.api_key = dict.fromkeys(access.configuration.api_key, f"Bearer {token}")
    with pytest.raises(Unreachable, match="no token has") as later:
        access.authorization()
    assert "NOBODYS" not in str(later.value)


def test_a_kubeconfig_that_is_missing(tmp_path: Path):
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        open_access(KubernetesSettings(kubeconfig=str(tmp_path / "none")), monotonic=Clock())


def test_hidden_retries_are_off_and_connections_are_kept_alive(tmp_path: Path):
    configuration = opened(tmp_path, document()).configuration
    assert (configuration.retries, configuration.keep_alive) == (False, True)


def test_a_token_with_the_end_of_a_line_is_stripped(tmp_path: Path):
    assert opened(tmp_path, document(**{"token": "abc\n"})).authorization() == "Bearer abc"


def test_a_token_file_of_a_kubeconfig_is_read_again_every_minute(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    file, clock = tmp_path / "token", Clock()
    file.write_text("first\n")
    access = opened(tmp_path, document(tokenFile="token"), clock)
    file.write_text("second\n")
    assert access.authorization() == "Bearer first"
    clock.now_s += 60
    assert access.authorization() == "Bearer second"
    file.write_text("")
    clock.now_s += 60
    assert access.authorization() == "Bearer second"
    assert "holds no token" in caplog.text
    assert "second" not in caplog.text


def test_a_plug_in_is_run(tmp_path: Path):
    plugin = tmp_path / "plugin"
    plugin.write_text(PLUGIN)
    plugin.chmod(stat.S_IRWXU)
    user = {"exec": {"command": str(plugin), "apiVersion": "client.authentication.k8s.io/v1"}}
    assert opened(tmp_path, document(**user)).authorization() == "Bearer of-a-plug-in"


def test_a_client_certificate_is_who_we_are(tmp_path: Path):
    certificate, key = made_certificate(tmp_path)
    told = document("https://127.0.0.1:1", **{"client-certificate": certificate.name, "client-key": key.name})
    access = opened(tmp_path, told)
    assert access.authorization() is None
    assert access.configuration.cert_file == str(certificate)


def test_in_a_pod_the_service_account_is_who_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    certificate, _ = made_certificate(tmp_path)
    (tmp_path / "ca.crt").write_bytes(certificate.read_bytes())
    (tmp_path / "token").write_text("of-the-pod\n")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    clock = Clock()
    access = open_access(KubernetesSettings(), monotonic=clock, service_account=tmp_path)
    assert (access.host, access.authorization()) == ("https://[fd00::1]:443", "Bearer of-the-pod")
    (tmp_path / "token").write_text("renewed\n")
    clock.now_s += 60
    assert access.authorization() == "Bearer renewed"


def test_in_no_pod_something_has_to_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(BadInput, match="we are in no pod") as met:
        open_access(KubernetesSettings(), monotonic=Clock(), service_account=tmp_path)
    assert "name a kubeconfig" in str(met.value)


def test_an_address_and_a_token(tmp_path: Path):
    certificate, _ = made_certificate(tmp_path)
    (tmp_path / "token").write_text(TOKEN)
    settings = {"server": "https://127.0.0.1:6443/", "caFile": str(certificate), "tokenFile": str(tmp_path / "token")}
    access = open_access(KubernetesSettings.model_validate(settings), monotonic=Clock())
    assert (access.host, access.authorization()) == ("https://127.0.0.1:6443", f"Bearer {TOKEN}")
    assert TOKEN not in repr(access)
    settings["caFile"] = str(tmp_path / "none")
    with pytest.raises(BadInput, match=r"the CA in .*none cannot be read"):
        open_access(KubernetesSettings.model_validate(settings), monotonic=Clock())


@pytest.mark.parametrize(
    ("told", "says"),
    [
        pytest.param({"token": "abc"}, "put it into a file", id="a token in the file"),
        pytest.param({"server": "https://h"}, "lacks caFile", id="an address alone"),
        pytest.param({"tokenFile": "/t", "caFile": "/c"}, "lacks server", id="no address"),
        pytest.param({"kubeconfig": "/k", "server": "https://h"}, "only for a site without kubeconfig", id="both"),
        pytest.param({"context": "a"}, "none is named", id="a context of nothing"),
    ],
)
def test_settings_that_do_not_go_together(told: dict[str, str], says: str):
    if "token" in told:
        assert says in KubernetesSettings.REFUSED["token"]
        return
    with pytest.raises(ValidationError, match=says):
        KubernetesSettings.model_validate(told)


def test_files_that_everybody_can_read_are_told(tmp_path: Path):
    open_, shut = tmp_path / "open", tmp_path / "shut"
    for path, mode in ((open_, 0o644), (shut, 0o600)):
        path.touch()
        path.chmod(mode)
    assert KubernetesSettings(kubeconfig=str(open_)).exposed() == [open_]
    told = {"server": "http://localhost", "tokenFile": str(shut)}
    assert KubernetesSettings.model_validate(told).exposed() == []
