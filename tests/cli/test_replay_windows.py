"""``tidegate replay --windows``: each window is the replay of its part, and the spread is of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from cli import main as command
from cli.replaying.windows import SERVICE, spread, verdict
from simulator.frontier import Point
from simulator.outcome import Outcome, Timeline

NOTHING = np.zeros(0)
LINE = Timeline(NOTHING.astype(np.int64), *[NOTHING] * 5)
COMPARED = "static-before,reactive"


@pytest.fixture
def replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """A day of a rate that rises from window to window of six hours, and within each; of jobs, six nodes' worth."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    jobs = tmp_path / "jobs.swf"
    jobs.write_text(
        "".join(f"{n} {1800 * n} -1 10800 1 -1 -1 1 10800 -1 1 1 1 1 1 -1 -1 -1\n" for n in range(50)), encoding="utf-8"
    )
    path = tmp_path / "rates.csv"
    lines = (f"{600 * n},{8 + 6 * (n // 36) + (n % 36) / 3}\n" for n in range(144))
    path.write_text("seconds,requests_per_second\n" + "".join(lines))

    def replayed(*arguments: str) -> tuple[int, dict, str, str]:
        out = tmp_path / "out.json"
        inputs = ["--hpc", str(jobs), "--requests", str(path), "--nodes", "6"]
        rest = [*inputs, "--days", "0.25", "--json", str(out), *arguments]
        monkeypatch.setattr(sys, "argv", ["tidegate", "replay", *rest])
        with pytest.raises(SystemExit) as end:
            command.main()
        code = int(end.value.code or 0)
        told = capsys.readouterr()
        return code, json.loads(out.read_text()) if code == 0 else {}, told.out, told.err

    return replayed


def test_each_window_is_the_replay_of_its_part(replayed):
    code, document, out, _ = replayed("--windows", "4", "--compare", COMPARED)
    assert code == 0
    assert [one["start"] for one in document["windows"]] == ["day 0", "day 0.25", "day 0.5", "day 0.75"]
    assert "static-before" not in document["windows"][0]["results"]
    rate = str(document["windows"][2]["input"]["rate_per_node"])
    alone = replayed("--start", "hpc=12h,requests=12h", "--rate-per-node", rate, "--compare", COMPARED)[1]
    assert alone["results"] == document["windows"][2]["results"]
    costs = [one["results"] for one in document["windows"]]
    ratios = [one["static-before"]["unmet_cost"] / one["reactive"]["unmet_cost"] for one in costs[1:]]
    told = document["spread"]["static-before"]
    assert document["spread"]["of"] == "reactive"
    assert (told["windows"], told["worst"]) == (3, pytest.approx(max(ratios), rel=1e-5))
    assert "worst" in out
    assert f"{told['mean']:.3f}" in out


def test_one_node_serves_as_much_in_all_windows(replayed):
    document = replayed("--windows", "4", "--compare", "reactive")[1]
    rates = {one["input"]["rate_per_node"] for one in document["windows"]}
    assert rates == {(8 + 18 + 35 / 3) / 4}  # the peak of all needs 60 % of six nodes, rounded


def test_fewer_windows_than_asked_are_told(replayed):
    code, document, _, err = replayed("--windows", "9", "--compare", "reactive")
    assert (code, len(document["windows"])) == (0, 4)
    assert "the inputs have 4 of the 9 windows" in err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(("--report", "a.html"), 2, "--report is of one replay", id="a report"),
        pytest.param(("--audit", "a.jsonl"), 2, "--audit is of one replay", id="an audit"),
        pytest.param(("--days", "0.75"), 1, "no two windows of", id="too long"),
    ],
)
def test_what_does_not_go_with_windows_is_refused(replayed, arguments: tuple[str, ...], code: int, said: str):
    found, _, _, err = replayed("--windows", "2", "--compare", "reactive", *arguments)
    assert found == code
    assert said in " ".join(err.replace("│", " ").split())


def outcome(policy: str, cost: float, wait_s: float = 60) -> Outcome:
    splits = (Point(0.0, 100, 5),) if policy == "static" else ()
    figures = {"unmet_cost": cost, "unmet_requests_share": 0.0, "hpc_wait_so_far_mean_s": wait_s}
    return Outcome(policy, figures, LINE, splits=splits)


def test_the_spread_is_of_windows_where_there_is_a_ratio():
    runs = {
        "day 0": [outcome("static", 4), outcome("reactive", 2), outcome("predictive", 1, 50)],
        "day 1": [outcome("static", 4), outcome("reactive", 0), outcome("predictive", 1, 200)],
        "day 2": [outcome("reactive", 2), outcome("predictive", 4)],
    }
    found = spread(runs)
    assert found.base == "reactive"
    assert found.ratios["predictive"] == {"day 0": 0.5, "day 2": 2.0}
    assert found.ratios["static"] == {"day 0": 2.0}
    assert found.ratios[SERVICE] == {"day 0": 0.5, "day 1": 2.0}
    assert found.means()["predictive"].mean == pytest.approx(1)


def test_the_verdict_opens_with_the_wait_at_equal_service():
    runs = {f"day {n}": [outcome("static", 4), outcome("reactive", 2), outcome("predictive", 1, 50)] for n in range(2)}
    said = verdict(spread(runs), 10 * 86_400)
    assert said == [
        "Over 2 windows of 10 days, HPC jobs wait 0.500 ± 0.000 (at worst 0.500, from day 0 on) of what they wait with"
        " a fixed split that serves as well.",
        "Over 2 windows of 10 days, unmet demand costs 0.500 ± 0.000 (at worst 0.500, from day 0 on) of what it costs"
        " under reactive.",
    ]


def test_without_reacting_the_first_policy_is_the_base_and_nothing_is_said_without_a_forecast():
    found = spread({"day 0": [outcome("static", 4), outcome("oracle", 2)]})
    assert found.base == "static"
    assert verdict(found, 86_400) == []
