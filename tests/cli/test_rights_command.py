"""``tidegate rights``: what it prints is what the doctor looks for, and what kubectl takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from cli.main import app
from connectors.kube.rights import READ, Wanted, acting, rights, rule_of
from models.policies import Evict, Mode

POLICY = """
spec:
  mode: auto
  moves: {evict: optedIn}
  pools: [{name: a100, kubernetes: {kueue: {quota: follows, clusterQueue: gpus, flavor: a100}}}]
"""
SITE = """
spec:
  slurm: {url: "http://localhost:6820", tokenFile: token}
  kubernetes: {kubeconfig: kubeconfig}
  leadership: {lease: {namespace: here, name: campus}}
"""


def printed(*arguments: str) -> list[dict[str, object]]:
    told = CliRunner().invoke(app, ["rights", *arguments])
    assert told.exit_code == 0, told.output
    return list(yaml.safe_load_all(told.stdout))


def rules(documents: list[dict[str, object]]) -> list[object]:
    return [rule for one in documents for rule in one.get("rules", ())]  # type: ignore[attr-defined]


@pytest.mark.parametrize("arguments", [[], ["--mode", "recommend"], ["--mode", "observe"]], ids=" ".join)
def test_an_account_that_may_only_read(arguments: list[str]):
    documents = printed(*arguments)
    assert [one["kind"] for one in documents] == ["Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding"]
    assert rules(documents) == [rule_of(rule) for rule in READ]


def test_what_the_policy_and_the_site_want_and_no_more(tmp_path: Path):
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "site.yaml").write_text(SITE)
    files = ["--policy", str(tmp_path / "policy.yaml"), "--site", str(tmp_path / "site.yaml")]
    wanted = Wanted(Mode.AUTO, Evict.OPTED_IN, ("gpus",), "here")
    ordered = sorted(map(str, map(rule_of, rights(wanted))))
    assert sorted(map(str, rules(printed(*files)))) == ordered
    assert rules(printed(*files, "--mode", "recommend")) == [rule_of(rule) for rule in READ]
    without = rules(printed("--mode", "auto"))
    assert sorted(map(str, without)) == sorted(map(str, map(rule_of, (*READ, *acting(Wanted(Mode.AUTO))))))


def test_a_mistake_in_the_policy_is_told(tmp_path: Path):
    (tmp_path / "policy.yaml").write_text("spec: {mode: automatic}\n")
    told = CliRunner().invoke(app, ["rights", "--policy", str(tmp_path / "policy.yaml")])
    assert told.exit_code != 0
    assert told.stdout == ""
