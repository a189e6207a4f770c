"""A world: everything that all compared policies share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from models.nodes import NodeShape, Side
from models.policies import Policy, Weights
from simulator.hpc import NodeKind
from simulator.machine import HandoverDelay, Machine, Workload

Progress = Callable[[float], None]


def quiet(_: float) -> None:
    """A progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class World:
    """A workload, the machine it meets, the policy, and the dice.

    ``span_s`` is when the replay ends; None lets it run until all work has ended. ``handover_s`` is the median time
    between empty on one side and open on the other, the policy's settle time included. ``kubernetes_nodes_first`` is
    what Kubernetes has at the beginning where nodes move; None for half of them. ``before`` is the work of the period
    of equal length that ended where this one begins, None where it is not known.
    """

    workload: Workload
    kinds: tuple[NodeKind, ...]
    shape: NodeShape
    policy: Policy
    span_s: int | None
    handover_s: int = 600
    seed: int = 0
    discipline: str = "easy"
    shared_cores: bool = False
    kubernetes_nodes_first: int | None = None
    before: Workload | None = None

    @property
    def nodes(self) -> int:
        """Nodes of the machine."""
        return sum(kind.count for kind in self.kinds)

    @property
    def bounds(self) -> tuple[int, int]:
        """The fewest and the most nodes that the policy lets Kubernetes own."""
        return self.policy.spec.pools[0].bounds(self.nodes)

    @property
    def first_split(self) -> int:
        """The nodes that Kubernetes has at the beginning where nodes move, within what the policy allows."""
        low, high = self.bounds
        first = self.nodes // 2 if self.kubernetes_nodes_first is None else self.kubernetes_nodes_first
        return min(max(first, low), high)

    @property
    def weights(self) -> Weights:
        """What unmet demand costs."""
        return self.policy.spec.pools[0].unmet_cost

    @property
    def hpc_nodes_max(self) -> int:
        """The most nodes that the policy can ever give the HPC side."""
        return self.nodes - self.bounds[0]

    @property
    def kubernetes_nodes_max(self) -> int:
        """The most nodes that the policy can ever give Kubernetes."""
        return self.bounds[1]

    def machine(self) -> Machine:
        """A twin of this world at its beginning."""
        settle = self.policy.spec.moves.settle
        return Machine(
            self.workload,
            list(self.kinds),
            self.shape,
            discipline=self.discipline,
            shared_cores=self.shared_cores,
            kubernetes_nodes_max=self.kubernetes_nodes_max,
            delay={side: HandoverDelay(max(0, self.handover_s - settle.of(side.other))) for side in Side},
            seed=self.seed,
        )
