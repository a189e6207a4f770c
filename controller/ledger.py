"""The ledger: what counts over time and outlives a leader: moves of the last hour, what moves of the last day took from
service, failures in a row, resting nodes."""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from controller.leader_memory import LeaderMemory
from controller.recovery import Found
from controller.safety import failed
from controller.site_budget import SiteBudget
from controller.taken_lately import DAY_S, HOUR_S, TakenLately
from models.handovers import Direction, Handover, Stage, Why
from models.identity import split_name
from models.snapshot import LeadTime

Lead = Callable[[], Mapping[Direction, LeadTime]]


@dataclass(frozen=True, slots=True)
class PoolCounts:
    """Of a pool, as its controller counts them: how many nodes are in hand-over, and how many there are."""

    open_now: Callable[[], int]
    nodes: Callable[[], int]


class Ledger:
    """One pool's part of the ``budget``, and what is only its own: ``rests_s`` since when a node stays where it is;
    ``resumes`` how often a person was heard to say to go on. A move is reckoned to take from service what the ``lead``
    of its way is when it is counted."""

    def __init__(self, budget: SiteBudget, pool: str, counts: PoolCounts, lead: Lead) -> None:
        self.rests_s: dict[str, int] = {}
        self.resumes = 0
        self._budget = budget
        self._use = budget.of(pool)
        self._counts = counts
        self._lead = lead

    @property
    def begun_s(self) -> deque[int]:
        """The seconds at which the moves of the last hour began."""
        return self._use.begun_s

    @property
    def taken(self) -> TakenLately:
        """What the moves of the last day took from service."""
        return self._use.taken

    @property
    def failures(self) -> int:
        """The hand-overs of this pool that failed since the last one of any pool went well."""
        return self._use.failures

    def recall(self, found: Found, kept: LeaderMemory, now_s: int, resumes: int) -> None:
        """Go on where earlier leaders were: by what they handed on, and by the records that they did not know of then.

        Those are of moves from after that, and of earlier ones whose record landed late. ``resumes`` is how often a
        person has said to go on until now: no leader can have heard more.
        """
        self._use.failures, self.resumes = kept.failures, min(kept.resumes, resumes)
        self._use.open_now, self._use.nodes = self._counts.open_now, self._counts.nodes
        self.rests_s = {h.node: h.stage_since_s for h in (*found.ended, *found.stuck) if _rests(h)}
        records = (h for group in (found.open, found.ended, found.stuck) for h in group if not h.repair)
        later = [h for h in records if not _is_counted(h, kept)]
        begun = [*kept.begun_s(), *(h.started_s for h in later)]
        self._use.begun_s = deque(sorted(min(at_s, now_s) for at_s in begun if now_s - at_s < HOUR_S))
        taken = [*kept.taken.items(), *((h.started_s, self._takes_s(h.direction)) for h in later)]
        self._use.taken = TakenLately((min(at_s, now_s), node_s) for at_s, node_s in taken if now_s - at_s < DAY_S)

    def hear(self, resumes: int) -> bool:
        """Whether a person has said to go on since this was last asked; then what failed before no longer counts."""
        heard = resumes > self.resumes
        if heard:
            self._use.failures, self.resumes = 0, resumes
        return heard

    def begin(self, now_s: int, direction: Direction) -> None:
        """Count a move."""
        self.begun_s.append(now_s)
        self.taken.add(now_s, self._takes_s(direction))

    def count(self, found: Handover, now_s: int) -> None:
        """Count a move of an earlier leader whose record was not there yet when this one began to lead."""
        if not found.repair:
            insort(self.begun_s, min(found.started_s, now_s))
            self.taken.add(min(found.started_s, now_s), self._takes_s(found.direction))

    def recent_s(self, now_s: int) -> tuple[int, ...]:
        """When the moves of the last hour began."""
        while self.begun_s and now_s - self.begun_s[0] >= HOUR_S:
            self.begun_s.popleft()
        return tuple(self.begun_s)

    def end(self, handover: Handover, now_s: int) -> None:
        """Take in a hand-over that has ended."""
        if handover.stage is Stage.DONE:
            self._budget.went_well()
        else:
            self._use.failures += failed(handover)
        if _rests(handover):
            self.rests_s[handover.node] = now_s

    def _takes_s(self, direction: Direction) -> int:
        return self._lead()[direction].planned_s


def _is_counted(handover: Handover, kept: LeaderMemory) -> bool:
    """Whether the move is among those that were handed on: it had ended by then, or was known to be under way."""
    if handover.started_s > kept.at_s:
        return False
    ended = handover.stage.finished and handover.stage_since_s <= kept.at_s
    return ended or split_name(handover.id)[1] in kept.under_way


def _rests(handover: Handover) -> bool:
    """Whether its node stays where it is for the dwell: it has just moved, or failed to, or a person let it stay."""
    return handover.stage is Stage.DONE or handover.why is Why.PERSON or failed(handover)
