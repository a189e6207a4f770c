"""Pods, gangs and replicas as the Kubernetes side of the flat twin: the plain twin's own cluster, on its own clock."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

import numpy as np

from controller.whatif.batch_queue import NEVER_S
from models.unserved import Unserved
from models.work import WorkState
from simulator.kube import KubeCluster, PodGroup
from simulator.machine import INITIAL_MARK
from simulator.world import World

CLOSED = INITIAL_MARK  # any mark closes a node, and nobody asks here whose it is
ENDS, RATE, CREATED = range(3)  # in this order at one instant, as the plain twin has it


class PodSide:
    """See ``KubernetesSide``. ``told`` is what became of groups, each with when; ``pod_waits_s`` of pods that started;
    ``unserved`` what was turned away."""

    def __init__(self, world: World) -> None:
        workload = world.workload
        self.cluster = KubeCluster(world.nodes, world.shape, world.kubernetes_nodes_max)
        for node in range(world.nodes):
            self.cluster.set_closed(node, CLOSED)
        self.pod_waits_s: list[int] = []
        self.told: list[tuple[int, WorkState, PodGroup]] = []
        self._arrived: list[PodGroup] = []
        self._agenda: list[tuple[int, int, int, PodGroup | int]] = []
        for number, pods in enumerate(workload.gangs):
            group = self.cluster.group(number, pods)
            heappush(self._agenda, (group.create_s, CREATED, number, group))
        for number, (at_s, per_s) in enumerate(workload.rate_steps):
            heappush(self._agenda, (at_s, RATE, number, workload.replicas_for(per_s)))

    @property
    def next_s(self) -> int:
        """See the protocol."""
        return self._agenda[0][0] if self._agenda else NEVER_S

    @property
    def open_nodes(self) -> int:
        """See the protocol."""
        return int(self.cluster.open.sum())

    @property
    def running_nodes(self) -> int:
        """See the protocol."""
        return self.cluster.used_nodes

    @property
    def running_share(self) -> float:
        """See the protocol."""
        return len(self.cluster.replicas) + self.cluster.running_share

    @property
    def waiting_nodes(self) -> float:
        """See the protocol."""
        return self.cluster.missing_replicas + self.cluster.pending_nodes()

    @property
    def replicas_running(self) -> int:
        """Replicas that serve."""
        return len(self.cluster.replicas)

    @property
    def unserved(self) -> tuple[Unserved, ...]:
        """What was turned away so far."""
        return self.cluster.unserved

    def advance(self, now_s: int) -> None:
        """See the protocol."""
        agenda = self._agenda
        while agenda and agenda[0][0] <= now_s:
            _, kind, _, subject = heappop(agenda)
            if isinstance(subject, int):
                self.cluster.want_replicas(subject)
            elif kind == ENDS:
                self.cluster.end(subject)
                self.told.append((now_s, WorkState.ENDED, subject))
            else:
                self._come(now_s, subject)

    def _come(self, now_s: int, group: PodGroup) -> None:
        unserved = self.cluster.unserved_by(group)
        if unserved is not None:
            self.cluster.turn_away(unserved)
            return
        self.cluster.submit(group)
        self._arrived.append(group)
        self.told.append((now_s, WorkState.ELIGIBLE, group))

    def schedule(self, now_s: int) -> None:
        """See the protocol."""
        arrived, self._arrived = self._arrived, []
        for group in self.cluster.schedule(now_s, arrived):
            self.pod_waits_s.extend([now_s - group.create_s] * len(group.pods))
            self.told.append((now_s, WorkState.RUNNING, group))
            if group.run_s is not None:
                heappush(self._agenda, (now_s + group.run_s, ENDS, group.id, group))

    def empty_nodes(self) -> Sequence[int]:
        """See the protocol."""
        found: list[int] = np.flatnonzero(self.cluster.open & (self.cluster.pods_on == 0)).tolist()
        return found

    def close(self, node: int) -> None:
        """See the protocol."""
        self.cluster.set_closed(node, CLOSED)

    def open(self, node: int, *, absent: bool = False) -> None:
        """See the protocol."""
        self.cluster.set_closed(node, None)
        if absent:
            self.cluster.set_absent(node, True)

    def ready(self, node: int) -> None:
        """See the protocol."""
        self.cluster.set_absent(node, False)

    def waiting_sizes(self) -> tuple[float, ...]:
        """See the protocol."""
        return (*[1.0] * self.cluster.missing_replicas, *(group.nodes for group in self.cluster.pending))
