"""Takeovers: for some hours one side has many nodes of a pool, all together or none.

A policy schedules them, a person announces one, or a waiting job that is larger than its side brings one about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from models.fields import NODES_MOST
from models.nodes import Side

ALL = 0  # in place of a number: as many nodes as the other side's written floor leaves
REQUESTS_MOST = 8
BY_LONGEST = 64
AHEAD_MOST_S = 400 * 86400
LONGEST_S = 30 * 86400
GRACE_S = 1800
GRACE_MOST_S = 4 * 3600
PREPARE_S = 4 * 3600
_IDENT = re.compile(r"[0-9]{1,6}")
_POOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_SECOND_MOST = 1 << 40


class Origin(StrEnum):
    """Whence a takeover comes."""

    SCHEDULED = "scheduled"
    ANNOUNCED = "announced"
    AUTOMATIC = "automatic"


class Phase(StrEnum):
    """Where a takeover stands; also a metric label, so the set is small and closed."""

    PLANNED = "planned"  # its preparation has not begun
    PREPARING = "preparing"
    HELD = "held"  # the side has its nodes
    INFEASIBLE = "infeasible"  # something holds nodes beyond the hour, and nothing has been begun
    GIVEN_UP = "given-up"  # not all nodes were there by its grace: what was prepared goes back
    OVERLAPPED = "overlapped"  # an earlier one has the pool at that time


@dataclass(frozen=True, slots=True)
class Window:
    """One takeover at its hour. ``nodes`` may be ALL; ``grace_s`` is how long after the hour the last node may come,
    ``prepare_s`` how long before it the HPC side's nodes take only work that ends in time. Times in unix seconds.

    ``ident`` is the same for as long as the takeover is, whoever leads.
    """

    ident: str
    name: str
    origin: Origin
    side: Side
    nodes: int
    from_s: int
    to_s: int
    grace_s: int = GRACE_S
    prepare_s: int = PREPARE_S


@dataclass(frozen=True, slots=True)
class Request:
    """A takeover that a person has announced, as it stands beside the lease: ``by`` asked for it at ``asked_s``.

    Raises ValueError for one that cannot be meant.
    """

    ident: str
    pool: str
    side: Side
    nodes: int
    at_s: int
    for_s: int
    by: str
    asked_s: int

    def __post_init__(self) -> None:
        if not _IDENT.fullmatch(self.ident):
            raise ValueError("its id is no number")
        if not _POOL.fullmatch(self.pool):
            raise ValueError("no pool has such a name")
        if not 0 <= self.nodes <= NODES_MOST:
            raise ValueError(f"it asks for {self.nodes} nodes, not for 1 to {NODES_MOST} or all")
        if not 0 < self.for_s <= LONGEST_S:
            raise ValueError(f"it lasts {self.for_s} s, not more than 0 and {LONGEST_S} at most")
        if not 0 <= self.asked_s <= _SECOND_MOST or not 0 <= self.at_s <= self.asked_s + AHEAD_MOST_S:
            raise ValueError("its hour is before all others, or more than 400 days after it was asked for")
        if len(self.by) > BY_LONGEST or not self.by.isprintable():
            raise ValueError(f"who asked is not told in {BY_LONGEST} printable characters")

    @property
    def to_s(self) -> int:
        """When it is over."""
        return self.at_s + self.for_s

    @property
    def window(self) -> Window:
        """The same, as it is prepared and held."""
        ident = f"{Origin.ANNOUNCED}/{self.ident}@{self.at_s}"
        return Window(ident, f"request {self.ident}", Origin.ANNOUNCED, self.side, self.nodes, self.at_s, self.to_s)


def nodes_text(nodes: int) -> str:
    """A number of nodes for people."""
    return "all nodes" if nodes == ALL else "1 node" if nodes == 1 else f"{nodes} nodes"
