"""What was weighed, as a table: the chosen split, staying, and the three splits that are nearest to the chosen one."""

from __future__ import annotations

from rich import box
from rich.table import Table

from controller.decide.weighed import Alternative, Weighed

NEAREST = 3


def shown(weighed: Weighed) -> list[tuple[str, Alternative]]:
    """The chosen split, staying where that is another one, and the nearest alternatives, each with what it is."""
    chosen = weighed.chosen
    head = [("chosen: stay", chosen)] if chosen.offset == 0 else [("chosen", chosen), ("stay", weighed.staying)]
    others = [one for one in weighed.others if one.offset != 0][:NEAREST]
    return [*head, *(("", one) for one in others)]


def costs(weighed: Weighed) -> Table:
    """In weighted node-hours over the horizon; 60 columns at most."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for head in ("", "Kubernetes has", "unmet", "moving", "cost", "now"):
        table.add_column(head, justify="left" if head in {"", "now"} else "right", no_wrap=True)
    for name, one in shown(weighed):
        table.add_row(
            name,
            f"{weighed.current + one.offset} ({one.offset:+d})" if one.offset else str(weighed.current),
            f"{one.unmet:.2f}",
            f"{one.friction:.2f}",
            f"{one.cost:.2f}",
            f"not allowed: {one.forbidden}" if one.forbidden is not None else "",
        )
    return table
