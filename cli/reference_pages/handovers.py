"""The reference page of hand-overs, drawn from the very tables that carry them out."""

from __future__ import annotations

from cli.reference_pages.markdown import table
from cli.stage_descriptions import SEEN_DESCRIPTIONS, STAGE_DESCRIPTIONS
from controller.handover.table import TABLES, Seen
from models.handovers import Direction, Stage

_HEAD = """# The life of a hand-over

Generated from the tables that the controller follows (`controller/handover/table.py`); do not edit it, run
`make generate`.

A hand-over brings one node from the side that gives it (the *old* side) to the one that gets it (the *new* side):
close the old side, see it empty, wait, look again, open the new side; before that is HPC, Kubernetes is fenced off, so
that no pod comes late. At each look the node and the clock show one of
the words on the arrows, the most important first; the arrow says which stage follows. Nothing is inferred from what was
asked for. Each hand-over begins as `planned`, but for one that mends a node which was found open to both sides or to
neither: that one begins where the node stands. `tidegate handovers FILE --show ID` tells the story of one.
"""
_TITLES = {Direction.TO_KUBERNETES: "From HPC to Kubernetes", Direction.TO_HPC: "From Kubernetes to HPC"}
_TURNS = (Seen.CANCEL, Seen.LATE, Seen.FOREIGN)


def handovers_page() -> str:
    """The page, in Markdown with Mermaid diagrams."""
    stages = table(("stage", "meaning"), ((f"`{stage}`", words) for stage, words in STAGE_DESCRIPTIONS.items()))
    seen = table(("seen", "meaning"), ((f"`{word}`", words) for word, words in SEEN_DESCRIPTIONS.items()))
    ways = [f"## {title}\n\n{_diagram(way)}\n{_ways_out(way)}" for way, title in _TITLES.items()]
    parts = [_HEAD, *ways, f"## Stages\n\n{stages}", f"## What can be seen\n\n{seen}"]
    return "\n".join(parts)


def _diagram(direction: Direction) -> str:
    """One arrow for each pair of stages, with all that leads along it."""
    arrows: dict[tuple[Stage, Stage], list[Seen]] = {}
    for (stage, seen), after in TABLES[direction].items():
        arrows.setdefault((stage, after), []).append(seen)
    order = {stage: number for number, stage in enumerate(Stage)}
    lines = [
        f"    {stage} --> {after} : {', '.join(word for word in Seen if word in words)}"
        for (stage, after), words in sorted(arrows.items(), key=lambda arrow: [order[stage] for stage in arrow[0]])
    ]
    ends = [f"    {stage} --> [*]" for stage in Stage if stage.finished]
    return "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> planned", *lines, *ends, "```\n"])


def _ways_out(direction: Direction) -> str:
    """From each unfinished stage: how it goes on, and what becomes of it when it must not."""
    rules = TABLES[direction]
    rows = []
    for stage in Stage:
        if not any(begin is stage for begin, _ in rules):
            continue
        onward = {after for (begin, _), after in rules.items() if begin is stage and after is not stage}
        turns = [_turn(stage, rules.get((stage, seen))) for seen in _TURNS]
        rows.append((f"`{stage}`", ", ".join(f"`{after}`" for after in Stage if after in onward), *turns))
    return table(("stage", "can go to", "no longer wanted", "deadline passed", "someone else's hand"), rows)


def _turn(stage: Stage, after: Stage | None) -> str:
    return "goes on" if after in (None, stage) else f"`{after}`"
