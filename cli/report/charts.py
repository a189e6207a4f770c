"""The charts as plotly figures: data and shape only. Colours belong to ``page.css`` and are put on by ``page.js``.

A figure here is JSON: ``xs`` holds the time axes once, a trace names its own by number in ``x``, and ``meta`` says what
the trace is, for the colours. Times are milliseconds from an origin, the 1st of January of a common year, so that
plotly's own ``%-j`` (day of the year) writes "day 3". No text from outside enters a figure: plotly reads some markup.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cli.report.thinning import rows_to_keep, steps_to_keep
from models.nodes import Side
from simulator.outcome import Band, Timeline

ORIGIN_MS = 978_307_200_000  # 2001-01-01 00:00 UTC
DAY_S = 86_400
NAMES = {Side.HPC: "HPC", Side.KUBERNETES: "Kubernetes"}
Json: TypeAlias = dict[str, Any]


@dataclass(slots=True)
class Chart:
    """One figure in the making. ``start_s`` is the midnight before the replay begins, on the trace's own clock."""

    start_s: int
    limit: int
    xs: list[Json] = field(default_factory=list)
    traces: list[Json] = field(default_factory=list)

    def times(self, times_s: NDArray[np.int64]) -> int:
        """Keep a time axis and give its number."""
        self.xs.append(_packed(ORIGIN_MS + 1_000.0 * (times_s - self.start_s), "f8"))
        return len(self.xs) - 1

    def line(self, x: int, y: NDArray[np.float64], meta: str, hover: str, **more: Any) -> None:
        """Add one trace; ``hover`` is plotly's template of what the pointer shows."""
        trace = {"type": "scatter", "mode": "lines", "meta": meta, "x": x, "y": _packed(y, "f4")}
        self.traces.append(trace | {"hovertemplate": f"{hover}<extra></extra>"} | more)

    def done(self, **axes: Json) -> str:
        """The figure as JSON that may stand inside a script element."""
        layout = {"hovermode": "x unified", "hoverdistance": -1, "showlegend": False, **axes}
        text = json.dumps(
            {"xs": self.xs, "data": self.traces, "layout": layout}, separators=(",", ":"), allow_nan=False
        )
        return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def ribbon(line: Timeline, *, start_s: int, limit: int) -> str:
    """Who owned how many nodes: HPC stands on the floor, Kubernetes hangs from the ceiling, what moves is in between.

    Demand is drawn the same way, HPC's up from the floor and Kubernetes' down from the ceiling, so that a line that
    leaves its own side's colour is demand without a node. A line stops at the edge of the pool; the pointer shows the
    true number.
    """
    chart = Chart(start_s, limit)
    owned = (line.hpc_nodes, line.moving_nodes, line.kubernetes_nodes)
    keep = steps_to_keep(owned, limit)
    x = chart.times(line.times_s[keep])
    for nodes, meta, hover in zip(
        owned, ("hpc", "moving", "kubernetes"), ("HPC has", "moving", "Kubernetes has"), strict=True
    ):
        area: Json = {"stackgroup": "nodes", "line": {"width": 0, "shape": "hv"}}
        chart.line(x, nodes[keep], f"{meta}-area", f"{hover} %{{y:,.0f}}", **area)
    pool = line.hpc_nodes + line.moving_nodes + line.kubernetes_nodes
    top = float(np.nanmax(pool, initial=1.0))
    keep = rows_to_keep((line.hpc_demand, line.kubernetes_demand), limit)
    x = chart.times(line.times_s[keep])
    ceiling = pool[keep]
    for side in Side:
        demand = line.demand(side)[keep]
        drawn = np.clip(demand if side is Side.HPC else ceiling - demand, 0.0, ceiling)
        hover = f"{NAMES[side]} wants %{{customdata:,.1f}}"
        chart.line(x, drawn, f"{side.value}-demand", hover, customdata=_packed(demand, "f4"))
    return chart.done(xaxis=_time_axis("y"), yaxis=_nodes_axis("nodes", range=[-0.01 * top, 1.01 * top]))


def forecast(bands: Sequence[Band], line: Timeline, *, start_s: int, limit: int) -> str:
    """One horizon's bands, drawn at the hour that they speak of, with the demand that came; a panel for each side."""
    chart = Chart(start_s, limit)
    panels = [band for side in Side for band in bands if band.side is side]
    axes: Json = {"xaxis": _time_axis(_axis("y", len(panels)))}
    for place, band in enumerate(panels, start=1):
        name = NAMES[band.side]
        panel = {"yaxis": _axis("y", place)}
        _band(chart, band, panel)
        keep = rows_to_keep((line.demand(band.side),), limit)
        came = line.demand(band.side)[keep]
        chart.line(chart.times(line.times_s[keep]), came, "came", f"{name}: came %{{y:,.1f}}", **panel)
        high = 1 - (place - 1) / len(panels)
        low = high - 1 / len(panels) + (0.06 if place < len(panels) else 0.0)
        axes[_axis("yaxis", place)] = _nodes_axis(f"{name}, nodes", domain=[max(low, 0.0), high], rangemode="tozero")
    return chart.done(**axes)


def _band(chart: Chart, band: Band, panel: Json) -> None:
    """The 10-90 % band as one closed area, and its median."""
    keep = rows_to_keep((band.low, band.high, band.mid), chart.limit)
    x = chart.times(band.times_s[keep] + band.horizon_s)
    low, mid, high = (column[keep].astype(float) for column in (band.low, band.mid, band.high))
    side, name = band.side.value, NAMES[band.side]
    edge: Json = panel | {"line": {"width": 0}}
    chart.line(x, low, f"{side}-edge", f"{name}: forecast at least %{{y:,.1f}}", **edge)
    chart.line(x, high, f"{side}-band", f"{name}: forecast at most %{{y:,.1f}}", fill="tonexty", **edge)
    chart.line(x, mid, f"{side}-median", f"{name}: forecast median %{{y:,.1f}}", **panel)


def _packed(values: NDArray[Any], dtype: str) -> Json:
    """An array as plotly reads it: little-endian, base64."""
    return {"dtype": dtype, "bdata": base64.b64encode(values.astype(f"<{dtype}").tobytes()).decode("ascii")}


def _axis(name: str, place: int) -> str:
    """Plotly's name of the n-th axis: ``y``, ``y2``, ``y3``."""
    return name if place == 1 else f"{name}{place}"


def _time_axis(anchor: str) -> Json:
    return {"type": "date", "anchor": anchor, "hoverformat": "day %-j, %H:%M", "zeroline": False}


def _nodes_axis(title: str, **more: Any) -> Json:
    return {"title": {"text": title}, "fixedrange": True, "zeroline": False, **more}
