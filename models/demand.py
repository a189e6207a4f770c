"""Demand: the nodes that a side could use at an instant."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from models.announced import ANNOUNCED_MOST, Announced
from models.nodes import Side


@dataclass(frozen=True, slots=True)
class Demand:
    """One side's demand on a pool at ``at_s``, in node-equivalents.

    ``running`` is in use now; ``waiting`` is eligible and could use a node now. Where either is not known there
    is no Demand at all: unknown is not zero. ``announced`` is what is known to begin later, and in neither.
    """

    side: Side
    at_s: int
    running: float
    waiting: float
    announced: tuple[Announced, ...] = ()

    def __post_init__(self) -> None:
        if not (0 <= self.running < inf and 0 <= self.waiting < inf):
            raise ValueError(f"demand must be finite and not negative: {self}")
        if len(self.announced) > ANNOUNCED_MOST or any(one.side is not self.side for one in self.announced):
            raise ValueError(f"a side's demand announces at most {ANNOUNCED_MOST} things, all of its own side")

    @property
    def nodes(self) -> float:
        """Running and waiting together."""
        return self.running + self.waiting
