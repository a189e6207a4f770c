"""Work records folded into what runs and what waits: any order, any repetition, the same state."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.demand import Demand
from models.nodes import Side
from models.work import WorkRecord, WorkState

QUEUE_FEATURES = (
    "running",
    "waiting",
    "waiting_count",
    "arrived_1h",
    "ended_1h",
    "expiring_30min",
    "expiring_1h",
    "expiring_3h",
)
"""What ``WorkLedger.queue_state`` gives: nodes, but for ``waiting_count``, which counts pieces of work."""

_MICRO = 1_000_000  # sizes are summed as whole millionths of a node: exact, so the order of records cannot matter
_HOUR_S = 3600
_EXPIRY_WINDOWS_S = (1800, 3600, 10_800)
_ENDED_KEPT = 200_000  # ended work remembered, so that a late record does not bring it back to life
_RANK = {WorkState.HELD: 0, WorkState.ELIGIBLE: 0, WorkState.RUNNING: 1, WorkState.ENDED: 2}

_Version = tuple[int, int, int, int]


def _version(record: WorkRecord) -> _Version:
    """What orders two records of one piece of work: resubmitted later, or further along its life.

    Held and eligible rank the same: a record carries no time of change, so of these two the last delivered counts.
    """
    started = -1 if record.started_s is None else record.started_s
    ended = -1 if record.ended_s is None else record.ended_s
    return record.submitted_s, _RANK[record.state], started, ended


@dataclass(slots=True)
class _Sums:
    """One side's sums in millionths of a node; arrivals, ends and expiries by slot of ``step_s``."""

    running: int = 0
    waiting: int = 0
    waiting_count: int = 0
    seen: bool = False
    arrived: dict[int, int] = field(default_factory=dict)
    ended: dict[int, int] = field(default_factory=dict)
    expiring: dict[int, int] = field(default_factory=dict)


class WorkLedger:
    """What runs and waits on each side, from state-carrying records.

    ``apply`` is idempotent and does not depend on the order of records. Memory is bounded by the work that has not
    ended, an hour of arrivals and ends, and ``_ENDED_KEPT`` remembered ids.
    """

    def __init__(self, *, step_s: int = 300) -> None:
        self._step_s = step_s
        self._now_s = 0
        self._live: dict[tuple[Side, str], WorkRecord] = {}
        self._ended: OrderedDict[tuple[Side, str], _Version] = OrderedDict()
        self._sums = {side: _Sums() for side in Side}

    def apply(self, records: tuple[WorkRecord, ...], now_s: int) -> None:
        """Take in every record that changed up to ``now_s``; repeated and outdated ones change nothing."""
        self._now_s = max(self._now_s, now_s)
        for record in records:
            self._apply_one(record)

    def _apply_one(self, record: WorkRecord) -> None:
        key = (record.side, record.id)
        old = self._live.get(key)
        known = _version(old) if old is not None else self._ended.get(key)
        if known is not None and _version(record) < known:
            return
        sums = self._sums[record.side]
        sums.seen = True
        if old is not None:
            self._add(sums, old, -1)
            del self._live[key]
        if record.state is not WorkState.ENDED:
            self._add(sums, record, 1)
            self._live[key] = record
            self._ended.pop(key, None)
        elif self._ended.get(key) != _version(record):
            self._add(sums, record, 1)
            self._ended[key] = _version(record)
            if len(self._ended) > _ENDED_KEPT:
                self._ended.popitem(last=False)

    def _add(self, sums: _Sums, record: WorkRecord, sign: int) -> None:
        """Add (or take back) all that one record contributes to its side's sums."""
        size = sign * round(record.nodes * _MICRO)
        if record.state is not WorkState.HELD:
            self._count(sums.arrived, record.submitted_s, size)
        if record.state is WorkState.RUNNING and record.started_s is not None:
            sums.running += size
            if record.limit_s is not None:
                slot = (record.started_s + record.limit_s) // self._step_s
                sums.expiring[slot] = sums.expiring.get(slot, 0) + size
                if not sums.expiring[slot]:
                    del sums.expiring[slot]
        elif record.state is WorkState.ELIGIBLE:
            sums.waiting += size
            sums.waiting_count += sign
        elif record.state is WorkState.ENDED and record.ended_s is not None:
            self._count(sums.ended, record.ended_s, size)

    def _count(self, by_slot: dict[int, int], at_s: int, size: int) -> None:
        """Add to the slot of ``at_s``; slots older than two hours are dropped, being read no more."""
        oldest = (self._now_s - 2 * _HOUR_S) // self._step_s
        slot = at_s // self._step_s
        if slot < oldest:
            return
        by_slot[slot] = by_slot.get(slot, 0) + size
        if len(by_slot) > 4 * _HOUR_S // self._step_s + 4:
            for past in [key for key in by_slot if key < oldest]:
                del by_slot[past]

    def demand(self, side: Side, now_s: int) -> Demand | None:
        """One side's demand, or None while no record of that side was seen: unknown is not zero."""
        sums = self._sums[side]
        if not sums.seen:
            return None
        return Demand(side, now_s, sums.running / _MICRO, sums.waiting / _MICRO)

    def queue_state(self, side: Side, now_s: int) -> NDArray[np.float64]:
        """The ``QUEUE_FEATURES`` of one side, shape (8,); all NaN while no record of that side was seen.

        "Within" counts whole slots of the grid; work past its limit for up to an hour still counts as expiring.
        """
        sums = self._sums[side]
        if not sums.seen:
            return np.full(len(QUEUE_FEATURES), np.nan)
        slot = now_s // self._step_s
        hour = _HOUR_S // self._step_s
        state = [sums.running, sums.waiting, sums.waiting_count * _MICRO]
        state += [_sum(by_slot, slot - hour + 1, slot) for by_slot in (sums.arrived, sums.ended)]
        expiring, first = 0, slot - hour
        for window_s in _EXPIRY_WINDOWS_S:
            last = slot + window_s // self._step_s
            expiring += _sum(sums.expiring, first, last)
            first = last + 1
            state.append(expiring)
        return np.array(state, dtype=np.float64) / _MICRO


def _sum(by_slot: dict[int, int], first: int, last: int) -> int:
    """The sum over the slots from ``first`` to ``last``, both included."""
    return sum(by_slot.get(slot, 0) for slot in range(first, last + 1))
