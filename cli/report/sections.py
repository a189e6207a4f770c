"""The parts of the page as HTML. Whatever comes from outside goes through ``escape`` on its way in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from cli.report.figures import Cell, Row, is_bound, rows
from cli.report.frontier_chart import frontier_chart
from cli.report.service_level import frontier as curves
from simulator.outcome import Outcome, Timeline

_ABSENT = '<span aria-hidden="true">–</span><span class="unseen">not measured</span>'


def verdict(sentences: Sequence[str]) -> str:
    """The result in plain words: the first sentence large, the others beneath."""
    first, *others = (escape(sentence) for sentence in sentences)
    return "\n".join([f'<p class="verdict">{first}</p>', *(f"<p>{other}</p>" for other in others)])


def frontier(outcomes: Sequence[Outcome]) -> str:
    """Requests unmet against waits, drawn without a script; nothing where there is no such thing."""
    chart = frontier_chart(curves(outcomes))
    if not chart:
        return ""
    said = "Each point of the line is a fixed split of the nodes. Nearer to the lower left corner is better."
    return f"<figure>\n{chart}\n<figcaption>{said}</figcaption>\n</figure>"


def bars(outcomes: Sequence[Outcome]) -> str:
    """Each policy's cost of unmet demand as a bar, and whether it killed anything: drawn without a script."""
    costs = [outcome.value("unmet_cost") for outcome in outcomes]
    most = max((cost for cost in costs if cost is not None), default=0.0)
    if most <= 0:
        return ""
    row = next(row for row in rows(outcomes) if row.figure.key == "unmet_cost")
    items = "\n".join(
        f"<li><span>{_policy(outcome)}</span>"
        f'<span class="track" aria-hidden="true"><i style="width:{100 * (cell.value or 0) / most:.1f}%"></i></span>'
        f'<span class="amount">{_amount(cell)}</span><span class="fate">{_fate(outcome)}</span></li>'
        for outcome, cell in zip(outcomes, row.cells, strict=True)
    )
    return f'<h3>Cost of unmet demand, in {row.unit}: shorter is better</h3>\n<ul class="bars">\n{items}\n</ul>'


def facts(caption: str, pairs: Mapping[str, str]) -> str:
    """Names and values as a small table; nothing where there are none."""
    if not pairs:
        return ""
    lines = "\n".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in pairs.items()
    )
    return f'<table class="facts"><caption>{escape(caption)}</caption><tbody>\n{lines}\n</tbody></table>'


def comparison(outcomes: Sequence[Outcome]) -> str:
    """All figures of all policies, the best of each row marked by a word and weight, not by colour alone."""
    heads = "".join(f'<th scope="col">{_policy(outcome)}</th>' for outcome in outcomes)
    parts, group = [], ""
    for row in rows(outcomes):
        if row.figure.group != group:
            group = row.figure.group
            head = f'<th scope="rowgroup" colspan="{len(outcomes) + 1}"><span>{group}</span></th>'
            parts.append(f'</tbody>\n<tbody><tr class="group">{head}</tr>')
        parts.append(_line(row))
    body = "\n".join(parts).removeprefix("</tbody>\n") or "<tbody>"
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Comparison table, scrolls sideways">\n'
        f'<table class="comparison">\n<thead><tr><th scope="col">Figure</th>{heads}</tr></thead>\n{body}\n'
        "</tbody>\n</table>\n</div>"
    )


def notes(page: Sequence[str], outcomes: Sequence[Outcome]) -> str:
    """What a reader should know before believing the page: of the whole, then of each policy."""
    items = [f"<li>{escape(note)}</li>" for note in page]
    items += [
        f"<li><b>{escape(outcome.policy)}:</b> {escape(note)}</li>" for outcome in outcomes for note in outcome.notes
    ]
    listed = f'<section id="notes">\n<h2>Notes</h2>\n<ul class="notes">\n{"".join(items)}\n</ul>\n</section>'
    return listed if items else ""


def versions(pairs: Mapping[str, str]) -> str:
    """What this was made with, in one line."""
    return " · ".join(f"{escape(name)} {escape(version)}" for name, version in pairs.items())


def ownership(outcome: Outcome) -> str:
    """A ribbon in words, also for those who cannot see it."""
    line = outcome.timeline
    kubernetes = line.kubernetes_nodes
    low, high, mean = (f"{value:,.0f}" for value in (kubernetes.min(), kubernetes.max(), kubernetes.mean()))
    whole = f"{line.nodes:,} nodes"
    moves = outcome.value("moves")
    moved = f" Nodes moved {moves:,.0f} times." if moves else " No node moved." if moves == 0 else ""
    cut = _cut(line)
    if low == high:
        return f"Kubernetes had {low} of {whole} all the time.{moved}{cut}"
    return f"Kubernetes had {low} to {high} of {whole}, {mean} on average.{moved}{cut}"


def _cut(line: Timeline) -> str:
    """What of the demand no picture of the pool can show."""
    parts = []
    for name, demand in (("HPC", line.hpc_demand), ("Kubernetes", line.kubernetes_demand)):
        most = float(np.nanmax(demand, initial=0.0))
        if most > line.nodes + 0.5:
            parts.append(f"{name} asked for up to {most:,.0f} nodes")
    return f" {' and '.join(parts)}; the picture ends at the {line.nodes:,} there are." if parts else ""


def _policy(outcome: Outcome) -> str:
    bound = " <small>sees the future</small>" if is_bound(outcome.policy) else ""
    return f"<bdi>{escape(outcome.policy)}</bdi>{bound}"


def _fate(outcome: Outcome) -> str:
    killed = outcome.value("killed")
    if killed is None:
        return ""
    return f'<b class="alarm">⚠ {killed:,.0f} killed</b>' if killed else "nothing killed"


def _line(row: Row) -> str:
    unit = f" <small>{escape(row.unit)}</small>" if row.unit else ""
    killed = row.figure.key == "killed"
    cells = "".join(
        f"<td{_class(cell, killed)}>{'<small>best</small> ' if cell.best else ''}{_amount(cell)}</td>"
        for cell in row.cells
    )
    return f'<tr{" class=killed" if killed else ""}><th scope="row">{escape(row.figure.label)}{unit}</th>{cells}</tr>'


def _class(cell: Cell, killed: bool) -> str:
    names = [name for name, is_so in (("best", cell.best), ("alarm", killed and bool(cell.value))) if is_so]
    return f' class="{" ".join(names)}"' if names else ""


def _amount(cell: Cell) -> str:
    return _ABSENT if cell.value is None else escape(cell.text)
