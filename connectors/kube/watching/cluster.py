"""A cluster as its lists and watches tell it, once for all pools, and one node of it as it is now."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import is_
from types import MappingProxyType
from typing import Any

from basics.log_once import Trouble
from connectors.kube.access.api import Api, body_of
from connectors.kube.demand.node_pods import NodeOwners
from connectors.kube.resource import Resource
from connectors.kube.resources import DAEMON_SETS, NODE_SETS, NODES, OTHERS, PODS
from connectors.kube.retry_after import RetryAfter
from connectors.kube.watching.following import Following
from connectors.kube.watching.reading import Reading
from connectors.kube.watching.reflector import Reflector
from connectors.kube.watching.silence import Silence
from connectors.kube.watching.state import ClusterState
from connectors.kube.wire.nodes import Node
from connectors.kube.wire.pods import Pod
from models.errors import Unreachable

SILENCE = Silence()
NAP_S = 0.05
TOLD_S = 3.0  # of waiting at the start, after which it is logged
ASKED_MOST = 30  # owners of a node's pods that are asked for one by one; any further is taken not to exist
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")  # what else somebody has named as an owner is none
_OWNERS: Mapping[str, Sequence[Resource[Any]]] = {"DaemonSet": (DAEMON_SETS,), "NodeSet": NODE_SETS}

log = logging.getLogger("tidegate.kubernetes")


class KubeCluster:
    """One cluster, for any number of threads.

    ``table`` are the resources besides nodes and pods. ``on_change`` is called, by any thread, after each change: it
    has to be quick. Without ``start`` nothing is followed but by ``step``, one round of all that is to be done.
    """

    def __init__(
        self,
        api: Api,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        table: Iterable[Resource[Any]] = OTHERS,
        seed: int | None = None,
        silence: Silence = SILENCE,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._api = api
        self._clock = clock
        self._monotonic = monotonic
        self.retry_after = RetryAfter(monotonic)
        self._unknown_s = silence.unknown_s
        self._following = Following(api, table, monotonic=monotonic, seed=seed, silence=silence, changed=on_change)
        self._lock = threading.Lock()
        self._begin = int(clock() * 1000)  # the order is higher than that of any process before us
        self._shown: ClusterState | None = None
        self._nodes: Mapping[str, Node] = {}  # those that are shown, by uid
        self._one_node, self._some_pods, self._any_one = Reading(NODES), Reading(PODS), Reading(NODE_SETS[0])
        self._trouble = Trouble(log, "part of Kubernetes cannot be read")

    def start(self) -> None:
        """Follow it by threads until ``close``."""
        self._following.start()

    def step(self) -> None:
        """Follow it by one step of each resource."""
        self._following.step()

    def close(self) -> None:
        """No more; the API is closed, too."""
        self._following.close()

    def state(self) -> ClusterState:
        """All that is there. The parts are the same values for as long as nothing in them has changed.

        Raises Unreachable when nodes or pods have not been told in full, or nothing of them for too long; and at first
        until all others were told, too, or it is known why not.
        """
        now_s = self._monotonic()
        both = (self._following.nodes, self._following.pods)
        for one in both:
            if why := _unknown(one, now_s, self._unknown_s):
                raise Unreachable(f"{one.resource.name} of Kubernetes are not known: {why}")
        self._check_others()
        age_s = now_s - min(one.last_heard or 0.0 for one in both)
        with self._lock:
            self._shown = self._put_together(now_s, self._shown)
            return replace(self._shown, at_s=int(self._clock()), age_s=age_s)

    def wait(self, longest_s: float) -> None:
        """Wait until all was told for the first time. Raises Unreachable when that takes longer, and at once where we
        may not read nodes or pods."""
        began_s, told = self._monotonic(), False
        while True:
            try:
                self.state()
                return
            except Unreachable as error:
                waited_s = self._monotonic() - began_s
                denied = self._following.nodes.denied or self._following.pods.denied
                if denied or waited_s >= longest_s:
                    raise
                if waited_s >= TOLD_S and not told:
                    log.warning("Kubernetes is waited for, for %.0f s at most: %s", longest_s, error)
                    told = True
            time.sleep(NAP_S)

    def fresh(self, name: str) -> tuple[Node | None, tuple[Pod, ...]]:
        """The node as the API server has it now, None when there is none, and all pods on it.

        Raises Unreachable when either is not told in full, and while the server wants to be left alone; Refused when we
        may not ask.
        """
        self.retry_after.check()
        answer = self.retry_after.heard(self._api.ask("GET", NODES.path_of(name)))
        node = None if answer.status == 404 else self._one_node.object(body_of(answer, f"node {name}"))
        told = self.retry_after.heard(self._api.ask("GET", PODS.path, query={"fieldSelector": f"spec.nodeName={name}"}))
        page = self._some_pods.page(body_of(told, f"pods on {name}"))
        if page.left_out:
            raise Unreachable(f"pods on {name} cannot be read: {', '.join(page.left_out)}")
        if page.goes_on:
            raise Unreachable(f"pods on {name} were not told in full")
        return node, tuple(page.objects)

    def node_owners(self, pods: Iterable[Pod]) -> NodeOwners:
        """Whose pods are there for their nodes, now: of an owner that these pods name, and of which the watches have
        told nothing, the API server is asked. Raises Unreachable and Refused as ``fresh``."""
        known = self._followed_owners()
        found = {"DaemonSet": known.daemon_sets, "NodeSet": known.node_sets}
        unknown = {
            (owner.kind, pod.metadata.namespace, owner.name, owner.uid): None
            for pod in pods
            if (owner := pod.metadata.controller) is not None
            and (uids := found.get(owner.kind)) is not None
            and owner.uid not in uids
        }
        for kind, namespace, name, uid in list(unknown)[:ASKED_MOST]:
            if _NAME.fullmatch(name) and self._exists(_OWNERS[kind], namespace, name, uid):
                found[kind] = (found[kind] or frozenset()) | {uid}
        return NodeOwners(found["DaemonSet"], found["NodeSet"])

    def _followed_owners(self) -> NodeOwners:
        """As the watches tell. That there are no DaemonSets is never so; that there are no NodeSets is usual."""
        daemon_sets, node_sets = (self._following.others.get(rows[0].name) for rows in _OWNERS.values())
        if node_sets is None or node_sets.absent:
            return NodeOwners(_uids(daemon_sets), frozenset() if self._following.is_discovered else None)
        return NodeOwners(_uids(daemon_sets), _uids(node_sets))

    def _exists(self, versions: Sequence[Resource[Any]], namespace: str, name: str, uid: str) -> bool:
        """Whether there is such an object now, as far as we may see it."""
        followed = self._following.others.get(versions[0].name)
        for one in versions if followed is None else (followed.resource,):
            answer = self._api.ask("GET", one.path_of(name, namespace))
            if answer.status not in (403, 404):
                body = body_of(answer, f"{one.name} {namespace}/{name}")
                return self._any_one.object(body).metadata.uid == uid
        return False

    def _check_others(self) -> None:
        """Raises Unreachable until each of the others was told, or it is known why not."""
        following = self._following
        if not following.is_discovered:
            raise Unreachable(f"it is not known what Kubernetes has: {following.failing or 'it was not asked yet'}")
        for one in following.others.values():
            if not (one.synced or one.denied or one.absent or one.failing):
                raise Unreachable(f"{one.resource.name} of Kubernetes have not been told yet")

    def _put_together(self, now_s: float, last: ClusterState | None) -> ClusterState:
        following = self._following
        order = self._begin + following.order  # before the parts: what changes meanwhile is told the next time
        others = following.others
        unread = {name: why for name, one in others.items() if (why := _unread(one, now_s, self._unknown_s))}
        if last is not None and last.unread.keys() != unread.keys():
            self._begin += 1
            order += 1
        if last is not None and last.order == order:
            return last
        self._tell(unread)
        followed: dict[str, Reflector[Any]] = {NODES.name: following.nodes, PODS.name: following.pods, **others}
        nodes, pods = following.nodes.objects.shown()[1], following.pods.objects.shown()[1]
        return ClusterState(
            at_s=0,
            age_s=0.0,
            order=order,
            nodes=self._by_name(nodes, last),
            pods=pods,
            pods_on=_by_node(pods, last),
            others={name: one.objects.shown()[1] for name, one in others.items()},
            denied={name: one.denied for name, one in others.items() if one.denied},
            absent=following.lacking | {name for name, one in others.items() if one.absent},
            unread=unread,
            left_out={name: left_out for name, one in followed.items() if (left_out := one.objects.left_out)},
            versions={name: one.resource_version for name, one in followed.items()},
            owners=self._followed_owners(),
        )

    def _by_name(self, nodes: Mapping[str, Node], last: ClusterState | None) -> Mapping[str, Node]:
        if last is not None and self._nodes is nodes:
            return last.nodes
        self._nodes = nodes
        return MappingProxyType({node.metadata.name: node for node in nodes.values()})

    def _tell(self, unread: Mapping[str, str]) -> None:
        if unread:
            self._trouble.met(", ".join(f"{name} ({why})" for name, why in unread.items()))
        else:
            self._trouble.over()


def _by_node(pods: Mapping[str, Pod], last: ClusterState | None) -> Mapping[str, tuple[Pod, ...]]:
    """The pods by node; those of a node on which nothing has changed are the same value as before."""
    if last is not None and last.pods is pods:
        return last.pods_on
    found: defaultdict[str, list[Pod]] = defaultdict(list)
    for pod in pods.values():
        if name := pod.spec.node_name:
            found[name].append(pod)
    before = {} if last is None else last.pods_on
    return MappingProxyType({name: _same_or(before.get(name, ()), those) for name, those in found.items()})


def _same_or(before: tuple[Pod, ...], now: list[Pod]) -> tuple[Pod, ...]:
    return before if len(before) == len(now) and all(map(is_, before, now)) else tuple(now)


def _uids(one: Reflector[Any] | None) -> frozenset[str] | None:
    """Those of all objects of a resource; None where these cannot be listed."""
    return frozenset(one.objects.shown()[1]) if one is not None and one.synced else None


def _unread(one: Reflector[Any], now_s: float, unknown_s: float) -> str:
    """Why one of the others is not known, where that is neither a no nor that there is none."""
    return "" if one.denied or one.absent else _unknown(one, now_s, unknown_s)


def _unknown(one: Reflector[Any], now_s: float, unknown_s: float) -> str:
    """Why we do not know what is there; empty when we do."""
    if one.denied:
        return one.denied
    if one.absent:
        return "this server has no such thing"
    heard_s = one.last_heard
    if not one.synced or heard_s is None:
        return one.failing or "they have not been told yet"
    silent_s = now_s - heard_s
    if silent_s < unknown_s:
        return ""
    return f"nothing was told of them for {silent_s:.0f} s{one.failing and f'; {one.failing}'}"
