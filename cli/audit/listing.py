"""The list of hand-overs: a table of 80 columns and what they sum up to; or both as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from basics.text import clean, count
from cli.audit.format import clock, node_text, span_text, wrapped
from cli.audit.timelines import Acted, HandoverTimeline
from models.acts import Outcome
from models.audit import Dropped, Fenced, LeftAlone
from models.handovers import Direction, Handover, Stage

DROPS_SHOWN = 5
NODE_WIDE = 16  # characters of a node's name that are never broken
_HEADS = ("id", "node", "to", "ended", "begun", "emptying", "opening", "back", "why")
_TIMES = ("begun", "emptying", "opening", "back")
_LEFT_OUT_FIRST = ("emptying", "back", "opening", "begun", "to", "why", "ended", "node")
_ENDS = (Stage.DONE, Stage.CANCELLED, Stage.STUCK)
_STYLES = {Stage.STUCK: "bold red", Stage.CANCELLED: "yellow"}


def listing(timelines: Sequence[HandoverTimeline], width: int, shared: str = "") -> tuple[Table, list[str]]:
    """One row for each hand-over, its id without what all ids begin with, within ``width`` columns of the terminal;
    and what there is no room for. An id is folded only where it alone is wider than all."""
    cells = dict(zip(_HEADS, zip(*(_row(timeline, shared) for timeline in timelines), strict=True), strict=True))
    if all(timeline.back_s is None for timeline in timelines):
        del cells["back"]
    wide = {head: max(map(cell_len, (head, *map(str, texts)))) for head, texts in cells.items()}
    wide["node"] = min(wide["node"], NODE_WIDE)
    out = []
    for head in _LEFT_OUT_FIRST:
        if head in cells and sum(wide[one] + 1 for one in cells) - 1 > width:
            del cells[head]
            out.append(head)
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    for head in cells:
        justify: Literal["left", "right"] = "right" if head in _TIMES else "left"
        folded = head == "node" or wide[head] > width
        table.add_column(head, justify=justify, no_wrap=not folded, overflow="fold", min_width=min(wide[head], width))
    for row in zip(*cells.values(), strict=True):
        table.add_row(*row)
    return table, out


def _row(timeline: HandoverTimeline, shared: str) -> tuple[Text | str, ...]:
    handover = timeline.handover
    return (
        Text(clean(timeline.id.removeprefix(shared))),
        Text(clean(handover.node)),
        handover.direction.target,
        Text(_end(handover), style=_STYLES.get(handover.stage, "")),
        clock(handover.started_s),
        *map(span_text, (timeline.emptying_s, timeline.opening_s, timeline.back_s)),
        why(handover),
    )


def why(handover: Handover) -> str:
    """Why it turned back or needs a person; that it was begun to mend a node, or as a loan; else nothing."""
    kind = "repair" if handover.repair else "loan" if handover.loan else ""
    return kind if handover.why is None else str(handover.why)


def _end(handover: Handover) -> str:
    return str(handover.stage) if handover.stage.finished else "open"


def summary(timelines: Sequence[HandoverTimeline], strays: Sequence[Acted], headless: int) -> list[str]:
    """Lines: how hand-overs ended, how long nodes took from empty to open, what became of acts."""
    ends = Counter(_end(timeline.handover) for timeline in timelines)
    reasons = Counter(str(timeline.handover.why) for timeline in timelines if timeline.handover.why is not None)
    told = ", ".join(f"{number} {reason}" for reason, number in reasons.most_common())
    counts = ", ".join(f"{ends[end]} {end}" for end in (*_ENDS, "open"))
    lines = [f"{count(len(timelines), 'hand-over')}: {counts}{f' ({told})' if told else ''}"]
    for direction in Direction:
        if times := lead_times(timelines, direction):
            median, p90 = span_text(quantile(times, 50)), span_text(quantile(times, 90))
            lines.append(f"empty to open, to {direction.target}: median {median}, p90 {p90}, of {len(times)}")
    acts, lost = outcomes([*(act for timeline in timelines for act in timeline.acts), *strays])
    lines.append(
        f"{count(sum(acts.values()) + lost, 'act')}: "
        + ", ".join(f"{acts[outcome]} {outcome}" for outcome in Outcome)
        + f"; {lost} asked and never answered"
    )
    if headless:
        lines.append(f"{count(headless, 'hand-over')} left out: no stage of it is in this file")
    return lines


def drops(dropped: Sequence[Dropped], width: int) -> Iterator[str]:
    """Lines: how many moves were dropped and why, and the newest of them with what was seen; none without any."""
    if not dropped:
        return
    reasons = Counter(one.reason for one in dropped)
    told = ", ".join(f"{number} {reason}" for reason, number in reasons.most_common())
    yield f"{count(len(dropped), 'move')} dropped before {'it' if len(dropped) == 1 else 'they'} began: {told}"
    for one in dropped[-DROPS_SHOWN:]:
        text = f"  {clock(one.at_s)}  {clean(one.node)} to {one.direction.target} ({one.reason}): {node_text(one.seen)}"
        yield from wrapped(text, width, indent=4)


def left_alone(nodes: Sequence[LeftAlone], width: int) -> Iterator[str]:
    """Lines: the nodes that are left alone, why, and how a person removes the record that is in the way."""
    for one in nodes:
        ends = f"run: {clean(one.command)}" if one.command else "remove its annotation"
        what = f"node {clean(one.node)} is left alone since {clock(one.at_s)}: {clean(one.error)}"
        yield from wrapped(f"{what}; if nobody needs it, {ends}", width, indent=2)


def late_pods(fenced: Sequence[Fenced]) -> Iterator[str]:
    """A line: how many pods came late to a node that was fenced off; none without any."""
    if fenced:
        pods, bare = sum(one.pods for one in fenced), sum(one.bare for one in fenced)
        yield f"{count(pods, 'pod')} came late to nodes that were fenced off; {bare} of them nothing makes again"


def lead_times(timelines: Sequence[HandoverTimeline], direction: Direction) -> list[int]:
    """Seconds from empty to open of all that came to that, shortest first."""
    found = (
        timeline.opening_s
        for timeline in timelines
        if timeline.handover.direction is direction and not timeline.handover.repair
    )
    return sorted(seconds for seconds in found if seconds is not None)


def quantile(ordered: Sequence[int], percent: int) -> int:
    """As the controller learns lead times: the value at that part of the list."""
    return ordered[len(ordered) * percent // 100]


def outcomes(acts: Sequence[Acted]) -> tuple[Counter[Outcome], int]:
    """Acts by outcome, and how many were never answered."""
    known = [act.answered.outcome for act in acts if act.answered is not None]
    return Counter(known), len(acts) - len(known)


def document(
    timelines: Sequence[HandoverTimeline],
    every: Sequence[HandoverTimeline],
    strays: Sequence[Acted],
    dropped: Sequence[Dropped],
    alone: Sequence[LeftAlone],
) -> dict[str, Any]:
    """The list and the summary, ready for JSON, times in seconds: ``timelines`` are listed, ``every`` one summed up."""
    acts, lost = outcomes([*(act for timeline in every for act in timeline.acts), *strays])
    times = {direction: lead_times(every, direction) for direction in Direction}
    return {
        "handovers": [_plain(timeline) for timeline in timelines],
        "dropped": [
            {"at_s": one.at_s, "node": one.node, "direction": one.direction, "reason": one.reason} for one in dropped
        ],
        "left_alone": [
            {"at_s": one.at_s, "node": one.node, "error": one.error, "command": one.command} for one in alone
        ],
        "summary": {
            "handovers": len(every),
            "ended": {end: sum(_end(timeline.handover) == end for timeline in every) for end in (*_ENDS, "open")},
            "empty_to_open_s": {
                direction: {"count": len(found), "median": quantile(found, 50), "p90": quantile(found, 90)}
                for direction, found in times.items()
                if found
            },
            "acts": {**{outcome: acts[outcome] for outcome in Outcome}, "never answered": lost},
        },
    }


def _plain(timeline: HandoverTimeline) -> dict[str, Any]:
    handover = ("node", "direction", "stage", "why", "repair", "started_s")
    times = ("ended_s", "emptying_s", "opening_s", "back_s")
    return {
        "id": timeline.id,
        **{name: getattr(timeline.handover, name) for name in handover},
        **{name: getattr(timeline, name) for name in times},
        "acts": len(timeline.acts),
    }
