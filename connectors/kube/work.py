"""The work of a cluster by pool: worked out once for all pools, and again when something has changed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from basics.log_once import Trouble
from connectors.kube.demand.all_needs import Told, Words, all_needs
from connectors.kube.demand.assembled import Demands, PoolDemand, pool_demand
from connectors.kube.demand.known import Known
from connectors.kube.demand.need import Request
from connectors.kube.demand.pods import Rules
from connectors.kube.demand.pools import Pool
from connectors.kube.demand.requests import added, offered
from connectors.kube.demand.sources.kueue_standing import Quota, QuotaWords
from connectors.kube.names import HPC, PREFER_NOT, SIDE
from connectors.kube.nodes import is_extended, usual_offers
from connectors.kube.quota import ledger_in
from connectors.kube.quota_ledger import Entry
from connectors.kube.watching.state import ClusterState
from connectors.kube.wire.nodes import Node
from models.policies import KubernetesPolicy
from models.pools import KueuePolicy
from models.unserved import by_reason

RECOUNT_S = 15  # what waits may count otherwise although nothing has changed: pods grow old, hours come

log = logging.getLogger("tidegate.kubernetes")


@dataclass(frozen=True, slots=True)
class PoolRules:
    """A pool, and what its policy says of Kueue."""

    pool: Pool
    kueue: KueuePolicy | None = None


class ClusterWork:
    """``pools`` are in the policy's order. ``took_s`` is how long it took to work it out the last time."""

    def __init__(
        self,
        pools: Sequence[PoolRules],
        policy: KubernetesPolicy,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        request = policy.default_request
        asked = None if request is None else offered({"cpu": request.cpu, "memory": request.memory})
        self.took_s = 0.0
        self._pools = tuple(pools)
        self._monotonic = monotonic
        self._known = Known()
        self._rules = Rules(policy.ignore_priority_below, asked)
        self._words = Words(ignore_priority_below=policy.ignore_priority_below, default_request=asked)
        self._lock = threading.Lock()
        self._shown: tuple[int, int, Demands] | None = None
        self._unread = Trouble(log, "some work in Kubernetes is not counted")

    def of(self, state: ClusterState, pool: str) -> PoolDemand:
        """The demand of one pool."""
        return self.all(state).pools[pool]

    def all(self, state: ClusterState) -> Demands:
        """That of all pools."""
        with self._lock:
            shown = self._shown
            if shown is None or shown[0] != state.order or state.at_s - shown[1] >= RECOUNT_S:
                began_s = self._monotonic()
                shown = self._shown = state.order, state.at_s, self._counted(state)
                self.took_s = self._monotonic() - began_s
            return shown[2]

    def _counted(self, state: ClusterState) -> Demands:
        told = all_needs(state, replace(self._words, quota=quota_words(state, self._pools)), state.at_s)
        self._tell(told)
        pools = [one.pool for one in self._pools]
        rules = replace(self._rules, owners=state.owners)
        demands = pool_demand(state, pools, told.needs, rules, state.at_s, group_of=told.gang_of, known=self._known)
        if not demands.nowhere or not pools:
            return demands
        first = demands.pools[pools[0].name]
        unserved = by_reason((*first.waiting.unserved, *demands.nowhere))
        first = replace(first, waiting=replace(first.waiting, unserved=unserved))
        return replace(demands, pools={**demands.pools, pools[0].name: first}, nowhere=())

    def _tell(self, told: Told) -> None:
        if told.unread:
            self._unread.met("; ".join(told.unread))
        else:
            self._unread.over()


def quota_words(state: ClusterState, pools: Sequence[PoolRules]) -> QuotaWords:
    """What Kueue's quotas go by. A quota that follows a pool's nodes can grow by all those that Kubernetes has not;
    of others the policy's word counts, and ``fixed`` where it has none: what waits for a quota that nobody changes
    gains nothing by a node."""
    growth: dict[tuple[str, str], Request] = {}
    for one in pools:
        if one.kueue is not None and one.kueue.cluster_queue is not None and one.kueue.flavor is not None:
            key = one.kueue.cluster_queue, one.kueue.flavor
            growth[key] = added((growth.get(key, {}), _growth(state, one.pool, one.kueue.cluster_queue)))
    words = {one.kueue.quota for one in pools if one.kueue is not None}
    return QuotaWords(Quota.NONE if words == {"none"} else Quota.FIXED, growth)


def _growth(state: ClusterState, pool: Pool, queue: str) -> Request:
    """What the quota grows by once Kubernetes has all of the pool: by what was taken for each node that it has not;
    where nothing was, by what the node offers, and of devices by as many as most have, for what makes them known may be
    missing on a node that our taint closes."""
    there = [state.nodes[name] for name in pool.nodes & state.nodes.keys()]
    ledger = ledger_in(state, queue)
    lacking: list[Node] = []
    counted: list[Node] = []
    for node in there:
        entry = ledger.get(node.metadata.name)
        is_lacking = _is_closed(node) if entry is None else entry.side == HPC
        (lacking if is_lacking else counted).append(node)
    if not lacking:
        return {}
    usual = {name: amount for name, amount in usual_offers(counted).items() if is_extended(name)}
    return added(_gives(node, ledger.get(node.metadata.name), usual) for node in lacking)


def _is_closed(node: Node) -> bool:
    return any(taint.key == SIDE and taint.effect != PREFER_NOT for taint in node.spec.taints or ())


def _gives(node: Node, entry: Entry | None, usual: Mapping[str, int]) -> Mapping[str, int]:
    if entry is not None and entry.delta:
        return {name: -amount for name, amount in entry.delta.items()}
    own = offered(node.status.allocatable)
    return {**own, **{name: max(own.get(name, 0), amount) for name, amount in usual.items()}}
