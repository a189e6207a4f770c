"""What counts over all pools of a policy: hand-overs under way, moves of the last hour, what moves took from service in
the last day, failures in a row. It lives as long as the process, whatever becomes of a pool's controller."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from controller.taken_lately import HOUR_S, TakenLately
from models.snapshot import Taken


def unseen() -> None:
    """Of a pool that nobody has seen yet it is not known how many nodes it has."""


@dataclass(slots=True)
class PoolUse:
    """What one pool uses: ``open_now`` tells how many of its nodes are in hand-over, ``begun_s`` when its moves of the
    last hour began; ``failures`` are those of its hand-overs that failed since the last one of any pool went well.
    ``nodes`` tells how many it has, and ``taken`` what its moves took from service.

    ``led`` is the last epoch in which this process has led the pool; ``named`` and ``plans`` count the hand-overs and
    the plans that were given a name here.
    """

    open_now: Callable[[], int] = int
    begun_s: deque[int] = field(default_factory=deque)
    failures: int = 0
    nodes: Callable[[], int | None] = unseen
    taken: TakenLately = field(default_factory=TakenLately)
    led: int | None = None
    named: int = 0
    plans: int = 0


class SiteBudget:
    """The use of every pool, of which each controller keeps its own, and reads the others'."""

    def __init__(self) -> None:
        self._uses: dict[str, PoolUse] = {}

    def of(self, pool: str) -> PoolUse:
        """One pool's use: the same value for as long as this lives."""
        return self._uses.setdefault(pool, PoolUse())

    def hand_on(
        self,
        pool: str,
        open_now: int,
        begun_s: Iterable[int],
        failures: int,
        nodes: int | None = None,
        taken: Iterable[tuple[int, int]] = (),
    ) -> None:
        """Take a pool's use from what its earlier leader left, until its controller has found it out itself."""
        use = self.of(pool)
        use.open_now, use.begun_s, use.failures = lambda: open_now, deque(begun_s), failures
        use.nodes, use.taken = lambda: nodes, TakenLately(taken)

    @property
    def failures(self) -> int:
        """Hand-overs that failed one after another, of whatever pool."""
        return sum(use.failures for use in self._uses.values())

    def went_well(self) -> None:
        """One hand-over came to its good end: what failed before it no longer counts."""
        for use in self._uses.values():
            use.failures = 0

    def open_elsewhere(self, pool: str) -> int:
        """How many nodes of other pools are in hand-over."""
        return sum(use.open_now() for name, use in self._uses.items() if name != pool)

    def recent_elsewhere_s(self, pool: str, now_s: int) -> tuple[int, ...]:
        """When the moves of other pools began that are of the last hour, in order."""
        others = (use for name, use in self._uses.items() if name != pool)
        return tuple(sorted(at_s for use in others for at_s in use.begun_s if now_s - at_s < HOUR_S))

    def taken_elsewhere(self, pool: str, now_s: int) -> tuple[Taken, ...]:
        """What the moves of each other pool took from service in the last 24 hours."""
        return tuple(Taken(use.nodes(), use.taken.lately_s(now_s)) for name, use in self._uses.items() if name != pool)
