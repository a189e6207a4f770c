"""A hand-over: the carrying-out of one move, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from models.identity import scope_of
from models.nodes import NodeShape, Side

MARK_PREFIX = "tidegate:"


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


class Why(StrEnum):
    """Why a hand-over turned back or needs a person; also a metric label, so the set is small and closed."""

    NOT_WANTED = "not-wanted"  # the plan no longer wants this move
    LATE = "late"  # its deadline passed
    FOREIGN = "foreign"  # someone else touched the node, who alone may undo it
    UNHEALTHY = "unhealthy"  # the new side would have got a node that lacks something
    HOOK = "hook"  # the site's own preparation failed
    REFUSED = "refused"  # a scheduler said no to opening
    PAUSED = "paused"  # a person ordered all moves back
    PERSON = "person"  # a person ordered this one back

    @property
    def failed(self) -> bool:
        """Whether something is wrong that the next hand-over is likely to meet as well."""
        return self in (Why.UNHEALTHY, Why.HOOK, Why.REFUSED)


@dataclass(frozen=True, slots=True)
class Handover:
    """One node on its way from one side to the other.

    ``batch`` names the plan that began it: its moves share the mark, so that one request can close many nodes.
    ``epoch`` is that of the leader who last wrote it down. ``stage_since_s`` is when the present stage began;
    ``deadline_s`` is when the hand-over gives up and turns back (while it turns back or opens: when a person is
    called). ``reserve_from_s`` is the hour from which the node is booked first, None to close it at once. ``leaves`` is
    what the old side saw of the node as it left; ``expects`` is what the new side saw when the node last left there,
    None where no one knows. ``uid`` is that of the Kubernetes node. A ``repair`` was begun to mend a node that was
    found open to both sides or to neither. A ``loan`` was begun for a date on which Kubernetes will lack the node.

    What follows is not written down, since a new leader has to see it for itself: ``emptied_s``, when the node was
    first seen empty by this run of the scheduler (``booted``); ``was_closed``, whether the old side was seen closed by
    us; ``prepared``, whether the site's hook has said yes;
    ``refusals``, how often opening was refused; ``unsure_s``, when an
    opening was last asked for without an answer: it may yet take effect.
    """

    id: str
    batch: str
    node: str
    direction: Direction
    stage: Stage
    started_s: int
    stage_since_s: int
    deadline_s: int
    emptied_s: int | None = None
    why: Why | None = None
    epoch: int = 0
    reserve_from_s: int | None = None
    leaves: NodeShape | None = None
    expects: NodeShape | None = None
    uid: str = ""
    repair: bool = False
    loan: bool = False
    booted: str = ""
    was_closed: bool = False
    prepared: bool = False
    refusals: int = 0
    unsure_s: int | None = None

    @property
    def mark(self) -> str:
        """The mark of ownership that we leave on whatever we close: only what bears it is ours to undo."""
        return MARK_PREFIX + self.batch

    @property
    def turns_back(self) -> bool:
        """Whether it goes back to where it came from, or will with its next step, so that nobody can count on it."""
        return self.stage is Stage.CANCELLING or (self.why is not None and not self.stage.finished)

    def awaits_date(self, now_s: int) -> bool:
        """Whether it is a loan whose date is still to come: until then its node is the HPC side's."""
        early = self.stage in (Stage.PLANNED, Stage.RESERVED) and not self.turns_back
        return self.loan and early and self.reserve_from_s is not None and self.reserve_from_s > now_s


def of_tidegate(mark: str | None) -> bool:
    """Whether a closing or a booking bears the mark of a Tidegate, of whatever site and pool."""
    return mark is not None and mark.startswith(MARK_PREFIX)


def ours(mark: str | None, scope: str) -> bool:
    """Whether a closing or a booking bears our mark, the only ones that we may undo: of our site and pool, or one that
    tells of none, as release 0.1.0 and persons leave it."""
    return mark is not None and of_tidegate(mark) and scope_of(mark.removeprefix(MARK_PREFIX)) in ("", scope)
