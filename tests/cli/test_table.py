"""The comparison in a terminal: fits, marks the best, hides nothing."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from rich.console import Console

from cli.replaying.table import comparison_table
from cli.report.figures import FIGURES, Unit, rows
from cli.report.numbers import ABSENT, ahead, decimals_for, duration_unit, number, percent, span
from simulator.outcome import Outcome, Timeline

EMPTY = Timeline(np.array([], dtype=np.int64), *(np.array([]) for _ in range(5)))


def outcome(policy: str, **figures: float) -> Outcome:
    return Outcome(policy, dict(figures), EMPTY)


def printed(*outcomes: Outcome, width: int = 80) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(comparison_table(outcomes))
    return [line.strip() for line in out.getvalue().splitlines()]


def line_of(lines: list[str], start: str) -> str:
    return next(line for line in lines if line.startswith(start))


@pytest.mark.parametrize("policies", [1, 2, 4, 5])
def test_every_figure_has_one_line_of_80_columns(policies: int) -> None:
    names = ("static", "static best", "reactive", "predictive", "oracle")[:policies]
    figures = {
        figure.key: (0.98 if figure.unit is Unit.SHARE else 98_765.4) + place / 1_000
        for place, figure in enumerate(FIGURES)
    }
    lines = printed(*(outcome(name, **figures) for name in names))
    assert max(map(len, lines)) <= 80
    for figure in FIGURES:
        assert len([line for line in lines if line.startswith(figure.short)]) == 1, figure.short


def test_the_best_is_marked_and_an_oracle_does_not_compete() -> None:
    lines = printed(
        outcome("static", unmet_cost=120.0, utilisation=0.5),
        outcome("predictive", unmet_cost=90.0, utilisation=0.7),
        outcome("oracle", unmet_cost=80.0, utilisation=0.9),
    )
    assert line_of(lines, "Unmet cost").split()[-3:] == ["120", "90*", "80"]
    assert line_of(lines, "Utilisation").split()[-3:] == ["50", "70*", "90"]


def test_the_table_says_no_second_verdict() -> None:
    costs = {"static": 60.0, "reactive": 100.0, "predictive": 90.0, "oracle": 80.0}
    text = " ".join(printed(*(outcome(name, unmet_cost=cost) for name, cost in costs.items())))
    assert "captured" not in text


def test_a_row_that_is_0_for_all_is_left_out_and_that_is_said() -> None:
    none = {"hpc_jobs_refused": 0, "pod_wait_mean_s": 0.0, "unmet_requests_share": 0.0, "oversize_jobs": 0}
    shown = {"killed": 0, "unmet_cost": 0.0, "moves": 0}
    lines = printed(outcome("a", **none, **shown, utilisation=0.0), outcome("b", **none, **shown, utilisation=0.5))
    assert [line.split()[0] for line in lines if line.split() and line.split()[-1] in {"0", "50*", "0.00"}] == [
        "Unmet",
        "Utilisation",
        "Nodes",
        "Killed",
    ]
    assert "A row that is 0 for all is left out." in lines


def test_killed_work_stands_out() -> None:
    assert line_of(printed(outcome("a", killed=3), outcome("b", killed=0)), "Killed").split()[-2:] == ["3!", "0*"]


def test_what_was_not_measured_is_a_dash_and_not_zero() -> None:
    lines = printed(outcome("a", moves=0), outcome("b", pod_wait_mean_s=4.0), outcome("c", moves=math.nan))
    assert line_of(lines, "Nodes moved").split()[-3:] == ["0", ABSENT, ABSENT]
    assert line_of(lines, "Pod wait").split()[-3:] == [ABSENT, "4", ABSENT]


def test_names_are_not_markup() -> None:
    text = "\n".join(printed(outcome("[red]a[/red]", **{"[bold]x": 1}), outcome("[/nope]", killed=0)))
    assert "[bold]x" in text
    assert "[red]a" in text
    assert "[/nope]" in text


def test_a_table_of_nothing_is_still_a_table() -> None:
    assert printed()


def test_unknown_figures_come_last_under_their_own_name() -> None:
    found = rows([outcome("a", new_wait_s=7_200.0, killed=0)])
    assert [(row.figure.label, row.unit, row.cells[0].text) for row in found] == [
        ("Running work killed", "", "0"),
        ("new wait", "h", "2"),
    ]


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0, 3, 12_345], ["0", "3", "12,345"]),
        ([0.0, 0.001, 1234.5], ["0", "<1", "1,234"]),
        ([12.34, 5.0], ["12.3", "5.0"]),
        ([0.5, -0.25], ["0.50", "−0.25"]),
        ([0.001, 1.5], ["<0.01", "1.50"]),
        ([None, math.inf, 1], [ABSENT, ABSENT, "1"]),
    ],
)
def test_numbers_of_a_row(values: list[float | None], texts: list[str]) -> None:
    assert [number(value, decimals_for(values)) for value in values] == texts


@pytest.mark.parametrize(("longest_s", "unit"), [(0, "s"), (119, "s"), (120, "min"), (7_200, "h"), (200_000, "days")])
def test_a_row_of_durations_has_the_unit_of_its_longest(longest_s: float, unit: str) -> None:
    assert duration_unit([None, 1.0, longest_s])[0] == unit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (span(14 * 86_400), "14 days"),
        (span(129_600), "36 hours"),
        (span(60), "1 minute"),
        (span(2.5 * 86_400), "2.5 days"),
        (ahead(300), "5 min"),
        (ahead(5_400), "1.5 h"),
        (percent(0.29), "29 %"),
        (percent(0.004), "0.4 %"),
        (percent(-0.071), "−7 %"),
    ],
)
def test_words_for_numbers(text: str, expected: str) -> None:
    assert text == expected
