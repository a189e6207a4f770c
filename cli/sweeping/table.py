"""The combinations as a table for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from cli.report.numbers import decimals_for, duration_unit, number
from cli.sweeping.frontier import COST, MOVES, SHARE, UNMET, WAIT, Swept
from models.nodes import Side

DOMINATED = "dominated"
_SIDES = frozenset(Side)


def heads_and_cells(swept: Sequence[Swept]) -> tuple[list[str], list[Callable[[Swept], str]]]:
    """The figures' heads with their units, and how a row shows each."""
    unit, size_s = duration_unit([one.figures[WAIT] for one in swept])
    unmet = SHARE if SHARE in swept[0].figures else UNMET
    if unmet == SHARE:
        heads, first = ["requests unmet"], _in(unmet, [100 * one.figures[unmet] for one in swept], 0.01, " %")
    else:
        heads, first = ["unmet (node-h)"], _in(unmet, [one.figures[unmet] for one in swept], 1.0)
    heads += [f"HPC's wait ({unit})", "cost", "moves"]
    wait = _in(WAIT, [one.figures[WAIT] / size_s for one in swept], size_s)
    cost = _in(COST, [one.figures[COST] for one in swept], 1.0)
    return heads, [first, wait, cost, _in(MOVES, [one.figures[MOVES] for one in swept], 1.0)]


def short_keys(swept: Sequence[Swept]) -> list[str]:
    """The keys that are varied by their last word, with the one before where that is a side; as a whole where two would
    look alike."""
    keys = [key for key, _ in swept[0].combination.values]
    words = [key.split(".") for key in keys]
    short = [".".join(parts[-2:] if parts[-1] in _SIDES else parts[-1:]) for parts in words]
    return short if len(set(short)) == len(short) else keys


def sweep_table(swept: Sequence[Swept]) -> Table:
    """A row for each combination; those that another one dominates are dim and say so."""
    heads, cells = heads_and_cells(swept)
    table = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        caption=Text("dominated: another row is as good in every figure and better in one", style="dim"),
        caption_justify="left",
    )
    for key in short_keys(swept):
        table.add_column(Text(key), overflow="fold", justify="right")
    for head in heads:
        table.add_column(Text(head), justify="right")
    table.add_column("")
    for one in swept:
        values = [Text(value) for _, value in one.combination.values]
        mark = DOMINATED if one.is_dominated else ""
        table.add_row(*values, *(cell(one) for cell in cells), mark, style="dim" if one.is_dominated else "bold")
    return table


def _in(key: str, shown: Sequence[float], size: float, unit: str = "") -> Callable[[Swept], str]:
    decimals = decimals_for(shown)
    return lambda one: f"{number(one.figures[key] / size, decimals)}{unit}"
