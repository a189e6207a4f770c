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

    def covers(self, other: NodeShape) -> bool:
        """Whether it offers at least what another one does."""
        return self.fits(other.cpu_milli, other.memory_mib, other.gpu_milli)

    def share(self, cpu_milli: float, memory_mib: float, gpu_milli: float) -> float:
        """The part of a node that a request takes: its scarcest resource, in node-equivalents."""
        gpu = gpu_milli / self.gpu_milli if self.gpu_milli else 0.0
        return max(cpu_milli / self.cpu_milli, memory_mib / self.memory_mib, gpu)


@dataclass(frozen=True, slots=True)
class HpcNode:
    """A node as the HPC scheduler shows it.

    ``drain_reason`` is None while the scheduler may start work here. ``busy`` is true until the last epilog has ended.
    ``frees_at_s`` is when the last running job must have ended by its limit; None while nothing runs. ``ready`` is
    false for a node that cannot start work although nobody drained it (down, joining, in a state that we do not know).
    ``booked_by`` is the mark of a reservation on the node; ``offers`` what the node registered with, None where the
    scheduler does not tell. ``booted`` names the run of the scheduler that showed all this: after a restart it differs.
    """

    name: str
    kind: str
    drain_reason: str | None
    busy: bool
    frees_at_s: int | None
    ready: bool = True
    booked_by: str | None = None
    offers: NodeShape | None = None
    booted: str = ""

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
    """A node as Kubernetes shows it.

    ``closed_by`` is the owner mark of our taint, None without one; ``fenced`` is whether that taint also keeps off and
    ends pods that were bound to the node before (NoExecute), which a closing does not; ``cordoned`` is what others use
    to close it, and ``cordoned_by`` tells what, where that can be told. ``pods`` are those that would have to leave,
    DaemonSets not among them; ``bare`` of them nothing makes again, and ``staying`` of them must not be asked to leave.
    ``lacks`` says what its like have and this one does not offer; it counts only where nobody wrote down what this node
    once offered. ``ready_since_s`` is when it last became Ready, by our clock, None where that is not known.
    ``version`` is the object's resourceVersion, which a write must name; ``uid`` changes when the object is made anew.
    ``record`` is the text of the hand-over's durable record on the node, and ``managed_by`` names another autoscaler,
    or another Tidegate, that this node belongs to.
    """

    name: str
    closed_by: str | None
    discouraged: bool
    pods: int
    ready: bool = True
    cordoned: bool = False
    ready_since_s: int | None = None
    offers: NodeShape | None = None
    version: str = ""
    uid: str = ""
    record: str | None = None
    managed_by: str = ""
    fenced: bool = False
    bare: int = 0
    staying: int = 0
    cordoned_by: str = ""
    lacks: str = ""

    @property
    def open(self) -> bool:
        """Whether the Kubernetes scheduler may start pods here."""
        return self.closed_by is None and self.ready and not self.cordoned

    @property
    def emptied(self) -> bool:
        """Computed, never a flag: closed to new pods *and* empty."""
        return self.closed_by is not None and self.pods == 0


@dataclass(frozen=True, slots=True)
class Node:
    """One machine of the pool, as both sides show it.

    ``owner`` is the side that may start work here, None while neither may and while neither is closed. The latter is
    what must never be: such a node is ``breached``, and whoever sees it closes one side before anything else.
    """

    name: str
    hpc: HpcNode
    kubernetes: KubernetesNode
    owner: Side | None = field(init=False)

    def __post_init__(self) -> None:
        hpc_open, kubernetes_open = self.hpc.open, self.kubernetes.open
        owner = None
        if hpc_open is not kubernetes_open and not self.breached:
            owner = Side.HPC if hpc_open else Side.KUBERNETES
        object.__setattr__(self, "owner", owner)

    @property
    def breached(self) -> bool:
        """Whether neither side is closed: both may start work here, or will as soon as the node is ready there."""
        return self.hpc.drain_reason is None and self.kubernetes.closed_by is None and not self.kubernetes.cordoned
