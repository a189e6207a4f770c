"""Events: what the parts tell one another on the bus, each with the whole present state of one thing."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum

from models.demand import Demand
from models.forecasts import Forecast
from models.handovers import Handover
from models.identity import PoolId
from models.nodes import HpcNode, KubernetesNode
from models.plans import Plan
from models.signals import Signals
from models.work import WorkRecord

READING = 2**20  # versions of one reading of a source: more than it can have events
OURS_MOST = 2**62  # no version of ours is as high: counting on from one that is would leave no room
GONE_KEPT = 200_000  # keys remembered after their end, so that a late event does not bring one back to life


class Topic(StrEnum):
    """Where events of one kind go."""

    WORK = "tidegate.work"
    NODES = "tidegate.nodes"
    DEMAND = "tidegate.demand"
    FORECASTS = "tidegate.forecasts"
    PLANS = "tidegate.plans"
    HANDOVERS = "tidegate.handovers"
    DEAD_LETTER = "tidegate.dead-letter"

    @property
    def state(self) -> bool:
        """Whether the newest event of each key is the whole state: such a topic is compacted, and read from its
        beginning."""
        return self in (Topic.WORK, Topic.NODES, Topic.HANDOVERS)


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan of the leader of an epoch.

    ``left_out`` counts the moves, cancellations and nodes of rejections that a bus had no room for.
    """

    epoch: int
    plan: Plan
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be used, as it was, with where it came from and what is wrong with it.

    ``offset`` is None for one that was refused before it was sent. ``size`` is in bytes; of a message that is too large
    ``value`` holds only the beginning.
    """

    topic: str
    partition: int
    offset: int | None
    reason: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    size: int


Payload = WorkRecord | HpcNode | KubernetesNode | Demand | Signals | Forecast | Planned | Handover | DeadLetter


@dataclass(frozen=True, slots=True)
class Event:
    """One thing as its source saw it at ``at_s``; ``payload`` None says that it is gone.

    ``version`` is the order in which the source saw it: of two events with one key the greater is the newer one,
    whatever the clocks say and in whatever order they arrive.
    """

    topic: Topic
    key: str
    payload: Payload | None
    version: int
    source: str
    at_s: float

    @property
    def id(self) -> str:
        """Equal for two deliveries of one event, and different for any two events of one source."""
        return f"{self.topic}/{self.key}/{self.version}"

    @property
    def pool(self) -> PoolId | None:
        """Which pool told it, by its source; None where that names none."""
        return PoolId.of_source(self.source)


def reading_of(event: Event) -> int:
    """The source's own order of the reading in which it saw the thing; of events of work and of nodes only."""
    return event.version // READING


class Latest:
    """The newest event of each key: duplicates and late events change nothing, so any order gives the same state."""

    def __init__(self) -> None:
        self.state: dict[str, Event] = {}
        self.outdated = 0
        self._gone: OrderedDict[str, int] = OrderedDict()

    def take(self, event: Event) -> bool:
        """Whether the event is news; then it is the state of its key from now on. A version that cannot be never is: it
        would keep out all that comes later."""
        if event.version >= OURS_MOST:
            self.outdated += 1
            return False
        key, known = event.key, self.state.get(event.key)
        version = known.version if known is not None else self._gone.get(key)
        if version is not None and event.version <= version:
            self.outdated += 1
            return False
        if event.payload is not None:
            self.state[key] = event
            if known is None:
                self._gone.pop(key, None)
            return True
        self.state.pop(key, None)
        self._gone[key] = event.version
        self._gone.move_to_end(key)
        if len(self._gone) > GONE_KEPT:
            self._gone.popitem(last=False)
        return known is not None
