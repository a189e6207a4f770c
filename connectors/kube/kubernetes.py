"""Kubernetes as the port ``Kubernetes``: read from what watches keep, looked at and written to node by node."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from connectors.kube import node_patch
from connectors.kube.access.api import MERGE_PATCH, Answer, Api, status_of
from connectors.kube.demand.node_pods import NodeOwners, is_slurmd
from connectors.kube.demand.place import tolerates
from connectors.kube.eviction import Evictions
from connectors.kube.facts import FACTS
from connectors.kube.leaving import leaving
from connectors.kube.names import HPC, NO_EXECUTE, SIDE, PoolNames
from connectors.kube.node_patch import Patch, same_for_us
from connectors.kube.nodes import Rules, closed_by, is_discouraged
from connectors.kube.quota import Quota
from connectors.kube.resources import NODES
from connectors.kube.seen_nodes import SeenNodes
from connectors.kube.watching.cluster import KubeCluster
from connectors.kube.watching.state import ClusterState
from connectors.kube.wire.nodes import Node, Taint
from connectors.kube.wire.pods import Pod
from models.acts import Outcome
from models.demand import Demand
from models.errors import Refused, Unreachable, clean
from models.handovers import MARK_PREFIX
from models.nodes import KubernetesNode, Side
from models.reading import Picture
from models.work import WaitingWork, WorkRecord

AGAIN_S = 10  # after how long a picture that is as before counts as a newer one
LATE_S = 20  # how long an open node is not counted by the quota before that is seen to
CONFLICTS_MOST = 3  # times that a write is tried again because something else of the node changed in between

log = logging.getLogger("tidegate.kubernetes")


class Work(Protocol):
    """What a pool's work is: see ``models.reading.Picture``."""

    @property
    def demand(self) -> Demand:
        """In node-equivalents."""
        ...

    @property
    def waiting(self) -> WaitingWork:
        """What waits, in its order."""
        ...

    @property
    def records(self) -> tuple[WorkRecord, ...]:
        """All of it, piece by piece."""
        ...


@dataclass(frozen=True, slots=True)
class _Fresh:
    """A node as the API server has it, the pods on it, and whose pods belong to nodes."""

    node: Node
    pods: Sequence[Pod]
    owners: NodeOwners


