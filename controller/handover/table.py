"""The life cycle of a hand-over: one table ``(stage, seen) -> stage`` for each direction.

A pair that is not in the table is a bug of ours and raises. ``Seen`` is what a look at the node and the clock shows,
the most important thing first.
"""

from __future__ import annotations

from enum import StrEnum

from models.errors import ImpossibleStep
from models.handovers import Direction, Stage


class Seen(StrEnum):
    """What a look at both sides shows of a node in hand-over."""

    FOREIGN = "foreign"  # someone else changed what we had done to the node
    CANCEL = "cancel"  # the plan no longer wants this move
    LATE = "late"  # the deadline has passed
    OLD_OPEN = "old-open"  # the old side may still start work
    DISCOURAGED = "discouraged"  # the old side may, but prefers other nodes
    OLD_BUSY = "old-busy"  # closed, work is still running
    OLD_EMPTY = "old-empty"  # closed and empty
    OLD_EMPTY_LONG = "old-empty-long"  # closed and empty for as long as the policy's settle time
    NEW_OPENING = "new-opening"  # the new side was opened and is not ready yet
    NEW_OPEN = "new-open"  # the new side may start work


S, V = Stage, Seen
_EMPTY = (V.OLD_EMPTY, V.OLD_EMPTY_LONG)
_TURNS_BACK = (V.FOREIGN, V.CANCEL, V.LATE)


def _row(stage: Stage, to: dict[Stage, tuple[Seen, ...]]) -> dict[tuple[Stage, Seen], Stage]:
    return {(stage, seen): after for after, all_seen in to.items() for seen in all_seen}


def _ways_out(stages: tuple[Stage, ...]) -> dict[tuple[Stage, Seen], Stage]:
    """Every unfinished stage can turn back; once the new side is opening it is too late for that, and a person is
    called."""
    back = {(stage, seen): S.CANCELLING for stage in stages for seen in _TURNS_BACK}
    return back | _row(S.OPENING, {S.STUCK: (V.FOREIGN, V.LATE), S.OPENING: (V.CANCEL,)})


_COMMON: dict[tuple[Stage, Seen], Stage] = {
    **_row(S.OPENING, {S.OPENING: (*_EMPTY, V.NEW_OPENING), S.DONE: (V.NEW_OPEN,)}),
    **_row(
        S.CANCELLING,
        {
            S.CANCELLED: (V.OLD_OPEN, V.FOREIGN),
            S.CANCELLING: (V.CANCEL, V.DISCOURAGED, V.OLD_BUSY, *_EMPTY),
            S.STUCK: (V.LATE, V.NEW_OPENING, V.NEW_OPEN),
        },
    ),
}

TO_KUBERNETES: dict[tuple[Stage, Seen], Stage] = {
    **_COMMON,
    **_ways_out((S.PLANNED, S.RESERVED, S.DRAINING, S.DRAINED, S.SETTLED)),
    **_row(S.PLANNED, {S.DRAINING: (V.OLD_OPEN,)}),
    **_row(S.RESERVED, {S.DRAINING: (V.OLD_OPEN,)}),
    **_row(S.DRAINING, {S.DRAINING: (V.OLD_OPEN, V.OLD_BUSY), S.DRAINED: _EMPTY}),
    **_row(
        S.DRAINED, {S.DRAINING: (V.OLD_OPEN, V.OLD_BUSY), S.DRAINED: (V.OLD_EMPTY,), S.SETTLED: (V.OLD_EMPTY_LONG,)}
    ),
    **_row(
        S.SETTLED, {S.DRAINING: (V.OLD_OPEN, V.OLD_BUSY), S.DRAINED: (V.OLD_EMPTY,), S.OPENING: (V.OLD_EMPTY_LONG,)}
    ),
}

TO_HPC: dict[tuple[Stage, Seen], Stage] = {
    **_COMMON,
    **_ways_out((S.PLANNED, S.DISCOURAGED, S.CLOSED, S.EMPTYING, S.EMPTY, S.SETTLED)),
    **_row(S.PLANNED, {S.DISCOURAGED: (V.OLD_OPEN, V.DISCOURAGED)}),
    **_row(S.DISCOURAGED, {S.DISCOURAGED: (V.OLD_OPEN,), S.CLOSED: (V.DISCOURAGED,)}),
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
    **_row(
        S.SETTLED,
        {
            S.CLOSED: (V.OLD_OPEN, V.DISCOURAGED),
            S.EMPTYING: (V.OLD_BUSY,),
            S.EMPTY: (V.OLD_EMPTY,),
            S.OPENING: (V.OLD_EMPTY_LONG,),
        },
    ),
}

TABLES = {Direction.TO_KUBERNETES: TO_KUBERNETES, Direction.TO_HPC: TO_HPC}


def next_stage(direction: Direction, stage: Stage, seen: Seen) -> Stage:
    """The stage that follows. Raises ImpossibleStep for a pair that the table does not have."""
    after = TABLES[direction].get((stage, seen))
    if after is None:
        raise ImpossibleStep(f"a hand-over {direction} in stage {stage} cannot go on from seeing {seen}")
    return after
