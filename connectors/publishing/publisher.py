"""Publishing: one loop over the sources of all pools, that tells the bus what is new in what they show."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from basics.log_once import Trouble
from connectors.publishing.feed import FLUSH_S, Feed
from connectors.sources.backoff import INTERVAL_S
from models.bus import Bus
from models.errors import BusRefused, BusUnavailable, Unreachable
from models.events import Topic
from models.reading import Picture, Source
from models.signals import Signal

WHOLE = 1.5  # intervals: a pause that is shorter is not parted
AWAY_FLUSH_S = 0.5  # to wait for a bus that kept us waiting the last time: whoever shares our thread has work to do

log = logging.getLogger("tidegate.publishing")


@dataclass(frozen=True, slots=True)
class PublishedPool:
    """The sources of one pool, and the feed through which the bus is told what they show. ``signals`` says what is
    known of the pool's signals at an instant; it waits for nothing."""

    feed: Feed
    sources: Sequence[Source[Any]]
    signals: Callable[[int], Sequence[Signal]] = lambda now_s: ()


class Publisher:
    """Tells ``bus`` what the sources of ``pools`` show.

    A source that cannot be read is left out, which is not zero, and so is a picture that was told before. What the bus
    does not take is told at the next step. ``clock`` tells unix seconds: demand is of that time, so that all that was
    read in one step is of one instant. ``due_in_s`` is when a source that is read at its own pace is next to be read:
    others are read meanwhile as ever.
    """

    def __init__(
        self,
        bus: Bus,
        pools: Sequence[PublishedPool],
        *,
        clock: Callable[[], int],
        interval_s: float = INTERVAL_S,
        due_in_s: Callable[[], float] | None = None,
    ) -> None:
        self._bus = bus
        self._pools = pools
        self._clock = clock
        self._interval_s = interval_s
        self._due_in_s = due_in_s or (lambda: interval_s)
        self._told: dict[int, Picture[Any]] = {}  # by the identity of its source
        self._trouble = Trouble(log, "the bus is not told")
        self._flush_s = FLUSH_S
        self._anew = False

    def tell_anew(self, lost: Collection[Topic]) -> None:
        """Events of these topics were lost: the next step tells again what the sources show."""
        for pool in self._pools:
            pool.feed.tell_anew(lost)
        self._anew = self._anew or bool(lost)

    @property
    def untold(self) -> bool:
        """Whether the bus did not take all of it the last time."""
        return self._trouble.lasts

    def step(self) -> float:
        """Read and tell once; seconds until the next step. A bus that is away is logged, and no error."""
        news = [(pool, self._pictures(pool.sources)) for pool in self._pools]
        now_s = self._clock()
        try:
            anew, self._anew = self._anew, False
            for pool, pictures in news:
                self._tell(pool, now_s, pictures, anew=anew)
            self._settle()
        except (BusUnavailable, BusRefused) as error:
            self._flush_s = AWAY_FLUSH_S
            self._trouble.met(error)
        due_s = self._due_in_s()
        return due_s if due_s < WHOLE * self._interval_s else self._interval_s

    def _pictures(self, sources: Sequence[Source[Any]]) -> dict[int, Picture[Any]]:
        """What the sources show, each by its source's identity; those that show nothing are left out."""
        pictures = {}
        for source in sources:
            try:
                pictures[id(source)] = source.read()
            except Unreachable as error:
                log.debug("nothing to tell: %s", error)
        return pictures

    def _tell(self, pool: PublishedPool, now_s: int, pictures: Mapping[int, Picture[Any]], *, anew: bool) -> None:
        """Tell the pictures that were not told yet, or all of them ``anew``; the demand only of those that are new."""
        news = {source: picture for source, picture in pictures.items() if picture is not self._told.get(source)}
        for picture in (pictures if anew else news).values():
            pool.feed.tell_picture(now_s, picture)
        demand = {picture.side: replace(picture.demand, at_s=now_s) for picture in news.values()}
        pool.feed.tell_demand(now_s, demand, self._flush_s, pool.signals(now_s))
        self._told |= news

    def _settle(self) -> None:
        """See whether what was told is durable; the bus keeps what is not."""
        left = self._bus.flush(self._flush_s)
        self._flush_s = AWAY_FLUSH_S if left else FLUSH_S
        if left:
            self._trouble.met(f"{left} events wait until it takes them")
        else:
            self._trouble.over()
