"""``tidegate sweep``: every combination once, the dominated ones marked, and what is done is kept at Ctrl-C."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cli.sweeping import run as running
from cli.sweeping.combinations import COMBINATIONS_MOST, Combination, combinations, varied
from cli.sweeping.frontier import COST, MOVES, SHARE, UNMET, WAIT, Swept, frontier
from cli.sweeping.plot import plot
from cli.sweeping.table import short_keys, sweep_table
from models.errors import BadInput
from models.policies import Policy, policy_of_replays
from simulator.outcome import Outcome, Timeline
from tests.cli.whole_command import Ran, runner

NONE = np.zeros(0)
EMPTY = Timeline(NONE.astype(np.int64), NONE, NONE, NONE, NONE, NONE)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    return runner(monkeypatch, capsys)


@pytest.fixture
def inputs(tmp_path: Path) -> tuple[object, ...]:
    """A day of a few jobs and requests on four nodes."""
    jobs, rates = tmp_path / "jobs.swf", tmp_path / "rates.csv"
    rows = [
        f"{n} {n * 900} -1 {1800 + 600 * (n % 4)} {1 + n % 3} -1 -1 {1 + n % 3} 7200 -1 1 1 1 1 1 -1 -1 -1"
        for n in range(1, 60)
    ]
    jobs.write_text("; MaxNodes: 4\n; MaxProcs: 4\n" + "\n".join(rows) + "\n")
    rates.write_text("seconds,requests_per_second\n" + "".join(f"{h * 3600},{5 + 10 * (h % 5)}\n" for h in range(24)))
    return "--hpc", jobs, "--requests", rates, "--nodes", 4, "--days", 0.5, "--under", "reactive"


def outcome(share: float, wait: float, cost: float, moves: int, unmet: float = 0.0) -> Outcome:
    return Outcome("reactive", {SHARE: share, WAIT: wait, COST: cost, MOVES: moves, UNMET: unmet}, EMPTY)


def grid(*texts: str, policy: Policy | None = None) -> list[Combination]:
    return combinations(policy or policy_of_replays(), varied(texts), 100)


def test_every_combination_is_there_once_and_each_is_its_policy():
    found = grid("spec.moves.minGain=0.2,0.8", "spec.moves.dwell=0s,20m,1h")
    assert [one.name for one in found][:2] == [
        "spec.moves.minGain=0.2 spec.moves.dwell=0s",
        "spec.moves.minGain=0.2 spec.moves.dwell=20m",
    ]
    assert len({one.name for one in found}) == len(found) == 6
    assert {(one.policy.spec.moves.min_gain, one.policy.spec.moves.dwell) for one in found} == {
        (gain, dwell) for gain in (0.2, 0.8) for dwell in (0, 1200, 3600)
    }
    assert {one.policy.spec.pools[0].floor.hpc for one in found} == {0}


@pytest.mark.parametrize(
    ("texts", "error", "told"),
    [
        (["spec.moves.minGain=0.2", "spec.moves.minGain=0.8"], typer.BadParameter, "in --vary twice"),
        ([f"spec.moves.minGain={','.join(map(str, range(COMBINATIONS_MOST + 1)))}"], typer.BadParameter, "1,001 comb"),
        (["spec.moves.minGian=1,2"], BadInput, "--vary spec.moves.minGian=1: unknown key; did you mean minGain?"),
        (
            ["spec.pools[0].floor.hpc=5,500"],
            BadInput,
            "--vary spec.pools\\[0\\].floor.hpc=500: the floors and ceilings",
        ),
    ],
    ids=["a key twice", "too many", "no key", "no split"],
)
def test_what_cannot_be_varied_is_told_before_anything_runs(texts, error, told):
    with pytest.raises(error, match=told):
        grid(*texts)


@pytest.mark.parametrize(
    ("figures", "dominated"),
    [
        ([(0.1, 60, 10, 5)], [False]),
        ([(0.1, 60, 10, 5), (0.2, 70, 20, 6)], [False, True]),
        ([(0.1, 60, 10, 5), (0.2, 50, 20, 6)], [False, False]),
        ([(0.1, 60, 10, 5), (0.1, 60, 10, 5)], [False, False]),
        ([(0.1, 60, 10, 5), (0.1, 60, 10, 6)], [False, True]),
        ([(0.1, 60, 10, 5), (0.2, 60, 9, 5)], [False, False]),
    ],
    ids=["one", "worse in all", "better in one", "alike", "worse in one", "better by cost"],
)
def test_what_another_one_dominates(figures, dominated):
    every = grid(f"spec.moves.minGain={','.join(f'0.{n + 1}' for n in range(len(figures)))}")
    outcomes = {one.name: outcome(*values) for one, values in zip(every, figures, strict=True)}
    assert [one.is_dominated for one in frontier(every, outcomes, has_requests=True)] == dominated


def test_where_prices_are_varied_cost_is_no_aim():
    every = grid("spec.pools[0].unmetCost.kubernetes=3.0,10.0")
    outcomes = {every[0].name: outcome(0.1, 60, 10, 5), every[1].name: outcome(0.2, 60, 5, 5)}
    assert [one.is_dominated for one in frontier(every, outcomes, has_requests=True)] == [False, True]


@given(st.lists(st.tuples(*[st.integers(0, 3)] * 4), min_size=1, max_size=9))
def test_some_are_always_left_and_each_dominated_one_has_a_rival_that_is_not(figures):
    every = grid(f"spec.moves.minGain={','.join(f'0.{n + 1}' for n in range(len(figures)))}")
    outcomes = {
        one.name: outcome(*map(float, values[:3]), values[3]) for one, values in zip(every, figures, strict=True)
    }
    swept = frontier(every, outcomes, has_requests=True)
    best = [one.figures for one in swept if not one.is_dominated]
    assert best
    for one in swept:
        rivals = [each for each in best if all(each[key] <= one.figures[key] for key in one.figures)]
        assert rivals
        assert (one.figures in rivals) is not one.is_dominated


def swept(count: int, *, has_requests: bool = True) -> list[Swept]:
    every = grid(
        f"spec.moves.minGain={','.join(f'0.{n + 1}' for n in range(count))}", "spec.pools[0].floor.kubernetes=0"
    )
    outcomes = {
        one.name: outcome(0.01 * n, 7200.0 - 600 * n, 5000.0 + n, 900 + n, 300.0 - n) for n, one in enumerate(every)
    }
    return frontier(every, outcomes, has_requests=has_requests)


@pytest.mark.parametrize("has_requests", [True, False])
def test_the_table_fits_into_80_columns_and_says_what_is_dominated(has_requests: bool):
    rows = swept(5, has_requests=has_requests)
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(sweep_table(rows))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert ("requests unmet" in text, "unmet (node-h)" in text) == (has_requests, not has_requests)
    assert text.count("dominated") == 1 + sum(one.is_dominated for one in rows)
    assert short_keys(rows) == ["minGain", "floor.kubernetes"]


def test_the_plot_has_a_point_for_each_row_within_its_axes():
    rows = swept(5)
    drawn = plot(rows)
    points = [(float(x), float(y)) for x, y in re.findall(r'<circle cx="([0-9.]+)" cy="([0-9.]+)"', drawn)]
    assert len(points) == len(rows) == drawn.count("<title>")
    assert all(70 <= x <= 700 and 20 <= y <= 365 for x, y in points)
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert plot(swept(1)).count("<circle") == 1


def test_a_sweep_tells_writes_and_repeats_to_the_byte(run, inputs, tmp_path: Path):
    page, figures = tmp_path / "s.html", tmp_path / "s.json"
    arguments = ("sweep", "--vary", "spec.moves.minGain=0.1,5", *inputs, "--report", page, "--json", figures)
    ran = run(*arguments)
    assert ran.code == 0, ran.err
    assert max(map(len, ran.out.replace(str(tmp_path), "").splitlines())) <= 80
    assert "minGain" in ran.out
    found = json.loads(figures.read_text())
    assert sorted(row["set"]["spec.moves.minGain"] for row in found["rows"]) == ["0.1", "5"]
    assert found["replayed_as"] == "reactive"
    assert set(found["rows"][0]["figures"]) == {SHARE, WAIT, COST, MOVES}
    html = page.read_text()
    assert html.count("<circle") == 2
    assert "<script" not in html
    assert "http" not in html.replace("http-equiv", "")
    before = page.read_bytes(), figures.read_bytes()
    assert run(*arguments, "--quiet").out == ""
    assert (page.read_bytes(), figures.read_bytes()) == before


@pytest.mark.parametrize(("stop", "code"), [(KeyboardInterrupt, 130), (lambda: SystemExit(143), 143)])
def test_what_is_done_is_kept_when_it_is_stopped(run, inputs, tmp_path: Path, monkeypatch, stop, code):
    figures = tmp_path / "s.json"

    def stopped(tasks, done, watch):
        first = next(iter(tasks))
        watch(first, 0.5)
        done(first, outcome(0.1, 60.0, 10.0, 5))
        raise stop()

    monkeypatch.setattr(running, "replay_all", stopped)
    ran = run("sweep", "--vary", "spec.moves.minGain=0.1,5", *inputs, "--json", figures)
    assert ran.code == code
    assert "1 of 2 combinations were replayed" in ran.out
    found = json.loads(figures.read_text())
    assert [row["set"] for row in found["rows"]] == [{"spec.moves.minGain": "0.1"}]
    assert "1 combination not replayed: interrupted" in found["notes"]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--vary", "spec.moves.minGian=1,2"), 1, "did you mean minGain?"),
        (("--vary", "spec.moves.minGain"), 2, "is not KEY=VALUE"),
        ((), 2, "--vary"),
        (("--vary", "spec.moves.minGain=1", "--json", "jobs.swf"), 2, "same file"),
    ],
)
def test_wrong_usage_says_what_is_wrong(run, inputs, tmp_path: Path, monkeypatch, arguments, code, told):
    monkeypatch.chdir(tmp_path)
    ran = run("sweep", *arguments, *inputs)
    assert (ran.code, told in ran.err) == (code, True), ran.err


def test_without_inputs_there_is_nothing_to_replay(run):
    ran = run("sweep", "--vary", "spec.moves.minGain=1")
    assert (ran.code, "nothing to replay" in ran.err) == (2, True)
