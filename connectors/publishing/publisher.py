"""Connecting: one step of the connectors of one pool. Both sides are read, and the bus is told what they show."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Generic, Protocol, TypeVar, runtime_checkable

from basics.log_once import Trouble
from connectors.publishing.feed import FLUSH_S, Feed
from connectors.sources.backoff import INTERVAL_S, Backoff
from models.bus import Bus
from models.demand import Demand
from models.errors import BusRefused, BusUnavailable, Unreachable
from models.nodes import HpcNode, KubernetesNode, Reading, Side
from models.work import WorkRecord

WHOLE = 1.5  # intervals: a pause that is shorter is not parted
AWAY_FLUSH_S = 0.5  # to wait for a bus that kept us waiting the last time: whoever shares our thread has work to do

log = logging.getLogger("tidegate.connecting")


class Shown(Protocol):
    """What one poll showed, at ``at_s`` of the scheduler's own clock."""

    @property
    def at_s(self) -> int:
        """Unix seconds."""
        ...


Picture = TypeVar("Picture", bound=Shown)
Picture_co = TypeVar("Picture_co", bound=Shown, covariant=True)
Picture_contra = TypeVar("Picture_contra", bound=Shown, contravariant=True)


class Polled(Protocol[Picture_co]):
    """An HPC scheduler that is read as a whole from time to time: ``nodes`` and ``demand`` are of the last poll."""

    def poll(self) -> Picture_co:
        """Read everything. Raises Unreachable, and then the last reading stands."""
        ...

    def nodes(self) -> Reading[HpcNode]:
        """See ``models.ports.HpcScheduler``."""
        ...

    def demand(self) -> Demand:
        """See ``models.ports.HpcScheduler``."""
        ...

    def take_records(self) -> tuple[WorkRecord, ...]:
        """All work of the last poll, and what vanished since this was last asked for, as ended."""
        ...


class Cluster(Protocol):
    """What is read of Kubernetes; see ``models.ports.Kubernetes``."""

    def nodes(self) -> Reading[KubernetesNode]:
        """See the port."""
        ...

    def demand(self) -> Demand:
        """See the port."""
        ...


class Stream(Protocol[Picture_contra]):
    """What the scheduler tells by itself of work that starts and ends, between two polls. It never raises."""

    def merged(self, records: tuple[WorkRecord, ...], picture: Picture_contra | None) -> tuple[WorkRecord, ...]:
        """The records of a poll with what was told besides; without a poll, what was told since."""
        ...


@runtime_checkable
class TellsWork(Protocol):
    """A side that tells its work piece by piece."""

    def take_records(self) -> tuple[WorkRecord, ...]:
        """Every piece of work that changed since this was last asked for; all of it at first."""
        ...


