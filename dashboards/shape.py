"""What a dashboard is made of, as values, and the JSON that Grafana's own SDK makes of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models

DATASOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
JOB = 'job=~"$job"'
OF_POOL = f'{JOB},pool=~"$pool"'
WHOLE_WIDTH = 24
Built = TypeVar("Built", timeseries.Panel, stat.Panel)
UNKNOWN_TO_SCHEMA = ("auto", "auto_count", "auto_min")  # the SDK writes them on variables; Grafana's types have none


@dataclass(frozen=True, slots=True)
class Query:
    """``<pool>`` in it stands for what picks the site and the pool, ``<job>`` for what picks the site alone."""

    text: str
    legend: str

    @property
    def expr(self) -> str:
        """As Grafana sends it, but for its variables."""
        return self.text.replace("<pool>", OF_POOL).replace("<job>", JOB)


def increase(metric: str, *labels: str, legend: str = "") -> Query:
    """How much a counter of pools has risen, by these labels, which are its legend where there is no other."""
    own = " ".join(f"{{{{{label}}}}}" for label in ("pool", *labels))
    by = ", ".join(("job", "pool", *labels))
    return Query(f"sum by ({by}) (increase({metric}{{<pool>}}[$__rate_interval]))", legend or own)


@dataclass(frozen=True, slots=True)
class Panel:
    """``width`` is of 24. ``bad_from`` is the value from which a stat is red; None draws a graph instead. ``band``
    fills the room between two series of these names. One that ``repeats`` is there once for each pool."""

    title: str
    about: str
    unit: str
    queries: tuple[Query, ...]
    width: int = 12
    stacked: bool = False
    bad_from: float | None = None
    band: tuple[str, str] | None = None
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Dashboard:
    """``until`` is where its time range ends."""

    uid: str
    title: str
    about: str
    panels: Sequence[Panel]
    until: str = "now"


def json_text(board: Dashboard) -> str:
    """The file as Grafana imports it."""
    whole = json.loads(json.dumps(_board(board).build(), cls=JSONEncoder))
    for variable in whole["templating"]["list"]:
        for name in UNKNOWN_TO_SCHEMA:
            variable.pop(name, None)
    return json.dumps(whole, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _board(board: Dashboard) -> builders.Dashboard:
    built = (
        builders.Dashboard(board.title)
        .uid(board.uid)
        .description(board.about)
        .tags(["tidegate"])
        .readonly()
        .time("now-6h", board.until)
        .refresh("30s")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .link(builders.DashboardLink("Tidegate").type(models.DashboardLinkType.DASHBOARDS).tags(["tidegate"]))
        .with_variable(builders.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .with_variable(_variable("job", "Site", "label_values(tidegate_bus_published_total, job)"))
        .with_variable(_variable("pool", "Pool", 'label_values(tidegate_source_unread{job=~"$job"}, pool)'))
    )
    for panel in board.panels:
        built.with_panel(_graph(panel) if panel.bad_from is None else _stat(panel, panel.bad_from))
    return built


def _variable(name: str, label: str, query: str) -> builders.QueryVariable:
    return (
        builders.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
    )


def _graph(panel: Panel) -> timeseries.Panel:
    legend = common_builders.VizLegendOptions().show_legend(True)
    legend = legend.display_mode(common.LegendDisplayMode.LIST).placement(common.LegendPlacement.BOTTOM)
    built = _with_queries(timeseries.Panel(), panel).legend(legend).show_points(common.VisibilityMode.NEVER).height(8)
    built.fill_opacity(30 if panel.stacked else 0).axis_soft_min(0)
    if panel.stacked:
        built.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL))
    if panel.band is not None:
        top, bottom = panel.band
        fill = [
            models.DynamicConfigValue(id_val="custom.fillBelowTo", value=bottom),
            models.DynamicConfigValue(id_val="custom.fillOpacity", value=20),
        ]
        built.override_by_name(top, fill)
    if panel.repeats:
        built.repeat("pool").repeat_direction("v")
    return built


def _stat(panel: Panel, bad_from: float) -> stat.Panel:
    steps = [models.Threshold(value=None, color="green"), models.Threshold(value=bad_from, color="red")]
    limits = builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)
    last = common_builders.ReduceDataOptions().calcs(["lastNotNull"])
    return _with_queries(stat.Panel(), panel).thresholds(limits).reduce_options(last).height(4)


def _with_queries(built: Built, panel: Panel) -> Built:
    built.title(panel.title).description(panel.about).unit(panel.unit).datasource(DATASOURCE).span(panel.width)
    for number, query in enumerate(panel.queries):
        one = prometheus.Dataquery().ref_id(chr(ord("A") + number)).datasource(DATASOURCE)
        built.with_target(one.expr(query.expr).legend_format(query.legend).range())
    return built
