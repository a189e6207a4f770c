"""The story of one hand-over, line by line: its stages, what was asked for, and what was seen before and after."""

from __future__ import annotations

from collections.abc import Iterator

from basics.text import clean
from cli.audit.format import clock, node_text, span_text, wrapped
from cli.audit.listing import why
from cli.audit.timelines import Acted, HandoverTimeline
from cli.stage_descriptions import STAGE_DESCRIPTIONS
from models.audit import Entered
from models.handovers import Handover

NEVER_ANSWERED = "never answered, so it may have happened"


def detail(timeline: HandoverTimeline, width: int) -> list[str]:
    """The lines, none longer than ``width`` where that is possible."""
    lines = [*_head(timeline, width), ""]
    stages = timeline.stages
    for event in timeline.events:
        if isinstance(event, Entered):
            number = next(n for n, stage in enumerate(stages) if stage is event)
            until_s = stages[number + 1].at_s if number + 1 < len(stages) else None
            lines += _stage(event, until_s, width)
        else:
            lines += _act(event, width)
    if not timeline.handover.stage.finished:
        lines.append("The file ends here; as far as it goes, the hand-over is under way.")
    return lines


def _head(timeline: HandoverTimeline, width: int) -> list[str]:
    handover = timeline.handover
    way = f"{handover.direction.source} -> {handover.direction.target}"
    took = "" if timeline.ended_s is None else f" after {span_text(timeline.ended_s - handover.started_s)}"
    end = f"{handover.stage}{took}" if handover.stage.finished else f"open, in stage {handover.stage}"
    because = f" ({why(handover)})" if why(handover) else ""
    return [
        *wrapped(f"hand-over {clean(timeline.id)} of node {clean(handover.node)}, {way}: {end}{because}", width),
        *wrapped(_beginning(timeline.stages[0].handover), width),
    ]


def _beginning(handover: Handover) -> str:
    by = "to mend the node" if handover.repair else f"by plan {clean(handover.batch)}"
    booked = "" if handover.reserve_from_s is None else f", booked from {clock(handover.reserve_from_s)} on"
    return (
        f"begun {clock(handover.started_s)} {by}, in epoch {handover.epoch}{booked};"
        f" turns back when the node is not empty by {clock(handover.deadline_s)}"
    )


def _stage(entered: Entered, until_s: int | None, width: int) -> list[str]:
    stage = entered.handover.stage
    lasted = "" if until_s in (None, entered.at_s) else f", for {span_text(until_s - entered.at_s)}"
    because = f" ({entered.handover.why})" if entered.handover.why is not None else ""
    return wrapped(f"{clock(entered.at_s)}  {stage}{because}{lasted}: {STAGE_DESCRIPTIONS[stage]}", width, indent=14)


def _act(act: Acted, width: int) -> Iterator[str]:
    asked, answered = act.asked, act.answered
    if answered is None:
        outcome = NEVER_ANSWERED
    else:
        later_s = answered.at_s - asked.at_s
        outcome = f"{answered.outcome}{f', {span_text(later_s)} later' if later_s else ''}"
    yield from wrapped(
        f"{clock(asked.at_s)}    {asked.act.verb} ({clean(asked.act.mark)}): {outcome}", width, indent=16
    )
    yield from wrapped(f"                before: {node_text(asked.seen)}", width, indent=24)
    if answered is not None:
        same = answered.seen is not None and node_text(answered.seen) == node_text(asked.seen)
        yield from wrapped(
            f"                after: {'the same' if same else node_text(answered.seen)}", width, indent=23
        )
