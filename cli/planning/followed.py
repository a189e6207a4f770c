"""What would have come of plans that only recommended: nodes as they would have been, against demand as it was seen.

Pure, and simple on purpose: a node that a plan moves leaves its side when its work must have ended, and is on the other
side after the lead time that the plan reckoned with; one goes back, in the same time, when plans want it no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from models.audit import Decided
from models.handovers import Direction
from models.nodes import Side
from models.snapshot import Snapshot

HOUR_S = 3600
GAP_LEAST_S = 900  # between two decisions: what lies further apart was not seen
ASSUMED = (
    "Assumed: each plan was followed at once; demand as it was seen, though other nodes would have changed it; nodes"
    " leave when their work must have ended and take the plan's lead time; times without a decision on record left out."
)


@dataclass(frozen=True, slots=True)
class Unmet:
    """Node-hours of demand without a node, by side: with the nodes that were seen, and had the plans been followed."""

    seen: Mapping[Side, float]
    followed: Mapping[Side, float]

    @property
    def less(self) -> float:
        """How many node-hours less would have been unmet on both sides together; negative where it is more."""
        return sum(self.seen.values()) - sum(self.followed.values())


class _Transit(NamedTuple):
    """A node on its way: with its old side until ``leaves_s``, with ``to`` from ``arrives_s`` on."""

    to: Side
    leaves_s: int
    arrives_s: int


@dataclass(slots=True)
class Follower:
    """Takes in the decisions of one pool, in their order. Nodes are counted, not named: which ones a plan names changes
    from one to the next, as long as none of them really moves."""

    _owned: dict[Side, int] = field(default_factory=dict)  # had the plans been followed; those on their way where from
    _seen: dict[Side, int] = field(default_factory=dict)
    _transits: list[_Transit] = field(default_factory=list)
    _last: Decided | None = None

    def take(self, entry: Decided) -> Unmet | None:
        """What was unmet since the decision before; None where that is too long ago, or there was none."""
        last, self._last = self._last, entry
        since, now_s = None, entry.snapshot.now_s
        if last is not None and 0 < now_s - last.snapshot.now_s <= max(GAP_LEAST_S, 2 * last.moves.every):
            since = self._unmet(last.snapshot, now_s)
        self._settle(now_s)
        seen = {side: sum(node.owner is side for node in entry.snapshot.nodes) for side in Side}
        for side in Side:  # what really changed sides did so either way
            self._owned[side] = self._owned.get(side, 0) + seen[side] - self._seen.get(side, 0)
        self._seen = seen
        self._follow(entry)
        return since

    def _settle(self, now_s: int) -> None:
        for one in self._transits:
            if one.arrives_s <= now_s:
                self._owned[one.to.other] -= 1
                self._owned[one.to] += 1
        self._transits = [one for one in self._transits if one.arrives_s > now_s]

    def _follow(self, entry: Decided) -> None:
        """Let as many nodes go as make it what the plan would make of what was seen."""
        for direction in Direction:
            to, now_s = direction.target, entry.snapshot.now_s
            net = sum(1 if move.direction is direction else -1 for move in entry.plan.moves)
            heading = self._owned[to] + sum(1 if one.to is to else -1 for one in self._transits)
            more = self._seen[to] + net - heading
            for one in [one for one in self._transits if one.to is to.other and one.leaves_s > now_s][: max(0, more)]:
                self._transits.remove(one)
                more -= 1
            lead_s = entry.snapshot.lead[direction].planned_s
            for leaves_s in self._leaving_s(entry, direction)[: max(0, more)]:
                self._transits.append(_Transit(to, leaves_s, leaves_s + lead_s))

    def _leaving_s(self, entry: Decided, direction: Direction) -> list[int]:
        """When each node of the side that gives them can leave it, those first that the plan names, those last that are
        still on their way there."""
        giver, now_s = direction.source, entry.snapshot.now_s
        named = sorted(_free_s(entry, move.node) for move in entry.plan.moves if move.direction is direction)
        spare = self._had(giver, now_s) - sum(one.to is not giver and one.leaves_s > now_s for one in self._transits)
        coming = sorted(one.arrives_s for one in self._transits if one.to is giver)
        return [*[*named, *[now_s] * max(0, spare)][: max(0, spare)], *coming]

    def _had(self, side: Side, at_s: float) -> int:
        gone = sum(one.to is not side and one.leaves_s <= at_s for one in self._transits)
        come = sum(one.to is side and one.arrives_s <= at_s for one in self._transits)
        return self._owned[side] - gone + come

    def _unmet(self, snapshot: Snapshot, until_s: int) -> Unmet:
        """Of the demand at the decision before, until now."""
        changes = {at_s for one in self._transits for at_s in (one.leaves_s, one.arrives_s)}
        times = sorted({snapshot.now_s, until_s, *(at_s for at_s in changes if snapshot.now_s < at_s < until_s)})
        seen, followed = dict.fromkeys(Side, 0.0), dict.fromkeys(Side, 0.0)
        for begin_s, end_s in pairwise(times):
            hours = (end_s - begin_s) / HOUR_S
            for side in Side:
                asked = snapshot.sides[side].demand.nodes
                seen[side] += hours * max(0.0, asked - self._seen[side])
                followed[side] += hours * max(0.0, asked - self._had(side, begin_s))
        return Unmet(seen, followed)


def _free_s(entry: Decided, name: str) -> int:
    """When a node is empty at the latest, as far as its scheduler tells."""
    now_s = entry.snapshot.now_s
    node = next((node for node in entry.snapshot.nodes if node.name == name), None)
    busy = node is not None and node.owner is Side.HPC and node.hpc.busy
    return max(now_s, node.hpc.frees_at_s or now_s) if node is not None and busy else now_s


def total(parts: Iterable[Unmet]) -> Unmet:
    """All of it together."""
    seen, followed = dict.fromkeys(Side, 0.0), dict.fromkeys(Side, 0.0)
    for one in parts:
        for side in Side:
            seen[side] += one.seen[side]
            followed[side] += one.followed[side]
    return Unmet(seen, followed)


@dataclass(slots=True)
class Recommendation:
    """Decisions in a row that moved the same nodes: the first one, when the last was, how many, and what was unmet from
    then until the next recommendation."""

    first: Decided
    last_s: int
    decisions: int = 1
    unmet: list[Unmet] = field(default_factory=list)

    @property
    def ident(self) -> str:
        """Unix seconds of the first decision: of one pool there are no two at a time."""
        return str(self.first.plan.at_s)


def recommendations(entries: Iterable[Decided]) -> Iterator[Recommendation]:
    """Those of one pool, of its decisions in their order."""
    follower, current, before = Follower(), None, None
    for entry in entries:
        since, moves = follower.take(entry), {(move.node, move.direction) for move in entry.plan.moves}
        if current is not None and since is not None:
            current.unmet.append(since)
        if moves and current is not None and moves == before:
            current.last_s, current.decisions = entry.plan.at_s, current.decisions + 1
        elif moves:
            if current is not None:
                yield current
            current = Recommendation(entry, entry.plan.at_s)
        before = moves
    if current is not None:
        yield current
