"""The sweep as one HTML file that loads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from basics.whole_file import write_atomically
from cli.report import sections
from cli.report.templates import filled, text
from cli.sweeping.frontier import Swept
from cli.sweeping.plot import plot
from cli.sweeping.table import DOMINATED, heads_and_cells, short_keys


def write_page(
    path: Path,
    swept: Sequence[Swept],
    *,
    input_facts: Mapping[str, str],
    policy_facts: Mapping[str, str],
    notes: Sequence[str],
    versions: Mapping[str, str],
    verdict: str,
) -> None:
    """Write it; the same input gives the same bytes. Raises BadInput when ``path`` cannot be written."""
    page = filled(
        "sweep.html",
        title="What other policies would have done",
        css=text("page.css"),
        verdict=escape(verdict),
        plot=plot(swept),
        table=_table(swept),
        input_facts=sections.facts("The input", input_facts),
        policy_facts=sections.facts("The policy", policy_facts),
        notes=sections.notes(notes, ()),
        versions=sections.versions(versions),
    )
    write_atomically(path, page)


def _table(swept: Sequence[Swept]) -> str:
    heads, cells = heads_and_cells(swept)
    columns = "".join(f'<th scope="col">{escape(head)}</th>' for head in ("row", *short_keys(swept), *heads, ""))
    lines = []
    for number, one in enumerate(swept, 1):
        values = [value for _, value in one.combination.values] + [cell(one) for cell in cells]
        mark = DOMINATED if one.is_dominated else ""
        line = "".join(f"<td>{escape(value)}</td>" for value in (*values, mark))
        lines.append(f'<tr class="{mark or "best"}"><th scope="row">{number}</th>{line}</tr>')
    body = "\n".join(lines)
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Combinations, scrolls sideways">\n'
        f'<table class="comparison">\n<thead><tr>{columns}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>'
    )
