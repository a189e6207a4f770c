"""A hand-over: the carrying-out of one move, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from models.nodes import Side


class Direction(StrEnum):
    """From which side to which."""

    TO_KUBERNETES = "hpc->kubernetes"
    TO_HPC = "kubernetes->hpc"

    @property
    def source(self) -> Side:
        """The side that gives the node."""
        return Side.HPC if self is Direction.TO_KUBERNETES else Side.KUBERNETES

    @property
    def target(self) -> Side:
        """The side that gets the node."""
        return self.source.other

    @staticmethod
    def toward(side: Side) -> Direction:
        """The direction whose target is ``side``."""
        return Direction.TO_KUBERNETES if side is Side.KUBERNETES else Direction.TO_HPC


class Stage(StrEnum):
    """Where a hand-over stands; ``controller/handover/table.py`` owns which may follow which."""

    PLANNED = "planned"
    RESERVED = "reserved"  # HPC: booked from an hour on, short work may still run until then
    DRAINING = "draining"  # HPC: closed to new work, running work goes on
    DRAINED = "drained"  # HPC: closed and empty
    DISCOURAGED = "discouraged"  # Kubernetes: new pods prefer other nodes
    CLOSED = "closed"  # Kubernetes: closed to new pods
    EMPTYING = "emptying"  # Kubernetes: closed, pods are still ending
    EMPTY = "empty"  # Kubernetes: closed and no pod left
    SETTLED = "settled"  # seen empty twice, far enough apart
    OPENING = "opening"  # the new side was asked to open
    DONE = "done"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    STUCK = "stuck"

    @property
    def finished(self) -> bool:
        """Whether nothing more will be done of its own accord."""
        return self in (Stage.DONE, Stage.CANCELLED, Stage.STUCK)


@dataclass(frozen=True, slots=True)
class Handover:
    """One node on its way from one side to the other.

    ``stage_since_s`` is when the present stage began; ``deadline_s`` is when the hand-over gives up and turns back;
    ``emptied_s`` is when the node was first seen empty, None before.
    """

    id: str
    node: str
    direction: Direction
    stage: Stage
    started_s: int
    stage_since_s: int
    deadline_s: int
    emptied_s: int | None = None
    cancel_reason: str = ""

    @property
    def mark(self) -> str:
        """The mark of ownership that we leave on whatever we close: only what bears it is ours to undo."""
        return f"tidegate:{self.id}"
