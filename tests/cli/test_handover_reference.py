"""The page of hand-overs says what the tables say: every pair once, every word explained, a way out of every stage."""

from __future__ import annotations

import re

import pytest

from cli.reference_pages.handovers import handovers_page
from cli.stage_descriptions import SEEN_DESCRIPTIONS, STAGE_DESCRIPTIONS
from controller.handover.table import TABLES, Seen
from models.handovers import Direction, Stage

ARROW = re.compile(r"    (\w+) --> (\w+) : ([a-z, -]+)")


def diagrams() -> list[str]:
    return re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", handovers_page(), flags=re.DOTALL)


@pytest.mark.parametrize(("direction", "diagram"), [*zip(Direction, diagrams(), strict=True)], ids=[*Direction])
def test_a_diagram_is_its_table(direction: Direction, diagram: str):
    arrows = ARROW.findall(diagram)
    assert len({arrow[:2] for arrow in arrows}) == len(arrows)  # one arrow from a stage to a stage
    drawn = {(Stage(before), Seen(word)): Stage(after) for before, after, words in arrows for word in words.split(", ")}
    assert drawn == TABLES[direction]
    assert sum(len(words.split(", ")) for *_, words in arrows) == len(drawn)


def test_every_stage_and_everything_that_can_be_seen_is_explained():
    assert list(STAGE_DESCRIPTIONS) == list(Stage)
    assert list(SEEN_DESCRIPTIONS) == list(Seen)
    assert all([*STAGE_DESCRIPTIONS.values(), *SEEN_DESCRIPTIONS.values()])


@pytest.mark.parametrize("direction", Direction)
def test_every_unfinished_stage_has_its_way_out(direction: Direction):
    page = handovers_page().split("\n## ")[1 + list(Direction).index(direction)]
    rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in page.splitlines() if line[:3] == "| `"]
    stages = {stage for stage, _ in TABLES[direction]}
    assert {row[0] for row in rows} == set(stages)
    for stage, _, wanted_no_more, late, foreign in rows:
        assert late in {"cancelling", "stuck"}, stage
        assert wanted_no_more in {"cancelling", "goes on"}, stage
        assert foreign in {"cancelling", "cancelled", "stuck"}, stage
