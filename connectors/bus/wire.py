"""The bodies of events on the wire: one schema for each type, apart from the values of ``models`` that it carries.

A schema only ever grows by optional fields; readers ignore fields that they do not know. Anything else is a new type,
with the next number at its end. The published schemas (docs/reference/events) are generated from these structs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import numpy as np
from msgspec import Meta, Struct

from models.demand import Demand
from models.events import DeadLetter, Planned, Topic
from models.forecasts import Forecast, Source
from models.handovers import Direction, Handover, Stage, Why
from models.nodes import HpcNode, KubernetesNode, NodeShape, Side
from models.plans import Hold, Move, Plan, Rejection
from models.work import WorkRecord, WorkState

Name = Annotated[str, Meta(min_length=1, max_length=512)]
Text = Annotated[str, Meta(max_length=4096)]
Seconds = Annotated[int, Meta(ge=-(2**53), le=2**53)]  # since 1970, UTC; a replay's clock begins at 0
Span = Annotated[int, Meta(ge=0, le=2**53)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Nodes = Annotated[float, Meta(ge=0)]

GONE = "dev.tidegate.gone.v1"  # without a body: the key has no state any more


class Work(Struct, frozen=True):
    """One job, gang of pods or service replica, as it stands now."""

    id: Name
    side: Side
    state: WorkState
    nodes: Annotated[float, Meta(gt=0)]
    submitted_s: Seconds
    limit_s: Span | None = None
    started_s: Seconds | None = None
    ended_s: Seconds | None = None
    user: Text = ""


class Shape(Struct, frozen=True):
    """What a node registered with: thousandths of a processor, MiB, thousandths of a GPU."""

    cpu_milli: Count
    memory_mib: Count
    gpu_milli: Count


class NodeOfHpc(Struct, frozen=True):
    """A node as the HPC scheduler shows it."""

    name: Name
    kind: Text
    drain_reason: Text | None
    busy: bool
    frees_at_s: Seconds | None = None
    ready: bool = True
    booked_by: Text | None = None
    offers: Shape | None = None
    booted: Text = ""


class NodeOfKubernetes(Struct, frozen=True):
    """A node as Kubernetes shows it."""

    name: Name
    closed_by: Text | None
    discouraged: bool
    pods: Count
    ready: bool = True
    cordoned: bool = False
    ready_since_s: Seconds | None = None
    offers: Shape | None = None
    version: Text = ""
    uid: Text = ""
    record: Text | None = None
    managed_by: Text = ""


class DemandNow(Struct, frozen=True):
    """One side's demand on a pool, in node-equivalents."""

    side: Side
    at_s: Seconds
    running: Nodes
    waiting: Nodes


class ForecastMade(Struct, frozen=True):
    """Quantiles of one side's demand: ``values`` has a row for each horizon and a column for each level, in nodes."""

    side: Side
    made_at_s: Seconds
    now: Nodes
    horizons_s: list[Span]
    levels: list[Annotated[float, Meta(gt=0, lt=1)]]
    values: list[list[Nodes]]
    source: Source


