"""The feed: tells the bus what the schedulers show of one pool, with versions that never go back."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace

from models.bus import Bus
from models.demand import Demand
from models.events import OURS_MOST, READING, Event, Payload, Topic
from models.identity import CONNECTOR, PoolId
from models.nodes import HpcNode, KubernetesNode, Side
from models.reading import Picture
from models.signals import Signal, Signals
from models.work import WorkRecord, WorkState

ENDED_KEPT_S = 3600  # as long as a forecast looks back at what ended
FLUSH_S = 10.0
TOLD_AT_ONCE = 1000  # instants of the past, before they are made durable

log = logging.getLogger("tidegate.feed")


class Feed:
    """Tells what changed of the work and the nodes of one pool, and the demand of each reading.

    ``order`` is the source's own number of a reading, such as the second of Slurm's last update: higher where anything
    differs. It is the upper part of each version, so that the newer reading counts, whichever process told it.

    Before the first telling of a topic, and after a loss, what is on the bus is read and compared: what it shows
    wrongly is told, and what this pool's feed told there and is not there any more is told as gone, as is what release
    0.1.0 told under keys without a pool. Other pools' events are left alone. When a telling raises, the next one makes
    up for it. An event that cannot be sent at all is counted and left out.
    """

    def __init__(self, bus: Bus, pool: PoolId) -> None:
        self.unsendable = 0
        self._bus = bus
        self._pool = pool
        self._source = pool.source(CONNECTOR)
        self._version = 0
        self._told: dict[Topic, dict[str, Event]] = {}
        self._old: dict[Topic, set[str]] = {}  # keys of release 0.1.0 that are still on the bus
        self._work: dict[str, WorkRecord] = {}
        self._untold: dict[str, WorkRecord] = {}
        self._ended: deque[tuple[int, str, WorkRecord]] = deque()
        self._unsure = set(Side)  # of which sides there may be work on the bus that is not there any more

    def tell_work(
        self, now_s: int, records: Iterable[WorkRecord], *, order: int, sides: Collection[Side] = tuple(Side)
    ) -> None:
        """Tell of every piece of work of these sides that changed since the last call; the first call with a side must
        have all that it has.

        Of several records of one piece the last counts. Work that has ended stays for an hour and is then gone.
        Raises BusUnavailable or BusRefused.
        """
        self._untold |= {f"{self._pool.key}/{record.side}/{record.id}": record for record in records}
        told = self._known(Topic.WORK)
        unsure = self._unsure.intersection(sides)
        if unsure:
            self._untold = self._work | self._untold
        for key, record in list(self._untold.items()):
            self._tell(Topic.WORK, key, record, now_s, order)
            self._keep(key, record, now_s)
            del self._untold[key]
        if unsure:
            self._let_go(told, unsure, now_s, order)
            self._retire(Topic.WORK, unsure, now_s, order)
            self._unsure -= unsure
        while self._ended and self._ended[0][0] <= now_s:
            _, key, record = self._ended.popleft()
            if self._work.get(key) == record:  # else it was submitted again
                self._tell_gone(Topic.WORK, key, now_s, order)
                del self._work[key]

    def tell_nodes(
        self, now_s: int, side: Side, nodes: Mapping[str, HpcNode] | Mapping[str, KubernetesNode], *, order: int
    ) -> None:
        """Tell of the nodes that changed; ``nodes`` are all that the side shows, and one that is missing is gone.

        Raises BusUnavailable or BusRefused.
        """
        begin = f"{self._pool.key}/{side}/"
        told, present = self._known(Topic.NODES), {f"{begin}{name}": node for name, node in nodes.items()}
        for key, node in present.items():
            self._tell(Topic.NODES, key, node, now_s, order)
        for key in sorted(told.keys() - present.keys()):
            if key.startswith(begin) and self._is_ours(told[key]):
                self._tell_gone(Topic.NODES, key, now_s, order)
        self._retire(Topic.NODES, (side,), now_s, order)

    def tell_picture(self, now_s: int, picture: Picture[HpcNode] | Picture[KubernetesNode]) -> None:
        """Tell what is new of the work and the nodes in a picture: work that it does not show any more has ended.

        Raises BusUnavailable or BusRefused.
        """
        side, present = picture.side, {record.id for record in picture.records}
        ended = [
            replace(record, state=WorkState.ENDED, ended_s=picture.demand.at_s)
            for record in self._work.values()
            if record.side is side and record.state is not WorkState.ENDED and record.id not in present
        ]
        self.tell_work(now_s, (*picture.records, *ended), order=picture.order, sides=(side,))
        self.tell_nodes(now_s, side, picture.nodes, order=picture.order)

    def tell_demand(
        self, now_s: int, demand: Mapping[Side, Demand], flush_s: float = FLUSH_S, signals: Sequence[Signal] = ()
    ) -> None:
        """Tell the demand of one instant; a side whose demand is not known is left out, which is not zero.

        What was told before is durable first, unless that takes longer than ``flush_s``: whoever has the demand of an
        instant finds its work on the bus, too. Its signals stand before it on the same topic. Raises BusUnavailable or
        BusRefused.
        """
        if left := self._bus.flush(flush_s):
            log.debug("%d events are not on the bus yet; the demand at %d s is told after them", left, now_s)
        if demand and signals:
            self._publish(Topic.DEMAND, self._pool.key, Signals(now_s, tuple(signals)), now_s, now_s)
        for side in sorted(demand):
            self._publish(Topic.DEMAND, f"{self._pool.key}/{side}", demand[side], now_s, now_s)

    def tell_past(self, past: Mapping[int, Mapping[Side, Demand]]) -> None:
        """Tell demand of earlier instants, in their order, before any is told of now. Raises BusUnavailable or
        BusRefused."""
        for number, at_s in enumerate(sorted(past), start=1):
            for side, demand in sorted(past[at_s].items()):
                self._publish(Topic.DEMAND, f"{self._pool.key}/{side}", demand, at_s, at_s)
            if number % TOLD_AT_ONCE == 0:
                self._bus.flush(FLUSH_S)
        self._bus.flush(FLUSH_S)

    def tell_anew(self, topics: Collection[Topic]) -> None:
        """Events of these topics were lost, or may have been: the next telling of each mends what the bus shows."""
        for topic in topics:
            self._told.pop(topic, None)
        if Topic.WORK in topics:
            self._unsure = set(Side)

    def _known(self, topic: Topic) -> dict[str, Event]:
        """What the topic shows of this pool; read from the bus at first, and after a loss."""
        if topic not in self._told:
            shown, begin = self._bus.latest_state(topic), f"{self._pool.key}/"
            old_source = self._pool.old_source(CONNECTOR)
            ours = {key: event for key, event in shown.items() if key.startswith(begin)}
            old = {key: event for key, event in shown.items() if event.source == old_source}
            versions = (event.version for event in (*ours.values(), *old.values()) if event.version < OURS_MOST)
            self._version = max(self._version, max(versions, default=0))
            self._told[topic], self._old[topic] = ours, set(old)
        return self._told[topic]

    def _retire(self, topic: Topic, sides: Collection[Side], now_s: int, order: int) -> None:
        """Tell what release 0.1.0 told of these sides as gone, now that what is there has been told under our keys."""
        for key in sorted(self._old[topic]):
            if key.partition("/")[0] in sides:
                self._publish(topic, key, None, now_s, order)
                self._old[topic].discard(key)

    def _keep(self, key: str, record: WorkRecord, now_s: int) -> None:
        if record.state is WorkState.ENDED and self._work.get(key) != record:
            self._ended.append((now_s + ENDED_KEPT_S, key, record))
        self._work[key] = record

    def _let_go(self, told: Mapping[str, Event], sides: Collection[Side], now_s: int, order: int) -> None:
        """Work of ours on the bus that is not there any more: gone at once, or an hour after its end was told."""
        for key, event in list(told.items()):
            record = event.payload
            if key in self._work or not self._is_ours(event) or not isinstance(record, WorkRecord):
                continue
            if record.side not in sides:
                continue
            if record.state is WorkState.ENDED:
                self._keep(key, record, now_s)
            else:
                self._tell_gone(Topic.WORK, key, now_s, order)

    def _is_ours(self, event: Event) -> bool:
        return event.source == self._source

    def _tell(self, topic: Topic, key: str, payload: Payload, now_s: int, order: int) -> None:
        known = self._told[topic].get(key)
        if known is None or (known.payload is not payload and known.payload != payload):
            self._told[topic][key] = self._publish(topic, key, payload, now_s, order)

    def _tell_gone(self, topic: Topic, key: str, now_s: int, order: int) -> None:
        self._publish(topic, key, None, now_s, order)
        self._told[topic].pop(key, None)

    def _publish(self, topic: Topic, key: str, payload: Payload | None, now_s: int, order: int) -> Event:
        self._version = max(self._version + 1, order * READING)
        event = Event(topic, key, payload, self._version, self._source, float(now_s))
        try:
            self._bus.publish(event)
        except ValueError as error:
            self.unsendable += 1
            log.warning("%s", error)
        return event
