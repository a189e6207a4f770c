"""What the observer of real Slurm calls a broken rule, on sights made up."""

from __future__ import annotations

import pytest

from tests.real.slurm.observer import Shown, Sight, began_on_drained

EMPTY = frozenset(("IDLE", "DRAIN"))
BUSY = frozenset(("MIXED", "DRAIN"))


def sights(*shown: tuple[frozenset[str], str]) -> list[Sight]:
    return [Sight(at_s, at_s, {"n01": Shown(*one)}, {}, {}) for at_s, one in enumerate(shown)]


@pytest.mark.parametrize("reason", ["tidegate:1", "tidegate:1 : Not responding"])
def test_work_that_begins_under_one_drain_is_told(reason: str):
    (told,) = began_on_drained(sights((EMPTY, "tidegate:1"), (BUSY, reason)))
    assert "n01 was drained (tidegate:1) and is DRAIN+MIXED" in told


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param((EMPTY, "tidegate:1"), (BUSY, "tidegate:2"), id="another drain came meanwhile"),
        pytest.param((BUSY, "tidegate:1"), (BUSY, "tidegate:1"), id="work that was there"),
        pytest.param((frozenset(("IDLE",)), ""), (BUSY, "tidegate:1"), id="it was open"),
        pytest.param((EMPTY, "tidegate:1"), (frozenset(("MIXED",)), ""), id="it was opened"),
    ],
)
def test_nothing_else_is(before: tuple[frozenset[str], str], after: tuple[frozenset[str], str]):
    assert began_on_drained(sights(before, after)) == []
