"""``tidegate replay`` where the trace has a period before, and where it has none."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from cli import main as command

HOUR_S = 3600


@pytest.fixture
def replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Twelve hours of a rate that needs one of four nodes, then twelve of one that needs three."""
    path = tmp_path / "rates.csv"
    lines = (f"{600 * n},{10 if n < 72 else 30}\n" for n in range(144))
    path.write_text("seconds,requests_per_second\n" + "".join(lines))

    def replayed(*arguments: str) -> tuple[int, dict, str]:
        out = tmp_path / "out.json"
        rest = ["--requests", str(path), "--rate-per-node", "10", "--nodes", "4", "--json", str(out), *arguments]
        monkeypatch.setattr(sys, "argv", ["tidegate", "replay", *rest])
        with pytest.raises(SystemExit) as end:
            command.main()
        code = int(end.value.code or 0)
        return code, json.loads(out.read_text()) if code == 0 else {}, capsys.readouterr().err

    return replayed


def test_the_split_that_was_best_before_is_compared(replayed):
    code, document, _ = replayed("--start", "requests=12h", "--days", "0.5", "--compare", "static,static-before")
    assert code == 0
    assert document["results"]["static"]["unmet_kubernetes_node_h"] == 0
    assert document["results"]["static-before"]["unmet_kubernetes_node_h"] == pytest.approx(2 * 12)
    assert (
        "static-before: the best fixed split of the period before: 3 nodes for HPC, 1 for Kubernetes"
        in document["notes"]
    )


def test_it_is_left_out_where_there_is_no_period_before(replayed):
    code, document, _ = replayed("--start", "requests=6h", "--days", "0.5", "--compare", "static,static-before")
    assert code == 0
    assert list(document["results"]) == ["static"]


def test_asked_for_alone_it_says_what_it_needs(replayed):
    code, _, told = replayed("--compare", "static-before")
    assert code == 1
    assert "a period as long as the replay before its start" in told
