"""The ports: what the controller and the simulator ask of the world, in domain verbs.

Every verb is safe to repeat. An adapter never answers with a guess: it raises ``Unreachable`` when it does not know.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from models.acts import Outcome
from models.forecasts import Forecast
from models.handovers import Direction
from models.nodes import HpcNode, KubernetesNode, Side
from models.observations import Observation
from models.reading import Source
from models.scheduler_facts import SchedulerFacts


class HpcScheduler(Source[HpcNode], Protocol):
    """Slurm, PBS or the twin.

    A verb is done only when the scheduler has confirmed it. It may still be lost if the scheduler crashes within
    seconds, so whoever relies on it looks again later.
    """

    @property
    def facts(self) -> SchedulerFacts:
        """What it tells of itself; the same for as long as the port lives."""
        ...

    def look(self, node: str) -> HpcNode | None:
        """The node as the scheduler shows it now, never from memory; None when it has no such node."""
        ...

    def drain(self, nodes: Collection[str], *, mark: str) -> Mapping[str, Outcome]:
        """No new work starts on the nodes; running work goes on. Asked for at once, answered for each node by itself:
        refused when someone else drained it. However many they are, it takes no longer than one write."""
        ...

    def undrain(self, node: str, *, mark: str) -> Outcome:
        """New work may start again. Refused when the drain does not bear ``mark``."""
        ...

    def reserve(self, node: str, *, start_s: int, mark: str) -> Outcome:
        """From ``start_s`` on no work runs on the node; until then only work that ends before.

        Refused when someone else has reserved it.
        """
        ...

    def release(self, node: str, *, mark: str) -> Outcome:
        """Drop the reservation that bears ``mark``; done also when there is none. Refused when it bears another."""
        ...


class Kubernetes(Source[KubernetesNode], Protocol):
    """A Kubernetes cluster or the twin.

    Every write leaves ``record`` on the node in the same transaction, and is refused when the node is not at
    ``version`` any more: whoever acts on an old look, or without leading, changes nothing. What is done stays done.
    """

    @property
    def facts(self) -> SchedulerFacts:
        """What it tells of itself; the same for as long as the port lives."""
        ...

    def look(self, node: str) -> KubernetesNode | None:
        """The node and its pods as the API server shows them now, at least as new as our own last write to it; None
        when there is no such node."""
        ...

    def note(self, node: str, *, record: str, version: str) -> Outcome:
        """Leave the record on the node and change nothing else."""
        ...

    def discourage(self, node: str, *, record: str, version: str) -> Outcome:
        """New pods prefer other nodes; nothing is forbidden and nothing ends."""
        ...

    def close(self, node: str, *, mark: str, record: str, version: str) -> Outcome:
        """No new pod starts on the node; running pods go on. Refused when another mark closed it."""
        ...

    def fence(self, node: str, *, mark: str, record: str, version: str) -> Outcome:
        """No pod runs on the node from now on, nor one that was bound to it earlier: what would have to leave ends.
        Asked for only where nothing was seen that would. Refused when another mark closed it."""
        ...

    def open(self, node: str, *, mark: str, record: str, version: str) -> Outcome:
        """New pods may start and nothing discourages them. Refused when the closing does not bear ``mark``."""
        ...

    def evict(self, node: str) -> Outcome:
        """Ask every pod that would have to leave to do so. Refused while a disruption budget forbids one of them."""
        ...


class Hook(Protocol):
    """What a site wants done to a node between two owners: re-imaging, a reset of its GPUs, a word to monitoring."""

    def before(self, node: str, direction: Direction, ident: str) -> Outcome:
        """Prepare the node, which is empty and closed to both sides, for the new one. Unknown: ask again later."""
        ...

    def after(self, node: str, direction: Direction, ident: str) -> Outcome:
        """Hear that the new side has the node. Asked once: the answer is for the audit only."""
        ...

    def let_go(self, node: str, direction: Direction, ident: str) -> bool:
        """End what ``before`` began and has not ended yet, as the node goes back; whether it has ended. Asked again
        until it has. True where that cannot be known."""
        ...


class Forecaster(Protocol):
    """Learns from work as it is seen, and says what demand will be. It never sees the future."""

    def observe(self, observation: Observation) -> None:
        """Take in what was seen at an instant."""
        ...

    def forecast(self, now_s: int) -> Mapping[Side, Forecast]:
        """One forecast per side, made from what was observed up to ``now_s``."""
        ...