class Connecting(Generic[Picture]):
    """Tells ``bus`` through ``feed`` what the two sides of one pool show.

    A side that cannot be read is left out, which is not zero. An HPC side that is slow or away is asked more rarely,
    and Kubernetes is read meanwhile as ever. What the bus does not take is told at the next step.
    ``clock`` tells unix seconds: demand is of that time, so that both sides' is of one instant; work and nodes of the
    HPC side are ordered by the scheduler's own clock.
    """

    def __init__(
        self,
        feed: Feed,
        bus: Bus,
        hpc: Polled[Picture],
        kubernetes: Cluster,
        *,
        clock: Callable[[], int],
        completions: Stream[Picture] | None = None,
        interval_s: float = INTERVAL_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._feed = feed
        self._bus = bus
        self._hpc = hpc
        self._kubernetes = kubernetes
        self._completions = completions
        self._clock = clock
        self._monotonic = monotonic
        self._interval_s = interval_s
        self._pace = Backoff(interval_s)
        self._poll_in_s = 0.0  # what is left of the pause until the HPC side is polled; 0: in the next step
        self._polled_s: int | None = None  # by the scheduler's clock
        self._troubles = {side: Trouble(log, f"side {side} cannot be read") for side in Side}
        self._bus_trouble = Trouble(log, "the bus is not told")
        self._flush_s = FLUSH_S

    @property
    def unread(self) -> frozenset[Side]:
        """The sides that could not be read when that was last tried: what is known of them is from before."""
        return frozenset(side for side, trouble in self._troubles.items() if trouble.lasts)

    def step(self) -> float:
        """Read and tell once; seconds until the next step. Sides and a bus that are away are logged, and no error."""
        picture = self._poll() if self._poll_in_s <= 0 else None
        work = self._work(picture)
        kubernetes = self._read_kubernetes()
        now_s = self._clock()
        try:
            self._feed.tell_anew(self._bus.take_resyncs())
            demand = self._tell_hpc(now_s, picture, work)
            if kubernetes is not None:
                demand |= self._tell_kubernetes(now_s, *kubernetes)
            self._feed.tell_demand(now_s, demand, self._flush_s)
            self._settle()
        except (BusUnavailable, BusRefused) as error:
            self._flush_s = AWAY_FLUSH_S
            self._bus_trouble.met(error)
        return self._pause()

    def _pause(self) -> float:
        """Until the HPC side is to be polled, or a part of that which is about the interval."""
        left_s = self._poll_in_s
        pause_s = left_s if left_s < WHOLE * self._interval_s else self._interval_s
        self._poll_in_s -= pause_s
        return pause_s

    def _poll(self) -> Picture | None:
        picture, began_s = None, self._monotonic()
        try:
            picture = self._hpc.poll()
        except Unreachable as error:
            self._troubles[Side.HPC].met(error)
        else:
            self._troubles[Side.HPC].over()
            self._polled_s = picture.at_s
        self._poll_in_s = self._pace.after(self._monotonic() - began_s, failed=picture is None)
        return picture

    def _work(self, picture: Picture | None) -> tuple[WorkRecord, ...]:
        """What is new of the HPC side's work. Before its first poll nothing counts: it has to be whole."""
        if self._polled_s is None:
            return ()
        records = self._hpc.take_records() if picture is not None else ()
        return records if self._completions is None else self._completions.merged(records, picture)

    def _read_kubernetes(self) -> tuple[Mapping[str, KubernetesNode], Demand] | None:
        try:
            told = self._kubernetes.nodes().nodes, self._kubernetes.demand()
        except Unreachable as error:
            self._troubles[Side.KUBERNETES].met(error)
            return None
        self._troubles[Side.KUBERNETES].over()
        return told

    def _tell_hpc(self, now_s: int, picture: Picture | None, work: tuple[WorkRecord, ...]) -> dict[Side, Demand]:
        if self._polled_s is not None:
            self._feed.tell_work(now_s, work, order=self._polled_s, sides=(Side.HPC,))
        if picture is None:
            return {}
        self._feed.tell_nodes(now_s, Side.HPC, self._hpc.nodes().nodes, order=picture.at_s)
        return {Side.HPC: replace(self._hpc.demand(), at_s=now_s)}

    def _tell_kubernetes(self, now_s: int, nodes: Mapping[str, KubernetesNode], demand: Demand) -> dict[Side, Demand]:
        if isinstance(self._kubernetes, TellsWork):
            records = self._kubernetes.take_records()
            self._feed.tell_work(now_s, records, order=now_s, sides=(Side.KUBERNETES,))
        self._feed.tell_nodes(now_s, Side.KUBERNETES, nodes, order=now_s)
        return {Side.KUBERNETES: replace(demand, at_s=now_s)}

    def _settle(self) -> None:
        """See whether what was told is durable; the bus keeps what is not."""
        left = self._bus.flush(self._flush_s)
        self._flush_s = AWAY_FLUSH_S if left else FLUSH_S
        if left:
            self._bus_trouble.met(f"{left} events wait until it takes them")
        else:
            self._bus_trouble.over()
