"""Work as the schedulers report it: state-carrying records that never know the future."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from models.nodes import Side
from models.unserved import Unserved, UnservedReason


class WorkState(StrEnum):
    """Where a piece of work stands; only ``eligible`` and ``running`` work is demand."""

    HELD = "held"
    ELIGIBLE = "eligible"
    RUNNING = "running"
    ENDED = "ended"


class WorkRecord(msgspec.Struct, frozen=True, gc=False):
    """The whole current record of one job, gang of pods or service replica: a struct, for a site may have 100,000.

    ``nodes`` is its size in node-equivalents of the pool; work that needs its nodes together is one record.
    ``limit_s`` is the run time after which the scheduler ends it, None where nothing bounds it.
    ``ended_s`` is set only once it has ended: a record carries what was seen, never what will be.
    """

    id: str
    side: Side
    state: WorkState
    nodes: float
    submitted_s: int
    limit_s: int | None = None
    started_s: int | None = None
    ended_s: int | None = None
    user: str = ""

    def __post_init__(self) -> None:
        if not self.nodes > 0:
            raise ValueError(f"work {self.id} must be larger than nothing, not {self.nodes} nodes")
        if self.state is WorkState.RUNNING and self.started_s is None:
            raise ValueError(f"work {self.id} runs but has no start time")


@dataclass(frozen=True, slots=True)
class WaitingWork:
    """What one side's queue holds that nodes could start: sizes in nodes, in the order of the queue.

    Each entry starts as a whole or not at all. Work that no move could ever start is ``unserved``, one entry for each
    reason, and neither in ``sizes`` nor in the side's demand.
    """

    side: Side
    sizes: tuple[float, ...]
    unserved: tuple[Unserved, ...] = ()

    @property
    def nodes(self) -> float:
        """All waiting work together, in nodes."""
        return sum(self.sizes)

    @property
    def oversize(self) -> int:
        """Jobs or pods that are larger than all that this side can ever have."""
        return sum(one.count for one in self.unserved if one.why is UnservedReason.POOL)
