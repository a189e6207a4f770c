"""``promtool test rules`` on every rule; and that it notices a rule that is wrong."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helm_monitoring import FOLDER, NO_PROMTOOL, PROMTOOL

pytestmark = pytest.mark.skipif(PROMTOOL is None, reason=NO_PROMTOOL)
WRONG = [
    ("tidegate_handovers_stuck) > 0", "tidegate_handovers_stuck) > 2"),
    ('owner="both"}) > 0', 'owner="both"}) > 1'),
    ("nodes_breached_total[15m])) > 0", "nodes_breached_total[15m])) > 9"),
    ("tidegate_source_unread) > 0", "tidegate_source_unread) > 1"),
    ("source_read_timestamp_seconds)) > 900", "source_read_timestamp_seconds)) > 9000"),
    ("for: 1d", "for: 2d"),
    ("tidegate_leads) < 1", "tidegate_leads) < 0"),
    ("tidegate_leads[1d]", "tidegate_leads[1m]"),
    ("dead_letters_total[1h])) > 0", "dead_letters_total[1h])) > 9"),
    ("time()) < 600", "time()) < 60"),
    ("loans_earliest_timestamp_seconds)) > 900", "loans_earliest_timestamp_seconds)) > 60"),
    ("min by (job, pool) (tidegate_loans", "max by (job, pool) (tidegate_loans"),
    ("offset 1h", "offset 2h"),
    ('level="0.95"', 'level="0.5"'),
]


def tried(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PROMTOOL), "test", "rules", "rules-test.yaml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_every_rule_does_what_it_should():
    done = tried(FOLDER)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("right", "wrong"), WRONG, ids=[right for right, _ in WRONG])
def test_a_rule_that_is_wrong_is_noticed(tmp_path: Path, right: str, wrong: str):
    text = (FOLDER / "rules.yaml").read_text(encoding="utf-8")
    assert right in text
    (tmp_path / "rules.yaml").write_text(text.replace(right, wrong), encoding="utf-8")
    shutil.copy(FOLDER / "rules-test.yaml", tmp_path)
    assert tried(tmp_path).returncode != 0
