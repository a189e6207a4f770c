"""The verdict at a service level, and the drawing of the frontier: the same words and points everywhere."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from cli.report.frontier_chart import frontier_chart, up
from cli.report.labels import Labels
from cli.report.page import write_report
from cli.report.service_level import frontier, service, service_sentence
from cli.report.verdict import sentences
from simulator.frontier import Point
from simulator.outcome import Outcome, Timeline

NOTHING = np.zeros(0)
LINE = Timeline(NOTHING.astype(np.int64), *[NOTHING] * 5)
SPLITS = (Point(0.0, 12_000, 60), Point(0.02, 6_000, 40), Point(0.10, 3_000, 20))


def outcome(policy: str, share: float, wait_s: float, splits: tuple[Point, ...] = ()) -> Outcome:
    figures = {"unmet_requests_share": share, "hpc_wait_so_far_mean_s": wait_s, "unmet_cost": 1.0}
    return Outcome(policy, figures, LINE, splits=splits)


STATIC = outcome("static", 0.02, 6_000, SPLITS)


@pytest.mark.parametrize(
    ("share", "wait_s", "said"),
    [
        pytest.param(
            0.02,
            3_840,
            "At 2 % of requests unmet, HPC jobs wait 64 minutes on average instead of the 100 of a fixed split that"
            " serves as well.",
            id="shorter",
        ),
        pytest.param(0.01, 4_500, "wait 1.25 hours on average instead of the 2.50 of", id="between two fixed splits"),
        pytest.param(0.02, 6_600, "wait 110 minutes on average, longer than the 100 of a fixed split", id="longer"),
        pytest.param(0.02, 6_010, "about as long as with a fixed split that serves as well", id="alike"),
        pytest.param(0.5, 1_500, "wait 25 minutes on average instead of the 50 of", id="served worse than any split"),
        pytest.param(0.0, 12_000, "At 0 % of requests unmet", id="none unmet"),
        pytest.param(0.02, 30, "wait <1 minutes on average instead of the 100", id="one unit for both"),
    ],
)
def test_the_wait_is_compared_at_equal_service(share: float, wait_s: float, said: str):
    assert said in service_sentence([STATIC, outcome("predictive", share, wait_s)])


def test_a_service_that_no_fixed_split_reaches_is_told():
    static = outcome("static", 0.02, 6_000, SPLITS[1:])
    said = service_sentence([static, outcome("predictive", 0.01, 90)])
    assert said == "At 1 % of requests unmet, which no fixed split reaches, HPC jobs wait 90 seconds on average."


@pytest.mark.parametrize(
    "outcomes",
    [
        pytest.param([], id="nothing"),
        pytest.param([STATIC, outcome("reactive", 0.1, 60)], id="nothing predictive"),
        pytest.param([outcome("static", 0, 60), outcome("predictive", 0, 60)], id="no requests, so no points"),
        pytest.param([STATIC, Outcome("predictive", {}, LINE)], id="nothing measured"),
    ],
)
def test_nothing_is_said_where_nothing_can_be_compared(outcomes: list[Outcome]):
    assert service_sentence(outcomes) == ""
    assert not any("requests unmet" in said for said in sentences(outcomes))


def test_the_verdict_opens_with_it_and_the_page_says_and_draws_it(tmp_path: Path):
    outcomes = [STATIC, outcome("reactive", 0.05, 3_000), outcome("predictive", 0.02, 3_840)]
    said = sentences(outcomes)[0]
    assert said == service_sentence(outcomes)
    path = tmp_path / "report.html"
    write_report(path, title="A", input_facts={}, policy_facts={}, outcomes=outcomes, notes=(), versions={})
    text = path.read_text(encoding="utf-8")
    assert f'<p class="verdict">{said}</p>' in text
    assert text.index(said) < text.index('<svg class="frontier"') < text.index('class="bars"')


def test_the_drawing_has_every_policy_and_the_fixed_splits():
    curves = frontier([STATIC, outcome("reactive", 0.05, 3_000), outcome("predictive", 0.02, 3_840)])
    assert curves["static"] == SPLITS
    root = ET.fromstring(frontier_chart(curves, alone=True))  # noqa: S314 - our own text
    name = "{http://www.w3.org/2000/svg}"
    texts = [one.text for one in root.iter(f"{name}text")]
    assert {"fixed splits", "reactive", "predictive"} < set(texts)
    inner = root.find(f"{name}svg")
    assert inner is not None
    places = [(float(one.get("cx", "")), float(one.get("cy", ""))) for one in inner.iter(f"{name}circle")]
    wide, high = float(inner.get("width", "")), float(inner.get("height", ""))
    assert len(places) == 2
    assert all(0 < x < wide and 0 < y < high for x, y in places)
    reactive, predictive = places
    assert reactive[0] > predictive[0]  # more unmet is farther to the right
    assert reactive[1] > predictive[1]  # a shorter wait is lower


@pytest.mark.parametrize(
    ("least", "round_one"),
    [(1.0, 1), (1.01, 1.2), (0.0713, 0.08), (97.7, 100), (81, 100), (0.02, 0.02), (3.3, 4), (120, 120), (1e-3, 1e-3)],
)
def test_an_axis_ends_at_a_round_number(least: float, round_one: float):
    assert up(least) == pytest.approx(round_one)


def test_a_name_is_no_markup_and_without_a_policy_nothing_is_drawn():
    assert "<b>" not in frontier_chart({"static": SPLITS, "<b>": (Point(0.1, 60, 0),)})
    assert frontier_chart({"static": SPLITS}) == frontier_chart({}) == ""


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"),
        (0.0004, "0.04 %"),
        (0.0167, "1.7 %"),
        (0.146, "15 %"),
        (0.99, "99 %"),
        (0.999, "100 %"),
        (1.0, "100 %"),
    ],
)
def test_a_share_has_two_digits(share: float, text: str):
    assert service(share) == text


def test_names_of_points_that_lie_together_do_not_lie_upon_one_another():
    near = {name: (Point(0.015 + 0.001 * number, 3000, 0),) for number, name in enumerate(("oracle", "reactive"))}
    labels = Labels(500.0, 250.0)
    placed = [labels.beside(200.0 + 3 * number, 100.0, f"policy {number}", first=-6.0) for number in range(5)]
    assert not any(one.meets(other) for one, other in combinations(placed, 2))
    assert all(one.left >= 0.0 and one.right <= 500.0 for one in placed)
    assert labels.beside(480.0, 200.0, "at the edge", first=-6.0).ends
    root = ET.fromstring(frontier_chart({"static": SPLITS, **near}, alone=True))  # noqa: S314 - our own text
    texts = [one for one in root.iter() if one.text in near]
    assert len({(one.get("y"), one.get("text-anchor")) for one in texts}) == len(near)
