"""The dashboards have the types of today's Grafana, by its own schema; and what has not is noticed."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helm_monitoring import FOLDER

NPM = shutil.which("npm")
PACKAGES = ("@grafana/schema@13.2.3", "typescript@5")
OPTIONS = "--noEmit --strict --skipLibCheck --moduleResolution node --module esnext --target es2020"
NAMES = sorted(path.name for path in (FOLDER / "dashboards").glob("*.json"))

pytestmark = pytest.mark.skipif(NPM is None, reason="there is no npm here (apt-get install npm)")


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Grafana's types and a compiler, of which no script of theirs ran."""
    folder = tmp_path_factory.mktemp("types")
    (folder / "package.json").write_text("{}")
    command = [str(NPM), "install", "--ignore-scripts", "--no-audit", "--no-fund", *PACKAGES]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
    return folder


def complaints(checker: Path, board: object) -> list[str]:
    """What the compiler says of a dashboard. To it a word of JSON is none of an enumeration, so that one is named."""
    text = json.dumps(board, indent=1).replace('"mode": "absolute"', '"mode": ThresholdsMode.Absolute')
    head = "import { Dashboard, ThresholdsMode } from '@grafana/schema';"
    (checker / "check.ts").write_text(
        f"{head}\nexport const used = ThresholdsMode;\nexport const board: Dashboard = {text};"
    )
    command = [str(checker / "node_modules/.bin/tsc"), *OPTIONS.split(), "check.ts"]
    done = subprocess.run(command, cwd=checker, capture_output=True, text=True, check=False, timeout=300)
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_has_the_types_of_grafana(checker: Path, name: str):
    assert complaints(checker, json.loads((FOLDER / "dashboards" / name).read_text(encoding="utf-8"))) == []


def test_what_grafana_does_not_know_is_noticed(checker: Path):
    board = json.loads((FOLDER / "dashboards" / NAMES[0]).read_text(encoding="utf-8"))
    board["templating"]["list"][1]["auto"] = False
    assert any("auto" in line for line in complaints(checker, board))
