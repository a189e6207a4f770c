"""The demand of pools: what runs on their nodes, what waits for one, what nobody can serve, from one look at a
cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from connectors.kube.demand.known import Known, KnownRecord, KnownWait, same
from connectors.kube.demand.laid import NOWHERE, Laid, Layer
from connectors.kube.demand.need import Need, Request
from connectors.kube.demand.packing import nodes_needed, share
from connectors.kube.demand.pods import GroupOf, PodFacts, Rules, group_by_controller
from connectors.kube.demand.pools import Pool, SeenPool, seen_pool
from connectors.kube.demand.waiting import needs_of, together
from connectors.kube.wire.nodes import Node
from connectors.kube.wire.pods import Pod
from models.announced import soonest
from models.demand import Demand
from models.nodes import Side
from models.pieces import WAITING_MAX
from models.unserved import Unserved, by_reason
from models.work import WaitingWork, WorkRecord, WorkState

DAEMON_SETS = "daemonsets.apps"


class Cluster(Protocol):
    """What lists and watches told: nodes by name, pods by uid, all else by its resource's name and by uid."""

    @property
    def nodes(self) -> Mapping[str, Node]:
        """All nodes."""
        ...

    @property
    def pods(self) -> Mapping[str, Pod]:
        """All pods."""
        ...

    @property
    def others(self) -> Mapping[str, Mapping[str, Any]]:
        """All else that is read."""
        ...


@dataclass(frozen=True, slots=True)
class PoolDemand:
    """What Kubernetes wants of a pool; ``shape`` is what a node has for pods."""

    demand: Demand
    waiting: WaitingWork
    records: tuple[WorkRecord, ...]
    shape: Request


@dataclass(frozen=True, slots=True)
class Demands:
    """The demand of each pool by name, and ``nowhere``: what no pool has a node for, by reason."""

    pools: Mapping[str, PoolDemand]
    nowhere: tuple[Unserved, ...]


def pool_demand(
    state: Cluster,
    pools: Sequence[Pool],
    needs: Iterable[Need],
    rules: Rules,
    now_s: int,
    *,
    group_of: GroupOf = group_by_controller,
    known: Known | None = None,
) -> Demands:
    """The demand of all pools at ``now_s`` of the API server's clock.

    ``pools`` are in the policy's order. ``needs`` tell of work whose pods are not there; ``group_of`` tells of a pod
    to which piece of work it belongs, by the same ids. ``known`` saves work and changes nothing.
    """
    known = known or Known()
    known.devices_in(state.others)
    sorted_out = _SortedOut(pools, known.facts_in(state.pods, rules), group_of)
    seen = _seen(state, pools, sorted_out, known)
    layer = Layer(seen, known.rooms_in(_deciding(seen)), sorted_out.lowest if rules.yielding else {}, now_s)
    for need in together([*needs, *needs_of(sorted_out.waiting, group_of, rules, now_s, known)]):
        layer.lay(need)
    records = _Records(known)
    found = {
        one.pool.name: _demand(
            one, sorted_out.running.get(one.pool.name, {}), layer.laid[one.pool.name], records, now_s
        )
        for one in seen
    }
    records.keep()
    known.nodes.keep(state.nodes)
    return Demands(found, _told(layer.laid[NOWHERE]))


class _SortedOut:
    """Pods by what they are to the pools: those that run, by pool and piece of work; DaemonSets'; those that wait."""

    def __init__(self, pools: Iterable[Pool], facts: Iterable[PodFacts], group_of: GroupOf) -> None:
        where = {node: pool.name for pool in pools for node in pool.nodes}
        self.running: dict[str, dict[str, list[PodFacts]]] = {}
        self.daemons: dict[str, list[tuple[str, str, Request]]] = {}
        self.waiting: list[PodFacts] = []
        self.lowest: dict[str, int] = {}
        for one in facts:
            if not one.node:
                if one.counts:
                    self.waiting.append(one)
                continue
            pool = where.get(one.node)
            if pool is None:
                continue
            if one.counts:
                groups = self.running.setdefault(pool, {})
                groups.setdefault(group_of(one.pod).id, []).append(one)
                if one.preempts:
                    self.lowest[pool] = min(one.priority, self.lowest.get(pool, one.priority))
            elif one.daemon:
                owner = one.pod.metadata.controller
                name = one.pod.metadata.name if owner is None else owner.uid
                self.daemons.setdefault(pool, []).append((one.node, name, one.request))


