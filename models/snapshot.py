"""A snapshot: everything that one decision may look at, taken at one instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.demand import Demand
from models.forecasts import Forecast
from models.handovers import Direction, Handover
from models.nodes import Node, Side
from models.work import WaitingWork

Bounds = tuple[int, int]  # the fewest and the most nodes that Kubernetes may own


@dataclass(frozen=True, slots=True)
class SideView:
    """One side of the pool: what it uses, what waits, and what is foreseen."""

    demand: Demand
    waiting: WaitingWork
    forecast: Forecast


@dataclass(frozen=True, slots=True)
class LeadTime:
    """How long a node takes from empty on one side to open on the other, in seconds, learned from hand-overs."""

    median_s: int
    p90_s: int

    def __post_init__(self) -> None:
        if not 0 <= self.median_s <= self.p90_s:
            raise ValueError(f"a lead time's median must lie between zero and its p90: {self}")

    @property
    def planned_s(self) -> int:
        """What a plan reckons with, between median and p90: a node that is late costs more than one that is early."""
        return (self.median_s + self.p90_s) // 2


@dataclass(frozen=True, slots=True)
class Taken:
    """What the moves of a pool of so many ``nodes`` have taken from service in the last 24 hours, in node-seconds: each
    the lead time that it was reckoned to need when it began. ``nodes`` is None where nobody has seen the pool yet."""

    nodes: int | None
    node_s: int


@dataclass(frozen=True, slots=True)
class Due:
    """What a takeover needs to have begun by now: these nodes one way, whatever budgets and rest they have. ``why`` is
    said of each of their moves.

    ``book_from_s`` is when nodes that the HPC side gives must be empty, so that they can be booked from then on; None
    where they are closed at once.
    """

    why: str
    direction: Direction
    nodes: tuple[str, ...]
    book_from_s: int | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The input of ``decide``, complete: the same snapshot and policy give the same plan.

    ``moved_s`` tells when a node last changed sides; ``recent_moves_s`` when the moves of the last hour began; ``kept``
    are nodes that bear a record of someone else, or of a later version, and are left alone. ``scope`` tells marks of
    this site and pool from others'. The other pools of the policy have ``open_elsewhere`` hand-overs under way, and
    began theirs of the last hour at ``recent_moves_elsewhere_s``. ``bounds`` are those of each step of the horizon,
    none where they are the pool's own. ``due`` is what a takeover needs to have begun by now. ``taken_s`` is what the
    pool's moves of the last 24 hours took from service, in node-seconds, and ``taken_elsewhere`` that of each other
    pool.
    """

    now_s: int
    nodes: tuple[Node, ...]
    sides: Mapping[Side, SideView]
    lead: Mapping[Direction, LeadTime]
    open_handovers: tuple[Handover, ...]
    moved_s: Mapping[str, int]
    recent_moves_s: tuple[int, ...]
    kept: frozenset[str] = frozenset()
    scope: str = ""
    open_elsewhere: int = 0
    recent_moves_elsewhere_s: tuple[int, ...] = ()
    bounds: tuple[Bounds, ...] = ()
    due: Due | None = None
    taken_s: int = 0
    taken_elsewhere: tuple[Taken, ...] = ()

    @property
    def loans(self) -> tuple[Handover, ...]:
        """The loans whose date is still to come, the earliest first."""
        waiting = [one for one in self.open_handovers if one.awaits_date(self.now_s)]
        return tuple(sorted(waiting, key=lambda one: (one.reserve_from_s or 0, one.node)))
