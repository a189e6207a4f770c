"""The rules name what there is, have a runbook and a test each, and promtool finds nothing wrong."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml
from typer.testing import CliRunner

from cli.main import app
from tests.helm_monitoring import ALERTS, FOLDER, NO_PROMTOOL, PROMTOOL, recorded, rules
from tests.promql import unknown

RUNBOOKS = (FOLDER.parents[1] / "docs" / "runbooks.md").read_text(encoding="utf-8")
WANTED = {"HandoverStuck", "NodeOpenToBoth", "SourceStale", "ForecastUntrusted", "NoLeader", "DeadLetters"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('sum by (job, pool) (tidegate_leads{job="a"})', []),
        ("tidegate_leader", ["tidegate_leader"]),
        ("tidegate_plans", ["tidegate_plans"]),
        ('tidegate_leads{side="hpc"}', ["tidegate_leads{side}"]),
        ("max by (node) (tidegate_leads)", ["node"]),
        ("histogram_quantile(0.9, sum by (le) (rate(tidegate_handover_stage_seconds_bucket[5m])))", []),
        ("sum by (le) (tidegate_leads)", ["le"]),
        ("max by (pool) (tidegate:known:sum)", []),
    ],
)
def test_what_is_not_declared_is_found_in_a_query(query: str, found: list[str]):
    assert unknown(query, {"tidegate:known:sum"}) == found


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_names_metrics_and_labels_that_are_declared(rule: dict[str, str]):
    assert unknown(rule["expr"], recorded()) == []


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_there_is_to_do(name: str):
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    assert alert["annotations"].keys() == {"summary", "description", "runbook_url"}
    page, _, heading = alert["annotations"]["runbook_url"].partition("#")
    assert page.endswith("docs/runbooks.md")
    section = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", RUNBOOKS, re.MULTILINE | re.DOTALL)
    assert section is not None
    assert heading == name.lower()
    assert re.findall(r"^\*\*(.*?)\.\*\*", section[1], re.MULTILINE) == ["Means", "Look at", "Do"]


def test_every_alert_that_is_wanted_is_there():
    assert ALERTS.keys() == {f"Tidegate{name}" for name in (*WANTED, "TokenNearItsEnd", "LoanOverdue")}


def test_every_rule_is_tried_and_every_alert_both_fires_and_does_not():
    tests = yaml.safe_load((FOLDER / "rules-test.yaml").read_text(encoding="utf-8"))["tests"]
    alerts = [one for test in tests for one in test.get("alert_rule_test", [])]
    assert {one["alertname"] for one in alerts if one["exp_alerts"]} == ALERTS.keys()
    assert {one["alertname"] for one in alerts if not one["exp_alerts"]} == ALERTS.keys()
    asked = " ".join(one["expr"] for test in tests for one in test.get("promql_expr_test", []))
    assert all(re.search(rf"{re.escape(name)}(?![\w:])", asked) for name in recorded())


@pytest.mark.skipif(PROMTOOL is None, reason=NO_PROMTOOL)
def test_promtool_understands_the_rules():
    done = subprocess.run([str(PROMTOOL), "check", "rules", "rules.yaml"], cwd=FOLDER, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


def test_the_commands_of_the_runbooks_are_ours():
    commands = set(re.findall(r"`tidegate ([^`]*)`", RUNBOOKS))
    assert commands
    for command in commands:
        words = command.split()
        place = [word for word in words if re.fullmatch(r"[a-z][a-z-]*", word)]
        told = CliRunner().invoke(app, [*place[: 2 if place[0] == "bus" else 1], *place[2:3], "--help"])
        assert told.exit_code == 0, command
        assert all(option in told.output for option in words if option.startswith("--")), command
