"""The life cycle of a hand-over: one table ``(stage, seen) -> stage`` for each direction.

A pair that is not in the table is a bug of ours and raises. ``Seen`` is what a look at the node and the clock shows,
the most important thing first. The picture in ``docs/reference/handovers.md`` is drawn from these tables.
"""

from __future__ import annotations

from enum import StrEnum

from models.errors import ImpossibleStep
from models.handovers import Direction, Stage


class Seen(StrEnum):
    """What a look at both sides shows of a node in hand-over: *old* is the side that gives, *new* the one that gets."""

    BREACH = "breach"  # neither side is closed: one must be, at once
    NEW_EARLY = "new-early"  # someone else opened the new side before we did
    FOREIGN = "foreign"  # someone else drained, cordoned, reserved, reopened or replaced the node
    LATE = "late"  # the deadline has passed
    CANCEL = "cancel"  # the move is no longer wanted
    OLD_OPEN = "old-open"
    TO_BOOK = "to-book"  # open, and to be booked before it is closed
    BOOKED = "booked"  # open, and booked by us
    DISCOURAGED = "discouraged"  # open, and new pods prefer other nodes
    OLD_BUSY = "old-busy"  # closed by us, work still runs
    OLD_EMPTY = "old-empty"  # closed by us, and empty
    OLD_EMPTY_LONG = "old-empty-long"  # and was so a settle time ago
    UNFIT = "unfit"  # settled, and the new side does not see the node as it should, yet
    UNHEALTHY = "unhealthy"  # and has not for too long
    FIT = "fit"  # settled, prepared, and as it should be
    NEW_BUSY = "new-busy"  # both sides closed, but work runs on the new one
    NEW_REFUSED = "new-refused"  # opening was refused for good, and nothing of it happened
    NEW_OPENING = "new-opening"  # asked to open, not ready and whole yet
    NEW_OPEN = "new-open"


S, V = Stage, Seen
_EMPTY = (V.OLD_EMPTY, V.OLD_EMPTY_LONG)
_TURNS_BACK = (V.FOREIGN, V.CANCEL, V.LATE)
_Table = dict[tuple[Stage, Seen], Stage]


def _row(stage: Stage, to: dict[Stage, tuple[Seen, ...]]) -> _Table:
    return {(stage, seen): after for after, all_seen in to.items() for seen in all_seen}


def _ways_back(stages: tuple[Stage, ...]) -> _Table:
    """Every stage before opening can turn back."""
    return {(stage, seen): S.CANCELLING for stage in stages for seen in _TURNS_BACK}


_OPENING: _Table = _row(
    S.OPENING,
    {
        S.OPENING: (V.OLD_EMPTY, V.UNFIT, V.NEW_OPENING),
        S.DONE: (V.NEW_OPEN,),
        S.STUCK: (V.FOREIGN, V.LATE),  # it may be opening already: too late to turn back
        S.CANCELLING: (V.NEW_REFUSED,),
    },
)
_SETTLED: _Table = _row(
    S.SETTLED,
    {
        S.SETTLED: (V.OLD_EMPTY_LONG, V.UNFIT),
        S.OPENING: (V.FIT,),
        S.CANCELLING: (V.UNHEALTHY,),
    },
)
_CANCELLING: _Table = _row(
    S.CANCELLING,
    {
        S.CANCELLED: (V.OLD_OPEN, V.FOREIGN),
        S.CANCELLING: (V.CANCEL, V.OLD_BUSY, *_EMPTY, V.NEW_BUSY, V.BREACH),
        S.STUCK: (V.LATE,),
    },
)
_UP = (S.PLANNED, S.RESERVED, S.DRAINING, S.DRAINED, S.SETTLED)
_DOWN = (S.PLANNED, S.DISCOURAGED, S.CLOSED, S.EMPTYING, S.EMPTY, S.SETTLED)

