"""The rules of ``helm/monitoring`` as values, for tests of all kinds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[1] / "helm" / "monitoring"
PROMTOOL = shutil.which("promtool")
NO_PROMTOOL = "there is no promtool here (apt-get install prometheus)"


def rules() -> list[dict[str, Any]]:
    """Every rule of every group, in order."""
    groups = yaml.safe_load((FOLDER / "rules.yaml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def recorded() -> set[str]:
    """The names that recording rules give."""
    return {rule["record"] for rule in rules() if "record" in rule}


ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}


def panels(boards: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Every panel of every dashboard, with the name of its file."""
    for name, board in boards.items():
        for panel in board["panels"]:
            yield name, panel


def sent(query: str, *, job: str = ".*", pool: str = ".*", rate: str = "1m") -> str:
    """The query as Grafana sends it once its variables are chosen."""
    for name, value in (("$job", job), ("$pool", pool), ("$__rate_interval", rate)):
        query = query.replace(name, value)
    assert "$" not in query
    return query
