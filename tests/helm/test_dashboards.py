"""The dashboards are what their code makes, keep the rules of Grafana's linter, and ask for what there is."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.boards import BOARDS, files, stale, write
from dashboards.overview import BOTTOM, HORIZONS, TOP
from models.durations import duration_text
from models.metrics import Kind
from models.policies import ForecastPolicy
from tests.helm_monitoring import FOLDER, NO_PROMTOOL, PROMTOOL, panels, recorded, sent
from tests.promql import DECLARED, names_of, selected, unknown

JSON = FOLDER / "dashboards"
WHOLE: dict[str, dict[str, Any]] = {name: json.loads(text) for name, text in files().items()}
PANELS = [pytest.param(panel, id=f"{name}: {panel['title']}") for name, panel in panels(WHOLE)]
QUERIES = [target["expr"] for _, panel in panels(WHOLE) for target in panel["targets"]]
VARIABLES = [
    pytest.param(one, id=f"{name}: {one['name']}")
    for name, board in WHOLE.items()
    for one in board["templating"]["list"]
]
MIB = 2**20
MATCHED = re.compile(r"\btidegate[\w:]*\{([^}]*)\}")


def test_the_files_are_up_to_date():
    assert stale(JSON) == [], "run make generate"


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda folder: (folder / "tidegate-health.json").write_text("{}"), ["tidegate-health.json"]),
        (lambda folder: (folder / "tidegate-health.json").unlink(), ["tidegate-health.json"]),
        (lambda folder: (folder / "old.json").write_text("{}"), ["old.json"]),
    ],
    ids=["changed", "gone", "left over"],
)
def test_a_file_that_is_not_is_found_and_written(tmp_path: Path, spoil: Callable[[Path], object], found: list[str]):
    write(tmp_path)
    spoil(tmp_path)
    assert stale(tmp_path) == found
    write(tmp_path)
    assert stale(tmp_path) == []


@pytest.mark.parametrize("name", WHOLE)
def test_a_dashboard_can_be_provisioned(name: str):
    board = WHOLE[name]
    assert board["uid"] == name.removesuffix(".json")
    assert board["editable"] is False
    assert board.get("id") is None
    assert "__inputs" not in board
    assert len(json.dumps(board)) < MIB
    assert board["title"]
    assert board["description"]
    names = [one["name"] for one in board["templating"]["list"]]
    assert names == ["datasource", "job", "pool"]


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_variable_is_asked_for_anew_with_the_time_range_from_the_chosen_prometheus(variable: dict[str, Any]):
    assert not {"auto", "auto_count", "auto_min"} & variable.keys(), "Grafana's types know none of these"
    if variable["type"] == "query":
        assert variable["refresh"] == 2
        assert variable["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        query = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"])
        assert query is not None
        assert unknown(f"count by ({query[2]}) ({query[1]})") == []


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_says_what_it_shows(panel: dict[str, Any]):
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
    assert all(target["legendFormat"] for target in panel["targets"])
    ids = [target["refId"] for target in panel["targets"]]
    assert len(ids) == len(set(ids))
    if panel["type"] == "timeseries":
        assert panel["options"]["legend"]["showLegend"] is True


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_names_what_is_declared_for_the_chosen_site(query: str):
    assert unknown(query, recorded()) == []
    matched = MATCHED.findall(query)
    assert len(matched) == len(list(selected(query))), "each metric has matchers"
    assert all('job=~"$job"' in matchers for matchers in matched)
    for name, _ in selected(query):
        if name in DECLARED and "pool" in {label.name for label in DECLARED[name].labels}:
            assert 'pool=~"$pool"' in query
        if name in DECLARED and DECLARED[name].kind is not Kind.GAUGE:
            assert re.search(rf"(rate|increase)\({name}\{{[^}}]*\}}\[\$__rate_interval\]\)", query)


def test_every_metric_that_is_declared_is_on_a_panel_or_in_a_rule():
    shown = {name for query in QUERIES for name, _ in selected(query)}
    assert [family.name for family in DECLARED.values() if not shown & set(names_of(family))] == []


def test_the_band_reaches_as_far_as_a_policy_forecasts_by_itself():
    assert tuple(map(duration_text, ForecastPolicy().horizons)) == HORIZONS
    overview = next(board for board in BOARDS if board.until != "now")
    assert overview.until == f"now+{HORIZONS[-1]}"
    for panel in (panel for panel in overview.panels if panel.band):
        legends = {query.legend for query in panel.queries}
        assert {TOP, BOTTOM} <= legends


def test_no_two_panels_of_a_dashboard_lie_on_one_another():
    for board in WHOLE.values():
        places = [panel["gridPos"] for panel in board["panels"]]
        cells = [
            (x, y)
            for at in places
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        ]
        assert len(cells) == len(set(cells))
        assert max(x for x, _ in cells) < 24


@pytest.mark.skipif(PROMTOOL is None, reason=NO_PROMTOOL)
def test_prometheus_understands_every_query(tmp_path: Path):
    rules = [{"record": f"tidegate:tried:{number}", "expr": sent(query)} for number, query in enumerate(QUERIES)]
    (tmp_path / "tried.yaml").write_text(yaml.safe_dump({"groups": [{"name": "tried", "rules": rules}]}))
    done = subprocess.run(
        [str(PROMTOOL), "check", "rules", "tried.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
