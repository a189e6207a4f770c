"""The event bus as a list, for the tests of those who use it: it repeats, delays, loses and refuses when it is told to.

Events go through it as they are, so what the wire does to them is tested with the real ones.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from models.bus import BusCounts, Delivery, Gap
from models.errors import BusUnavailable
from models.events import Event, Latest, Topic


@dataclass(slots=True)
class ListBus:
    """``wanting`` is how many of the next publishings fail; ``away`` makes it deliver nothing and answer nothing."""

    log: list[Event] = field(default_factory=list)
    counts: BusCounts = field(default_factory=BusCounts)
    commits: dict[str, int] = field(default_factory=dict)
    away: bool = False
    wanting: int = 0
    undelivered: int = 0
    lost: set[Topic] = field(default_factory=set)
    repeats: int = 1
    subscriptions: list[ListSubscription] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def publish(self, event: Event) -> None:
        if self.wanting:
            self.wanting -= 1
            raise BusUnavailable("no room")
        self.calls.append(f"publish {event.topic}")
        self.log.append(event)

    def flush(self, timeout_s: float) -> int:
        self.calls.append("flush")
        return self.undelivered

    def take_resyncs(self) -> frozenset[Topic]:
        lost, self.lost = frozenset(self.lost), set()
        return lost

    def subscribe(self, topics: Collection[Topic], group: str) -> ListSubscription:
        self.subscriptions.append(ListSubscription(self, frozenset(topics), group, self.commits.get(group, 0)))
        return self.subscriptions[-1]

    def latest_state(self, topic: Topic) -> Mapping[str, Event]:
        if self.away:
            raise BusUnavailable("away")
        latest = Latest()
        for event in self.log:
            if event.topic is topic:
                latest.take(event)
        return latest.state

    def close(self, timeout_s: float = 5.0) -> None:
        pass

    def discard(self) -> None:
        self.log.clear()

    def on(self, topic: Topic) -> list[Event]:
        return [event for event in self.log if event.topic is topic]


class ListSubscription:
    """Reads topics of state from the beginning, others from the commit of the group; a few events at a time."""

    def __init__(self, bus: ListBus, topics: frozenset[Topic], group: str, committed: int) -> None:
        self.gaps: list[Gap] = []
        self.closed = False
        self._bus = bus
        self._topics = topics
        self._group = group
        self._committed = committed
        self._at = 0

    def poll(self, timeout_s: float, most: int = 500) -> Delivery:
        bus = self._bus
        if bus.away:
            return Delivery()
        end = min(len(bus.log), self._at + most)
        wanted = [
            event
            for number, event in enumerate(bus.log[self._at : end], start=self._at)
            if event.topic in self._topics and (event.topic.state or number >= self._committed)
        ]
        self._at = end
        gaps, self.gaps = tuple(self.gaps), []
        return Delivery(tuple(event for event in wanted for _ in range(bus.repeats)), gaps)

    def read_again(self, *gaps: Gap) -> None:
        """As after a gap: everything from the beginning."""
        self._at = self._committed = 0
        self.gaps.extend(gaps)

    def commit(self) -> None:
        self._bus.calls.append("commit")
        self._bus.commits[self._group] = self._at

    def lag(self) -> int:
        return len(self._bus.log) - self._at

    def close(self) -> None:
        self.closed = True