class PlanMade(Struct, frozen=True):
    """The moves chosen by the leader of an epoch, and the moves not made, each with its reason."""

    epoch: Count
    at_s: Seconds
    current: Count
    target: Count
    moves: tuple[Move, ...] = ()
    cancellations: tuple[str, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    holds: tuple[Hold, ...] = ()


class HandoverNow(Struct, frozen=True):
    """One node on its way from one side to the other, as it stands now."""

    id: Name
    batch: Name
    node: Name
    direction: Direction
    stage: Stage
    started_s: Seconds
    stage_since_s: Seconds
    deadline_s: Seconds
    emptied_s: Seconds | None = None
    why: Why | None = None
    epoch: Count = 0
    reserve_from_s: Seconds | None = None
    uid: Text = ""
    repair: bool = False


class Dead(Struct, frozen=True):
    """A message that could not be used. ``key``, ``value`` and the headers' values are base64."""

    topic: Name
    partition: int
    offset: Count | None
    reason: Text
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    size: Count


Body = TypeVar("Body", bound=Struct)


@dataclass(frozen=True, slots=True)
class Type(Generic[Body]):
    """One type of event: its name, its schema, where it goes, and the way between body and value."""

    name: str
    body: type[Body]
    topic: Topic
    to_body: Callable[[Any], Body]
    to_value: Callable[[Body], Any]


def _work(body: Work) -> WorkRecord:
    return WorkRecord(
        body.id,
        body.side,
        body.state,
        body.nodes,
        body.submitted_s,
        body.limit_s,
        body.started_s,
        body.ended_s,
        body.user,
    )


def _work_body(work: WorkRecord) -> Work:
    return Work(
        work.id,
        work.side,
        work.state,
        work.nodes,
        work.submitted_s,
        work.limit_s,
        work.started_s,
        work.ended_s,
        work.user,
    )


def _shape(body: Shape | None) -> NodeShape | None:
    return None if body is None else NodeShape(body.cpu_milli, body.memory_mib, body.gpu_milli)


def _shape_body(shape: NodeShape | None) -> Shape | None:
    return None if shape is None else Shape(shape.cpu_milli, shape.memory_mib, shape.gpu_milli)


def _hpc(body: NodeOfHpc) -> HpcNode:
    return HpcNode(**{**_fields(body), "offers": _shape(body.offers)})


def _hpc_body(node: HpcNode) -> NodeOfHpc:
    return NodeOfHpc(**{**_values(NodeOfHpc, node), "offers": _shape_body(node.offers)})


def _kubernetes(body: NodeOfKubernetes) -> KubernetesNode:
    return KubernetesNode(**{**_fields(body), "offers": _shape(body.offers)})


def _kubernetes_body(node: KubernetesNode) -> NodeOfKubernetes:
    return NodeOfKubernetes(**{**_values(NodeOfKubernetes, node), "offers": _shape_body(node.offers)})


def _demand(body: DemandNow) -> Demand:
    return Demand(body.side, body.at_s, body.running, body.waiting)


def _demand_body(demand: Demand) -> DemandNow:
    return DemandNow(demand.side, demand.at_s, demand.running, demand.waiting)


def _forecast(body: ForecastMade) -> Forecast:
    return Forecast(
        body.side,
        body.made_at_s,
        body.now,
        np.array(body.horizons_s, dtype=np.int64),
        np.array(body.levels, dtype=np.float64),
        np.array(body.values, dtype=np.float64).reshape(len(body.horizons_s), -1),
        body.source,
    )


def _forecast_body(forecast: Forecast) -> ForecastMade:
    return ForecastMade(
        forecast.side,
        forecast.made_at_s,
        float(forecast.now),
        forecast.horizons_s.tolist(),
        forecast.levels.tolist(),
        forecast.values.tolist(),
        forecast.source,
    )


def _plan(body: PlanMade) -> Planned:
    fields = _fields(body)
    return Planned(fields.pop("epoch"), Plan(**fields))


def _plan_body(planned: Planned) -> PlanMade:
    return PlanMade(planned.epoch, **{name: getattr(planned.plan, name) for name in PlanMade.__struct_fields__[1:]})


def _handover(body: HandoverNow) -> Handover:
    return Handover(**_fields(body))


def _handover_body(handover: Handover) -> HandoverNow:
    return HandoverNow(**_values(HandoverNow, handover))


def _dead(body: Dead) -> DeadLetter:
    return DeadLetter(**{**_fields(body), "headers": tuple(body.headers)})


def _dead_body(letter: DeadLetter) -> Dead:
    return Dead(**{**_values(Dead, letter), "headers": list(letter.headers)})


def _fields(body: Struct) -> dict[str, Any]:
    return {name: getattr(body, name) for name in body.__struct_fields__}


def _values(body: type[Struct], value: object) -> dict[str, Any]:
    return {name: getattr(value, name) for name in body.__struct_fields__}


TYPES: Mapping[type, Type[Any]] = {
    WorkRecord: Type("dev.tidegate.work.v1", Work, Topic.WORK, _work_body, _work),
    HpcNode: Type("dev.tidegate.node.hpc.v1", NodeOfHpc, Topic.NODES, _hpc_body, _hpc),
    KubernetesNode: Type(
        "dev.tidegate.node.kubernetes.v1", NodeOfKubernetes, Topic.NODES, _kubernetes_body, _kubernetes
    ),
    Demand: Type("dev.tidegate.demand.v1", DemandNow, Topic.DEMAND, _demand_body, _demand),
    Forecast: Type("dev.tidegate.forecast.v1", ForecastMade, Topic.FORECASTS, _forecast_body, _forecast),
    Planned: Type("dev.tidegate.plan.v1", PlanMade, Topic.PLANS, _plan_body, _plan),
    Handover: Type("dev.tidegate.handover.v1", HandoverNow, Topic.HANDOVERS, _handover_body, _handover),
    DeadLetter: Type("dev.tidegate.dead-letter.v1", Dead, Topic.DEAD_LETTER, _dead_body, _dead),
}
"""By the value that a type carries. The names never change, and no name is used again."""
