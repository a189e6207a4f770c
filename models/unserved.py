"""Work that is there and that no move can serve: how much of it, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from models.errors import clean
from models.nodes import Side


class UnservedReason(StrEnum):
    """Why nodes would not help; also a metric label, so the set is small and closed."""

    NODE = "larger-than-a-node"
    POOL = "larger-than-the-pool"  # or than the part of it that the policy can ever give this side
    RESOURCE = "no-such-resource"  # no node has any of it
    MATCH = "no-node-matches"  # a selector, an affinity, a taint, a volume: impossible on any node of the pool
    QUOTA = "held-by-quota"
    PERSON = "held-by-a-person"
    GATE = "held-by-a-gate"
    PRIORITY = "low-priority"  # below the priority that counts: headroom
    INVISIBLE = "asks-for-nothing"

    @property
    def for_good(self) -> bool:
        """Whether it stays so whatever anybody decides, but for other nodes or another policy."""
        return self in _FOR_GOOD


_FOR_GOOD = frozenset((UnservedReason.NODE, UnservedReason.POOL, UnservedReason.RESOURCE, UnservedReason.MATCH))
_SAID = {
    UnservedReason.NODE: ("ask", "for more than a node of this pool has"),
    UnservedReason.POOL: ("ask", "for more than {side} can ever have of this pool"),
    UnservedReason.RESOURCE: ("ask", "for what no node of this pool has"),
    UnservedReason.MATCH: ("fit", "no node of this pool"),
    UnservedReason.QUOTA: ("are", "held by quota"),
    UnservedReason.PERSON: ("are", "held by a person"),
    UnservedReason.GATE: ("are", "held by a scheduling gate"),
    UnservedReason.PRIORITY: ("are", "below the priority that counts"),
    UnservedReason.INVISIBLE: ("ask", "for nothing, so what they need is not known"),
}
_OF_ONE = {"ask": "asks", "fit": "fits", "are": "is"}


@dataclass(frozen=True, slots=True)
class Unserved:
    """Work of one side that no move can serve for one reason; it is neither in the side's demand nor in its queue.

    ``count`` is in pods or jobs, a gang with all its pods; ``nodes`` is what they ask for together, in
    node-equivalents. ``example`` says in words what the largest asks for and what there is, such as ``96 cpus, a node
    has 64``, empty where there is nothing to say; ``largest`` is its size in node-equivalents.
    """

    side: Side
    why: UnservedReason
    count: int
    nodes: float
    example: str = ""
    largest: float = 0.0

    @property
    def text(self) -> str:
        """Who asks for what that cannot be had: ``41 pods ask for more than a node of this pool has (largest: …)``."""
        verb, what = _SAID[self.why]
        noun, side = ("job", "HPC") if self.side is Side.HPC else ("pod", "Kubernetes")
        who = f"1 {noun} {_OF_ONE[verb]}" if self.count == 1 else f"{self.count:,} {noun}s {verb}"
        return f"{who} {what.format(side=side)}{f' (largest: {clean(self.example)})' if self.example else ''}"


def too_large_jobs(size: float, nodes_max: int, jobs: int = 1) -> Unserved:
    """``jobs`` of ``size`` nodes each, where the HPC side can have ``nodes_max`` at most."""
    example = f"{size:g} nodes, HPC can have {nodes_max}"
    return Unserved(Side.HPC, UnservedReason.POOL, jobs, size * jobs, example, size)


def by_reason(found: Iterable[Unserved]) -> tuple[Unserved, ...]:
    """One for each side and reason, in the order of the reasons; the example is the largest one's, the first of
    several."""
    sums: dict[tuple[Side, UnservedReason], Unserved] = {}
    for one in found:
        known = sums.get((one.side, one.why))
        sums[one.side, one.why] = one if known is None else _both(known, one)
    return tuple(sums[side, why] for side in Side for why in UnservedReason if (side, why) in sums)


def _both(known: Unserved, more: Unserved) -> Unserved:
    larger = more if more.largest > known.largest else known
    return replace(larger, count=known.count + more.count, nodes=known.nodes + more.nodes)
