"""The Kubernetes side in plain numbers: what any has to answer, and one service whose replicas fill a node each."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Protocol

from controller.whatif.batch_queue import NEVER_S


class KubernetesSide(Protocol):
    """Nodes and pods. At first no node is open."""

    @property
    def next_s(self) -> int:
        """When something next happens by itself."""
        ...

    @property
    def open_nodes(self) -> int:
        """Nodes on which pods may start."""
        ...

    @property
    def running_nodes(self) -> float:
        """Nodes on which pods run: a node can be lent only as a whole."""
        ...

    @property
    def running_share(self) -> float:
        """What runs, in node-equivalents."""
        ...

    @property
    def waiting_nodes(self) -> float:
        """What waits, in node-equivalents."""
        ...

    def advance(self, now_s: int) -> None:
        """Let happen what happens at ``now_s``, once all before has."""
        ...

    def schedule(self, now_s: int) -> None:
        """Start what may start now."""
        ...

    def empty_nodes(self) -> Sequence[int]:
        """Open nodes without a pod, rising."""
        ...

    def close(self, node: int) -> None:
        """Let no pod start on the node, which is empty."""
        ...

    def open(self, node: int, *, absent: bool = False) -> None:
        """Let pods start on the node, at once or, ``absent``, once it is ``ready``."""
        ...

    def ready(self, node: int) -> None:
        """A node that was absent is there."""
        ...

    def waiting_sizes(self) -> tuple[float, ...]:
        """What waits, in the order in which it would start, in nodes."""
        ...


class Replicas:
    """One service: from each of ``steps`` (second, replicas) on it wants so many replicas. The one on the lowest open
    node that is empty starts first; surplus ones end, the newest first."""

    __slots__ = ("_empty", "_next", "_replicas", "next_s", "open_nodes", "steps", "wanted")

    def __init__(self, steps: Sequence[tuple[int, int]], wanted: int = 0) -> None:
        self.steps = steps
        self._next = 0
        self.next_s = steps[0][0] if steps else NEVER_S
        self.open_nodes = 0
        self.wanted = wanted
        self._empty: list[int] = []  # rising
        self._replicas: list[int] = []  # the node of each, oldest first

    @property
    def running_nodes(self) -> int:
        """See the protocol."""
        return len(self._replicas)

    @property
    def running_share(self) -> int:
        """See the protocol."""
        return len(self._replicas)

    @property
    def replicas_running(self) -> int:
        """Replicas that serve."""
        return len(self._replicas)

    @property
    def waiting_nodes(self) -> int:
        """See the protocol."""
        return self.wanted - len(self._replicas)

    def place(self, nodes: Sequence[int], replicas: Sequence[int]) -> None:
        """Begin with these open nodes, and replicas on those of them, the oldest first."""
        self.open_nodes = len(nodes)
        self._replicas = list(replicas)
        self._empty = sorted(set(nodes).difference(replicas))

    def replicas(self) -> Sequence[int]:
        """The node of each replica, oldest first."""
        return self._replicas

    def advance(self, now_s: int) -> None:
        """See the protocol."""
        steps, number = self.steps, self._next
        while self.next_s <= now_s:
            self.want(steps[number][1])
            number += 1
            self.next_s = steps[number][0] if number < len(steps) else NEVER_S
        self._next = number

    def want(self, wanted: int) -> None:
        """Set how many replicas there should be."""
        self.wanted = wanted
        while len(self._replicas) > wanted:
            insort(self._empty, self._replicas.pop())

    def schedule(self, _: int) -> None:
        """See the protocol."""
        count = min(self.wanted - len(self._replicas), len(self._empty))
        if count > 0:
            self._replicas += self._empty[:count]
            del self._empty[:count]

    def empty_nodes(self) -> Sequence[int]:
        """See the protocol."""
        return self._empty

    def close(self, node: int) -> None:
        """See the protocol."""
        del self._empty[bisect_left(self._empty, node)]
        self.open_nodes -= 1

    def open(self, node: int, *, absent: bool = False) -> None:
        """See the protocol."""
        if not absent:
            self.ready(node)

    def ready(self, node: int) -> None:
        """See the protocol."""
        insort(self._empty, node)
        self.open_nodes += 1

    def waiting_sizes(self) -> tuple[float, ...]:
        """See the protocol."""
        return (1.0,) * self.waiting_nodes
