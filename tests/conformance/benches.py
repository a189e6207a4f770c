"""What the suites ask of an implementation: the port itself, and a hand to do what users, persons and time do.

A new implementation is tried by all suites once it has a bench here and a line in ``implementations.py``.
"""

from __future__ import annotations

from typing import Protocol

from models.leadership import LeaseRecord, LeaseStore
from models.ports import HpcScheduler, Kubernetes

FOREIGN = "maintenance"  # a reason, a mark or a taint of somebody else


class HpcBench(Protocol):
    """An HPC scheduler of at least three nodes of one kind, all open, empty and free of reservations at first.

    ``runs_work`` is false for one that has the port's bookkeeping only: then jobs are put on nodes by hand.
    """

    port: HpcScheduler
    nodes: tuple[str, ...]
    runs_work: bool

    @property
    def now_s(self) -> int:
        """The clock by which reservations are made."""
        ...

    def pass_time(self, seconds: int) -> None:
        """Let so much time pass, and the scheduler start and end what it will."""
        ...

    def submit_job(self, *, limit_s: int, run_s: int | None = None) -> None:
        """A user submits a job for one whole node, which runs for its limit unless said otherwise."""
        ...

    def occupy(self, node: str, *, run_s: int) -> None:
        """A job runs on this very node for so long, by its limit too."""
        ...

    def end_job(self, node: str) -> None:
        """The job on the node ends before its time."""
        ...

    def foreign_drain(self, node: str) -> None:
        """Somebody drains the node, with ``FOREIGN`` as his reason."""
        ...

    def foreign_undrain(self, node: str) -> None:
        """Somebody undrains the node, whoever drained it."""
        ...

    def foreign_reserve(self, node: str, *, start_s: int) -> None:
        """Somebody reserves the node, under the name ``FOREIGN``."""
        ...


class KubernetesBench(Protocol):
    """A cluster of at least three nodes, all open, Ready and empty at first. ``runs_work`` as for the other."""

    port: Kubernetes
    nodes: tuple[str, ...]
    runs_work: bool

    def pass_time(self, seconds: int) -> None:
        """Let so much time pass, and the scheduler place what it will."""
        ...

    def submit_pod(self) -> None:
        """A user creates a pod that takes a whole node and never ends."""
        ...

    def bind_pod(self, node: str) -> None:
        """Such a pod runs on this very node."""
        ...

    def bind_late(self, node: str) -> None:
        """A pod comes to this very node for which a scheduler chose it before it was closed."""
        ...

    def end_pods(self, node: str) -> None:
        """The pods on the node end."""
        ...

    def forbid_eviction(self, forbidden: bool) -> None:
        """A disruption budget forbids every eviction, or no longer does."""
        ...

    def foreign_close(self, node: str) -> None:
        """Somebody closes the node with our kind of taint, under the mark ``FOREIGN``."""
        ...

    def foreign_open(self, node: str) -> None:
        """Somebody takes our taint away."""
        ...

    def cordon(self, node: str) -> None:
        """Somebody cordons the node."""
        ...

    def make_anew(self, node: str) -> None:
        """Somebody deletes the node's object, and it is made again under the same name."""
        ...


class LeaseBench(Protocol):
    """A place for one lease, which does not exist at first."""

    port: LeaseStore

    def edit(self, lease: LeaseRecord | None) -> None:
        """A person writes the lease, or deletes it, and asks for no version."""
        ...
