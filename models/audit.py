"""The audit: one entry for each decision, each move that was dropped, each act, each stage of a hand-over, each node
that is left alone and each change of a price, in the order in which they happened.

An act is written down twice: before it is asked for, so that none goes unrecorded however the process ends, and when
its outcome is known, with what was seen then. An entry that was asked and never answered is an unknown outcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from models.acts import Act, Outcome
from models.handovers import Direction, Handover
from models.nodes import Node
from models.plans import DropReason, Plan, ServiceLevel
from models.policies import MovesPolicy, PoolPolicy
from models.snapshot import Snapshot
from models.takeovers import Phase, Window


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision, with everything that it was made from: ``decide(snapshot, pool, moves)`` gives the plan again."""

    epoch: int
    snapshot: Snapshot
    pool: PoolPolicy
    moves: MovesPolicy
    plan: Plan


@dataclass(frozen=True, slots=True)
class Asked:
    """An act is about to be asked for, on the strength of what was seen."""

    at_s: int
    epoch: int
    handover: str
    act: Act
    seen: Node


@dataclass(frozen=True, slots=True)
class Answered:
    """What is known of an act, and what the node showed right after it; None where it could not be seen."""

    at_s: int
    epoch: int
    handover: str
    act: Act
    outcome: Outcome
    seen: Node | None


@dataclass(frozen=True, slots=True)
class Entered:
    """A hand-over entered a stage."""

    at_s: int
    handover: Handover


@dataclass(frozen=True, slots=True)
class Dropped:
    """A move of the plan of ``at_s`` was not begun: the node was no longer as the plan saw it. What it showed then is
    None where it could not be seen."""

    at_s: int
    epoch: int
    node: str
    direction: Direction
    reason: DropReason
    seen: Node | None


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A node is left alone from now on, since its record cannot be believed; ``error`` says why, and ``command`` how a
    person removes it. Without an error it is looked after again."""

    at_s: int
    epoch: int
    node: str
    error: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class Fenced:
    """So many more pods were seen on a node that is fenced off: they were bound to it before, and came late. They are
    refused or ended; ``bare`` of them nothing makes again."""

    at_s: int
    epoch: int
    handover: str
    node: str
    pods: int
    bare: int


@dataclass(frozen=True, slots=True)
class TakeoverStands:
    """A takeover stands otherwise than before; ``text`` says where, and what holds it."""

    at_s: int
    epoch: int
    takeover: Window
    phase: Phase
    text: str


@dataclass(frozen=True, slots=True)
class Repriced:
    """From now on Kubernetes' unmet demand counts otherwise than at ``before``, since its service level asks for it."""

    at_s: int
    epoch: int
    pool: str
    before: float
    now: ServiceLevel


Entry = Decided | Asked | Answered | Entered | Dropped | LeftAlone | Fenced | TakeoverStands | Repriced


class AuditLog(Protocol):
    """Where the audit goes."""

    def append(self, entry: Entry) -> None:
        """Keep the entry for good. Raises Unrecorded when that cannot be done: then the act must not be taken."""
        ...


class Unaudited:
    """An audit that nobody reads: a replay's, unless it is asked for one."""

    def append(self, entry: Entry) -> None:
        """Nothing."""
