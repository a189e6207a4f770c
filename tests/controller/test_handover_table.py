"""The table of the life cycle: complete, with a way out of everywhere, and strict about what it does not know."""

from __future__ import annotations

from itertools import product

import pytest

from controller.handover.table import TABLES, Seen, next_stage
from models.errors import ImpossibleStep
from models.handovers import Direction, Stage

UP = (Stage.PLANNED, Stage.RESERVED, Stage.DRAINING, Stage.DRAINED, Stage.SETTLED, Stage.OPENING, Stage.CANCELLING)
DOWN = (
    Stage.PLANNED,
    Stage.DISCOURAGED,
    Stage.CLOSED,
    Stage.EMPTYING,
    Stage.EMPTY,
    Stage.SETTLED,
    Stage.OPENING,
    Stage.CANCELLING,
)
UNFINISHED = {Direction.TO_KUBERNETES: UP, Direction.TO_HPC: DOWN}
STAGES = [(direction, stage) for direction, stages in UNFINISHED.items() for stage in stages]
FINISHED = (Stage.DONE, Stage.CANCELLED, Stage.STUCK)


def leads_to(direction: Direction, stage: Stage) -> set[Stage]:
    """Every stage that can follow, however much later."""
    found, new = set(), {stage}
    while new:
        found |= new
        new = {after for (before, _), after in TABLES[direction].items() if before in new} - found
    return found


@pytest.mark.parametrize(("direction", "stage"), STAGES)
@pytest.mark.parametrize("seen", [Seen.CANCEL, Seen.LATE, Seen.FOREIGN])
def test_every_unfinished_stage_has_a_way_out(direction: Direction, stage: Stage, seen: Seen):
    after = next_stage(direction, stage, seen)
    expected = {
        Stage.OPENING: {Seen.CANCEL: Stage.OPENING, Seen.LATE: Stage.STUCK, Seen.FOREIGN: Stage.STUCK},
        Stage.CANCELLING: {Seen.CANCEL: Stage.CANCELLING, Seen.LATE: Stage.STUCK, Seen.FOREIGN: Stage.CANCELLED},
    }
    assert after is expected.get(stage, {}).get(seen, Stage.CANCELLING)


@pytest.mark.parametrize("direction", Direction)
def test_exactly_the_stages_of_the_design_occur(direction: Direction):
    stages = {stage for stage, _ in TABLES[direction]} | set(TABLES[direction].values())
    assert stages == {*UNFINISHED[direction], *FINISHED}
    assert leads_to(direction, Stage.PLANNED) >= stages - {Stage.RESERVED}


@pytest.mark.parametrize(("direction", "stage"), STAGES)
def test_from_every_stage_an_end_is_in_reach_and_before_opening_both_ends(direction: Direction, stage: Stage):
    ends = leads_to(direction, stage) & set(FINISHED)
    assert Stage.STUCK in ends
    if stage is not Stage.OPENING:
        assert Stage.CANCELLED in ends
    if stage is not Stage.CANCELLING:
        assert Stage.DONE in ends


@pytest.mark.parametrize("direction", Direction)
def test_only_one_seen_empty_for_long_enough_is_opened(direction: Direction):
    ways = {pair for pair, after in TABLES[direction].items() if after is Stage.OPENING and pair[0] is not after}
    assert ways == {(Stage.SETTLED, Seen.OLD_EMPTY_LONG)}


@pytest.mark.parametrize("direction", Direction)
def test_only_a_node_seen_open_on_the_new_side_is_done(direction: Direction):
    ways = {pair for pair, after in TABLES[direction].items() if after is Stage.DONE}
    assert ways == {(Stage.OPENING, Seen.NEW_OPEN)}


@pytest.mark.parametrize(("direction", "stage"), list(product(Direction, FINISHED)))
def test_what_is_finished_stays_so(direction: Direction, stage: Stage):
    assert not [pair for pair in TABLES[direction] if pair[0] is stage]
    for seen in Seen:
        with pytest.raises(ImpossibleStep):
            next_stage(direction, stage, seen)


@pytest.mark.parametrize(
    ("direction", "stage", "seen"),
    [
        (direction, stage, seen)
        for direction, stages in UNFINISHED.items()
        for stage, seen in product(stages, Seen)
        if (stage, seen) not in TABLES[direction]
    ],
)
def test_a_pair_that_is_not_in_the_table_raises_and_says_which(direction: Direction, stage: Stage, seen: Seen):
    with pytest.raises(ImpossibleStep, match=f"{direction} in stage {stage} .* {seen}"):
        next_stage(direction, stage, seen)


@pytest.mark.parametrize(
    ("direction", "stage", "seen"),
    [
        (direction, stage, seen)
        for direction, stages in UNFINISHED.items()
        for stage in stages
        if stage not in (Stage.OPENING, Stage.CANCELLING, Stage.PLANNED, Stage.DISCOURAGED, Stage.RESERVED)
        for seen in (Seen.OLD_OPEN, Seen.OLD_BUSY, Seen.OLD_EMPTY, Seen.OLD_EMPTY_LONG)
    ],
)
def test_once_closed_whatever_the_old_side_shows_is_provided_for(direction: Direction, stage: Stage, seen: Seen):
    if seen is Seen.OLD_EMPTY and stage is Stage.SETTLED:
        assert next_stage(direction, stage, seen) in (Stage.DRAINED, Stage.EMPTY)
    assert next_stage(direction, stage, seen) not in FINISHED
