"""The two chart sections as HTML: a place for each chart, its data beside it, and what it shows in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

from cli.report.charts import DAY_S, NAMES, forecast, ribbon
from cli.report.numbers import ahead, percent, span
from cli.report.sections import ownership
from cli.report.templates import filled, text
from cli.report.thinning import points_per_line
from simulator.outcome import Band, Outcome

_LINES_OF_RIBBON = 5
_LINES_OF_BAND = 4
_WINDOW_LEAST_S = 3_600
_POINTS_LEAST = 60  # in the shortest window: with fewer of a thinned line one would look at what is not there


def drawings(outcomes: Sequence[Outcome]) -> str:
    """Who owned the nodes, and the forecasts, of all policies that saw two turns or more; empty without any."""
    drawn = [(place, outcome) for place, outcome in enumerate(outcomes) if len(outcome.timeline.times_s) > 1]
    if not drawn:
        return ""
    first_s = min(int(outcome.timeline.times_s[0]) for _, outcome in drawn)
    last_s = max(int(2 * outcome.timeline.times_s[-1] - outcome.timeline.times_s[-2]) for _, outcome in drawn)
    start_s = first_s // DAY_S * DAY_S
    bands = sum(len(outcome.bands) for _, outcome in drawn)
    limit = points_per_line(_LINES_OF_RIBBON * len(drawn) + _LINES_OF_BAND * bands)
    rows = max(len(outcome.timeline.times_s) for _, outcome in drawn)
    least_s = max(_WINDOW_LEAST_S, _POINTS_LEAST * (last_s - first_s) // limit if rows > limit else 0)
    forecasts = "\n".join(_forecasts(place, outcome, start_s, limit) for place, outcome in drawn if outcome.bands)
    return filled(
        "charts.html",
        window=json.dumps({"from": first_s - start_s, "to": last_s - start_s, "least": least_s}),
        thinned=_thinned(limit, last_s - first_s) if rows > limit else "",
        ribbons="\n".join(_ribbon(place, outcome, start_s, limit) for place, outcome in drawn),
        forecasts=f"<section>\n{text('forecasts.html')}\n{forecasts}\n</section>" if forecasts else "",
    )


def _ribbon(place: int, outcome: Outcome, start_s: int, limit: int) -> str:
    """One policy's ribbon under its name, with its sentence."""
    said = ownership(outcome)
    chart = _chart(f"ribbon-{place}", ribbon(outcome.timeline, start_s=start_s, limit=limit), said, "ribbon")
    return f"<figure>\n{_name(outcome)}\n{chart}\n<figcaption>{said}</figcaption>\n</figure>"


def _forecasts(place: int, outcome: Outcome, start_s: int, limit: int) -> str:
    """One policy's forecasts: a chart for each horizon, one of them shown at a time."""
    horizons = sorted({band.horizon_s for band in outcome.bands})
    shown = horizons[len(horizons) // 2]
    choices, panels = [], []
    for horizon_s in horizons:
        name = f"forecast-{place}-{horizon_s}"
        bands = [band for band in outcome.bands if band.horizon_s == horizon_s]
        checked, hidden = (" checked", "") if horizon_s == shown else ("", " hidden")
        radio = f'<input type="radio" name="horizon-{place}" value="{name}"{checked}>'
        choices.append(f"<label>{radio}{ahead(horizon_s)}</label>")
        said = _said(bands, outcome)
        figure = forecast(bands, outcome.timeline, start_s=start_s, limit=limit)
        chart = _chart(name, figure, said, f"panels-{min(len(bands), 2)}")
        panels.append(f'<figure id="{name}-figure"{hidden}>\n{chart}\n<figcaption>{said}</figcaption>\n</figure>')
    choice = f'<fieldset class="choice"><legend>How far ahead</legend>{"".join(choices)}</fieldset>'
    return "\n".join([_name(outcome), choice, *panels])


def _said(bands: Sequence[Band], outcome: Outcome) -> str:
    """How often the bands held what came, which is what they are to be judged by."""
    shares = [(NAMES[band.side], band.held(outcome.timeline)) for band in bands]
    parts = " and ".join(f"{percent(share)} of {name} demand" for name, share in shares if share is not None)
    made = f"Made {ahead(bands[0].horizon_s)} earlier."
    return f"{made} The band held {parts}; it promises 80 %." if parts else made


def _name(outcome: Outcome) -> str:
    return f"<h3><bdi>{escape(outcome.policy)}</bdi></h3>"


def _chart(name: str, figure: str, said: str, kind: str) -> str:
    """A place for a chart and its data; the script draws it."""
    return (
        f'<div class="chart {kind}" id="{name}" role="img" aria-label="{escape(said)}"></div>\n'
        f'<script type="application/json" id="{name}-data">{figure}</script>'
    )


def _thinned(limit: int, length_s: int) -> str:
    """Own up to what is not drawn."""
    return (
        f" Each line has at most {limit:,} points over {span(length_s)}: the lowest and the highest of each stretch are"
        " drawn, what lies between them is not."
    )
