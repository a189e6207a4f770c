"""How far groups are behind and how much there is on the topics: two tables of 80 columns, or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from basics.text import clean
from connectors.bus.inspection import Behind, Extent

STATE = "*"  # marks a topic of state
HIDDEN = "no right to see it"
NOBODY = "no group has committed anything on these topics that this user may see"


def behind_table(behind: Sequence[Behind]) -> Table:
    """One row for each group and topic."""
    table = _table("group", "topic")
    table.add_column("messages behind", justify="right", no_wrap=True)
    for one in behind:
        style = "bold" if one.messages else ""
        table.add_row(Text(clean(one.group)), _name(one), Text(_count(one.messages, one.exact), style=style))
    return table


def extent_table(extents: Sequence[Extent]) -> Table:
    """One row for each topic."""
    table = _table("topic")
    for head in ("partitions", "messages"):
        table.add_column(head, justify="right", no_wrap=True)
    for one in extents:
        if one.partitions is None or one.messages is None:
            table.add_row(_name(one), "–", HIDDEN)
        else:
            table.add_row(_name(one), str(one.partitions), _count(one.messages, one.exact))
    return table


def footnotes(behind: Sequence[Behind], extents: Sequence[Extent]) -> list[str]:
    """What a person has to know to read the tables."""
    lines = ["behind: how many came after the group's last commit"] if behind else [NOBODY]
    if any(one.topic.state for one in behind):
        lines += [
            f"{STATE} a topic of state: whoever starts reads it from its beginning, whatever is",
            "  committed; what is still to be read of that is not counted here",
        ]
    if not all(one.exact for one in extents):
        lines += ["≤ counts places for messages; compaction may have emptied some"]
    return lines


def document(behind: Sequence[Behind], extents: Sequence[Extent]) -> dict[str, Any]:
    """The same, ready for JSON."""
    return {
        "groups": [{"group": one.group, **_plain(one, behind=one.messages)} for one in behind],
        "topics": [_plain(one, partitions=one.partitions, messages=one.messages) for one in extents],
    }


def _plain(one: Behind | Extent, **counts: int | None) -> dict[str, Any]:
    return {"topic": one.topic.value, **counts, "exact": one.exact, "state": one.topic.state}


def _table(*heads: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), show_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold", min_width=8)
    return table


def _name(one: Behind | Extent) -> Text:
    return Text(f"{one.topic} {STATE}" if one.topic.state else str(one.topic))


def _count(number: int, exact: bool) -> str:
    return f"{number:,}" if exact or not number else f"≤ {number:,}"
