"""What the figures say, by hand; and a tiny window from the first replay to the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.scenarios import __main__ as command
from benchmarks.scenarios.page import drawing, page, typical
from benchmarks.scenarios.plan import STATIC, STATIC_BEFORE, Case, Ran, Size, Split, best, run_all
from benchmarks.scenarios.runs import MOVING, ORACLE, SCALES, Figures
from benchmarks.scenarios.service_level import service_levels
from benchmarks.scenarios.store import Store
from benchmarks.scenarios.summary import (
    above,
    by_window,
    cases_with,
    exchange,
    of_reactive,
    ratios,
    rival,
    summary,
    told,
)
from simulator.static import run_fixed
from tests.benchmarks.scenario_worlds import AtOnce, tiny_window

WEIGHT = 10.0


def figures(hpc: float, kubernetes: float, **more: float) -> Figures:
    cost = {"unmet_hpc_node_h": hpc, "unmet_kubernetes_node_h": kubernetes, "unmet_cost": hpc + WEIGHT * kubernetes}
    rest = {
        "large_jobs_wait_node_h": 0,
        "moves": 0,
        "killed": 0,
        "unmet_requests_share": 0,
        "hpc_wait_so_far_mean_s": 1,
    }
    return {**cost, **rest, **more}


def case(window: str = "a", **by: tuple[Figures, ...]) -> Case:
    """Two seeds; who is not named costs 100."""
    names = (STATIC, STATIC_BEFORE, *MOVING, ORACLE)
    return Case(window, WEIGHT, 5, {name: by.get(name.replace("-", "_"), (figures(100, 0),) * 2) for name in names})


def ran(*cases: Case, splits: dict[int, Figures] | None = None) -> Ran:
    windows = tuple(tiny_window(one.window) for one in cases)
    fixed = Split(splits or {0: figures(100, 0)}, {0: figures(100, 0)})
    return Ran(windows, Size((), (WEIGHT,), (1, 2)), cases, {one.window: fixed for one in cases}, 0.0)


def test_the_rival_is_the_better_of_two_run_by_run():
    one = case(reactive=(figures(50, 0), figures(200, 0)))
    assert rival(one) == [50, 100]
    assert ratios([one], "predictive", rival) == {"a": pytest.approx(2**0.5)}


@pytest.mark.parametrize(
    ("predictive", "rate"),
    [
        pytest.param((figures(130, 5), figures(130, 5)), 30 / 5, id="thirty paid for five saved"),
        pytest.param((figures(90, 5), figures(90, 5)), -10 / 5, id="both saved"),
        pytest.param((figures(130, 10), figures(130, 10)), None, id="nothing saved"),
        pytest.param((figures(130, 20), figures(130, 20)), None, id="more unmet on both"),
    ],
)
def test_what_was_paid_for_what(predictive: tuple[Figures, ...], rate: float | None):
    one = case(predictive=predictive, reactive=(figures(100, 10),) * 2)
    assert exchange([one, one], "predictive") == (None if rate is None else pytest.approx(rate))


def test_large_jobs_are_told_only_where_there_are_any():
    none, some = case(), case(reactive=(figures(1, 1, large_jobs_wait_node_h=4),) * 2)
    assert of_reactive([none], "oracle", "large_jobs_wait_node_h") is None
    assert of_reactive([none, some], "oracle", "large_jobs_wait_node_h") == 0
    assert of_reactive([none, some], "reactive", "large_jobs_wait_node_h") == 1


def test_a_bound_that_is_none_is_told_by_the_seed_that_it_was_run_with():
    dear = case(oracle=(figures(110, 0),) * 2)
    assert above(dear) == [f"a, weight 10: 1.100 x {name}" for name in (STATIC, STATIC_BEFORE, *MOVING)]
    assert above(case(oracle=(figures(90, 0),) * 2, reactive=(figures(95, 0), figures(80, 0)))) == []


def test_where_the_oracle_was_not_run_nothing_is_told_of_it():
    one = case()
    without = Case("a", WEIGHT, 5, {name: found for name, found in one.figures.items() if name != ORACLE})
    assert above(without) == []
    assert cases_with(ran(one, without), WEIGHT, ORACLE) == [one]
    assert set(by_window(one)["figures"]) - set(by_window(without)["figures"]) == {ORACLE}


def test_moves_are_of_a_node_and_day_and_killed_are_added_up():
    moved = (figures(1, 1, moves=8, killed=1), figures(1, 1, moves=16, killed=2))
    found = told("reactive", [case(reactive=moved)], ran(case()))
    assert found.moves_per_node_day == pytest.approx((8 + 16) / 2 / 8 / 0.5)  # eight nodes, half a day
    assert found.killed == 3


def at(share: float, wait_s: float) -> Figures:
    return figures(1, 1, unmet_requests_share=share, hpc_wait_so_far_mean_s=wait_s)


def test_waits_at_one_service_level():
    fixed = {10: at(0.02, 100), 20: at(0.0, 300)}
    one = case(predictive=(at(0.004, 80), at(0.006, 120)), reactive=(at(0.05, 10), at(0.05, 10)))
    found = json.loads(json.dumps(service_levels(ran(one, splits=fixed))))
    assert found["waits_s"]["a"]["static"] == pytest.approx(200)
    assert found["waits_s"]["a"]["predictive"] == pytest.approx(100)  # serves better: the shortest wait it has
    assert found["policies"]["predictive"]["of_static"]["mean"] == pytest.approx(0.5)
    assert found["policies"]["reactive"] == {"of_static": None, "unreached": ["a"]}
    assert [one["setting"] for one in found["curves"]["a"]["static"]] == [20, 10]


def test_a_tiny_window_from_the_first_replay_to_the_page(tmp_path: Path):
    window, size = tiny_window(), Size(("tiny",), (3, 10), (1, 2))
    executor = AtOnce()
    found = run_all([window], size, Store(tmp_path), executor, lambda _: None)
    assert sorted(executor.ran) == sorted(["splits"] * 2 + [*MOVING] * 4 + [*SCALES, ORACLE] * 2)
    for one in found.cases:
        costs = {
            nodes: run_fixed(window.world(one.weight), nodes).meter.cost(window.world(one.weight).weights)
            for nodes in range(window.nodes + 1)
        }
        assert one.figures[STATIC][0]["unmet_cost"] == pytest.approx(min(costs.values()))
        assert one.figures[STATIC_BEFORE][0]["unmet_cost"] == pytest.approx(costs[one.first])
        assert one.first == best(found.splits["tiny"].before, one.weight)
    document = {
        "size": "quick",
        "windows_run": ["tiny"],
        "weights": [3, 10],
        "seeds": [1, 2],
        "code": "0" * 32,
        "versions": {"python": "3"},
        "cpu_s": 1.0,
        **summary(found),
    }
    document = json.loads(json.dumps(document, allow_nan=False))
    text = page(document)
    assert all(policy in text for policy in (STATIC_BEFORE, *MOVING))
    assert text.count("| tiny ") == 3  # two weights, and the waits
    assert page(document, "beside.svg").count("(beside.svg)") == 1
    assert drawing(document).startswith("<svg ")
    assert "None" not in text.replace("None was run", "")


@pytest.mark.parametrize(
    ("ratios", "window"),
    [
        pytest.param({}, "", id="no window"),
        pytest.param({"a": None, "b": None}, "a", id="none reaches it"),
        pytest.param({"a": 0.9, "b": 0.2, "c": None, "d": 0.5}, "d", id="the one in the middle"),
    ],
)
def test_the_window_that_is_drawn(ratios: dict[str, float | None], window: str):
    waits = {name: {"static": 100.0, "predictive": ratio and 100 * ratio} for name, ratio in ratios.items()}
    assert typical({"waits_s": waits}) == window


def test_a_window_that_is_none_ends_the_command_with_a_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert command.main(["quick", "--only", "nowhere", "--store", str(tmp_path)]) == 1
    assert "'nowhere' is no window" in capsys.readouterr().err


def test_ctrl_c_says_that_what_was_run_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "run_all", interrupted)
    assert command.main(["quick", "--only", "demo1", "--store", str(tmp_path), "--processes", "1"]) == 130
    assert "the same command goes on from here" in capsys.readouterr().err
