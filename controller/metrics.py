"""The controller's metrics: what is under way, what is stuck, and what holds moves back, as Prometheus reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from controller import metric_families as families
from controller.controller import Controller
from controller.takeovers.watch import TakeoverWatch
from controller.unserved_log import UnservedLog
from models.acts import Unseen
from models.handovers import Direction, Stage, Why
from models.metrics import Sample
from models.nodes import Side
from models.plans import DropReason, Switch
from models.takeovers import Phase
from models.unserved import UnservedReason

ENDS = {
    (direction, stage, why)
    for direction in Direction
    for stage, whys in ((Stage.DONE, (None,)), (Stage.CANCELLED, Why), (Stage.STUCK, Why))
    for why in whys
}
"""The usual ends, shown from none on: the first of a kind would be no increase of what was not there."""


class ControllerMetrics(Collector):
    """Read from the controllers, by pool, whenever someone asks: nothing is counted twice, nothing can lag behind.

    Labels come from closed sets only, never from the names of nodes, jobs or users.
    """

    def __init__(self, controllers: Mapping[str, Controller]) -> None:
        self._controllers = controllers

    def collect(self) -> Iterator[Metric]:
        """One sample for each stage in which a hand-over is, each switch, each way of ending, each reason to drop."""
        pools = self._controllers.items()
        yield families.LEADS.of(((pool,), one.leads) for pool, one in pools)
        yield families.HANDOVERS.of(sample for pool, one in pools for sample in _under_way(pool, one))
        yield families.STUCK.of(((pool,), len(one.stuck_handovers)) for pool, one in pools)
        yield families.UNREADABLE.of(((pool,), len(one.unreadable)) for pool, one in pools)
        yield families.FENCED.of(((pool,), one.fenced) for pool, one in pools)
        yield families.BREACHED.of(((pool,), one.breaches) for pool, one in pools)
        yield families.HELD.of(sample for pool, one in pools for sample in _held(pool, one))
        yield families.ENDED.of(
            ((pool, direction, stage, why or ""), one.ended[direction, stage, why])
            for pool, one in pools
            for direction, stage, why in (*one.ended.keys() - ENDS, *sorted(ENDS, key=str))
        )
        yield families.DROPPED.of(((pool, why), one.dropped[why]) for pool, one in pools for why in DropReason)
        yield from self._loans()
        yield from self._service_levels()

    def _loans(self) -> Iterator[Metric]:
        """How many nodes bear a date, and the earliest one; that is left out where none does."""
        dates_s = {
            pool: [
                one.reserve_from_s or 0
                for one in controller.open_handovers
                if one.loan and one.stage in (Stage.PLANNED, Stage.RESERVED)
            ]
            for pool, controller in self._controllers.items()
        }
        yield families.LOANS.of(((pool,), len(dates)) for pool, dates in dates_s.items())
        yield families.LOANS_EARLIEST.of(((pool,), min(dates)) for pool, dates in dates_s.items() if dates)

    def _service_levels(self) -> Iterator[Metric]:
        """The price that follows a service level; the share is left out until something was measured."""
        levels = [(pool, one.price.told) for pool, one in self._controllers.items()]
        told = [(pool, level) for pool, level in levels if level is not None]
        yield families.PRICE.of(((pool,), level.price) for pool, level in told)
        yield families.AT_MOST.of(((pool,), level.at_most) for pool, level in told)
        yield families.SHARE.of(((pool,), level.unmet) for pool, level in told if level.unmet is not None)


def _under_way(pool: str, controller: Controller) -> Iterator[Sample]:
    stages = Counter((handover.direction, handover.stage) for handover in controller.open_handovers)
    for (direction, stage), number in stages.items():
        yield (pool, direction, stage), number


def _held(pool: str, controller: Controller) -> Iterator[Sample]:
    switches = {hold.switch for hold in controller.holds}
    for switch in Switch:
        yield (pool, switch), switch in switches


class TakeoverMetrics(Collector):
    """How many takeovers of each pool stand where; all phases, so that one that is none is seen, too."""

    def __init__(self, watches: Mapping[str, TakeoverWatch]) -> None:
        self._watches = watches

    def collect(self) -> Iterator[Metric]:
        """One sample for each phase."""
        phases = {pool: Counter(watch.phases.values()) for pool, watch in self._watches.items()}
        yield families.TAKEOVERS.of(((pool, phase), phases[pool][phase]) for pool in phases for phase in Phase)


class UnservedMetrics(Collector):
    """Work that no move can serve, by pool, side and reason, as the last plan told."""

    def __init__(self, pools: Mapping[str, UnservedLog]) -> None:
        self._pools = pools

    def collect(self) -> Iterator[Metric]:
        """How much there is for each reason, those included that nothing has."""
        nodes, work = [], []
        for pool, log in self._pools.items():
            for side, why in product(Side, UnservedReason):
                found = [one for one in log.now if one.side is side and one.why is why]
                nodes.append(((pool, side, why), sum(one.nodes for one in found)))
                work.append(((pool, side, why), sum(one.count for one in found)))
        yield families.UNSERVED_NODES.of(nodes)
        yield families.UNSERVED_WORK.of(work)


class UnseenMetrics(Collector):
    """How long nodes were changed without being looked at, by pool."""

    def __init__(self, pools: Mapping[str, Unseen]) -> None:
        self._pools = pools

    def collect(self) -> Iterator[Metric]:
        """How many drains and undrains were asked for, and how long that took together."""
        each = [(pool, unseen, verb) for pool, unseen in self._pools.items() for verb in families.CHANGES]
        yield families.HPC_CHANGES.of(((pool, verb), unseen.changes[verb]) for pool, unseen, verb in each)
        yield families.HPC_UNSEEN.of(((pool, verb), unseen.seconds.get(verb, 0.0)) for pool, unseen, verb in each)
