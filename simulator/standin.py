"""A stand-in for Kubernetes in real time: the twin's, on a clock that is not its own, with a memory that lasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Protocol

from models.acts import Outcome
from models.errors import Unreachable
from models.nodes import KubernetesNode, NodeShape
from models.reading import Picture
from simulator.hpc import NodeKind
from simulator.machine import INITIAL_MARK, Machine, Workload
from simulator.twin import KUBERNETES_FACTS, TwinKubernetes


@dataclass(frozen=True, slots=True)
class KeptNode:
    """What an API server would keep of one node; ``version`` rises with each write."""

    closed_by: str | None = INITIAL_MARK
    discouraged: bool = False
    record: str | None = None
    version: int = 0
    fenced: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """What outlives the process: since when the stand-in runs, in unix seconds, and its nodes."""

    begins_s: int
    nodes: Mapping[str, KeptNode] = field(default_factory=dict)


class Store(Protocol):
    """Where a memory lasts, for all processes that share it."""

    def read(self) -> Memory:
        """The memory as it is now. Raises Unreachable."""
        ...

    def changing(self) -> AbstractContextManager[None]:
        """Within the block nobody else changes it. Raises Unreachable."""
        ...

    def write(self, memory: Memory) -> None:
        """Replace it; only within the block. Raises Unreachable, as an API server that cannot write would."""
        ...


class StandIn(TwinKubernetes):
    """One service of a request rate on the nodes ``names``, as the port ``Kubernetes``.

    ``rate_steps`` are (seconds since it began, requests per second). What its nodes are is in ``store``, which is read
    before each look and replaced before a write is answered: two processes with one store see one cluster. Nodes that
    are not in the store are closed, so they belong to the HPC side.
    """

    def __init__(
        self,
        names: Sequence[str],
        shape: NodeShape,
        rate_steps: Sequence[tuple[int, float]],
        rate_per_node: float,
        *,
        store: Store,
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._memory = memory = store.read()
        steps = tuple((memory.begins_s + at_s, per_s) for at_s, per_s in rate_steps)
        machine = Machine(Workload(rate_steps=steps, rate_per_node=rate_per_node), [NodeKind("", len(names))], shape)
        machine.names = list(names)
        super().__init__(machine)
        self.facts = replace(KUBERNETES_FACTS, name="the stand-in for Kubernetes")
        self._clock = clock
        for number, name in enumerate(names):
            self._recall(number, memory.nodes.get(name, KeptNode()))
        self.pass_time()

    def pass_time(self) -> None:
        """Let happen what is due by the clock."""
        agenda, now_s = self._machine.agenda, self._clock()
        while agenda and agenda.next_s <= now_s:
            self._machine.advance()
        agenda.now_s = max(agenda.now_s, now_s)
        self._machine.schedule()

    def read(self) -> Picture[KubernetesNode]:
        """See the port."""
        self.refresh()
        return super().read()

    def refresh(self) -> dict[str, KubernetesNode]:
        """See the twin's: as of now, and as the store has it."""
        self._follow(self._store.read())
        self.pass_time()
        return super().refresh()

    def note(self, node: str, *, record: str, version: str) -> Outcome:
        """See the port."""
        with self._store.changing():
            return super().note(node, record=record, version=version)

    def discourage(self, node: str, *, record: str, version: str) -> Outcome:
        """See the port."""
        with self._store.changing():
            return super().discourage(node, record=record, version=version)

    def close(self, node: str, *, mark: str, record: str, version: str) -> Outcome:
        """See the port."""
        with self._store.changing():
            return super().close(node, mark=mark, record=record, version=version)

    def fence(self, node: str, *, mark: str, record: str, version: str) -> Outcome:
        """See the port."""
        with self._store.changing():
            return super().fence(node, mark=mark, record=record, version=version)

    def open(self, node: str, *, mark: str, record: str, version: str) -> Outcome:
        """See the port."""
        with self._store.changing():
            return super().open(node, mark=mark, record=record, version=version)

    def _follow(self, memory: Memory) -> None:
        """Take over what another process has written."""
        if memory == self._memory:
            return
        before, self._memory = self._memory, memory
        for number, name in enumerate(self._machine.names):
            kept = memory.nodes.get(name, KeptNode())
            if kept != before.nodes.get(name, KeptNode()):
                self._recall(number, kept)

    def _recall(self, number: int, kept: KeptNode) -> None:
        kube = self._machine.kube
        kube.set_closed(number, kept.closed_by, fenced=kept.fenced)
        kube.set_discouraged(number, kept.discouraged)
        self._records.pop(number, None)
        if kept.record is not None:
            self._records[number] = kept.record

    def _show(self, node: int) -> KubernetesNode:
        kept = self._memory.nodes.get(self._machine.names[node], KeptNode())
        return replace(super()._show(node), version=str(kept.version))

    def _write(self, number: int, record: str) -> Outcome:
        """Within ``changing``, and after the version was found to be the newest."""
        kube, name = self._machine.kube, self._machine.names[number]
        version = self._memory.nodes.get(name, KeptNode()).version + 1
        kept = KeptNode(kube.closed_by[number], bool(kube.discouraged[number]), record, version, kube.fenced[number])
        memory = replace(self._memory, nodes={**self._memory.nodes, name: kept})
        try:
            self._store.write(memory)
        except Unreachable:
            self._recall(number, self._memory.nodes.get(name, KeptNode()))
            raise
        self._memory = memory
        return super()._write(number, record)
