"""The past of demand: a pool that starts without any is told what the site's Prometheus has of it, once.

It goes onto the bus as demand of its time, before any of now: every forecaster learns from it as if it had been seen.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from basics.text import count
from connectors.prom.client import Prometheus
from connectors.prom.past import read_past
from connectors.prom.past_queries import past_queries
from connectors.publishing.feed import Feed
from forecasting.forecast_publisher import demand_of
from models.bus import Bus
from models.catch_up import deliveries
from models.demand import Demand
from models.errors import BadInput, BusRefused, BusUnavailable, Unreachable
from models.events import Topic
from models.identity import PoolId
from models.nodes import Side
from models.past import PastPolicy
from service.process import Process

STEP_S = 300  # between two instants, where decisions are not further apart: as fine as forecasts look
MOST_S = 60.0  # for all pools; what was not read by then is left out, and told

log = logging.getLogger("tidegate.service")


@dataclass(frozen=True, slots=True)
class PoolWithPast:
    """A pool of which the policy says where its past is to be had."""

    whose: PoolId
    past: PastPolicy
    feed: Feed


def tell_past(process: Process, bus: Bus, feeds: Sequence[Feed]) -> None:
    """Read the past of each pool that has none on the bus, and tell it there. The log says what there was.

    A Prometheus or a bus that does not answer is told in the log, and no error. Raises BadInput where the policy names
    a past and the site file no Prometheus.
    """
    wanted = [
        PoolWithPast(whose, pool.past, feed)
        for (whose, pool), feed in zip(process.pools(), feeds, strict=True)
        if pool.past is not None
    ]
    if not wanted:
        return
    settings = process.site.spec.prometheus
    if settings is None:
        what = f"pool {wanted[0].whose.pool} has a past in the policy, and the site file has no spec.prometheus"
        raise BadInput(what, remedy="give its url there, or take the past out of the policy")
    try:
        known = _with_demand(bus, [one.whose for one in wanted], f"past-{process.site.metadata.name}-{process.run}")
        with closing(Prometheus(settings)) as prometheus:
            _tell(prometheus, [one for one in wanted if one.whose not in known], process)
    except (BusUnavailable, BusRefused) as error:
        log.warning("the past of demand is not read: %s", error)


def _with_demand(bus: Bus, pools: Sequence[PoolId], group: str) -> set[PoolId]:
    """The pools of which there is demand on the bus: they have a past of their own."""
    found: set[PoolId] = set()
    with closing(bus.subscribe((Topic.DEMAND,), group)) as subscription:
        for delivery in deliveries(subscription):
            found |= {pool for event in delivery.events for pool in pools if demand_of(event, pool) is not None}
            if len(found) == len(pools):
                break
    return found


def _tell(prometheus: Prometheus, pools: Sequence[PoolWithPast], process: Process) -> None:
    end_s, away = time.monotonic() + MOST_S, ""
    step_s = max(STEP_S, process.policy.spec.moves.every)
    for pool in pools:
        last_s = process.clock() // step_s * step_s - step_s
        times_s = range(last_s - pool.past.span // step_s * step_s, last_s + 1, step_s)
        past: dict[int, dict[Side, Demand]] = {}
        for side in Side:
            queries = past_queries(pool.past, side)
            if queries is None:
                continue
            demand: Mapping[int, Demand] = {}
            why = away or ("" if time.monotonic() < end_s else f"there was no time left of {MOST_S:.0f} s")
            if not why:
                try:
                    demand = read_past(prometheus, side, queries, times_s)
                except Unreachable as error:
                    why = str(error)
                    away = why if isinstance(error.__cause__, OSError) else ""
            _say(pool.whose, side, len(demand), len(times_s), why)
            for at_s, one in demand.items():
                past.setdefault(at_s, {})[side] = one
        pool.feed.tell_past(past)


def _say(whose: PoolId, side: Side, known: int, instants: int, why: str) -> None:
    """What there was of the past of one side."""
    if not known:
        log.warning(
            "pool %s: nothing of the past of side %s: %s", whose.pool, side, why or "all of it is unknown there"
        )
        return
    lacking = instants - known
    rest = f"; {count(lacking, 'instant')} more are unknown there" if lacking else ""
    log.info("pool %s: %s of the past of side %s from Prometheus%s", whose.pool, count(known, "instant"), side, rest)
