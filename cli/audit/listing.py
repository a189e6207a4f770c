"""The list of hand-overs: a table of 80 columns and what they sum up to; or both as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from cli.audit.tales import Acted, Tale
from cli.audit.words import clean, clock, lasting
from cli.counts import count
from models.acts import Outcome
from models.handovers import Direction, Handover, Stage

_ENDS = (Stage.DONE, Stage.CANCELLED, Stage.STUCK)
_STYLES = {Stage.STUCK: "bold red", Stage.CANCELLED: "yellow"}


def listing(tales: Sequence[Tale]) -> Table:
    """One row for each hand-over. The column of turning back is left out where none did."""
    back = any(tale.back_s is not None for tale in tales)
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column("id", no_wrap=True)
    table.add_column("node", overflow="fold", min_width=4)
    for head in ("to", "ended"):
        table.add_column(head, no_wrap=True)
    for head in ("begun", "emptying", "opening", *(["back"] if back else [])):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("why", overflow="fold", min_width=4)
    for tale in tales:
        handover = tale.handover
        times = [lasting(tale.emptying_s), lasting(tale.opening_s), *([lasting(tale.back_s)] if back else [])]
        table.add_row(
            Text(clean(tale.id)),
            Text(clean(handover.node)),
            handover.direction.target,
            Text(_end(handover), style=_STYLES.get(handover.stage, "")),
            clock(handover.started_s),
            *times,
            why(handover),
        )
    return table


def why(handover: Handover) -> str:
    """Why it turned back or needs a person; that it was begun to mend a node; else nothing."""
    return str(handover.why) if handover.why is not None else "repair" if handover.repair else ""


def _end(handover: Handover) -> str:
    return str(handover.stage) if handover.stage.finished else "open"


def summary(tales: Sequence[Tale], strays: Sequence[Acted], headless: int) -> list[str]:
    """Lines: how hand-overs ended, how long nodes took from empty to open, what became of acts."""
    ends = Counter(_end(tale.handover) for tale in tales)
    reasons = Counter(str(tale.handover.why) for tale in tales if tale.handover.why is not None)
    told = ", ".join(f"{number} {reason}" for reason, number in reasons.most_common())
    counts = ", ".join(f"{ends[end]} {end}" for end in (*_ENDS, "open"))
    lines = [f"{count(len(tales), 'hand-over')}: {counts}{f' ({told})' if told else ''}"]
    for direction in Direction:
        if times := lead_times(tales, direction):
            median, p90 = lasting(quantile(times, 50)), lasting(quantile(times, 90))
            lines.append(f"empty to open, to {direction.target}: median {median}, p90 {p90}, of {len(times)}")
    acts, lost = outcomes([*(act for tale in tales for act in tale.acts), *strays])
    lines.append(
        f"{count(sum(acts.values()) + lost, 'act')}: "
        + ", ".join(f"{acts[outcome]} {outcome}" for outcome in Outcome)
        + f"; {lost} asked and never answered"
    )
    if headless:
        lines.append(f"{count(headless, 'hand-over')} left out: no stage of it is in this file")
    return lines


def lead_times(tales: Sequence[Tale], direction: Direction) -> list[int]:
    """Seconds from empty to open of all that came to that, shortest first."""
    found = (tale.opening_s for tale in tales if tale.handover.direction is direction and not tale.handover.repair)
    return sorted(seconds for seconds in found if seconds is not None)


def quantile(ordered: Sequence[int], percent: int) -> int:
    """As the controller learns lead times: the value at that part of the list."""
    return ordered[len(ordered) * percent // 100]


def outcomes(acts: Sequence[Acted]) -> tuple[Counter[Outcome], int]:
    """Acts by outcome, and how many were never answered."""
    known = [act.answered.outcome for act in acts if act.answered is not None]
    return Counter(known), len(acts) - len(known)


def document(tales: Sequence[Tale], every: Sequence[Tale], strays: Sequence[Acted]) -> dict[str, Any]:
    """The list and the summary, ready for JSON: ``tales`` are listed, ``every`` one is summed up. Times in seconds."""
    acts, lost = outcomes([*(act for tale in every for act in tale.acts), *strays])
    times = {direction: lead_times(every, direction) for direction in Direction}
    return {
        "handovers": [_plain(tale) for tale in tales],
        "summary": {
            "handovers": len(every),
            "ended": {end: sum(_end(tale.handover) == end for tale in every) for end in (*_ENDS, "open")},
            "empty_to_open_s": {
                direction: {"count": len(found), "median": quantile(found, 50), "p90": quantile(found, 90)}
                for direction, found in times.items()
                if found
            },
            "acts": {**{outcome: acts[outcome] for outcome in Outcome}, "never answered": lost},
        },
    }


def _plain(tale: Tale) -> dict[str, Any]:
    handover = tale.handover
    return {
        "id": tale.id,
        "node": handover.node,
        "direction": handover.direction,
        "stage": handover.stage,
        "why": handover.why,
        "repair": handover.repair,
        "started_s": handover.started_s,
        "ended_s": tale.ended_s,
        "emptying_s": tale.emptying_s,
        "opening_s": tale.opening_s,
        "back_s": tale.back_s,
        "acts": len(tale.acts),
    }
