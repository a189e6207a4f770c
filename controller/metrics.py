"""The controller's metrics: what is under way, what is stuck, and what holds moves back, as Prometheus reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from controller.controller import Controller
from controller.takeovers.watch import TakeoverWatch
from controller.unserved_log import UnservedLog
from models.acts import Unseen, Verb
from models.nodes import Side
from models.plans import DropReason, ServiceLevel, Switch
from models.takeovers import Phase
from models.unserved import UnservedReason


class ControllerMetrics(Collector):
    """Read from the controller of one pool whenever someone asks: nothing is counted twice, nothing can lag behind.

    Labels come from closed sets only, never from the names of nodes, jobs or users.
    """

    def __init__(self, controller: Controller, pool: str) -> None:
        self._controller = controller
        self._pool = pool

    def collect(self) -> Iterator[Metric]:
        """One sample for each stage in which a hand-over is, each switch, each way of ending, each reason to drop."""
        controller, pool = self._controller, self._pool
        leads = GaugeMetricFamily("tidegate_leads", "Whether this process leads.", labels=["pool"])
        leads.add_metric([pool], controller.leads)
        yield leads
        stages = Counter((handover.direction, handover.stage) for handover in controller.open_handovers)
        under_way = GaugeMetricFamily(
            "tidegate_handovers", "Hand-overs under way.", labels=["pool", "direction", "stage"]
        )
        for (direction, stage), count in stages.items():
            under_way.add_metric([pool, direction, stage], count)
        yield under_way
        stuck = GaugeMetricFamily(
            "tidegate_handovers_stuck", "Hand-overs that need a person: stuck, or past their deadline.", labels=["pool"]
        )
        stuck.add_metric([pool], len(controller.stuck_handovers))
        yield stuck
        unreadable = GaugeMetricFamily(
            "tidegate_nodes_unreadable", "Nodes left alone because their record cannot be read.", labels=["pool"]
        )
        unreadable.add_metric([pool], len(controller.unreadable))
        yield unreadable
        fenced = CounterMetricFamily(
            "tidegate_pods_fenced",
            "Pods that came late to a node that was fenced off for the HPC side, and were refused or ended there.",
            labels=["pool"],
        )
        fenced.add_metric([pool], controller.fenced)
        yield fenced
        breached = CounterMetricFamily(
            "tidegate_nodes_breached", "Nodes that were found open to both sides, and closed to one.", labels=["pool"]
        )
        breached.add_metric([pool], controller.breaches)
        yield breached
        switches = {hold.switch for hold in controller.holds}
        held = GaugeMetricFamily("tidegate_moves_held", "Whether a switch holds moves back.", labels=["pool", "switch"])
        for switch in Switch:
            held.add_metric([pool, switch], switch in switches)
        yield held
        ended = CounterMetricFamily(
            "tidegate_handovers_ended",
            "Hand-overs that have ended, by how and why.",
            labels=["pool", "direction", "stage", "why"],
        )
        for (direction, stage, why), count in controller.ended.items():
            ended.add_metric([pool, direction, stage, why or ""], count)
        yield ended
        dropped = CounterMetricFamily(
            "tidegate_moves_dropped",
            "Moves of plans that were not begun, since the node was no longer as planned.",
            labels=["pool", "reason"],
        )
        for reason in DropReason:
            dropped.add_metric([pool, reason], controller.dropped[reason])
        yield dropped
        if (level := controller.price.told) is not None:
            yield from _service_level(level, pool)


def _service_level(level: ServiceLevel, pool: str) -> Iterator[Metric]:
    """The price that follows a service level; the share is left out until something was measured."""
    price = GaugeMetricFamily(
        "tidegate_unmet_price", "What one node of Kubernetes' unmet demand counts for an hour.", labels=["pool"]
    )
    price.add_metric([pool], level.price)
    at_most = GaugeMetricFamily(
        "tidegate_unmet_at_most", "The share of Kubernetes' demand that may wait too long.", labels=["pool"]
    )
    at_most.add_metric([pool], level.at_most)
    share = GaugeMetricFamily(
        "tidegate_unmet_share", "The share of Kubernetes' demand that waited too long lately.", labels=["pool"]
    )
    if level.unmet is not None:
        share.add_metric([pool], level.unmet)
    yield from (price, at_most, share)


class TakeoverMetrics(Collector):
    """How many takeovers of each pool stand where; all phases, so that one that is none is seen, too."""

    def __init__(self, watches: Mapping[str, TakeoverWatch]) -> None:
        self._watches = watches

    def collect(self) -> Iterator[Metric]:
        """One sample for each phase."""
        family = GaugeMetricFamily("tidegate_takeovers", "Takeovers around now, by phase.", labels=["pool", "phase"])
        for pool, watch in self._watches.items():
            phases = Counter(watch.phases.values())
            for phase in Phase:
                family.add_metric([pool, phase], phases[phase])
        yield family


class UnservedMetrics(Collector):
    """Work that no move can serve, by pool, side and reason, as the last plan told."""

    def __init__(self, pools: Mapping[str, UnservedLog]) -> None:
        self._pools = pools

    def collect(self) -> Iterator[Metric]:
        """How much there is for each reason, those included that nothing has."""
        labels = ["pool", "side", "reason"]
        nodes = GaugeMetricFamily(
            "tidegate_unserved_nodes", "What work that no move can serve asks for, in node-equivalents.", labels=labels
        )
        work = GaugeMetricFamily("tidegate_unserved_work", "Jobs or pods that no move can serve.", labels=labels)
        for pool, log in self._pools.items():
            for side, why in product(Side, UnservedReason):
                found = [one for one in log.now if one.side is side and one.why is why]
                nodes.add_metric([pool, side, why], sum(one.nodes for one in found))
                work.add_metric([pool, side, why], sum(one.count for one in found))
        yield from (nodes, work)


class UnseenMetrics(Collector):
    """How long nodes were changed without being looked at, by pool."""

    def __init__(self, pools: Mapping[str, Unseen]) -> None:
        self._pools = pools

    def collect(self) -> Iterator[Metric]:
        """How many drains and undrains were asked for, and how long that took together."""
        changes = CounterMetricFamily(
            "tidegate_hpc_changes", "Drains and undrains that were asked for.", labels=["pool", "change"]
        )
        seconds = CounterMetricFamily(
            "tidegate_hpc_changes_unseen_seconds",
            "How long they took from the look before to the answer: what a person did within it may be undone.",
            labels=["pool", "change"],
        )
        for pool, unseen in self._pools.items():
            for verb in (Verb.DRAIN, Verb.UNDRAIN):
                changes.add_metric([pool, verb], unseen.changes[verb])
                seconds.add_metric([pool, verb], unseen.seconds.get(verb, 0.0))
        yield from (changes, seconds)
