"""The twin's Kubernetes: pods, gangs and the replicas of a service on the nodes that are open to it.

Placement is bin-packing (the fullest node that fits, as GPU clusters configure the scheduler's MostAllocated
scoring), nodes that are discouraged last. Nothing is ever evicted. Pending pods are tried in the order in which they
were created; a gang starts as a whole or not at all; one that does not fit does not hold up those behind it. What
would not fit if every node were empty is turned away when it comes, and told as unserved.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.nodes import NodeShape, Side
from models.unserved import Unserved, UnservedReason, by_reason
from simulator.too_large import larger_than_node
from simulator.work import Pod

Request = tuple[int, int, int]  # cpu milli, memory MiB, gpu milli


@dataclass(slots=True, eq=False)
class PodGroup:
    """Pods that start together: a gang, or one pod by itself."""

    id: int
    pods: tuple[Pod, ...]
    create_s: int
    nodes: float  # node-equivalents
    start_s: int = -1
    killed: bool = False
    placed: list[int] = field(default_factory=list)

    @property
    def run_s(self) -> int | None:
        """How long until its last pod has ended, None when one of them outlives the trace."""
        runs = [pod.run_s for pod in self.pods]
        return None if None in runs else max(run for run in runs if run is not None)


class KubeCluster:
    """Nodes and pods of one Kubernetes cluster; resources are (cpu milli, memory MiB, gpu milli).

    ``nodes_max`` is the most nodes that are ever open to it, all of them unless it is given.
    """

    def __init__(self, size: int, shape: NodeShape, nodes_max: int | None = None) -> None:
        self.size = size
        self.nodes_max = size if nodes_max is None else nodes_max
        self.shape = shape
        self.unserved: tuple[Unserved, ...] = ()  # what was turned away so far
        self.full: Request = (shape.cpu_milli, shape.memory_mib, shape.gpu_milli)
        self.free: NDArray[np.int64] = np.tile(np.array(self.full, dtype=np.int64), (size, 1))
        self.pods_on = np.zeros(size, dtype=np.int64)
        self.closed_by: list[str | None] = [None] * size
        self.fenced = [False] * size
        self.absent = [False] * size
        self.cordoned = [False] * size
        self.open = np.ones(size, dtype=bool)
        self.discouraged = np.zeros(size, dtype=bool)
        self.pending: list[PodGroup] = []
        self.running: list[PodGroup] = []
        self.replicas: list[int] = []  # the node of each running replica, oldest first; a replica fills its node
        self.replicas_wanted = 0
        self.running_share = 0.0  # node-equivalents of running pods, replicas not among them
        self.changed: set[int] = set(range(size))
        self._pending_total = [0, 0, 0]
        self._roomier = True  # whether room has appeared since pending pods were last tried

    def group(self, ident: int, pods: tuple[Pod, ...]) -> PodGroup:
        """The pods as one group that starts together."""
        nodes = sum(self.shape.share(pod.cpu_milli, pod.memory_mib, pod.gpu_milli) for pod in pods)
        return PodGroup(ident, pods, pods[0].create_s, max(nodes, 1e-9))

    def could_ever_fit(self, group: PodGroup) -> bool:
        """Whether the group could start if every node that can ever be open here were open and empty."""
        return self.unserved_by(group) is None

    def unserved_by(self, group: PodGroup) -> Unserved | None:
        """Why the group could never start; None where it could."""
        tight = [pod for pod in group.pods if not self.shape.fits(*_request(pod))]
        if tight:
            why, example = larger_than_node(tight, self.shape)
            largest = max(self.shape.share(*_request(pod)) for pod in tight)
            return Unserved(Side.KUBERNETES, why, len(group.pods), group.nodes, example, largest)
        if self._fits_at_all(group):
            return None
        pieces = " and more by their pieces" if group.nodes <= self.nodes_max else ""
        asked = f"{len(group.pods)} pods at once, {group.nodes:.3g} nodes by their sum{pieces}"
        example = f"{asked if len(group.pods) > 1 else 'a pod'}; Kubernetes can have {self.nodes_max}"
        return Unserved(Side.KUBERNETES, UnservedReason.POOL, len(group.pods), group.nodes, example, group.nodes)

    def turn_away(self, unserved: Unserved) -> None:
        """Count what is not taken up, since it could never start."""
        self.unserved = by_reason((*self.unserved, unserved))

    def schedule(self, now_s: int, arrived: list[PodGroup]) -> list[PodGroup]:
        """Start replicas, then pending groups, that fit now; return the groups that started.

        While no room has appeared, groups that did not fit still do not, so only ``arrived`` ones are tried.
        """
        self._start_replicas()
        refused: set[Request] = set()
        begun = []
        for group in self.pending if self._roomier else arrived:
            alone = _request(group.pods[0]) if len(group.pods) == 1 else None
            if alone in refused:
                continue
            if self._place(group, now_s):
                begun.append(group)
            elif alone is not None:
                refused.add(alone)
        if begun:
            for group in begun:
                self._count_pending(group, -1)
            self.pending = [group for group in self.pending if group.start_s < 0]
        self._roomier = False
        return begun

    def bind_late(self, group: PodGroup, node: int, now_s: int) -> bool:
        """Start a pod that was bound to the node without a look at what it is now; False when the node refuses it."""
        request = _request(group.pods[0])
        if self.fenced[node] or self.absent[node] or not (self.free[node] >= request).all():
            return False
        group.placed, group.start_s = [node], now_s
        self._occupy(node, request)
        self.running.append(group)
        self.running_share += group.nodes
        return True

    def submit(self, group: PodGroup) -> None:
        """Add the group to the pending ones."""
        self.pending.append(group)
        self._count_pending(group, 1)

    def want_replicas(self, wanted: int) -> None:
        """Set how many replicas the service should have; surplus ones end, the newest first, as a ReplicaSet does
        it."""
        self.replicas_wanted = wanted
        while len(self.replicas) > wanted:
            self._release(self.replicas.pop(), self.full)

    def kill_replica(self, node: int) -> None:
        """End the replica on the node, whether it is surplus or not."""
        self.replicas.remove(node)
        self._release(node, self.full)

    def end(self, group: PodGroup) -> None:
        """End every pod of the group."""
        self.running.remove(group)
        for node, pod in zip(group.placed, group.pods, strict=True):
            self._release(node, _request(pod))
        self.running_share -= group.nodes

    def set_closed(self, node: int, mark: str | None, *, fenced: bool = False) -> None:
        """Close the node to new pods with our mark, or open it with None; ``fenced`` also to those bound earlier."""
        self.closed_by[node] = mark
        self.fenced[node] = fenced
        self._opened_or_closed(node)

    def set_absent(self, node: int, absent: bool) -> None:
        """Say whether the node is not Ready."""
        self.absent[node] = absent
        self._opened_or_closed(node)

    def set_cordoned(self, node: int, cordoned: bool) -> None:
        """Close the node to new pods as a person does it, or open it again."""
        self.cordoned[node] = cordoned
        self._opened_or_closed(node)

    def set_discouraged(self, node: int, discouraged: bool) -> None:
        """Let new pods prefer other nodes, or not."""
        self.discouraged[node] = discouraged
        self.changed.add(node)

    @property
    def used_nodes(self) -> int:
        """Nodes on which a pod runs."""
        return int(np.count_nonzero(self.pods_on))

    @property
    def missing_replicas(self) -> int:
        """Replicas that are wanted and do not run."""
        return self.replicas_wanted - len(self.replicas)

    def pending_nodes(self) -> float:
        """Node-equivalents of pending pods, replicas not among them: their scarcest resource taken together."""
        cpu_milli, memory_mib, gpu_milli = self._pending_total
        return self.shape.share(cpu_milli, memory_mib, gpu_milli)

    def _count_pending(self, group: PodGroup, sign: int) -> None:
        for pod in group.pods:
            self._pending_total = [
                total + sign * amount for total, amount in zip(self._pending_total, _request(pod), strict=True)
            ]

    def _start_replicas(self) -> None:
        while len(self.replicas) < self.replicas_wanted:
            node = self._best_node(self.full)
            if node is None:
                return
            self.replicas.append(node)
            self._occupy(node, self.full)

    def _fits_at_all(self, group: PodGroup) -> bool:
        """Whether pods that each fit a node are placed together on as many empty ones as there can ever be."""
        requests = [_request(pod) for pod in group.pods]
        if len(requests) == 1:
            return self.nodes_max > 0
        if any(
            sum(amounts) > self.nodes_max * full
            for amounts, full in zip(zip(*requests, strict=True), self.full, strict=True)
        ):
            return False
        return KubeCluster(self.nodes_max, self.shape)._places(requests) is not None

    def _place(self, group: PodGroup, now_s: int) -> bool:
        placed = self._places([_request(pod) for pod in group.pods])
        if placed is None:
            return False
        group.placed = placed
        group.start_s = now_s
        self.running.append(group)
        self.running_share += group.nodes
        return True

    def _places(self, requests: list[Request]) -> list[int] | None:
        """Take a node for each request, in their order; where that does not do and they differ, the largest first."""
        placed = self._places_in_order(requests)
        if placed is not None or len(set(requests)) < 2:
            return placed
        order = sorted(range(len(requests)), key=lambda number: -self.shape.share(*requests[number]))
        found = self._places_in_order([requests[number] for number in order])
        return None if found is None else [node for _, node in sorted(zip(order, found, strict=True))]

    def _places_in_order(self, requests: list[Request]) -> list[int] | None:
        placed: list[int] = []
        for request in requests:
            node = self._best_node(request)
            if node is None:
                for taken, earlier in zip(placed, requests, strict=False):
                    self._give_back(taken, earlier)
                return None
            placed.append(node)
            self._occupy(node, request)
        return placed

    def _best_node(self, request: Request) -> int | None:
        fits = self.open & (self.free >= request).all(axis=1)
        nodes = np.flatnonzero(fits)
        if not nodes.size:
            return None
        left = ((self.free[nodes] - request) / np.maximum(self.full, 1)).sum(axis=1)
        return int(nodes[np.lexsort((nodes, left, self.discouraged[nodes]))[0]])

    def _occupy(self, node: int, request: Request) -> None:
        self.free[node] -= request
        self.pods_on[node] += 1
        self.changed.add(node)

    def _give_back(self, node: int, request: Request) -> None:
        self.free[node] += request
        self.pods_on[node] -= 1
        self.changed.add(node)

    def _release(self, node: int, request: Request) -> None:
        self._give_back(node, request)
        self._roomier = True

    def _opened_or_closed(self, node: int) -> None:
        self.open[node] = self.closed_by[node] is None and not self.absent[node] and not self.cordoned[node]
        self._roomier = True
        self.changed.add(node)


def _request(pod: Pod) -> Request:
    return pod.cpu_milli, pod.memory_mib, pod.gpu_milli
