"""The story of a world, as a person would tell it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from models.acts import Outcome, Verb
from models.audit import Answered, Decided, Entered, Entry
from models.handovers import Stage

if TYPE_CHECKING:
    from tests.simulation.process import Process

NODE = re.compile(r"\bn[0-9]+\b")
DID = {
    Verb.NOTE: "writes down",
    Verb.RESERVE: "reserves",
    Verb.DRAIN: "drains",
    Verb.RELEASE: "releases",
    Verb.UNDRAIN: "undrains",
    Verb.DISCOURAGE: "discourages pods on",
    Verb.CLOSE: "taints",
    Verb.EVICT: "evicts the pods of",
    Verb.FENCE: "fences off",
    Verb.OPEN: "untaints",
    Verb.PREPARE: "calls the site's hook for",
    Verb.TELL: "tells the site's hook of",
}


class Story:
    """Lines with their time, in order; ``about`` keeps only those that name a node, and those that name none."""

    def __init__(self, about: str = "") -> None:
        self.lines: list[str] = []
        self.about = about

    def say(self, at_s: int, text: str) -> None:
        if not self.about or self.about in text or not NODE.search(text):
            self.lines.append(f"{at_s // 60:4d}:{at_s % 60:02d}  {text}")

    def entry(self, process: Process, entry: Entry) -> None:
        """What a process decided or did."""
        now_s, who = process.world.machine.now_s, process.name
        if isinstance(entry, Answered):
            if entry.act.verb is Verb.NOTE and entry.outcome is Outcome.DONE:
                return
            end = {Outcome.DONE: "", Outcome.REFUSED: ", refused", Outcome.UNKNOWN: ", and hears nothing"}
            self.say(now_s, f"{who} {DID[entry.act.verb]} {entry.act.node}{end[entry.outcome]}")
        elif isinstance(entry, Entered):
            self._stage(now_s, who, entry)
        elif isinstance(entry, Decided):
            plan = entry.plan
            for hold in plan.holds:
                self.say(now_s, f"{who} holds: {hold.text}")
            if plan.moves and not plan.holds:
                nodes = ", ".join(move.node for move in plan.moves)
                self.say(now_s, f"{who} (epoch {entry.epoch}) moves {nodes} to {plan.moves[0].direction.target}")

    def _stage(self, now_s: int, who: str, entry: Entered) -> None:
        handover = entry.handover
        why = f" because of {handover.why}" if handover.why is not None and handover.stage is not Stage.DONE else ""
        mends = " (mending)" if handover.repair else ""
        self.say(now_s, f"{who}: {handover.node} {handover.direction} is {handover.stage}{why}{mends}")
