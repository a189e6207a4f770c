"""The page: its parts put together into one file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from plotly.offline import get_plotlyjs

from basics.whole_file import write_atomically
from cli.report import sections
from cli.report.drawings import drawings
from cli.report.left_out import left_out, sentence
from cli.report.templates import filled, text
from cli.report.verdict import sentences
from simulator.outcome import Outcome


def write_report(
    path: Path,
    *,
    title: str,
    input_facts: Mapping[str, str],
    policy_facts: Mapping[str, str],
    outcomes: Sequence[Outcome],
    notes: Sequence[str],
    versions: Mapping[str, str],
) -> None:
    """Write the comparison as one HTML file that loads nothing; the same input gives the same bytes.

    ``outcomes`` are of one replay, in the order to show them; what part each plays goes by the beginning of its
    policy's name: static, reactive, predictive, oracle. Raises BadInput when ``path`` cannot be written.
    """
    charts = drawings(outcomes)
    page = filled(
        "page.html",
        title=escape(title),
        css=text("page.css"),
        verdict=sections.verdict([*sentences(outcomes), *(f"{sentence(one)}." for one in left_out(outcomes))]),
        frontier=sections.frontier(outcomes),
        bars=sections.bars(outcomes),
        links=_links(charts),
        input_facts=sections.facts("The input", input_facts),
        policy_facts=sections.facts("The policy", policy_facts),
        comparison=sections.comparison(outcomes),
        charts=charts,
        notes=sections.notes(notes, outcomes),
        versions=sections.versions(versions),
        scripts=f"<script>{get_plotlyjs()}</script>\n<script>\n{text('page.js')}\n</script>" if charts else "",
    )
    write_atomically(path, page)


def _links(charts: str) -> str:
    """Links to the chart sections that are there."""
    places = (("owned", "Who owned the nodes"), ("forecasts", "Forecast against what came"))
    return "".join(f'<a href="#{place}">{name}</a> ' for place, name in places if f'<h2 id="{place}">' in charts)
