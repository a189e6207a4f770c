"""Reading a side of a pool: one picture of all that it shows, whoever the scheduler is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from models.demand import Demand
from models.nodes import HpcNode, KubernetesNode, Side
from models.work import WaitingWork, WorkRecord

Shown = TypeVar("Shown", HpcNode, KubernetesNode)


@dataclass(frozen=True, slots=True)
class Picture(Generic[Shown]):
    """All that one side shows of a pool, read as a whole at ``at_s`` by the clock of whoever reads.

    ``order`` is the source's own number of the reading, such as the second of Slurm's clock: higher where anything
    differs. ``nodes`` are all nodes of the pool by name; ``records`` all work of the side, where the source can tell it
    piece by piece: what is not there any more has ended, and what ended lately may be there; ``demand`` and
    ``waiting`` are in node-equivalents, at the same instant of the source's own clock.
    """

    side: Side
    at_s: int
    order: int
    nodes: Mapping[str, Shown]
    records: tuple[WorkRecord, ...]
    demand: Demand
    waiting: WaitingWork


class Source(Protocol[Shown]):
    """Where one side of a pool is read: a scheduler, or what wraps one (its pace, a last picture that stands)."""

    def read(self) -> Picture[Shown]:
        """The newest picture; the same value for as long as there is no newer one.

        Raises Unreachable when it cannot be told in full: then what was read before is all that is known.
        """
        ...
