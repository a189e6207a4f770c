"""The page says what the figures say, loads nothing, and cannot be written into by a name."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plotly.offline import get_plotlyjs

from cli.report.charts import forecast, ribbon
from cli.report.page import write_report
from cli.report.thinning import POINTS_ALL, POINTS_MAX, points_per_line, rows_to_keep, steps_to_keep
from cli.report.verdict import foresight_gain, sentences, splits, winner
from models.errors import BadInput
from models.nodes import Side
from simulator.outcome import Band, Outcome, Timeline

EVIL = """</script><script>alert("1")</script>'"&<img src=x onerror=alert(1)> ${title} $title"""
VOID = {"meta", "link", "input", "br", "img", "rect", "path"}


def timeline(rows: int, step_s: int = 300, seed: int = 1) -> Timeline:
    rng = np.random.default_rng(seed)
    kubernetes = np.repeat(rng.integers(20, 60, -(-rows // 12)), 12)[:rows].astype(float)
    moving = np.zeros(rows)
    demand = (rng.random(rows) * 80 for _ in range(2))
    return Timeline(np.arange(rows) * step_s, 100 - kubernetes, kubernetes, moving, *demand)


def bands(line: Timeline, horizons_s: tuple[int, ...] = (300, 3_600)) -> tuple[Band, ...]:
    low, mid, high = (np.full(len(line.times_s), value) for value in (8.0, 40.0, 72.0))
    return tuple(Band(side, horizon_s, line.times_s, low, mid, high) for side in Side for horizon_s in horizons_s)


def outcome(policy: str, unmet_cost: float | None, rows: int = 288, **figures: float) -> Outcome:
    line = timeline(rows)
    known = {} if unmet_cost is None else {"unmet_cost": unmet_cost}
    return Outcome(policy, {**known, **figures}, line, bands(line) if policy == "predictive" and rows else ())


def page(folder: Path, *outcomes: Outcome, title: str = "A replay", **more: Any) -> str:
    path = folder / "report.html"
    given = {
        "input_facts": {"Jobs": "a.swf"},
        "policy_facts": {},
        "notes": (),
        "versions": {"Tidegate": "0.1.0"},
    } | more
    write_report(path, title=title, outcomes=outcomes, **given)
    return path.read_text(encoding="utf-8")


class Reader(HTMLParser):
    """Checks that elements close in order; collects addresses, script texts, ids and all text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.handlers: list[str] = []
        self.scripts: list[tuple[str | None, str]] = []
        self.kind: str | None = None
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.addresses += [str(values[name]) for name in ("src", "href", "action", "srcset") if name in values]
        self.handlers += [name for name in values if name.startswith("on")]
        self.ids += [str(values["id"])] if "id" in values else []
        self.kind = values.get("type")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append((self.kind, data))
        else:
            self.texts.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    return reader


def four(rows: int = 288) -> tuple[Outcome, ...]:
    costs = {"static": 100.0, "reactive": 80.0, "predictive": 74.4, "oracle": 70.0}
    return tuple(outcome(name, cost, rows, killed=0, moves=12) for name, cost in costs.items())


def test_the_page_loads_nothing_and_carries_plotly_once(tmp_path: Path) -> None:
    html = page(tmp_path, *four())
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in html
    assert '<html lang="en">' in html
    assert all(address.startswith(("#", "data:")) for address in read(html).addresses)
    plotly = get_plotlyjs()
    assert html.count(plotly) == 1
    assert "</script" not in plotly
    assert not re.search(r"https?://|@import|url\(", html.replace(plotly, ""))


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    assert page(tmp_path, *four()) == page(tmp_path, *four())


def test_nothing_from_outside_becomes_markup(tmp_path: Path) -> None:
    line = timeline(20)
    bad = Outcome(EVIL, {"unmet_cost": 1.0, EVIL: 2.0}, line, bands(line), (EVIL,))
    pairs = {EVIL: EVIL}
    html = page(tmp_path, bad, title=EVIL, input_facts=pairs, policy_facts=pairs, notes=[EVIL], versions=pairs)
    reader, clean = read(html), read(page(tmp_path, outcome("predictive", 1.0, 20)))
    assert [kind for kind, _ in reader.scripts] == [kind for kind, _ in clean.scripts]
    assert reader.handlers == []
    assert "alert" not in "".join(text for kind, text in reader.scripts if kind == "application/json")
    assert sum(EVIL in text for text in reader.texts) >= 10


def test_the_table_has_heads_marks_and_words_for_what_is_missing(tmp_path: Path) -> None:
    html = page(tmp_path, outcome("static", 9.0, killed=2), outcome("predictive", 5.0, pod_wait_mean_s=3))
    assert html.count('<th scope="col">') == 3
    assert '<td class="best"><small>best</small> 5</td>' in html
    assert '<td class="alarm">2</td>' in html
    assert '<span class="unseen">not measured</span>' in html


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_replay_without_turns_or_policies_is_still_a_page(tmp_path: Path, rows: int) -> None:
    html = page(tmp_path, outcome("static", None, rows), outcome("predictive", None, rows))
    assert ("Who owned the nodes" in html) is (rows == 2)
    assert "Nothing was replayed." in page(tmp_path)
    read(html)


def test_a_folder_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="does not exist"):
        page(tmp_path / "missing", *four(2))


def test_half_a_year_of_five_policies_stays_small(tmp_path: Path) -> None:
    line = timeline(149 * 288)
    many = bands(line, (300, 900, 3_600, 10_800, 21_600))
    html = page(tmp_path, *(Outcome(name, {}, line, many if name in "cd" else ()) for name in "abcde"))
    assert len(html.encode()) < 8_000_000
    assert re.search(r"at most [12],\d\d\d points over 149 days", html)


COMPARISONS = [
    ({"static": 100, "reactive": 80, "predictive": 70}, "cut the cost of unmet demand by 30 % against the fixed split"),
    ({"static a": 100, "static b": 90, "predictive": 45}, "by 50 % against the best fixed split"),
    (
        {"static": 100, "reactive": 50, "predictive": 60},
        "by 40 % against the fixed split but raised it by 20 % against",
    ),
    ({"static": 10, "reactive": 10, "predictive": 20}, "raised the cost of unmet demand by 100 % against the fixed"),
    ({"reactive": 1000, "predictive": 1001}, "left the cost of unmet demand about the same as with reacting"),
    ({"reactive": 0, "predictive": 0}, "about the same as with reacting"),
    ({"reactive": 0, "predictive": 5}, "raised the cost of unmet demand from nothing against reacting"),
    (
        {"reactive": 100, "predictive": 90, "oracle": 80},
        "could have been cut by 20 % against reacting: the forecast captured 50 %",
    ),
    ({"reactive": 100, "predictive": 110, "oracle": 80}, "this forecast did not gain it"),
    (
        {"reactive": 100, "predictive": 70, "oracle": 80},
        "the forecast did better than that: the oracle is no bound here",
    ),
    (
        {"reactive": 100, "predictive": 90, "oracle": 100},
        "Even with the future known reacting would not",
    ),
    ({"mine": 5, "yours": 7}, "Of 2 policies “mine” left the least"),
    ({"predictive": 5}, "The policy “predictive” left unmet demand at a cost of 5 weighted node-hours"),
    ({"static": None, "predictive": None}, "no cost of unmet demand to compare by"),
]


@pytest.mark.parametrize(("costs", "says"), COMPARISONS, ids=lambda value: value if isinstance(value, str) else None)
def test_the_result_is_said_whichever_way_it_went(costs: dict[str, float | None], says: str) -> None:
    text = " ".join(sentences([outcome(name, cost) for name, cost in costs.items()]))
    assert says in text
    assert "over 24 hours on 100 nodes" in text or "compare by" in text


@pytest.mark.parametrize(
    ("figures", "says"),
    [
        ({"killed": 0}, "with no running work killed"),
        ({"killed": 3}, "but would have killed 3 running"),
        ({}, "reacting, over"),
    ],
)
def test_killed_work_is_in_the_first_sentence(figures: dict[str, int], says: str) -> None:
    assert says in sentences([outcome("reactive", 9), outcome("predictive", 5, **figures)])[0]


def test_a_split_that_its_notes_call_best_is_called_so() -> None:
    fixed = Outcome("static", {"unmet_cost": 8.0}, timeline(9), (), ("best of all 9 fixed splits",))
    assert "against the best fixed split" in sentences([fixed, outcome("predictive", 5.0)])[0]


def test_foresight_gain_needs_three_costs_and_something_to_gain() -> None:
    assert foresight_gain(four()) == pytest.approx(0.56)
    assert foresight_gain(four()[:3]) is None
    assert foresight_gain([outcome("reactive", 5), outcome("predictive", 4), outcome("oracle", 5)]) is None


# costs -> the winner, the gain, how the verdict begins, and how it ends
ONE_VERDICT = {
    "the forecast wins": ((100, 80, 70, 60), "predictive", 0.5, "Moving nodes ahead", "captured 50 % of that gain."),
    "the fixed split wins": ((50, 80, 70, 60), "static", 0.5, "The fixed split won here. ", "which was not enough."),
    "reacting wins": ((100, 60, 70, 50), "reactive", -1.0, "Reacting won here. ", "did not gain it."),
    "the oracle only reacts": ((100, 60, 60, 60), "reactive", None, "Moving nodes", "would not have been beaten here."),
    "the oracle is beaten": ((100, 80, 60, 70), "predictive", None, "Moving nodes", "the oracle is no bound here."),
    "the oracle is met": ((100, 80, 60, 60.05), "predictive", 1.0, "Moving nodes", "captured 100 % of that gain."),
}


@pytest.mark.parametrize(("costs", "won", "gain", "begins", "ends"), ONE_VERDICT.values(), ids=ONE_VERDICT)
def test_page_json_and_verdict_say_the_same(
    costs: tuple[float, ...], won: str, gain: float | None, begins: str, ends: str, tmp_path: Path
) -> None:
    names = ("static", "reactive", "predictive", "oracle")
    outcomes = [outcome(name, cost) for name, cost in zip(names, costs, strict=True)]
    said = " ".join(sentences(outcomes))
    assert (said.startswith(begins), said.endswith(ends)) == (True, True), said
    assert (winner(outcomes), foresight_gain(outcomes)) == (won, gain)
    text = " ".join(" ".join(read(page(tmp_path, *outcomes)).texts).split())
    assert said in text
    assert [float(share) for share in re.findall(r"([0-9]+) % of that gain", text) if float(share) > 100] == []


def test_the_splits_that_never_move_are_told_in_nodes() -> None:
    assert splits(four()) == {"static": {"hpc": 62, "kubernetes": 38}}


def test_the_page_begins_with_who_owned_the_nodes(tmp_path: Path) -> None:
    html = page(tmp_path, *four())
    owned, bars, figures = (html.index(text) for text in ('id="owned"', '<ul class="bars">', 'id="comparison"'))
    assert html.index('<p class="verdict">') < owned < figures < bars


def test_demand_beyond_the_pool_is_told_where_its_line_is_cut(tmp_path: Path) -> None:
    line = timeline(9)
    more = replace(line, hpc_demand=line.hpc_demand + 150)
    most = f"{more.hpc_demand.max():,.0f}"
    html = page(tmp_path, Outcome("static", {}, more))
    assert f"HPC asked for up to {most} nodes; the picture ends at the {line.nodes} there are." in html
    assert "the picture ends" not in page(tmp_path, Outcome("static", {}, line))


def values(packed: dict[str, str]) -> list[float]:
    found: list[float] = np.frombuffer(base64.b64decode(packed["bdata"]), f"<{packed['dtype']}").tolist()
    return found


def figure_of(text: str) -> dict[str, Any]:
    """The figure as the page's script gives it to plotly; plotly's own checks must like it."""
    figure: dict[str, Any] = json.loads(text)
    for trace in figure["data"]:
        trace["x"] = values(figure["xs"][trace["x"]])
        for name in ("y", "customdata"):
            trace[name] = values(trace[name]) if name in trace else None
        assert len(trace["x"]) == len(trace["y"])
    go.Figure(data=figure["data"], layout=figure["layout"])
    return figure


def test_kubernetes_demand_hangs_from_the_ceiling_and_stays_in_the_pool() -> None:
    line = Timeline(
        np.array([90_000, 90_300]),
        np.array([60.0, 60.0]),
        np.array([30.0, 40.0]),
        np.array([10.0, 0.0]),
        np.array([250.0, 10.0]),
        np.array([30.0, 130.0]),
    )
    traces = {trace["meta"]: trace for trace in figure_of(ribbon(line, start_s=86_400, limit=100))["data"]}
    assert traces["hpc-demand"]["y"] == [100, 10]
    assert traces["kubernetes-demand"]["y"] == [70, 0]
    assert traces["kubernetes-demand"]["customdata"] == [30, 130]
    assert traces["moving-area"]["y"] == [10, 0]
    assert traces["hpc-area"]["x"][0] == 978_307_200_000 + 3_600_000


def test_a_band_is_drawn_at_the_hour_it_speaks_of() -> None:
    line = timeline(50)
    figure = figure_of(forecast(bands(line, (3_600,)), line, start_s=0, limit=3_000))
    by_name = {trace["meta"]: trace for trace in figure["data"]}
    assert by_name["hpc-band"]["x"][0] - by_name["came"]["x"][0] == 3_600_000
    assert figure["layout"]["yaxis2"]["domain"][1] < figure["layout"]["yaxis"]["domain"][0]


def test_how_much_a_band_held_counts_only_what_has_come() -> None:
    line = Timeline(np.array([0, 300, 600]), *(np.array([0.0, 5.0, 9.0]) for _ in range(5)))
    edges = np.array([4.0, 4.0, 4.0]), np.array([5.0, 5.0, 5.0]), np.array([6.0, 6.0, 6.0])
    assert Band(Side.HPC, 300, line.times_s, *edges).held(line) == 0.5
    assert Band(Side.HPC, 900, line.times_s, *edges).held(line) is None


COLUMN = st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=300)


@given(column=COLUMN, columns=st.integers(1, 3), spare=st.integers(0, 30))
def test_thinning_keeps_the_ends_and_every_column_s_extremes(column: list[float], columns: int, spare: int) -> None:
    matrix = [np.roll(np.array(column), shift) for shift in range(columns)]
    limit = 2 * columns + 2 + spare
    kept = rows_to_keep(matrix, limit)
    assert len(kept) <= max(limit, 1)
    assert (np.diff(kept) > 0).all()
    assert kept[0] == 0
    assert kept[-1] == len(column) - 1
    for values_ in matrix:
        known = values_[np.isfinite(values_)]
        if len(known):
            assert np.nanmin(values_[kept]) == known.min()
            assert np.nanmax(values_[kept]) == known.max()


@given(column=st.lists(st.integers(0, 3), min_size=1, max_size=200), limit=st.integers(8, 60))
def test_steps_are_exact_when_they_fit_and_bounded_when_not(column: list[int], limit: int) -> None:
    steps = np.array(column, dtype=float)
    kept = steps_to_keep([steps], limit)
    assert len(kept) <= limit
    assert steps[kept].max() == steps.max()
    exact = np.flatnonzero(np.diff(steps))
    if 2 * len(exact) + 2 <= limit:
        drawn = steps[kept][np.searchsorted(kept, np.arange(len(steps)), side="right") - 1]
        assert (drawn == steps).all()


def test_a_limit_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        rows_to_keep([np.zeros(9)] * 3, 7)


@pytest.mark.parametrize("lines", [1, 60, 200, 5_000])
def test_the_page_has_a_limit_on_all_its_points(lines: int) -> None:
    assert points_per_line(lines) <= POINTS_MAX
    assert lines > 1_000 or lines * points_per_line(lines) <= POINTS_ALL
