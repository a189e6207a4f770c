"""The metrics of what was decided and of the nodes: in mode recommend as well as in auto."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Protocol

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from controller import metric_families as families
from controller.tally import Tally
from models.audit import Decided
from models.handovers import Direction, Handover
from models.metrics import Sample
from models.nodes import Node
from models.plans import Plan, Reason


class SeesNodes(Protocol):
    """The controller, or what only recommends."""

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes of the pool as they were last read."""
        ...

    @property
    def open_handovers(self) -> Collection[Handover]:
        """What is under way."""
        ...

    @property
    def stuck_handovers(self) -> Collection[Handover]:
        """What waits for a person."""
        ...


class NodeMetrics(Collector):
    """Whose the nodes of each pool are."""

    def __init__(self, pools: Mapping[str, SeesNodes]) -> None:
        self._pools = pools

    def collect(self) -> Iterator[Metric]:
        """One sample for each owner that there can be."""
        yield families.NODES.of(sample for pool, sees in self._pools.items() for sample in _owned(pool, sees))


def _owned(pool: str, sees: SeesNodes) -> Iterator[Sample]:
    moving = {handover.node for handover in (*sees.open_handovers, *sees.stuck_handovers)}
    owners = Counter(owner_of(node, moving) for node in sees.nodes)
    if owners:
        yield from (((pool, owner), owners[owner]) for owner in families.OWNER.values)


def owner_of(node: Node, moving: Collection[str]) -> str:
    """Who may start work on a node; ``moving`` are the nodes that a hand-over has."""
    if node.breached:
        return families.BOTH
    if node.name in moving:
        return families.IN_HANDOVER
    return families.NEITHER if node.owner is None else node.owner


class PlanMetrics(Collector):
    """What was decided on each pool, as its audit tells."""

    def __init__(self, pools: Mapping[str, Tally]) -> None:
        self._pools = pools

    def collect(self) -> Iterator[Metric]:
        """Counts from the start on, and the last plan."""
        pools = self._pools.items()
        yield families.PLANS.of(((pool,), tally.plans) for pool, tally in pools)
        yield families.BEGUN.of(((pool, way), tally.begun[way]) for pool, tally in pools for way in Direction)
        yield families.STAGE_S.of_sizes(
            ((pool, direction, stage), sizes)
            for pool, tally in pools
            for (direction, stage), sizes in tally.stages_s.items()
        )
        yield from _last_plans([(pool, tally.decided) for pool, tally in pools if tally.decided is not None])


def _last_plans(decided: list[tuple[str, Decided]]) -> Iterator[Metric]:
    plans = [(pool, one.plan) for pool, one in decided]
    yield families.PLANNED_AT.of(((pool,), plan.at_s) for pool, plan in plans)
    yield families.PLAN_NODES.of(
        sample
        for pool, plan in plans
        for sample in (((pool, families.CURRENT), plan.current), ((pool, families.TARGET), plan.target))
    )
    yield families.PLAN_MOVES.of(sample for pool, plan in plans for sample in _moves(pool, plan))
    yield families.REJECTED.of(sample for pool, plan in plans for sample in _rejected(pool, plan))
    yield families.LEAD_TIME.of(
        ((pool, direction, quantile), seconds)
        for pool, one in decided
        for direction, lead in one.snapshot.lead.items()
        for quantile, seconds in ((families.MEDIAN, lead.median_s), (families.P90, lead.p90_s))
    )


def _moves(pool: str, plan: Plan) -> Iterator[Sample]:
    moves = Counter(move.direction for move in plan.moves)
    yield from (((pool, direction), moves[direction]) for direction in Direction)


def _rejected(pool: str, plan: Plan) -> Iterator[Sample]:
    nodes: Counter[Reason] = Counter()
    for rejection in plan.rejections:
        nodes[rejection.reason] += len(rejection.nodes)
    yield from (((pool, reason), nodes[reason]) for reason in Reason)
