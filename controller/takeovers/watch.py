"""The watch over a pool's takeovers: where each stands, and what that means for the next decision.

It remembers what no picture of the nodes tells: that a takeover was held or given up. A new leader is handed that on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from controller.decide.bounds import bounds_by_step, steadied, wanted_of
from controller.takeovers.automatic import NOTHING_BROUGHT, bring_about
from controller.takeovers.calendar import AFTER_S, announced, apart, around, scheduled
from controller.takeovers.kept import Kept
from controller.takeovers.preparation import Preparation, prepare, to_turn_back
from controller.takeovers.words import held_text, hour, named
from models.handovers import Direction
from models.nodes import Side
from models.policies import PoolPolicy, Spec
from models.snapshot import Bounds, Due, Snapshot
from models.takeovers import Phase, Request, Window

FRESH_S = 600  # how long the windows of the policy are not computed again


@dataclass(frozen=True, slots=True)
class News:
    """A takeover stands otherwise than before."""

    window: Window
    phase: Phase
    text: str


@dataclass(frozen=True, slots=True)
class Claims:
    """What takeovers claim of one decision: its bounds, what is due, which hand-overs turn back; and what to tell."""

    bounds: tuple[Bounds, ...]
    due: Due | None = None
    turn_back: tuple[str, ...] = ()
    news: tuple[News, ...] = ()


class TakeoverWatch:
    """Of one pool. ``phases`` are those of the takeovers around now, by ident; ``brought`` is the automatic one;
    ``had`` is how many nodes the other side had before.

    ``books`` is whether the HPC scheduler can keep a node free from an hour on.
    """

    def __init__(self, pool: PoolPolicy, spec: Spec, *, books: bool) -> None:
        self.phases: dict[str, Phase] = {}
        self.brought = NOTHING_BROUGHT
        self.had: dict[str, int] = {}
        self._pool = pool
        self._spec = spec
        self._books = books
        self._scheduled: list[Window] = []
        self._fresh_until_s = 0
        self._current: Window | None = None
        self._told: dict[str, Phase] = {}

    @property
    def kept(self) -> Kept:
        """What the next leader is to know."""
        return Kept(self.phases, self.brought, self.had)

    def recall(self, kept: Kept) -> None:
        """Go on where an earlier leader was."""
        self.phases, self.brought, self.had = dict(kept.phases), kept.brought, dict(kept.had)
        self._current, self._told = None, {}

    def bounds_now(self, nodes: int, now_s: int, requests: Iterable[Request]) -> Bounds:
        """The widest bounds that any hand-over that is under way may be meant for."""
        home = self._pool.bounds(nodes)
        low, high = home
        for window in self._windows(now_s, requests):
            if window.from_s - window.prepare_s <= now_s < window.to_s:
                (taken,) = steadied((home,), window.side, 0, nodes, wanted_of(window, self._pool, nodes))
                low, high = min(low, taken[0]), max(high, taken[1])
        return low, high

    def look(self, snapshot: Snapshot, requests: Iterable[Request]) -> Claims:
        """What the takeovers around now mean for a decision on this snapshot, whose bounds and due are not set yet."""
        now_s, nodes = snapshot.now_s, len(snapshot.nodes)
        news: list[News] = []
        before = self.brought
        having, meeting = apart(self._windows(now_s, requests))
        self.brought = bring_about(before, snapshot, self._pool, self._spec.moves, having)
        if self.brought != before:
            having, meeting = apart(self._windows(now_s, requests))
        for window, other in meeting:
            self._enter(window, Phase.OVERLAPPED, f"{named(window)} is left out: {other.name} has the pool then", news)
        over, current = around([one for one in having if self.phases.get(one.ident) is not Phase.GIVEN_UP], now_s)
        gone = self._gone(current, having, snapshot)
        if current is None:
            claims = Claims(bounds_by_step(self._pool, self._spec, nodes, now_s))
        else:
            claims = self._stand(current, snapshot, news)
        if over is not None and claims.due is None and self.phases.get(over.ident) is Phase.HELD:
            claims = self._given_back(over, snapshot, claims)
        self._forget(having, meeting)
        return replace(claims, turn_back=(*gone, *claims.turn_back), news=tuple(news))

    def _windows(self, now_s: int, requests: Iterable[Request]) -> list[Window]:
        if now_s >= self._fresh_until_s or now_s < self._fresh_until_s - FRESH_S:
            self._scheduled = scheduled(self._spec, self._pool.name, now_s, now_s + FRESH_S)
            self._fresh_until_s = now_s + FRESH_S
        brought = self.brought.window(self._pool)
        return [*self._scheduled, *announced(requests, self._pool.name, now_s), *((brought,) if brought else ())]

    def _gone(self, current: Window | None, having: list[Window], snapshot: Snapshot) -> list[str]:
        """Hand-overs for one that was cancelled while it was prepared: they turn back."""
        before, self._current = self._current, current
        if before is None or before in having or snapshot.now_s >= before.to_s:
            return []
        return to_turn_back(snapshot.open_handovers, before.side)

    def _stand(self, window: Window, snapshot: Snapshot, news: list[News]) -> Claims:
        """Where the present one stands, and what follows."""
        now_s, nodes, moves = snapshot.now_s, len(snapshot.nodes), self._spec.moves
        phase, wanted = self.phases.get(window.ident, Phase.PLANNED), wanted_of(window, self._pool, nodes)
        begun = phase in (Phase.PREPARING, Phase.HELD)
        late_s = window.grace_s if begun or now_s >= window.from_s else 0
        found = prepare(window, wanted, snapshot, moves, books=self._books, late_s=late_s)
        phase, text = _next(phase, window, found, now_s)
        self._enter(window, phase, text, news)
        home = bounds_by_step(self._pool, self._spec, nodes, now_s)
        if phase is Phase.GIVEN_UP:
            return Claims(home, turn_back=tuple(to_turn_back(snapshot.open_handovers, window.side)))
        if phase is Phase.INFEASIBLE:
            return Claims(home)
        bounds = bounds_by_step(self._pool, self._spec, nodes, now_s, (window,))
        if phase is Phase.PLANNED:
            return Claims(bounds)
        others = sum(node.owner is window.side.other for node in snapshot.nodes)
        self.had.setdefault(window.ident, others)
        gathered = steadied(bounds, window.side, min(wanted, found.there + found.coming), nodes, wanted)
        if found.due:
            why = f"takeover {window.name} at {hour(window.from_s)}"
            return Claims(gathered, Due(why, Direction.toward(window.side), found.due, found.book_from_s))
        if window.to_s - window.prepare_s <= now_s and self._books and window.side is Side.HPC:
            return self._given_back(window, snapshot, Claims(gathered))
        return Claims(gathered)

    def _given_back(self, window: Window, snapshot: Snapshot, claims: Claims) -> Claims:
        """From its end on the other side gets back what it had and still wants, within its floor and its ceiling.

        Nodes of the HPC side that go back are booked before, so that no work is begun there that outlasts the takeover:
        as many as the other side had, since nobody knows yet what it will want by then.
        """
        side, nodes = window.side.other, len(snapshot.nodes)
        low, high = self._pool.bounds(nodes)
        floor, most = (low, high) if side is Side.KUBERNETES else (nodes - high, nodes - low)
        wants = nodes if snapshot.now_s < window.to_s else math.ceil(snapshot.sides[side].demand.nodes)
        wanted = max(floor, min(self.had.get(window.ident, 0), wants, most))
        from_s = window.to_s + snapshot.lead[Direction.toward(side)].planned_s
        back = replace(window, side=side, nodes=wanted, from_s=from_s, to_s=from_s)
        found = prepare(back, wanted, snapshot, self._spec.moves, books=self._books, late_s=AFTER_S)
        bounds = steadied(claims.bounds, side, min(wanted, found.there + found.coming), nodes, wanted)
        if not wanted or not found.due:
            return replace(claims, bounds=bounds)
        why = f"what it had before takeover {window.name}"
        return Claims(bounds, Due(why, Direction.toward(side), found.due, found.book_from_s))

    def _enter(self, window: Window, phase: Phase, text: str, news: list[News]) -> None:
        """Note the phase, and tell it where it is another than before."""
        self.phases[window.ident] = phase
        if self._told.get(window.ident, Phase.PLANNED) is not phase:
            news.append(News(window, phase, text))
        self._told[window.ident] = phase

    def _forget(self, having: list[Window], meeting: list[tuple[Window, Window]]) -> None:
        known = {one.ident for one in having} | {one.ident for one, _ in meeting}
        self.phases = {ident: phase for ident, phase in self.phases.items() if ident in known}
        self._told = {ident: phase for ident, phase in self._told.items() if ident in known}
        self.had = {ident: nodes for ident, nodes in self.had.items() if ident in known}


def _next(phase: Phase, window: Window, found: Preparation, now_s: int) -> tuple[Phase, str]:
    """The phase that follows, and what is said of it. All nodes together or none: without all of them within reach
    nothing is begun, and what has begun goes back when its grace is over."""
    begun, what = phase in (Phase.PREPARING, Phase.HELD), named(window)
    if phase is Phase.PLANNED and now_s < found.begins_s:
        return Phase.PLANNED, f"{what} is planned"
    if phase is Phase.HELD or found.there >= found.wanted:
        return Phase.HELD, f"{what} has its {found.wanted} nodes"
    if now_s > window.from_s + window.grace_s:
        why = held_text(found.held) or f"{found.wanted - found.there} nodes were not there in time"
        return Phase.GIVEN_UP, f"{what} is given up: {why}"
    if begun or found.feasible:
        return Phase.PREPARING, f"{what} is prepared: {found.missing} nodes are missing"
    return Phase.INFEASIBLE, _holding(window, found)


def _holding(window: Window, found: Preparation) -> str:
    earliest_s = found.earliest_s
    when = "nobody can tell when it could be" if earliest_s is None else f"it could be at {hour(earliest_s)}"
    held = held_text(found.held)
    return f"{named(window)} is not feasible, as {len(found.held)} nodes are held; {when}: {held}"
