"""A stand-in for Kubernetes in real time: the twin's, on a clock that is not its own, with a memory that lasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from models.acts import Outcome
from models.nodes import KubernetesNode, NodeShape
from models.reading import Picture
from simulator.hpc import NodeKind
from simulator.machine import INITIAL_MARK, Machine, Workload
from simulator.twin import KUBERNETES_FACTS, TwinKubernetes


@dataclass(frozen=True, slots=True)
class KeptNode:
    """What an API server would keep of one node."""

    closed_by: str | None = INITIAL_MARK
    discouraged: bool = False
    record: str | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What outlives the process: since when the stand-in runs, in unix seconds, and its nodes."""

    begins_s: int
    nodes: Mapping[str, KeptNode] = field(default_factory=dict)


class StandIn(TwinKubernetes):
    """One service of a request rate on the nodes ``names``, as the port ``Kubernetes``.

    ``rate_steps`` are (seconds since it began, requests per second). ``keep`` makes a memory last and raises when it
    cannot; it is called before a write is answered. Nodes that are not in the memory are closed, so they belong to
    the HPC side.
    """

    def __init__(
        self,
        names: Sequence[str],
        shape: NodeShape,
        rate_steps: Sequence[tuple[int, float]],
        rate_per_node: float,
        *,
        memory: Memory,
        keep: Callable[[Memory], None],
        clock: Callable[[], int],
    ) -> None:
        steps = tuple((memory.begins_s + at_s, per_s) for at_s, per_s in rate_steps)
        machine = Machine(Workload(rate_steps=steps, rate_per_node=rate_per_node), [NodeKind("", len(names))], shape)
        machine.names = list(names)
        super().__init__(machine)
        self.facts = replace(KUBERNETES_FACTS, name="the stand-in for Kubernetes")
        self._begins_s = memory.begins_s
        self._keep = keep
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
        self.pass_time()
        return super().read()

    def refresh(self) -> dict[str, KubernetesNode]:
        """See the twin's: as of now."""
        self.pass_time()
        return super().refresh()

    def _recall(self, number: int, kept: KeptNode) -> None:
        kube = self._machine.kube
        kube.set_closed(number, kept.closed_by)
        kube.set_discouraged(number, kept.discouraged)
        if kept.record is not None:
            self._records[number] = kept.record

    def _write(self, number: int, record: str) -> Outcome:
        outcome = super()._write(number, record)
        kube = self._machine.kube
        nodes = {
            name: KeptNode(kube.closed_by[at], bool(kube.discouraged[at]), self._records.get(at))
            for at, name in enumerate(self._machine.names)
        }
        self._keep(Memory(self._begins_s, nodes))
        return outcome
