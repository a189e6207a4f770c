"""The table of the life cycle: complete, with a way out of everywhere, and strict about what it does not know."""

from __future__ import annotations

from itertools import product

import pytest

from controller.handover.table import TABLES, Seen, next_stage
from models.errors import ImpossibleStep
from models.handovers import Direction, Stage
from tests.controller.play import STAGES, UNFINISHED

UP, DOWN = Direction.TO_KUBERNETES, Direction.TO_HPC
FINISHED = (Stage.DONE, Stage.CANCELLED, Stage.STUCK)
TURNED = (Stage.OPENING, Stage.CANCELLING)
CLOSED = {
    UP: (Stage.DRAINING, Stage.DRAINED, Stage.SETTLED),
    DOWN: (Stage.CLOSED, Stage.EMPTYING, Stage.EMPTY, Stage.SETTLED),
}


def leads_to(direction: Direction, stage: Stage) -> set[Stage]:
    """Every stage that can follow, however much later."""
    found, new = set(), {stage}
    while new:
        found |= new
        new = {after for (before, _), after in TABLES[direction].items() if before in new} - found
    return found


def ways_into(direction: Direction, stage: Stage) -> set[tuple[Stage, Seen]]:
    return {pair for pair, after in TABLES[direction].items() if after is stage and pair[0] is not stage}


@pytest.mark.parametrize(("direction", "stage"), [pair for pair in STAGES if pair[1] not in TURNED])
@pytest.mark.parametrize("seen", [Seen.CANCEL, Seen.LATE, Seen.FOREIGN])
def test_every_stage_before_opening_can_turn_back(direction: Direction, stage: Stage, seen: Seen):
    assert next_stage(direction, stage, seen) is Stage.CANCELLING


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize(
    ("stage", "seen", "after"),
    [
        (Stage.OPENING, Seen.LATE, Stage.STUCK),
        (Stage.OPENING, Seen.FOREIGN, Stage.STUCK),
        (Stage.OPENING, Seen.NEW_REFUSED, Stage.CANCELLING),
        (Stage.OPENING, Seen.NEW_OPEN, Stage.DONE),
        (Stage.CANCELLING, Seen.LATE, Stage.STUCK),
        (Stage.CANCELLING, Seen.FOREIGN, Stage.CANCELLED),
        (Stage.CANCELLING, Seen.OLD_OPEN, Stage.CANCELLED),
        (Stage.SETTLED, Seen.UNHEALTHY, Stage.CANCELLING),
    ],
)
def test_the_ways_out_at_the_end(direction: Direction, stage: Stage, seen: Seen, after: Stage):
    assert next_stage(direction, stage, seen) is after


@pytest.mark.parametrize("direction", Direction)
def test_exactly_the_stages_of_the_design_occur(direction: Direction):
    stages = {stage for stage, _ in TABLES[direction]} | set(TABLES[direction].values())
    assert stages == {*UNFINISHED[direction], *FINISHED}
    assert leads_to(direction, Stage.PLANNED) >= stages


@pytest.mark.parametrize(("direction", "stage"), STAGES)
def test_from_every_stage_an_end_is_in_reach_and_before_opening_both_ends(direction: Direction, stage: Stage):
    ends = leads_to(direction, stage) & set(FINISHED)
    assert Stage.STUCK in ends
    if stage is not Stage.OPENING:
        assert Stage.CANCELLED in ends
    if stage is not Stage.CANCELLING:
        assert Stage.DONE in ends


@pytest.mark.parametrize("direction", Direction)
def test_only_a_settled_node_that_is_seen_fit_is_opened(direction: Direction):
    assert ways_into(direction, Stage.OPENING) == {(Stage.SETTLED, Seen.FIT)}


@pytest.mark.parametrize(("direction", "empty"), [(UP, Stage.DRAINED), (DOWN, Stage.EMPTY)])
def test_only_a_node_seen_empty_for_long_enough_is_settled(direction: Direction, empty: Stage):
    assert ways_into(direction, Stage.SETTLED) == {(empty, Seen.OLD_EMPTY_LONG)}


def test_a_node_is_done_only_when_its_new_side_is_seen_open():
    """A node that someone else opened to the HPC side early stays there; one opened to Kubernetes early goes back."""
    assert ways_into(UP, Stage.DONE) == {(Stage.OPENING, Seen.NEW_OPEN)}
    early = {(stage, Seen.NEW_EARLY) for stage in UNFINISHED[DOWN] if stage is not Stage.OPENING}
    assert ways_into(DOWN, Stage.DONE) == {(Stage.OPENING, Seen.NEW_OPEN), *early}


@pytest.mark.parametrize(("direction", "stage"), STAGES)
def test_an_opening_to_both_sides_ends_nothing_and_leads_to_a_stage_that_closes(direction: Direction, stage: Stage):
    after = next_stage(direction, stage, Seen.BREACH)
    if direction is UP or stage is Stage.CANCELLING:
        assert after is Stage.CANCELLING
    else:
        assert after is (Stage.OPENING if stage is Stage.OPENING else Stage.CLOSED)


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
        for direction, stages in CLOSED.items()
        for stage in stages
        for seen in (Seen.OLD_OPEN, Seen.OLD_BUSY, Seen.OLD_EMPTY, Seen.OLD_EMPTY_LONG)
    ],
)
def test_once_closed_whatever_the_old_side_shows_is_provided_for(direction: Direction, stage: Stage, seen: Seen):
    after = next_stage(direction, stage, seen)
    if seen is Seen.OLD_EMPTY and stage is Stage.SETTLED:
        assert after in (Stage.DRAINED, Stage.EMPTY)
    assert after not in (*FINISHED, *TURNED)


@pytest.mark.parametrize("direction", Direction)
def test_emptiness_that_breaks_off_is_settled_anew(direction: Direction):
    """From settled the way leads back to where the node is only seen empty, or not even that."""
    back = {Seen.OLD_OPEN, Seen.OLD_BUSY, Seen.OLD_EMPTY}
    assert not {next_stage(direction, Stage.SETTLED, seen) for seen in back} & {Stage.SETTLED, Stage.OPENING}


@pytest.mark.parametrize(("direction", "work"), [(UP, Stage.DRAINING), (DOWN, Stage.EMPTYING)])
@pytest.mark.parametrize("stage", [Stage.DRAINED, Stage.EMPTY, Stage.SETTLED])
def test_work_on_a_node_that_was_seen_empty_is_waited_for_again(direction: Direction, work: Stage, stage: Stage):
    if stage in UNFINISHED[direction]:
        assert next_stage(direction, stage, Seen.OLD_BUSY) is work
