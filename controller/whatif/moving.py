"""Hand-overs in plain numbers: what the state machine of ``controller/handover`` comes to when nothing goes wrong.

A node leaves one side once it is empty and has been for the settle time, is asked to open on the other, and is there
after a delay. What the state machine does in one go at one instant is done so here, in the same order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from controller.lead_times import LeadTimes
from controller.whatif.batch_queue import NEVER_S, BatchQueue
from controller.whatif.replicas import KubernetesSide
from models.handovers import Direction

Delay = Callable[[Direction, int, int], int]  # of the count-th opening of a node, in seconds
UP, DOWN = Direction.TO_KUBERNETES, Direction.TO_HPC


class TooSlow(Exception):
    """A node takes longer to open than hand-overs may take: it would be stuck, which nothing here knows."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long what takes, in seconds: ``settle_s`` from empty to the second look by the way that a node goes,
    ``deadline_s`` the longest until it opens, and again until it is open; ``delay`` from then until it is."""

    settle_s: dict[Direction, int]
    deadline_s: int
    delay: Delay


class Move:
    """One node on its way. ``frees_s`` is when the job on it must have ended; ``emptied_s`` is when it was seen empty,
    ``opens_s`` when it is there, None before."""

    __slots__ = ("begun", "deadline_s", "direction", "emptied_s", "frees_s", "node", "opens_s", "turns_back")

    def __init__(self, node: int, direction: Direction, deadline_s: int, frees_s: int = 0) -> None:
        self.node = node
        self.direction = direction
        self.deadline_s = deadline_s
        self.frees_s = frees_s
        self.begun = False
        self.turns_back = False
        self.emptied_s: int | None = None
        self.opens_s: int | None = None

    @property
    def recallable(self) -> bool:
        """Whether it can turn back at no loss."""
        return self.emptied_s is None


class Moving:
    """The nodes under way, in the order in which they began, and what came of those that have ended.

    ``rests_s`` is when a node last changed sides; ``openings`` how often each was opened somewhere anew.
    """

    def __init__(self, queue: BatchQueue, side: KubernetesSide, pace: Pace, lead: LeadTimes) -> None:
        self.queue = queue
        self.side = side
        self.pace = pace
        self.lead = lead
        self.open: dict[int, Move] = {}
        self.rests_s: dict[int, int] = {}
        self.openings = [0] * queue.size
        self.done: list[tuple[int, int, Direction]] = []  # when, which node and where to
        self.cancelled = 0
        self.lost_s = 0

    def begin(self, node: int, direction: Direction, now_s: int, frees_s: int = 0) -> None:
        """Add a hand-over; nothing is asked for yet."""
        self.open[node] = Move(node, direction, now_s + self.pace.deadline_s, frees_s)

    def take_over(self, move: Move) -> None:
        """Add a hand-over that was found under way."""
        move.begun = True
        self.open[move.node] = move

    def let_open(self, now_s: int) -> None:
        """Nodes whose delay is over are there, the lowest first."""
        for move in sorted((m for m in self.open.values() if m.opens_s == now_s), key=lambda m: m.node):
            (self.side if move.direction is UP else self.queue).ready(move.node)

    def next_s(self, now_s: int) -> int:
        """When the next node under way has something to do of its own accord, after ``now_s``."""
        return min((self._next_of(move, now_s) for move in self.open.values()), default=NEVER_S)

    def _next_of(self, move: Move, now_s: int) -> int:
        if move.opens_s is not None:
            return move.opens_s
        settled_s = NEVER_S if move.emptied_s is None else move.emptied_s + self.pace.settle_s[move.direction]
        return min(at_s for at_s in (settled_s, move.deadline_s, NEVER_S) if at_s > now_s)

    def tend(self, now_s: int) -> None:
        """Take every node as far as it comes. Those that leave the HPC side are drained together, after all others."""
        drained = []
        for move in list(self.open.values()):
            if move.direction is UP and not move.begun:
                move.begun = True
                drained.append(move)
            else:
                self._go_on(move, now_s)
        for move in drained:
            self.queue.drain(move.node)
        for move in drained:
            self._go_on(move, now_s)

    def _go_on(self, move: Move, now_s: int) -> None:
        if move.opens_s is not None:
            if move.opens_s <= now_s:
                self._end(move, now_s)
            return
        if now_s >= move.deadline_s or move.turns_back:
            self._turn_back(move)
            return
        if move.direction is DOWN and not move.begun:
            move.begun = True
            self.side.close(move.node)
        if move.emptied_s is None:
            if move.direction is UP and self.queue.is_busy(move.node):
                return
            move.emptied_s = now_s
        if now_s - move.emptied_s >= self.pace.settle_s[move.direction]:
            self._open(move, now_s)

    def _open(self, move: Move, now_s: int) -> None:
        node = move.node
        self.openings[node] += 1
        delay_s = self.pace.delay(move.direction, node, self.openings[node])
        if delay_s >= self.pace.deadline_s:
            raise TooSlow(f"a node would open after {delay_s} s, and may take {self.pace.deadline_s} s")
        if move.direction is UP:
            self.side.open(node, absent=delay_s > 0)
        else:
            self.queue.undrain(node, absent=delay_s > 0)
        move.opens_s = now_s + delay_s
        if not delay_s:
            self._end(move, now_s)

    def _end(self, move: Move, now_s: int) -> None:
        emptied_s = now_s if move.emptied_s is None else move.emptied_s
        del self.open[move.node]
        self.rests_s[move.node] = now_s
        self.lead.learn(move.direction, now_s - emptied_s)
        self.lost_s += now_s - emptied_s
        self.done.append((now_s, move.node, move.direction))

    def _turn_back(self, move: Move) -> None:
        del self.open[move.node]
        self.cancelled += 1
        if move.direction is UP:
            self.queue.undrain(move.node)
        else:
            self.side.open(move.node)
