"""What the figures of a replay are made of, whichever twin it ran on."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass, field
from typing import Protocol

from models.policies import Weights
from models.unserved import Unserved


@dataclass(slots=True)
class Counts:
    """What came of the work so far."""

    jobs_in: int = 0
    jobs_finished: int = 0
    jobs_refused: int = 0
    pods_in: int = 0
    killed: int = 0
    evicted: int = 0
    died: int = 0
    waits_s: list[int] = field(default_factory=list)
    slowdowns: list[float] = field(default_factory=list)
    pod_waits_s: list[int] = field(default_factory=list)


class _Jobs(Protocol):
    @property
    def running(self) -> Sized:
        """Jobs that run."""
        ...

    @property
    def queue(self) -> Sized:
        """Jobs that wait."""
        ...


class _Pods(Protocol):
    @property
    def unserved(self) -> tuple[Unserved, ...]:
        """Pods that were turned away."""
        ...


class Ran(Protocol):
    """A twin at the end of its run: ``now_s`` on its clock, ``size`` nodes, and what became of the work."""

    @property
    def now_s(self) -> int:
        """Its clock, in seconds."""
        ...

    @property
    def size(self) -> int:
        """Nodes of the machine."""
        ...

    @property
    def counts(self) -> Counts:
        """What came of the work."""
        ...

    def waiting_since_s(self) -> list[int]:
        """When each job came that still waits."""
        ...

    @property
    def hpc(self) -> _Jobs:
        """What of the jobs is left."""
        ...

    @property
    def kube(self) -> _Pods:
        """What of the pods is left."""
        ...


class Measured(Protocol):
    """What a meter has measured by then, in node-seconds (requests: in requests)."""

    @property
    def unmet_hpc(self) -> float:
        """What waiting jobs could have used."""
        ...

    @property
    def oversize(self) -> float:
        """What jobs asked for that no split can hold."""
        ...

    @property
    def large(self) -> float:
        """What waiting jobs of more than half the machine asked for."""
        ...

    @property
    def unmet_kubernetes(self) -> float:
        """What waiting replicas and pods could have used."""
        ...

    @property
    def unserved_requests(self) -> float:
        """Requests beyond what the replicas served."""
        ...

    @property
    def requests(self) -> float:
        """All requests."""
        ...

    @property
    def used(self) -> float:
        """What ran."""
        ...

    def cost(self, weights: Weights) -> float:
        """Unmet node-hours, weighted."""
        ...

    def oversize_jobs(self) -> int:
        """Jobs that came and that the machine could hold, but no split that the policy allows."""
        ...
