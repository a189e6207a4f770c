"""What the bus tells of both sides, as far as it matters to whoever decides: new work, work that ended, a node changed.

Events are hints: they wake a turn, and the turn reads both schedulers itself.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from models.bus import Bus
from models.catch_up import deliveries
from models.events import Event, Latest, Payload, Topic, reading_of
from models.handovers import MARK_PREFIX
from models.identity import PoolId
from models.nodes import HpcNode, KubernetesNode, Side
from models.work import WorkRecord, WorkState


@dataclass(frozen=True, slots=True)
class News:
    """Something of one side of a pool that matters; ``order`` is the source's own of the reading that showed it."""

    pool: PoolId
    side: Side
    order: int


class EventWatch:
    """Hears work and nodes of some pools. ``group`` must be new at each start: the present state is read first."""

    def __init__(self, bus: Bus, pools: Collection[PoolId], *, group: str) -> None:
        self._sides = {f"{pool.key}/{side}": (pool, side) for pool in pools for side in Side}
        self._subscription = bus.subscribe((Topic.WORK, Topic.NODES), group)
        self._latest = {Topic.WORK: Latest(), Topic.NODES: Latest()}

    def hear(self) -> list[News]:
        """What has come since this was last asked. Raises BusUnavailable or BusRefused."""
        news = []
        for delivery in deliveries(self._subscription):
            for event in delivery.events:
                if (one := self._taken(event)) is not None:
                    news.append(one)
        if news:
            self._subscription.commit()
        return news

    def lag(self) -> int:
        """How many messages were not read yet. Raises BusUnavailable or BusRefused."""
        return self._subscription.lag()

    def close(self) -> None:
        """Leave the group."""
        self._subscription.close()

    def _taken(self, event: Event) -> News | None:
        whose = self._sides.get("/".join(event.key.split("/", 3)[:3]))
        if whose is None:
            return None
        latest = self._latest[event.topic]
        before = latest.state.get(event.key)
        if not latest.take(event) or not matters(None if before is None else before.payload, event.payload):
            return None
        return News(*whose, reading_of(event))


def matters(before: Payload | None, now: Payload | None) -> bool:
    """Whether a decision could come out otherwise: our own marks on a node, and work that starts, change nothing."""
    if isinstance(before, WorkRecord) or isinstance(now, WorkRecord):
        return _is_there(before) is not _is_there(now)
    return _shows(before) != _shows(now)


def _is_there(work: Payload | None) -> bool:
    return isinstance(work, WorkRecord) and work.state is not WorkState.ENDED


def _shows(node: Payload | None) -> object:
    """What of a node others do: whether it is there and ready, whether it works, who else has closed it."""
    if isinstance(node, HpcNode):
        return node.ready, node.busy, _foreign(node.drain_reason), _foreign(node.booked_by)
    if isinstance(node, KubernetesNode):
        return node.ready, node.pods > 0, node.cordoned, _foreign(node.closed_by), node.managed_by
    return None


def _foreign(mark: str | None) -> str | None:
    return None if mark is None or mark.startswith(MARK_PREFIX) else mark