def _seen(state: Cluster, pools: Iterable[Pool], pods: _SortedOut, known: Known) -> list[SeenPool]:
    sets = state.others.get(DAEMON_SETS, {}).values()
    offers = known.devices.offers
    return [seen_pool(pool, state.nodes, offers, pods.daemons.get(pool.name, ()), sets, known.nodes) for pool in pools]


def _deciding(seen: Iterable[SeenPool]) -> object:
    """All of the pools that decides which of them has a node for a pod."""
    return [(one.pool.name, one.kinds, one.names) for one in seen]


def _demand(
    seen: SeenPool, running: Mapping[str, list[PodFacts]], laid: Laid, records: _Records, now_s: int
) -> PoolDemand:
    used = {one.node for pods in running.values() for one in pods}
    needed = nodes_needed(laid.counts.values(), seen.shape)
    sizes: list[float] = []
    for *_, size, count in sorted(laid.units):
        sizes += [size] * min(count, WAITING_MAX - len(sizes))
    told = [record for ident, pods in running.items() if (record := records.running(seen, ident, pods))]
    told += records.waiting(seen.pool.name, laid, {record.id for record in told})
    return PoolDemand(
        demand=Demand(
            Side.KUBERNETES, now_s, float(len(used & seen.names)), float(needed), soonest(laid.announced, now_s)
        ),
        waiting=WaitingWork(Side.KUBERNETES, tuple(sizes), _told(laid)),
        records=tuple(told),
        shape=seen.shape,
    )


def _told(laid: Laid) -> tuple[Unserved, ...]:
    return by_reason(laid.unserved.values())


class _Records:
    """Makes records, those of before where nothing has changed."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._running: dict[tuple[str, str], KnownRecord] = {}
        self._waiting: dict[tuple[str, str], KnownWait] = {}

    def running(self, seen: SeenPool, ident: str, pods: list[PodFacts]) -> WorkRecord | None:
        """The record of a piece of work that runs in the pool; None if it takes nothing of it."""
        key = seen.pool.name, ident
        kept = self._known.running.get(key)
        if kept is None or kept.shape is not seen.shape or not same(kept.pods, pods):
            kept = KnownRecord(pods, seen.shape, _running(ident, pods, seen.shape))
        self._running[key] = kept
        return kept.record

    def waiting(self, pool: str, laid: Laid, running: set[str]) -> list[WorkRecord]:
        """The records of what waits and of what is held; what is told of a piece of work already has another name."""
        found: list[WorkRecord] = []
        names = set(running)
        for state, those in ((WorkState.ELIGIBLE, laid.waiting), (WorkState.HELD, laid.held)):
            for ident, (need, nodes) in those.items():
                name = ident if ident not in names else f"{ident}_{state}"
                names.add(name)
                kept = self._known.waiting.get((pool, name))
                if (
                    kept is None
                    or kept.need is not need
                    or kept.record.nodes != nodes
                    or kept.record.state is not state
                ):
                    kept = KnownWait(need, _waiting(name, state, need, nodes))
                self._waiting[pool, name] = kept
                found.append(kept.record)
        return found

    def keep(self) -> None:
        """Remember these."""
        self._known.running, self._known.waiting = self._running, self._waiting


def _waiting(name: str, state: WorkState, need: Need, nodes: float) -> WorkRecord:
    return WorkRecord(name, Side.KUBERNETES, state, nodes, need.submitted_s, need.limit_s, user=need.user)


def _running(ident: str, pods: list[PodFacts], shape: Request) -> WorkRecord | None:
    nodes = sum(min(1.0, share(one.request, shape)) for one in pods) if shape else 0.0
    if not nodes > 0:
        return None
    limits = [one.limit_s for one in pods]
    return WorkRecord(
        id=ident,
        side=Side.KUBERNETES,
        state=WorkState.RUNNING,
        nodes=nodes,
        submitted_s=min(one.created_s for one in pods),
        limit_s=None if None in limits else max(limit for limit in limits if limit is not None),
        started_s=min(one.started_s for one in pods),
        user=pods[0].pod.metadata.namespace,
    )
