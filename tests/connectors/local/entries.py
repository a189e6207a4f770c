"""Entries of an audit to test with: one of each kind, and strategies for any."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from types import UnionType
from typing import get_args, get_type_hints

from hypothesis import strategies as st

from controller.decide.decide import decide
from models.acts import Act, Outcome, Verb
from models.audit import Answered, Asked, Decided, Dropped, Entered, Repriced
from models.demand import Demand
from models.forecasts import Forecast, Source, flat
from models.handovers import Direction, Handover, Stage
from models.nodes import HpcNode, KubernetesNode, Node, NodeShape, Side
from models.outlook import DAY_S, Outlook
from models.plans import DropReason, Hold, ServiceLevel, Switch
from models.policies import MovesPolicy, PoolPolicy, Shares
from models.pools import PoolInKubernetes
from models.snapshot import LeadTime, SideView, Snapshot, Taken
from models.unserved import Unserved
from models.work import WaitingWork

NODE = Node("n1", HpcNode("n1", "", None, True, 700), KubernetesNode("n1", "tidegate:1.p1", False, 0))
HANDOVER = Handover("1.2", "1.p1", "n1", Direction.TO_KUBERNETES, Stage.DRAINING, 300, 300, 14_700, epoch=1)
ACT = Act(Verb.DRAIN, "n1", "tidegate:1.p1")
ASKED = Asked(300, 1, "1.2", ACT, NODE)
ANSWERED = Answered(300, 1, "1.2", ACT, Outcome.DONE, NODE)
ENTERED = Entered(300, HANDOVER)
DROPPED = Dropped(300, 1, "n1", Direction.TO_KUBERNETES, DropReason.NODE_CHANGED, NODE)
SMALL = (ENTERED, ASKED, ANSWERED)


def decided(*, waiting: int = 0, holds: tuple[Switch, ...] = (), now_s: int = 300) -> Decided:
    """A decision about eight nodes of the HPC side; with ``waiting`` pods some of them move."""
    nodes = tuple(_hpc(f"n{n}") for n in range(8))
    sides = {}
    for side, sizes in ((Side.HPC, ()), (Side.KUBERNETES, (1.0,) * waiting)):
        demand = Demand(side, now_s, 0.0, float(len(sizes)))
        forecast = flat(side, now_s, demand.nodes, (900, 7200), Source.NOW)
        sides[side] = SideView(demand, WaitingWork(side, sizes), forecast)
    lead = {direction: LeadTime(600, 900) for direction in Direction}
    snapshot = Snapshot(now_s, nodes, sides, lead, (), {}, ())
    pool, moves = PoolPolicy(name="a"), MovesPolicy()
    return _decided(snapshot, pool, moves, tuple(Hold(switch, "because") for switch in holds))


def _decided(snapshot: Snapshot, pool: PoolPolicy, moves: MovesPolicy, holds: tuple[Hold, ...]) -> Decided:
    return Decided(1, snapshot, pool, moves, replace(decide(snapshot, pool, moves), holds=holds))


names = st.text(max_size=12)
seconds = st.integers(0, 10**9)
nodes_much = st.floats(0, 1e6, allow_nan=False)
unserved = st.builds(Unserved, nodes=nodes_much, largest=nodes_much)
_BY_TYPE = {
    int: seconds,
    str: names | st.just("tidegate:i"),
    NodeShape: st.builds(NodeShape, st.integers(1, 10**6), st.integers(1, 10**7), st.integers(0, 8000)),
}


def _any(kind: type) -> st.SearchStrategy:
    """Any value of a dataclass, whatever fields it has."""
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: _field(hints[field.name]) for field in fields(kind) if field.init})


def _field(hint: object) -> st.SearchStrategy:
    if isinstance(hint, UnionType):
        return st.one_of(*map(_field, get_args(hint)))
    return _BY_TYPE[hint] if hint in _BY_TYPE else st.from_type(hint)


hpc_nodes = _any(HpcNode)
kubernetes_nodes = _any(KubernetesNode)
nodes = st.builds(Node, names, hpc_nodes, kubernetes_nodes)
handovers = _any(Handover)
acts = st.builds(Act, st.sampled_from(Verb), names, names)
levels = st.builds(ServiceLevel, st.floats(1, 100), st.none() | st.floats(0, 1), st.floats(0.001, 0.5))
small_entries = st.one_of(
    st.builds(Repriced, seconds, st.integers(0, 99), names, st.floats(1, 100), levels),
    st.builds(Asked, seconds, st.integers(0, 99), names, acts, nodes),
    st.builds(Answered, seconds, st.integers(0, 99), names, acts, st.sampled_from(Outcome), st.none() | nodes),
    st.builds(Entered, seconds, handovers),
    st.builds(
        Dropped,
        seconds,
        st.integers(0, 99),
        names,
        st.sampled_from(Direction),
        st.sampled_from(DropReason),
        st.none() | nodes,
    ),
)


def outlooks(side: Side) -> st.SearchStrategy[Outlook]:
    return st.builds(
        Outlook,
        st.just(side),
        seconds,
        st.just((1800, DAY_S)),
        st.just((0.25, 0.5)),
        st.tuples(*[st.lists(nodes_much, min_size=2, max_size=2).map(sorted).map(tuple)] * 2),
        st.lists(st.floats(0, 1.5), max_size=3).map(tuple),
        st.lists(nodes_much, max_size=3).map(tuple),
    )


@st.composite
def decisions(draw: st.DrawFn) -> Decided:
    """A decision that was really taken, about a pool in any state."""
    now_s = draw(st.integers(10_000, 20_000))
    states = st.sampled_from((_hpc, _kubernetes)) | st.tuples(hpc_nodes, kubernetes_nodes)
    shown = tuple(_shown(f"n{n}", state) for n, state in enumerate(draw(st.lists(states, min_size=2, max_size=8))))
    sides = {}
    for side in Side:
        sizes = tuple(draw(st.lists(st.floats(0.1, 9), max_size=4)))
        demand = Demand(side, now_s, draw(st.floats(0, 9)), sum(sizes, 0.0))
        waiting = WaitingWork(side, sizes, tuple(draw(st.lists(unserved, max_size=2))))
        sides[side] = SideView(demand, waiting, _forecast(draw, side, demand))
    snapshot = Snapshot(
        now_s=now_s,
        nodes=shown,
        sides=sides,
        lead={
            direction: draw(st.builds(LeadTime, st.integers(0, 900), st.integers(900, 4000))) for direction in Direction
        },
        open_handovers=(),
        moved_s={node.name: draw(st.integers(0, now_s)) for node in shown[:3]},
        recent_moves_s=tuple(draw(st.lists(st.integers(0, now_s), max_size=3))),
        kept=frozenset(draw(st.sets(st.sampled_from([node.name for node in shown])))),
        taken_s=draw(st.integers(0, 10**6)),
        taken_elsewhere=tuple(
            draw(st.lists(st.builds(Taken, st.none() | st.integers(0, 99), st.integers(0, 10**6)), max_size=2))
        ),
        bounds=draw(st.sampled_from([(), ((0, len(shown)),) * 24, ((0, 1), (1, len(shown)))])),
    )
    level = draw(st.none() | levels)
    pool = PoolPolicy(
        name="a",
        floor=Shares(hpc=draw(st.none() | st.integers(0, 1))),
        kubernetes=PoolInKubernetes(unmet_at_most=None if level is None else "1%"),
    )
    if level is not None:
        pool = pool.at_price(level.price)
    moves = MovesPolicy(min_gain=draw(st.floats(0, 2)), dwell="0s")
    entry = _decided(snapshot, pool, moves, ())
    return replace(entry, plan=replace(entry.plan, service_level=level))


def _hpc(name: str) -> Node:
    return Node(name, HpcNode(name, "", None, False, None), KubernetesNode(name, "tidegate:i", False, 0))


def _kubernetes(name: str) -> Node:
    return Node(name, HpcNode(name, "", "tidegate:i", False, None), KubernetesNode(name, None, False, 0))


def _shown(name: str, state: Callable[[str], Node] | tuple[HpcNode, KubernetesNode]) -> Node:
    return state(name) if callable(state) else Node(name, *(replace(shown, name=name) for shown in state))


def _forecast(draw: st.DrawFn, side: Side, demand: Demand) -> Forecast:
    rows = draw(st.lists(st.lists(nodes_much, min_size=3, max_size=3).map(sorted), min_size=2, max_size=2))
    axes = ((900, 3600), (0.1, 0.5, 0.9), tuple(map(tuple, rows)))
    return Forecast(side, demand.at_s, demand.nodes, *axes, Source.MODEL, draw(st.none() | outlooks(side)))
