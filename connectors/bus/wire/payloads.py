"""The types of events, and the way between the values of ``models`` and their bodies on the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import astuple, replace

from connectors.bus.topics import LONGEST
from connectors.bus.wire.bodies import (
    EXAMPLE_MOST,
    TEXT_MOST,
    AnnouncedWork,
    Dead,
    DemandNow,
    ForecastMade,
    HandoverNow,
    Header,
    HoldNow,
    MoveMade,
    NodeOfHpc,
    NodeOfKubernetes,
    OfPool,
    OutlookMade,
    PlanMade,
    RejectionMade,
    Shape,
    SignalNow,
    SignalsNow,
    UnservedNow,
    Work,
)
from models.announced import Announced
from models.demand import Demand
from models.events import DeadLetter, Planned, Topic
from models.forecasts import Forecast
from models.handovers import Handover
from models.nodes import HpcNode, KubernetesNode, NodeShape
from models.outlook import Outlook
from models.plans import Hold, Move, Plan, Rejection
from models.signals import Signal, Signals
from models.unserved import Unserved
from models.work import WorkRecord

GONE = "dev.tidegate.gone.v1"  # without a body: the key has no state any more
_POOL = frozenset(OfPool.__struct_fields__)  # these are the event's, and not its value's
_WORK_FIELDS = len(WorkRecord.__struct_fields__)
BODY_MOST = LONGEST - 8192  # bytes of a plan: key, headers, names of the pool and what a cut-off text adds come on top

Body = TypeVar("Body", bound=Struct)
Item = TypeVar("Item")
AnyNode = TypeVar("AnyNode", NodeOfHpc, NodeOfKubernetes)


def _plain(value: Any) -> Any:
    """A number of NumPy's, which is not imported for that, as one of Python's."""
    if type(value).__module__ == "numpy":
        return value.tolist()
    raise TypeError(f"{value!r} cannot be sent")


ENCODER = msgspec.json.Encoder(enc_hook=_plain)


@dataclass(frozen=True, slots=True)
class Type(Generic[Body]):
    """One type of event: its name, its schema, where it goes, and the way between body and value."""

    name: str
    body: type[Body]
    topic: Topic
    to_body: Callable[[Any], Body]
    to_value: Callable[[Body], Any]


def _work(body: Work) -> WorkRecord:
    fields = astuple(body)  # there may be 250,000 of them a second, and the fields are the same but for the pool
    return WorkRecord(*fields[:_WORK_FIELDS])


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
        _cut(work.user),
    )


def _shape(body: Shape | None) -> NodeShape | None:
    return None if body is None else NodeShape(body.cpu_milli, body.memory_mib, body.gpu_milli)


def _shape_body(shape: NodeShape | None) -> Shape | None:
    return None if shape is None else Shape(shape.cpu_milli, shape.memory_mib, shape.gpu_milli)


def _demand(body: DemandNow) -> Demand:
    announced = tuple(Announced(side=body.side, **_fields(one)) for one in body.announced)
    return Demand(body.side, body.at_s, body.running, body.waiting, announced)


def _demand_body(demand: Demand) -> DemandNow:
    announced = tuple(AnnouncedWork(**_values(AnnouncedWork, one)) for one in demand.announced)
    return DemandNow(demand.side, demand.at_s, demand.running, demand.waiting, announced)


def _signals(body: SignalsNow) -> Signals:
    return Signals(body.at_s, tuple(Signal(**_fields(one)) for one in body.signals))


def _signals_body(told: Signals) -> SignalsNow:
    return SignalsNow(told.at_s, tuple(SignalNow(**_values(SignalNow, one)) for one in told.signals))


def _forecast(body: ForecastMade) -> Forecast:
    outlook = None if body.outlook is None else Outlook(body.side, **_fields(body.outlook))
    return Forecast(**{**_fields(body), "outlook": outlook})


def _forecast_body(forecast: Forecast) -> ForecastMade:
    outlook = None if forecast.outlook is None else OutlookMade(**_values(OutlookMade, forecast.outlook))
    return ForecastMade(**{**_values(ForecastMade, forecast), "outlook": outlook})


def _plan(body: PlanMade) -> Planned:
    plan = Plan(
        body.at_s,
        body.current,
        body.target,
        tuple(Move(**_fields(move)) for move in body.moves),
        body.cancellations,
        tuple(Rejection(**_fields(rejection)) for rejection in body.rejections),
        tuple(Hold(**_fields(hold)) for hold in body.holds),
        tuple(Unserved(**_fields(one)) for one in body.unserved),
    )
    return Planned(body.epoch, plan, body.left_out)


def _plan_body(planned: Planned) -> PlanMade:
    plan = planned.plan
    body = PlanMade(
        planned.epoch,
        plan.at_s,
        plan.current,
        plan.target,
        tuple(MoveMade(**_values(MoveMade, move)) for move in plan.moves),
        plan.cancellations,
        tuple(RejectionMade(**_values(RejectionMade, rejection)) for rejection in plan.rejections),
        tuple(HoldNow(**_values(HoldNow, hold)) for hold in plan.holds),
        planned.left_out,
        tuple(_unserved_body(one) for one in plan.unserved),
    )
    return body if len(ENCODER.encode(body)) <= BODY_MOST else _shortened(body)


def _unserved_body(one: Unserved) -> UnservedNow:
    return UnservedNow(one.side, one.why, one.count, one.nodes, one.example[:EXAMPLE_MOST], one.largest)


def _shortened(body: PlanMade) -> PlanMade:
    """The plan with as much as there is room for: first the moves, then cancellations, then nodes of rejections.

    Every rejection keeps its reason, and says how many nodes of it are not named.
    """
    bare = [replace(one, nodes=(), text=_more(one, ())) for one in body.rejections]
    rest = replace(body, moves=(), cancellations=(), rejections=tuple(bare))
    room = BODY_MOST - len(ENCODER.encode(rest))
    moves, room = _fitting(body.moves, room)
    cancellations, room = _fitting(body.cancellations, room)
    rejections = []
    for number, one in enumerate(body.rejections):
        share = room // (len(body.rejections) - number)
        nodes, left = _fitting(one.nodes, share)
        room -= share - left
        rejections.append(replace(one, nodes=nodes, text=_more(one, nodes)))
    kept = replace(rest, moves=moves, cancellations=cancellations, rejections=tuple(rejections))
    return replace(kept, left_out=body.left_out + _named(body) - _named(kept))


def _fitting(items: tuple[Item, ...], room: int) -> tuple[tuple[Item, ...], int]:
    """The first items that fit into so many bytes, and how many bytes are left."""
    for count, item in enumerate(items):
        size = len(ENCODER.encode(item)) + 1
        if size > room:
            return items[:count], room
        room -= size
    return items, room


def _more(rejection: RejectionMade, named: tuple[str, ...]) -> str:
    left = len(rejection.nodes) - len(named)
    return f"{rejection.text[: TEXT_MOST - 40]} (and {left} more nodes)" if left else rejection.text


def _named(body: PlanMade) -> int:
    return len(body.moves) + len(body.cancellations) + sum(len(one.nodes) for one in body.rejections)


def _alike(name: str, body: type[Body], topic: Topic, value: type) -> Type[Body]:
    """A type of which body and value have the same fields."""
    return Type(
        name, body, topic, lambda told: body(**_values(body, told)), lambda received: value(**_fields(received))
    )


def _node(name: str, body: type[AnyNode], value: type) -> Type[AnyNode]:
    """The same of a node, but for what it offers."""
    return Type(
        name,
        body,
        Topic.NODES,
        lambda node: body(**{**_values(body, node), "offers": _shape_body(node.offers)}),
        lambda told: value(**{**_fields(told), "offers": _shape(told.offers)}),
    )


def _dead(body: Dead) -> DeadLetter:
    return DeadLetter(**{**_fields(body), "headers": tuple((one.name, one.value) for one in body.headers)})


def _dead_body(letter: DeadLetter) -> Dead:
    return Dead(**{**_values(Dead, letter), "headers": [Header(name, value) for name, value in letter.headers]})


def _fields(body: Struct) -> dict[str, Any]:
    return {name: getattr(body, name) for name in body.__struct_fields__ if name not in _POOL}


def _values(body: type[Struct], value: object) -> dict[str, Any]:
    return {name: _cut(getattr(value, name)) for name in body.__struct_fields__ if name not in _POOL}


def _cut(value: Any) -> Any:
    """A text that is longer than the schema allows, shortened: nobody decides by the end of one."""
    return f"{value[: TEXT_MOST - 1]}…" if isinstance(value, str) and len(value) > TEXT_MOST else value


TYPES: Mapping[type, Type[Any]] = {
    WorkRecord: Type("dev.tidegate.work.v1", Work, Topic.WORK, _work_body, _work),
    HpcNode: _node("dev.tidegate.node.hpc.v1", NodeOfHpc, HpcNode),
    KubernetesNode: _node("dev.tidegate.node.kubernetes.v1", NodeOfKubernetes, KubernetesNode),
    Demand: Type("dev.tidegate.demand.v1", DemandNow, Topic.DEMAND, _demand_body, _demand),
    Signals: Type("dev.tidegate.signals.v1", SignalsNow, Topic.DEMAND, _signals_body, _signals),
    Forecast: Type("dev.tidegate.forecast.v1", ForecastMade, Topic.FORECASTS, _forecast_body, _forecast),
    Planned: Type("dev.tidegate.plan.v1", PlanMade, Topic.PLANS, _plan_body, _plan),
    Handover: _alike("dev.tidegate.handover.v1", HandoverNow, Topic.HANDOVERS, Handover),
    DeadLetter: Type("dev.tidegate.dead-letter.v1", Dead, Topic.DEAD_LETTER, _dead_body, _dead),
}
"""By the value that a type carries. The names never change, and no name is used again."""
