"""The comparison as a table for the terminal: right at 80 columns with up to five policies."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from cli.report.figures import Cell, Row, Unit, rows
from cli.report.left_out import left_out
from simulator.outcome import Outcome

_UNITS = {Unit.NODE_HOURS: "node-h", Unit.COST: "weighted", Unit.RATIO: "x"}


def comparison_table(outcomes: Sequence[Outcome]) -> Table:
    """Policies as columns, figures as rows; ``*`` marks the best that a site could have, ``!`` killed work.

    Names go in as text, so that brackets in them are not read as markup.
    """
    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, caption=_caption(outcomes), caption_justify="left"
    )
    table.add_column("", overflow="fold", min_width=16)
    for outcome in outcomes:
        table.add_column(Text(outcome.policy), justify="right", overflow="fold", min_width=6)
    group = ""
    for row in rows(outcomes):
        if group and row.figure.group != group:
            table.add_section()
        group = row.figure.group
        style = "bold" if row.figure.key in {"killed", "unmet_cost"} else ""
        table.add_row(_label(row), *(_cell(row, cell) for cell in row.cells), style=style)
    return table


def _label(row: Row) -> Text:
    unit = _UNITS.get(row.figure.unit, row.unit)
    return Text(row.figure.short).append(f" ({unit})" if unit else "", style="dim")


def _cell(row: Row, cell: Cell) -> Text:
    killed = row.figure.key == "killed" and bool(cell.value)
    style = "bold red" if killed else "bold" if cell.best else ""
    return Text(cell.text + ("!" if killed else "*" if cell.best else " "), style=style)


def _caption(outcomes: Sequence[Outcome]) -> Text:
    best = "* best of the policies that a site could run (what sees the future is left out)"
    lines = [*([best] if len(outcomes) > 1 else []), "A row that is 0 for all is left out."]
    lines += [f"Left out: {one.text}" for one in left_out(outcomes)]
    return Text("\n".join(lines), style="dim")
