"""The view: what both sides show of the pool, put together, with what is too old, missing or awry in it."""

from __future__ import annotations

from controller.safety import SideSeen, Vanishing, stale_holds
from models.demand import Demand
from models.nodes import HpcNode, KubernetesNode, Node, Side
from models.plans import Hold
from models.policies import SafetyPolicy
from models.reading import Picture, Source
from models.work import WaitingWork


class View:
    """The nodes of the pool as both sides last showed them, and the work of both; read as a whole or not at all."""

    def __init__(self, hpc: Source[HpcNode], kubernetes: Source[KubernetesNode], safety: SafetyPolicy) -> None:
        self.nodes: tuple[Node, ...] = ()
        self.changed: list[Node] = []
        self.demand: dict[Side, Demand] = {}
        self.waiting: dict[Side, WaitingWork] = {}
        self.ages_s: dict[Side, float] = {}  # of each side's reading, when this one was last read
        self.vanishing = Vanishing()
        self._hpc = hpc
        self._kubernetes = kubernetes
        self._safety = safety
        self._known: dict[str, Node] = {}

    def read(self, now_s: int) -> None:
        """Read both sides. Raises Unreachable, and then nothing has changed."""
        hpc, kubernetes = self._hpc.read(), self._kubernetes.read()
        self._join(hpc, kubernetes)
        for picture in (hpc, kubernetes):
            side = picture.side
            self.demand[side], self.waiting[side] = picture.demand, picture.waiting
            self.ages_s[side] = max(0.0, float(now_s - picture.at_s))
            seen = self._seen(side, len(picture.nodes))
            self.vanishing.read(side, seen, now_s, self._safety.vanished_hold)

    def read_nodes(self) -> None:
        """Read the nodes only. Raises Unreachable."""
        self._join(self._hpc.read(), self._kubernetes.read())

    def forget(self) -> None:
        """Let every node count as changed at the next reading."""
        self._known = {}

    def holds(self, resume: str = "") -> list[Hold]:
        """What of the view forbids to move: a side too old, or something missing from it."""
        return stale_holds(self.ages_s, self._safety) + self.vanishing.holds(resume)

    def _seen(self, side: Side, shown: int) -> SideSeen:
        nodes = self._known.values()
        busy = sum(node.hpc.busy for node in nodes) if side is Side.HPC else 0
        booted = next((node.hpc.booted for node in nodes), "") if side is Side.HPC else ""
        return SideSeen(shown, self.demand[side].nodes, len(self.waiting[side].sizes), busy, booted)

    def _join(self, hpc: Picture[HpcNode], kubernetes: Picture[KubernetesNode]) -> None:
        """Every node that both sides show; one that shows no change is the same value as before."""
        known, self.changed = self._known, []
        for name, shown in hpc.nodes.items():
            other, before = kubernetes.nodes.get(name), known.get(name)
            if other is not None and (before is None or before.hpc is not shown or before.kubernetes is not other):
                known[name] = node = Node(name, shown, other)
                self.changed.append(node)
        both = hpc.nodes.keys() & kubernetes.nodes.keys()
        if len(known) != len(both) or not known.keys() <= both:
            self._known = known = {name: node for name, node in known.items() if name in both}
        self.nodes = tuple(known.values())
