"""The rules of ``helm/monitoring`` as values, for tests of all kinds."""

from __future__ import annotations

import shutil
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