class KubernetesPool:
    """The nodes of one pool.

    ``work`` tells what of a cluster's work is the pool's; ``quota`` follows the nodes, None where it need not: it is
    made good at a reading, too, while ``may_act`` says that this process leads. Times are by our ``clock``.
    """

    def __init__(
        self,
        cluster: KubeCluster,
        api: Api,
        names: PoolNames,
        rules: Rules,
        work: Callable[[ClusterState, str], Work],
        *,
        clock: Callable[[], int],
        quota: Quota | None = None,
    ) -> None:
        self.facts = FACTS
        self.evictions = Evictions(api, rules.evict)
        self.may_act: Callable[[], bool] = lambda: False
        self._cluster = cluster
        self._api = api
        self._names = names
        self._work = work
        self._clock = clock
        self._quota = quota
        self._seen = SeenNodes(names, rules, clock)
        self._looked: dict[str, Node] = {}
        self._shown: Picture[KubernetesNode] | None = None
        self._shown_s = 0
        self._owed: dict[str, int] = {}  # open nodes that the quota does not count, and since when
        self._ungrown: set[str] = set()  # open nodes of which it was logged that the quota has not grown
        self._recounts = 0  # pictures that differ although nothing in the cluster did

    # ---- reading ----

    def read(self) -> Picture[KubernetesNode]:
        """See the port."""
        state = self._cluster.state()
        told_s = state.at_s - int(state.age_s)
        if self._shown is None or state.order + self._recounts != self._shown.order:
            self._shown, self._shown_s = self._picture(state, told_s), state.at_s
        elif state.at_s - self._shown_s >= AGAIN_S:  # nothing has changed: that is news, too
            self._shown, self._shown_s = self._recounted(self._shown, state, told_s), state.at_s
        if self._quota is not None and self.may_act():
            self._give_late(self._quota, state, self._shown)
        return self._shown

    def look(self, node: str) -> KubernetesNode | None:
        """See the port: two questions to the API server, never its cache nor ours."""
        found = self._fresh(node)
        if found is None:
            self._looked.pop(node, None)
            return None
        self._looked[node] = found.node
        return self._seen.show(node, found.node, found.pods, found.owners)

    # ---- acting ----

    def note(self, node: str, *, record: str, version: str) -> Outcome:
        """See the port."""
        outcome = self._write(node, version, lambda shown: node_patch.noted(shown, record))
        looked = self._looked.get(node)
        if outcome is Outcome.DONE and looked is not None and closed_by(looked) is None:
            self._give_quota(node, looked)
        return outcome

    def discourage(self, node: str, *, record: str, version: str) -> Outcome:
        """See the port."""
        return self._write(node, version, lambda shown: node_patch.discouraged(shown, record))

    def close(self, node: str, *, mark: str, record: str, version: str) -> Outcome:
        """See the port. The quota shrinks first, so that nothing is admitted for a node that is about to go."""
        return self._close(node, mark, record, version, fenced=False)

    def fence(self, node: str, *, mark: str, record: str, version: str) -> Outcome:
        """See the port. Refused where it would end the HPC side's own pods."""
        found = self._fresh(node)
        if found is None:
            return Outcome.REFUSED
        slurmd = [pod for pod in found.pods if is_slurmd(pod, found.owners) and not pod.ended]
        if ended := [pod for pod in slurmd if not _bears_fence(pod)]:
            log.error("node %s is not fenced: that would end slurmd in pod %s", node, clean(ended[0].metadata.name))
            return Outcome.REFUSED
        return self._close(node, mark, record, version, fenced=True)

    def open(self, node: str, *, mark: str, record: str, version: str) -> Outcome:
        """See the port. The quota grows afterwards, so that nothing is admitted that has no node yet."""
        shown = self._at(node, version)
        if shown is None or closed_by(shown) not in (None, mark):
            return Outcome.REFUSED
        if self._quota is not None and closed_by(shown) is not None:
            left_out = self._quota.leave_out(shown)
            if left_out is not Outcome.DONE:
                return left_out
        pool = self._names.pool
        outcome = self._write(node, version, lambda shown: node_patch.opened(shown, record, pool))
        if outcome is Outcome.DONE:
            self._give_quota(node, shown)
        return outcome

    def evict(self, node: str) -> Outcome:
        """See the port: as the policy allows, with the budgets respected, and only while the node is closed by us:
        somebody may have opened it since whoever asks has looked."""
        found = self._fresh(node)
        pods = () if found is None else leaving(found.pods, found.owners)
        if found is not None and pods and not (closed_by(found.node) or "").startswith(MARK_PREFIX):
            return Outcome.REFUSED
        return self.evictions.ask(node, pods)

    # ---- within ----

    def _fresh(self, node: str) -> _Fresh | None:
        """The node and its pods as they are now. Raises Unreachable, also where we have no right to ask any more."""
        there = self._names.kubernetes.get(node)
        if there is None:
            return None
        try:
            found, pods = self._cluster.fresh(there)
            owners = self._cluster.node_owners(pods)
        except Refused as error:
            raise Unreachable(str(error)) from error
        return None if found is None else _Fresh(found, pods, owners)

    def _picture(self, state: ClusterState, told_s: int) -> Picture[KubernetesNode]:
        nodes = self._seen.update(state)
        work, order = self._work(state, self._names.pool), state.order + self._recounts
        return Picture(Side.KUBERNETES, told_s, order, nodes, work.records, work.demand, work.waiting)

    def _recounted(self, shown: Picture[KubernetesNode], state: ClusterState, told_s: int) -> Picture[KubernetesNode]:
        """The same a while later: work may count otherwise by then, as a pod that no scheduler has looked at."""
        work = self._work(state, self._names.pool)
        now, before = work.demand, shown.demand
        same = (now.running, now.waiting) == (before.running, before.waiting)
        if same and (work.records, work.waiting) == (shown.records, shown.waiting):
            return replace(shown, at_s=told_s, demand=now)
        self._recounts += 1
        order = state.order + self._recounts
        return replace(shown, at_s=told_s, order=order, records=work.records, demand=now, waiting=work.waiting)

    def _close(self, node: str, mark: str, record: str, version: str, *, fenced: bool) -> Outcome:
        shown = self._at(node, version)
        if shown is None or closed_by(shown) not in (None, mark):
            return Outcome.REFUSED
        if (no := self._take_quota(node, shown)) is not None:
            return no
        pool = self._names.pool
        return self._write(node, version, lambda at: node_patch.closed(at, mark, record, pool, fenced=fenced))

    def _take_quota(self, node: str, shown: Node) -> Outcome | None:
        """None where the node may be closed. One that closes in order waits until the quota has shrunk; any other must
        be closed at once, as it may be open to both sides."""
        if self._quota is None:
            return None
        self._ungrown.discard(node)
        taken = self._quota.take(shown, self._seen.devices_of(shown))
        if taken is Outcome.DONE or is_discouraged(shown):
            return None if taken is Outcome.DONE else taken
        log.error("node %s is closed, and Kueue's quota counts it still: see to its nominalQuota", node)
        return None

    def _give_quota(self, node: str, shown: Node) -> Outcome:
        """What came of it. That it did not is logged once for as long as it is so."""
        if self._quota is None:
            return Outcome.DONE
        outcome = self._quota.give(shown, {**self._seen.usual, **self._seen.devices_of(shown)})
        if outcome is Outcome.DONE:
            self._ungrown.discard(node)
        elif node not in self._ungrown:
            self._ungrown.add(node)
            log.warning("node %s is open to Kubernetes, and Kueue's quota has not grown yet", node)
        return outcome

    def _give_late(self, quota: Quota, state: ClusterState, shown: Picture[KubernetesNode]) -> None:
        """Grow the quota by nodes that opened while it could not be changed: Kueue's webhook may have been away. Where
        it is still, one node is enough to see that: each may take as long as a write, and everybody waits."""
        names = {self._names.hpc.get(there, "") for there in quota.lacking(state)} & shown.nodes.keys()
        now_s = self._clock()
        self._owed = {one: self._owed.get(one, now_s) for one in names if shown.nodes[one].closed_by is None}
        for here in [one for one, since_s in self._owed.items() if now_s - since_s >= LATE_S]:
            self._owed[here] = now_s
            try:
                node = self.look(here)
                is_open = node is not None and node.closed_by is None
                outcome = self._give_quota(here, self._looked[here]) if is_open else Outcome.DONE
            except Unreachable:
                outcome = Outcome.UNKNOWN
            if outcome is Outcome.UNKNOWN:
                self._owed = dict.fromkeys(self._owed, now_s)
                return

    def _at(self, node: str, version: str) -> Node | None:
        """The node as it was looked at, if that was at the version; else as it is now, if that is."""
        looked = self._looked.get(node)
        if looked is not None and looked.metadata.resource_version == version:
            return looked
        try:
            self.look(node)
        except Unreachable:
            return None
        looked = self._looked.get(node)
        return looked if looked is not None and looked.metadata.resource_version == version else None

    def _write(self, node: str, version: str, patch: Callable[[Node], Patch]) -> Outcome:
        """Ask once; again only where nothing that matters to us has changed in between."""
        shown = self._at(node, version)
        for _ in range(CONFLICTS_MOST):
            if shown is None:
                return Outcome.REFUSED
            path = NODES.path_of(shown.metadata.name)
            try:
                answer = self._cluster.retry_after.heard(
                    self._api.ask("PATCH", path, body=patch(shown), content_type=MERGE_PATCH)
                )
            except Unreachable as error:
                log.warning("node %s: %s", node, error)
                return Outcome.UNKNOWN
            if answer.status != 409:
                return _outcome(node, answer)
            shown = self._again(node, shown)
        return Outcome.REFUSED

    def _again(self, node: str, before: Node) -> Node | None:
        """The node as it is now, if all of it that matters to us is as before."""
        try:
            self.look(node)
        except Unreachable:
            return None
        now = self._looked.get(node)
        return now if now is not None and same_for_us(before, now) else None


def _outcome(node: str, answer: Answer) -> Outcome:
    if answer.ok:
        return Outcome.DONE
    status = status_of(answer)
    told = clean(f"{answer.status} {status.reason or ''} {status.message or ''}".rstrip())
    log.warning("node %s could not be changed: %s", node, told)
    return Outcome.UNKNOWN if answer.status in (408, 429) or answer.status >= 500 else Outcome.REFUSED


def _bears_fence(pod: Pod) -> bool:
    """Whether our NoExecute taint leaves the pod alone for good."""
    fence = Taint(SIDE, HPC, NO_EXECUTE)
    return any(tolerates(one, fence) and one.toleration_seconds is None for one in pod.spec.tolerations or ())
