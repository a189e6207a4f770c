"""Work and demand as the bus tells them go into a forecaster, and its forecasts are published in turn."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from models.bus import Bus, Delivery
from models.catch_up import deliveries
from models.demand import Demand
from models.events import Event, Latest, Topic
from models.forecasts import Forecast
from models.identity import CONNECTOR, FORECASTING, PoolId
from models.nodes import Side
from models.observations import Observation
from models.ports import Forecaster
from models.signals import Signals
from models.work import WorkRecord, WorkState

PATIENCE_S = 60  # how long the demand of one side waits for the other side's of the same instant
AHEAD_MOST_S = 5  # what is of later than this from now nobody can have seen: clocks differ by less
QUEUE_POOLS_MOST = 1000  # a queue counts as one that keeps the whole pool busy so many times over, at most
NODES_MOST = 1e9  # work and demand are smaller than this; what is not would overflow a sum
UNTAKEN_MOST = 100_000  # records that wait for the demand of their instant; of more only the newest of each piece stay
FLUSH_S = 10.0


class ForecastPublisher:
    """Follows one pool's events and publishes forecasts of the newest instant.

    Topics are read from their beginning, so ``group`` must be a new one at each start: the past demand is what the
    forecaster learns from, and every instant of it is observed and forecast as it once was, so that trust is earned
    anew, too. Of work only the present is known then, since its topic keeps no past: instants before the newest one
    are observed without records, as unknown. Duplicates, late events and repeated reading change nothing.
    """

    def __init__(self, bus: Bus, forecaster: Forecaster, pool: PoolId, *, group: str) -> None:
        self.absurd = 0  # events left out, since they cannot be true: of a time that has not come, or beyond any size
        self.demand: Mapping[Side, Demand] = {}  # of the newest instant that is whole
        self.latest: Mapping[Side, Forecast] = {}
        self._bus = bus
        self._forecaster = forecaster
        self._pool = pool
        self._begin = f"{pool.key}/"
        self._subscription = bus.subscribe((Topic.WORK, Topic.NODES, Topic.DEMAND), group)
        self._state = {Topic.WORK: Latest(), Topic.NODES: Latest()}
        self._doubted: dict[Topic, set[str]] = {topic: set() for topic in self._state}
        self._untaken: list[tuple[str, float, WorkRecord]] = []
        self._untaken_most = UNTAKEN_MOST
        self._instants: dict[int, dict[Side, Demand]] = {}
        self._signals: dict[int, Mapping[str, float]] = {}
        self._taken_s: int | None = None
        self._undelivered = False

    def follow(self, now_s: int) -> bool:
        """Read all that there is, and publish forecasts if an instant was new; whether they are durable.

        Raises BusUnavailable or BusRefused; what was read is kept, and the next call goes on.
        """
        for delivery in deliveries(self._subscription):
            self._take(delivery, now_s)
        self._drop_doubted(now_s)
        newest_s = self._observe(now_s)
        if newest_s is not None:
            self._undelivered = True
            self._publish(newest_s)
        if not self._undelivered:
            return False
        self._undelivered = self._bus.flush(FLUSH_S) > 0
        if not self._undelivered and not self._instants:
            self._subscription.commit()
        return not self._undelivered

    @property
    def pool_nodes(self) -> int | None:
        """How many nodes the pool has, by what the HPC side shows; None before that is told."""
        return len(self._state[Topic.NODES].state) or None

    def lag(self) -> int:
        """How many messages were not read yet. Raises BusUnavailable or BusRefused."""
        return self._subscription.lag()

    def close(self) -> None:
        """Leave the group."""
        self._subscription.close()

    def _take(self, delivery: Delivery, now_s: int) -> None:
        for gap in delivery.gaps:
            if gap.topic in self._state:  # it is read again: what is not told again is gone
                self._doubted[gap.topic] = set(self._state[gap.topic].state)
        for event in delivery.events:
            demand = demand_of(event, self._pool)
            if demand is None and not self._is_ours(event):
                continue
            if not 0 <= event.at_s <= now_s + AHEAD_MOST_S or not _nodes(event) <= NODES_MOST:
                self.absurd += 1
            elif event.topic in self._state:
                self._take_state(event)
            elif demand is not None:
                self._take_demand(demand, int(event.at_s))
            elif isinstance(event.payload, Signals):
                self._take_signals(event.payload, int(event.at_s))

    def _is_ours(self, event: Event) -> bool:
        """Whether it is of this pool and, if of a node, of its HPC side."""
        if isinstance(event.payload, Signals):
            return event.key == self._pool.key
        return event.key.startswith(f"{self._pool.key}/{Side.HPC}/" if event.topic is Topic.NODES else self._begin)

    def _take_state(self, event: Event) -> None:
        latest = self._state[event.topic]
        self._doubted[event.topic].discard(event.key)
        known = latest.state.get(event.key)
        if not latest.take(event):
            return
        if isinstance(event.payload, WorkRecord):
            self._append(event.key, event.at_s, event.payload)
        elif event.payload is None and known is not None:
            self._end(known, event.at_s)

    def _end(self, known: Event, at_s: float) -> None:
        """A forecaster knows no work that is gone: what had not ended has ended now."""
        if isinstance(known.payload, WorkRecord) and known.payload.state is not WorkState.ENDED:
            record = replace(known.payload, state=WorkState.ENDED, ended_s=int(at_s))
            self._append(known.key, at_s, record)

    def _append(self, key: str, at_s: float, record: WorkRecord) -> None:
        self._untaken.append((key, at_s, record))
        if len(self._untaken) > self._untaken_most:
            self._untaken = list({one[0]: one for one in self._untaken}.values())
            self._untaken_most = max(UNTAKEN_MOST, 2 * len(self._untaken))

    def _take_demand(self, demand: Demand, at_s: int) -> None:
        if self._taken_s is None or at_s > self._taken_s:
            self._instants.setdefault(at_s, {})[demand.side] = demand

    def _take_signals(self, told: Signals, at_s: int) -> None:
        if self._taken_s is None or at_s > self._taken_s:
            self._signals[at_s] = told.values

    def _drop_doubted(self, now_s: int) -> None:
        for topic, keys in self._doubted.items():
            for key in keys:
                known = self._state[topic].state.pop(key, None)
                if known is not None:
                    self._end(known, now_s)
            keys.clear()

    def _observe(self, now_s: int) -> int | None:
        """Let the forecaster see every instant that is whole, in order; the newest of them, if any was.

        One is whole when both sides are there, or the other has not come for a while, or a later instant has come.
        """
        newest_s = max(self._instants, default=0)
        whole = [
            at_s
            for at_s, sides in sorted(self._instants.items())
            if len(sides) == len(Side) or at_s < newest_s or at_s <= now_s - PATIENCE_S
        ]
        for at_s in whole:
            records = self._records(at_s) if self._taken_s is not None or at_s == whole[-1] else ()
            demand = {side: self._possible(one) for side, one in self._instants.pop(at_s).items()}
            signals = self._signals.pop(at_s, {})
            self._forecaster.observe(Observation(at_s, demand, records, self.pool_nodes, signals))
            self.demand = demand
            if at_s != whole[-1]:
                self._forecaster.forecast(at_s)
        if whole:
            self._taken_s = whole[-1]
            self._signals = {at_s: known for at_s, known in self._signals.items() if at_s > whole[-1]}
        return whole[-1] if whole else None

    def _possible(self, demand: Demand) -> Demand:
        """The demand as far as the pool can have it: one absurd value would be learned from for weeks."""
        most = float(self.pool_nodes or NODES_MOST) * QUEUE_POOLS_MOST
        if demand.nodes <= most:
            return demand
        running = min(demand.running, most)
        return Demand(demand.side, demand.at_s, running, most - running, demand.announced)

    def _records(self, at_s: int) -> tuple[WorkRecord, ...]:
        """What was told of work until the instant and not taken in yet, in the order in which it came."""
        taken = tuple(record for _, told_s, record in self._untaken if told_s <= at_s)
        self._untaken = [one for one in self._untaken if one[1] > at_s]
        return taken

    def _publish(self, made_s: int) -> None:
        forecasts = self.latest = self._forecaster.forecast(made_s)
        source = self._pool.source(FORECASTING)
        for side in sorted(forecasts):
            key = f"{self._pool.key}/{side}"
            self._bus.publish(Event(Topic.FORECASTS, key, forecasts[side], made_s, source, float(made_s)))


def demand_of(event: Event, pool: PoolId) -> Demand | None:
    """The demand of a pool that an event tells, also as release 0.1.0 told it; None for any other event."""
    demand = event.payload
    if not isinstance(demand, Demand):
        return None
    is_old = event.source == pool.old_source(CONNECTOR) and event.key == f"{pool.pool}/{demand.side}"
    return demand if is_old or event.key == f"{pool.key}/{demand.side}" else None


def _nodes(event: Event) -> float:
    payload = event.payload
    announced = sum(one.nodes for one in payload.announced) if isinstance(payload, Demand) else 0.0
    return payload.nodes + announced if isinstance(payload, WorkRecord | Demand) else 0.0
