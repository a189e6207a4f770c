"""Nodes as each side shows them, and who may start work on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Side(StrEnum):
    """Who may start work on a node."""

    HPC = "hpc"
    KUBERNETES = "kubernetes"

    @property
    def other(self) -> Side:
        """The side that loses what this one gains."""
        return Side.KUBERNETES if self is Side.HPC else Side.HPC


@dataclass(frozen=True, slots=True)
class NodeShape:
    """What one node of a pool offers; also the measure of a node-equivalent."""

    cpu_milli: int
    memory_mib: int
    gpu_milli: int

    def __post_init__(self) -> None:
        if self.cpu_milli <= 0 or self.memory_mib <= 0 or self.gpu_milli < 0:
            raise ValueError(f"a node needs cpu and memory above zero and gpus of zero or more: {self}")

    def fits(self, cpu_milli: int, memory_mib: int, gpu_milli: int) -> bool:
        """Whether one empty node can hold such a request."""
        return cpu_milli <= self.cpu_milli and memory_mib <= self.memory_mib and gpu_milli <= self.gpu_milli

    def share(self, cpu_milli: float, memory_mib: float, gpu_milli: float) -> float:
        """The part of a node that a request takes: its scarcest resource, in node-equivalents."""
        gpu = gpu_milli / self.gpu_milli if self.gpu_milli else 0.0
        return max(cpu_milli / self.cpu_milli, memory_mib / self.memory_mib, gpu)


@dataclass(frozen=True, slots=True)
class HpcNode:
    """A node as the HPC scheduler shows it.

    ``drain_reason`` is None while the scheduler may start work here. ``frees_at_s`` is when the last running job
    must have ended by its limit; None while nothing runs.
    """

    name: str
    kind: str
    drain_reason: str | None
    busy: bool
    frees_at_s: int | None
    ready: bool = True

    @property
    def open(self) -> bool:
        """Whether the scheduler may start work here."""
        return self.drain_reason is None and self.ready

    @property
    def drained(self) -> bool:
        """Computed, never a flag: closed to new work *and* empty."""
        return self.drain_reason is not None and not self.busy


@dataclass(frozen=True, slots=True)
class KubernetesNode:
    """A node as Kubernetes shows it; ``closed_by`` is the owner mark of our NoSchedule taint, None without one."""

    name: str
    closed_by: str | None
    discouraged: bool
    pods: int
    ready: bool = True

    @property
    def open(self) -> bool:
        """Whether the Kubernetes scheduler may start pods here."""
        return self.closed_by is None and self.ready

    @property
    def emptied(self) -> bool:
        """Computed, never a flag: closed to new pods *and* empty."""
        return self.closed_by is not None and self.pods == 0


@dataclass(frozen=True, slots=True)
class Node:
    """One machine of the pool, as both sides show it at the same instant.

    ``owner`` is the side that may start work here, None while neither may. Both at once is what must never be: such a
    node cannot be made, and ValueError names it.
    """

    name: str
    hpc: HpcNode
    kubernetes: KubernetesNode
    owner: Side | None = field(init=False)

    def __post_init__(self) -> None:
        hpc_open, kubernetes_open = self.hpc.open, self.kubernetes.open
        if hpc_open and kubernetes_open:
            raise ValueError(f"node {self.name} is open to both schedulers")
        owner = Side.HPC if hpc_open else Side.KUBERNETES if kubernetes_open else None
        object.__setattr__(self, "owner", owner)
