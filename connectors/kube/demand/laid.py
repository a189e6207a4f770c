"""Needs laid onto pools: which pool each goes to, how large it is there, and what no pool can serve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite

import msgspec

from connectors.kube.demand.need import Held, Need, Part, Place, Request
from connectors.kube.demand.packing import Counts, nodes_needed, share, shares, too_large
from connectors.kube.demand.place import Room, pools_of
from connectors.kube.demand.pools import SeenPool
from models.announced import Announced
from models.nodes import Side
from models.unserved import Unserved, UnservedReason, by_reason

REASONS = {
    Held.BY_PERSON: UnservedReason.PERSON,
    Held.BY_GATE: UnservedReason.GATE,
    Held.BY_QUOTA: UnservedReason.QUOTA,
    Held.IMPOSSIBLE: UnservedReason.MATCH,
    Held.LOW_PRIORITY: UnservedReason.PRIORITY,
    Held.INVISIBLE: UnservedReason.INVISIBLE,
}
NOWHERE = ""  # the pool of what no pool has a node for


Unit = tuple[int, int, str, float, int]
"""Equal pieces of a pool's queue: what their order goes by (priority, time and id), the node-equivalents of each, how
many."""


@dataclass(slots=True)
class Laid:
    """What came to one pool: units of the queue, all pods that wait by what they ask for, what is no demand, what is
    known in advance, and how much waits and is held of each piece of work."""

    units: list[Unit] = field(default_factory=list)
    counts: dict[int, tuple[Request, int]] = field(default_factory=dict)
    unserved: dict[UnservedReason, Unserved] = field(default_factory=dict)
    announced: list[Announced] = field(default_factory=list)
    waiting: dict[str, tuple[Need, float]] = field(default_factory=dict)
    held: dict[str, tuple[Need, float]] = field(default_factory=dict)

    def leave_out(self, need: Need, reason: UnservedReason, words: str, counts: Counts, nodes: float) -> None:
        """Count pods that are no demand."""
        nodes = nodes if isfinite(nodes) else 0.0
        pods = sum(count for _, count in counts)
        example = f"{need.name or need.user or need.id}: {words}"
        one = Unserved(Side.KUBERNETES, reason, pods, nodes, example, nodes)
        before = self.unserved.get(reason)
        self.unserved[reason] = one if before is None else by_reason((before, one))[0]
        if nodes > 0:
            self.held[need.id] = (need, self.held.get(need.id, (need, 0.0))[1] + nodes)

    def wait(self, need: Need, size: float, count: int, counts: Counts) -> None:
        """Put ``count`` pieces of ``size`` into the queue."""
        for request, pods in counts:
            alike = self.counts.get(id(request))
            self.counts[id(request)] = request, pods if alike is None else alike[1] + pods
        if size > 0:
            self.units.append((-need.priority, need.submitted_s, need.id, size, count))
            before = self.waiting.get(need.id)
            self.waiting[need.id] = need, size * count if before is None else before[1] + size * count


Large = tuple[UnservedReason, str] | None
"""Why no node, or no number of nodes, is large enough, and that in words; None where some are."""


class Fit(msgspec.Struct, frozen=True, gc=False):
    """What pods alike come to: their pool, why there is none, the part of a node that one takes, why none holds it."""

    part: Part
    pool: str
    why: str
    size: float
    large: Large


class Layer:
    """Lays needs onto pools. ``rooms`` are the pools that have a node for a place, as far as they were looked up."""

    def __init__(
        self, pools: Iterable[SeenPool], rooms: dict[Place, Room], lowest: Mapping[str, int], now_s: int
    ) -> None:
        self.laid: dict[str, Laid] = {NOWHERE: Laid()}
        self._pools = {one.pool.name: one for one in pools}
        self.laid.update((name, Laid()) for name in self._pools)
        self._candidates = [one.candidates for one in self._pools.values()]
        self._rooms = rooms
        self._lowest = lowest
        self._now_s = now_s
        self._known: dict[tuple[int, int], Fit] = {}

    def lay(self, need: Need) -> None:
        """Lay one need."""
        if not need.together:
            for part in need.parts:
                if part.count > 0:
                    self._lay_part(need, part.count, self._fit(part))
            return
        found = [(part, self._fit(part)) for part in need.parts if part.count > 0]
        why = next((fit.why for _, fit in found if not fit.pool), "")
        pools: dict[str, list[tuple[Request, int]]] = {}
        for part, fit in found:
            pools.setdefault(NOWHERE if why else fit.pool, []).append((part.request, part.count))
        for pool, counts in pools.items():
            self._lay_group(need, pool, why, counts)

    def _fit(self, part: Part) -> Fit:
        """The first pool with a node for the pods that is large enough for one; if none is, the first with one."""
        key = id(part.request), id(part.place)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._worked_out(part)
        return known

    def _worked_out(self, part: Part) -> Fit:
        room = self._rooms.get(part.place)
        if room is None:
            room = self._rooms[part.place] = pools_of(part.place, self._candidates)
        fits = [Fit(part, name, "", share(part.request, self._pools[name].shape), self._large(part, name))
                for name in room.pools]  # fmt: skip
        nowhere = Fit(part, NOWHERE, room.why, 0.0, None)
        return next((fit for fit in fits if not fit.large), fits[0] if fits else nowhere)

    def _large(self, part: Part, pool: str) -> Large:
        return _no_fit(part.request, self._pools[pool].shape)

    def _no_demand(self, need: Need, pool: str, why: str) -> Large:
        """Why the need is no demand on this pool, and that in words."""
        if need.held is not None:
            return REASONS[need.held], need.why
        if not pool:
            return UnservedReason.MATCH, why
        lowest = self._lowest.get(pool)
        if lowest is not None and need.priority < lowest:
            return UnservedReason.PRIORITY, f"all that runs has a priority of {lowest} or more"
        return None

    def _lay_part(self, need: Need, count: int, fit: Fit) -> None:
        """Lay pods alike that start one by one."""
        laid, counts = self.laid[fit.pool], ((fit.part.request, count),)
        if fit.pool and not fit.large and need.held is None and need.begins_s is None and not self._lowest:
            laid.wait(need, fit.size, count, counts)  # as of nearly all, of which there may be very many
            return
        if no := self._no_demand(need, fit.pool, fit.why) or fit.large:
            laid.leave_out(need, *no, counts, fit.size * count)
        elif self._later(need):
            self._announce(need, laid, fit.size * count)
        else:
            laid.wait(need, fit.size, count, counts)

    def _lay_group(self, need: Need, pool: str, why: str, counts: Counts) -> None:
        """Lay pods that start together as one piece."""
        laid = self.laid[pool]
        size, large = self._size(self._pools[pool], counts) if pool else (0.0, None)
        if no := self._no_demand(need, pool, why) or large:
            laid.leave_out(need, *no, counts, size)
        elif self._later(need):
            self._announce(need, laid, size)
        else:
            laid.wait(need, size, 1, counts)

    def _size(self, seen: SeenPool, counts: Counts) -> tuple[float, Large]:
        """Node-equivalents of a gang: nodes, or its part of one if one is enough. Why it can never start, if so."""
        for request, _ in counts:
            if large := _no_fit(request, seen.shape):
                return shares(counts, seen.shape), large
        nodes = nodes_needed(counts, seen.shape)
        if nodes > seen.pool.nodes_max:
            words = f"it needs {nodes} nodes at once, and Kubernetes can have {seen.pool.nodes_max} of the pool"
            return nodes, (UnservedReason.POOL, words)
        return (nodes if nodes > 1 else shares(counts, seen.shape)), None

    def _later(self, need: Need) -> bool:
        return need.begins_s is not None and need.begins_s > self._now_s

    def _announce(self, need: Need, laid: Laid, nodes: float) -> None:
        if need.begins_s is not None and nodes > 0:
            why = need.why or f"{need.source} {need.name}".rstrip()
            laid.announced.append(Announced(need.begins_s, Side.KUBERNETES, nodes, why, need.limit_s))


def _no_fit(request: Request, shape: Request) -> Large:
    if not shape:
        return UnservedReason.MATCH, "it is not known what a node of the pool offers"
    words = too_large(request, shape)
    if not words:
        return None
    has_none = any(amount and name not in shape for name, amount in request.items())
    return (UnservedReason.RESOURCE if has_none else UnservedReason.NODE), words
