"""The ports: what the controller and the simulator ask of the world, in domain verbs.

Every verb is safe to repeat. An adapter never answers with a guess: it raises ``Unreachable`` when it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from models.demand import Demand
from models.forecasts import Forecast
from models.nodes import HpcNode, KubernetesNode, Side
from models.work import WaitingWork, WorkRecord


class Outcome(StrEnum):
    """What is known of an act after it was asked for."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # it may have happened: read before retrying or undoing


class Workload(Protocol):
    """What both sides can tell of their work."""

    def demand(self) -> Demand:
        """Demand at this instant, in node-equivalents."""
        ...

    def waiting(self) -> WaitingWork:
        """Eligible waiting work, in the order of the queue."""
        ...


class HpcScheduler(Workload, Protocol):
    """Slurm, PBS or the twin."""

    def nodes(self) -> Mapping[str, HpcNode]:
        """Every node of the pool by name, as the scheduler shows it now."""
        ...

    def drain(self, node: str, *, mark: str) -> Outcome:
        """No new work starts on the node; running work goes on. Refused when someone else drained it."""
        ...

    def undrain(self, node: str, *, mark: str) -> Outcome:
        """New work may start again. Refused when the drain does not bear ``mark``."""
        ...

    def reserve(self, node: str, *, start_s: int, mark: str) -> Outcome:
        """From ``start_s`` on no work runs on the node; until then only work that ends before."""
        ...

    def release(self, node: str, *, mark: str) -> Outcome:
        """Drop the reservation that bears ``mark``; done also when there is none."""
        ...


class Kubernetes(Workload, Protocol):
    """A Kubernetes cluster or the twin."""

    def nodes(self) -> Mapping[str, KubernetesNode]:
        """Every node of the pool by name, as the API server shows it now."""
        ...

    def discourage(self, node: str, *, mark: str) -> Outcome:
        """New pods prefer other nodes; nothing is forbidden and nothing ends."""
        ...

    def close(self, node: str, *, mark: str) -> Outcome:
        """No new pod starts on the node; running pods go on. Refused when another mark closed it."""
        ...

    def open(self, node: str, *, mark: str) -> Outcome:
        """New pods may start and nothing discourages them. Refused when the closing does not bear ``mark``."""
        ...


class Forecaster(Protocol):
    """Learns from work as it is seen, and says what demand will be. It never sees the future."""

    def observe(self, now_s: int, demand: Mapping[Side, Demand], records: tuple[WorkRecord, ...]) -> None:
        """Take in the demand at ``now_s`` and every record that changed since the last call."""
        ...

    def forecast(self, now_s: int) -> Mapping[Side, Forecast]:
        """One forecast per side, made from what was observed up to ``now_s``."""
        ...
