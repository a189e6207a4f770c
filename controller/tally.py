"""What the audit of one pool comes to: how many plans and hand-overs there were, and how long each stage took."""

from __future__ import annotations

from collections import Counter

from controller.handover.table import TABLES
from controller.metric_families import STAGE_BOUNDS_S
from models.audit import Decided, Entered, Entry
from models.handovers import Direction, Handover, Stage
from models.metrics import Sizes

OPEN_MOST = 100_000  # hand-overs whose stage is remembered: more than there are nodes


class Tally:
    """Hears every entry once it is kept. ``decided`` is the last decision, None before the first; ``begun`` counts
    hand-overs; ``stages_s`` holds the durations of stages that were left."""

    def __init__(self) -> None:
        self.plans = 0
        self.decided: Decided | None = None
        self.begun: Counter[Direction] = Counter()
        self.stages_s = {  # from none on: the first of a kind would be no increase of what was not there
            (direction, stage): Sizes(STAGE_BOUNDS_S)
            for direction, rules in TABLES.items()
            for stage in Stage
            if any(stage is before for before, _ in rules)
        }
        self._open: dict[str, Handover] = {}

    def hear(self, entry: Entry) -> None:
        """Take in an entry."""
        if isinstance(entry, Decided):
            self.plans += 1
            self.decided = entry
        elif isinstance(entry, Entered):
            self._enter(entry.handover)

    def _enter(self, handover: Handover) -> None:
        before = self._open.pop(handover.id, None)
        if before is None:
            self.begun[handover.direction] += handover.stage_since_s == handover.started_s
        elif before.epoch == handover.epoch:  # else another led in between, and nobody here knows since when
            self.stages_s[handover.direction, before.stage].add(max(0, handover.stage_since_s - before.stage_since_s))
        if not handover.stage.finished:
            self._open[handover.id] = handover
            if len(self._open) > OPEN_MOST:
                self._open.pop(next(iter(self._open)))