TO_KUBERNETES: _Table = {
    **_ways_back(_UP),
    **{(stage, seen): S.CANCELLING for stage in (*_UP, S.OPENING) for seen in (V.BREACH, V.NEW_EARLY)},
    **_row(S.PLANNED, {S.RESERVED: (V.TO_BOOK, V.BOOKED), S.DRAINING: (V.OLD_OPEN, V.OLD_BUSY, *_EMPTY)}),
    **_row(S.RESERVED, {S.RESERVED: (V.TO_BOOK, V.BOOKED), S.DRAINING: (V.OLD_OPEN, V.OLD_BUSY, *_EMPTY)}),
    **_row(S.DRAINING, {S.DRAINING: (V.OLD_OPEN, V.OLD_BUSY), S.DRAINED: _EMPTY}),
    **_row(
        S.DRAINED, {S.DRAINING: (V.OLD_OPEN, V.OLD_BUSY), S.DRAINED: (V.OLD_EMPTY,), S.SETTLED: (V.OLD_EMPTY_LONG,)}
    ),
    **_SETTLED,
    **_row(S.SETTLED, {S.DRAINING: (V.OLD_OPEN, V.OLD_BUSY), S.DRAINED: (V.OLD_EMPTY,)}),
    **_OPENING,
    # Kubernetes refuses what comes late with an old version, so while it is still closed there is a way back.
    **_row(S.OPENING, {S.CANCELLING: (V.OLD_OPEN, V.OLD_BUSY, V.NEW_REFUSED, V.BREACH, V.NEW_EARLY)}),
    # And so there is one while it is open and lacks something: nothing is lost but time.
    **_row(S.OPENING, {S.CANCELLING: (V.UNHEALTHY,)}),
    **_CANCELLING,
    **_row(S.CANCELLING, {S.CANCELLING: (V.BOOKED, V.NEW_EARLY)}),
}

TO_HPC: _Table = {
    **_ways_back(_DOWN),
    **{(stage, V.BREACH): S.CLOSED for stage in _DOWN},
    **{(stage, V.NEW_EARLY): S.DONE for stage in (*_DOWN, S.CANCELLING)},
    **_row(S.PLANNED, {S.DISCOURAGED: (V.OLD_OPEN, V.DISCOURAGED), S.CLOSED: (V.OLD_BUSY, *_EMPTY)}),
    **_row(S.DISCOURAGED, {S.DISCOURAGED: (V.OLD_OPEN,), S.CLOSED: (V.DISCOURAGED, V.OLD_BUSY, *_EMPTY)}),
    **_row(S.CLOSED, {S.CLOSED: (V.OLD_OPEN, V.DISCOURAGED), S.EMPTYING: (V.OLD_BUSY,), S.EMPTY: _EMPTY}),
    **_row(S.EMPTYING, {S.CLOSED: (V.OLD_OPEN, V.DISCOURAGED), S.EMPTYING: (V.OLD_BUSY,), S.EMPTY: _EMPTY}),
    **_row(
        S.EMPTY,
        {
            S.CLOSED: (V.OLD_OPEN, V.DISCOURAGED),
            S.EMPTYING: (V.OLD_BUSY,),
            S.EMPTY: (V.OLD_EMPTY,),
            S.SETTLED: (V.OLD_EMPTY_LONG,),
        },
    ),
    **_SETTLED,
    **_row(S.SETTLED, {S.CLOSED: (V.OLD_OPEN, V.DISCOURAGED), S.EMPTYING: (V.OLD_BUSY,), S.EMPTY: (V.OLD_EMPTY,)}),
    **_OPENING,
    # A late write to the HPC scheduler cannot be refused: Kubernetes is closed again and the opening goes on.
    **_row(S.OPENING, {S.OPENING: (V.OLD_OPEN, V.DISCOURAGED, V.OLD_BUSY, V.BREACH)}),
    **_CANCELLING,
    **_row(S.CANCELLING, {S.CANCELLING: (V.DISCOURAGED,)}),
}

TABLES = {Direction.TO_KUBERNETES: TO_KUBERNETES, Direction.TO_HPC: TO_HPC}


def next_stage(direction: Direction, stage: Stage, seen: Seen) -> Stage:
    """The stage that follows. Raises ImpossibleStep for a pair that the table does not have."""
    after = TABLES[direction].get((stage, seen))
    if after is None:
        raise ImpossibleStep(f"a hand-over {direction} in stage {stage} cannot go on from seeing {seen}")
    return after
