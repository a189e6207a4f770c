"""Events to test with: strategies for every value that an event can carry, and for its message taken apart."""

from __future__ import annotations

from dataclasses import fields
from types import UnionType
from typing import get_args, get_type_hints

from hypothesis import strategies as st

from connectors.bus.wire.bodies import EXAMPLE_MOST
from connectors.bus.wire.payloads import TYPES
from models.demand import Demand
from models.events import DeadLetter, Event, Payload, Planned, Topic
from models.forecasts import Forecast, Source
from models.handovers import Direction, Handover
from models.nodes import HpcNode, KubernetesNode, NodeShape, Side
from models.outlook import DAY_S, Outlook
from models.plans import Hold, Move, Plan, Reason, Rejection, Switch
from models.signals import VALUE_MOST, Signal, Signals
from models.unserved import Unserved, UnservedReason
from models.work import WorkRecord, WorkState

NOT_TOLD = ("leaves", "expects", "booted", "was_closed", "prepared", "refusals", "unsure_s")  # of a hand-over
names = st.text(min_size=1, max_size=40)
texts = st.text(max_size=60)
seconds = st.integers(-(2**53), 2**53)
counts = st.integers(0, 2**53)
nodes_many = st.floats(0, allow_nan=False, allow_infinity=False)
floats = st.floats(allow_nan=False, allow_infinity=False)
keys = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=200)
positive = st.integers(1, 2**53)
shapes = st.builds(NodeShape, positive, positive, counts)

_BY_NAME = {
    "id": names,
    "name": names,
    "batch": names,
    "node": names,
    "pods": counts,
    "bare": counts,
    "staying": counts,
    "epoch": counts,
}
_BY_TYPE = {int: seconds, float: floats, str: texts, NodeShape: shapes}


def _any(kind: type, **given: st.SearchStrategy) -> st.SearchStrategy:
    """Any value of a dataclass, whatever fields it has."""
    hints = get_type_hints(kind)
    free = [field.name for field in fields(kind) if field.init and field.name not in given]
    return st.builds(
        kind, **{name: _BY_NAME[name] if name in _BY_NAME else _field(hints[name]) for name in free}, **given
    )


def _field(hint: object) -> st.SearchStrategy:
    if isinstance(hint, UnionType):
        return st.one_of(*map(_field, get_args(hint)))
    return _BY_TYPE[hint] if hint in _BY_TYPE else st.from_type(hint)


def _work(size: float, state: WorkState, started_s: int | None, rest: tuple) -> WorkRecord:
    ident, side, submitted_s, limit_s, ended_s, user = rest
    if state is WorkState.RUNNING and started_s is None:
        started_s = submitted_s
    return WorkRecord(ident, side, state, size, submitted_s, limit_s, started_s, ended_s, user)


work = st.builds(
    _work,
    st.floats(0, exclude_min=True, allow_infinity=False),
    st.sampled_from(WorkState),
    st.none() | seconds,
    st.tuples(names, st.sampled_from(Side), seconds, st.none() | counts, st.none() | seconds, texts),
)


def outlooks(side: Side) -> st.SearchStrategy[Outlook]:
    rows = st.tuples(*[st.tuples(nodes_many, nodes_many).map(sorted).map(tuple)] * 2)
    some = st.lists(nodes_many, max_size=3).map(tuple)
    return st.builds(Outlook, st.just(side), seconds, st.just((1800, DAY_S)), st.just((0.25, 0.5)), rows, some, some)


@st.composite
def forecasts(draw: st.DrawFn) -> Forecast:
    side = draw(st.sampled_from(Side))
    horizons = sorted(draw(st.lists(st.integers(1, 10**9), min_size=1, max_size=5, unique=True)))
    levels = sorted(
        draw(st.lists(st.floats(0, 1, exclude_min=True, exclude_max=True), min_size=1, max_size=5, unique=True))
    )
    row = st.lists(nodes_many, min_size=len(levels), max_size=len(levels)).map(sorted)
    rows = draw(st.lists(row, min_size=len(horizons), max_size=len(horizons)))
    return Forecast(
        side,
        draw(seconds),
        draw(nodes_many),
        tuple(horizons),
        tuple(levels),
        tuple(map(tuple, rows)),
        draw(st.sampled_from(Source)),
        draw(st.none() | outlooks(side)),
    )


moves = st.builds(Move, names, st.sampled_from(Direction), st.sampled_from(Reason), texts, floats, floats)
rejections = st.builds(Rejection, st.lists(names, max_size=5).map(tuple), st.sampled_from(Reason), texts)
unserved = st.builds(
    Unserved,
    st.sampled_from(Side),
    st.sampled_from(UnservedReason),
    counts,
    nodes_many,
    st.text(max_size=EXAMPLE_MOST),
    nodes_many,
)
plans = st.builds(
    Plan,
    seconds,
    counts,
    counts,
    st.lists(moves, max_size=3).map(tuple),
    st.lists(names, max_size=3).map(tuple),
    st.lists(rejections, max_size=3).map(tuple),
    st.lists(st.builds(Hold, st.sampled_from(Switch), texts), max_size=2).map(tuple),
    st.lists(unserved, max_size=3).map(tuple),
)
letters = st.builds(
    DeadLetter,
    st.sampled_from(Topic).map(str),
    st.integers(-1, 2**31 - 1),
    st.none() | counts,
    texts,
    st.none() | st.binary(max_size=50),
    st.none() | st.binary(max_size=50),
    st.lists(st.tuples(texts, st.binary(max_size=20)), max_size=4).map(tuple),
    counts,
)
signals = st.lists(
    st.builds(Signal, names, st.floats(-VALUE_MOST, VALUE_MOST), texts), max_size=4, unique_by=lambda one: one.name
).map(tuple)
BY_KIND: dict[type, st.SearchStrategy] = {
    WorkRecord: work,
    HpcNode: _any(HpcNode),
    KubernetesNode: _any(KubernetesNode),
    Demand: st.builds(Demand, st.sampled_from(Side), seconds, nodes_many, nodes_many),
    Signals: st.builds(Signals, seconds, signals),
    Forecast: forecasts(),
    Planned: st.builds(Planned, counts, plans, counts),
    Handover: _any(Handover),
    DeadLetter: letters,
}
values = st.one_of(*BY_KIND.values())
times = st.integers(-(10**15), 10**16).map(lambda micros: micros / 10**6)  # 1938 to 2286
versions = st.integers(0, 2**63 - 1)


def events_of(payloads: st.SearchStrategy) -> st.SearchStrategy:
    def event(payload: Payload, key: str, version: int, source: str, at_s: float) -> Event:
        return Event(TYPES[type(payload)].topic, key, payload, version, source, at_s)

    return st.builds(event, payloads, keys, versions, keys, times)


gone = st.builds(
    Event, st.sampled_from([topic for topic in Topic if topic.state]), keys, st.none(), versions, keys, times
)


def told(value: object) -> object:
    """What a reader gets to know of a value, so that two of them can be compared."""
    if isinstance(value, Handover):
        return {f.name: getattr(value, f.name) for f in fields(value) if f.name not in NOT_TOLD}
    return value
