"""A poll and a completion of one piece of work: which of them is believed, row by row."""

from __future__ import annotations

import pytest

from connectors.slurm.completions_merge import merged
from models.nodes import Side
from models.work import WorkRecord, WorkState
from tests.values import replace

AT_S = 1000  # of the poll
HELD, ELIGIBLE, RUNNING, ENDED = WorkState.HELD, WorkState.ELIGIBLE, WorkState.RUNNING, WorkState.ENDED


def polled(state: WorkState, started_s: int | None = None, ended_s: int | None = None) -> WorkRecord:
    return WorkRecord("7", Side.HPC, state, 4.0, 500, 600, started_s, ended_s, "ada")


def told(state: WorkState, started_s: int | None, ended_s: int | None = None) -> WorkRecord:
    """As a message alone tells it: of another size than the poll, say."""
    return WorkRecord("7", Side.HPC, state, 3.0, 500, None, started_s, ended_s, "")


START = told(RUNNING, 1005)
END = told(ENDED, 1005, 1010)
NEW = [
    ("waited, and has started since", polled(ELIGIBLE), START, polled(RUNNING, 1005)),
    ("started in the second of the poll", polled(ELIGIBLE), told(RUNNING, AT_S), polled(RUNNING, AT_S)),
    ("waited, and has started and ended since", polled(ELIGIBLE), END, polled(ENDED, 1005, 1010)),
    ("was held, and cancelled since", polled(HELD), told(ENDED, None, 1010), polled(ENDED, None, 1010)),
    ("ran, and has ended since", polled(RUNNING, 900), told(ENDED, 900, 1010), polled(ENDED, 900, 1010)),
    ("ended in the second of the poll", polled(RUNNING, 900), told(ENDED, 900, AT_S), polled(ENDED, 900, AT_S)),
    ("ran, was requeued, and runs again since", polled(RUNNING, 900), START, polled(RUNNING, 1005)),
    ("vanished, and the end was guessed", polled(ENDED, 900, AT_S), told(ENDED, 900, 950), polled(ENDED, 900, 950)),
    ("vanished from the queue, and had run", polled(ENDED, None, AT_S), told(ENDED, 930, 950), polled(ENDED, 930, 950)),
    ("vanished, and only its start was told", polled(ENDED, None, AT_S), told(RUNNING, 930), polled(ENDED, 930, AT_S)),
    ("ended, and another run of it since", polled(ENDED, 900, 950), END, polled(ENDED, 1005, 1010)),
]
OLD = [
    ("ran, requeued, and waits again", polled(ELIGIBLE), told(ENDED, 900, 950)),
    ("ran, requeued, and is held", polled(HELD), told(RUNNING, 900)),
    ("ran, requeued, and runs again", polled(RUNNING, 980), told(ENDED, 900, 950)),
    ("its end was forgotten in a crash", polled(RUNNING, 900), told(ENDED, 900, 950)),
    ("a late start of the same run", polled(RUNNING, 900), told(RUNNING, 900)),
    ("a late start of an earlier run", polled(RUNNING, 900), told(RUNNING, 800)),
    ("a start of what has ended", polled(ENDED, 900, 950), told(RUNNING, 900)),
    ("a later start of what has ended", polled(ENDED, 900, 950), START),
    ("the end of an earlier run", polled(ENDED, 900, 950), told(ENDED, 800, 850)),
    ("cancelled in the queue, told twice", polled(ENDED, None, 950), told(ENDED, None, 950)),
    ("the same end", polled(ENDED, 900, 950), told(ENDED, 900, 950)),
]
ALONE = [
    ("started since", START, START),
    ("started and ended since", END, END),
    ("ended before the poll", told(ENDED, 900, 950), told(ENDED, 900, 950)),
    ("started before the poll, which would show it", told(RUNNING, 999), None),
    ("never started", told(ENDED, None, 1010), None),
]


@pytest.mark.parametrize(("what", "shown", "message", "expected"), NEW)
def test_what_the_poll_could_not_see_is_believed(
    what: str, shown: WorkRecord, message: WorkRecord, expected: WorkRecord
):
    found = merged(shown, AT_S, message)
    assert found == expected
    assert found is not None
    assert merged(found, AT_S, message) == found, "told twice"


@pytest.mark.parametrize(("what", "shown", "message"), OLD)
def test_what_the_poll_knows_better_changes_nothing(what: str, shown: WorkRecord, message: WorkRecord):
    assert merged(shown, AT_S, message) == shown


@pytest.mark.parametrize(("what", "message", "expected"), ALONE)
def test_what_no_poll_shows(what: str, message: WorkRecord, expected: WorkRecord | None):
    assert merged(None, AT_S, message) == expected


def test_an_end_without_a_time_of_its_own_is_before_the_poll():
    shown = replace(polled(ENDED, 900), ended_s=None)
    assert merged(shown, AT_S, told(ENDED, 900, 950)) == polled(ENDED, 900, 950)
