"""The history: a regular grid, bounded, where short gaps are held and long ones unknown."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from forecasting.history import HOLD_S, History

NOTHING = np.zeros(0)
HOLD = HOLD_S // 300


def history(slots_max: int = 50, lookback: int = 10) -> History:
    return History(step_s=300, slots_max=slots_max, lookback=lookback, width=0)


def known(kept: History) -> dict[int, float]:
    """What is known, by slot."""
    found = np.flatnonzero(np.isfinite(kept.values))
    return {int(kept.first_slot + row): float(kept.values[row]) for row in found}


def test_samples_lie_behind_an_unknown_lookback():
    kept = history()
    assert kept.put(7, 1.0, NOTHING)
    assert kept.put(8, 2.0, NOTHING)
    assert (kept.last_slot, kept.size, known(kept)) == (8, 12, {7: 1.0, 8: 2.0})


def test_the_same_slot_is_replaced_and_an_older_one_ignored():
    kept = history()
    kept.put(7, 1.0, NOTHING)
    assert not kept.put(7, 3.0, NOTHING)
    assert not kept.put(6, 9.0, NOTHING)
    assert known(kept) == {7: 3.0}


def test_a_short_gap_is_held_and_a_long_one_unknown():
    kept = history()
    kept.put(0, 1.0, NOTHING)
    kept.put(1 + HOLD, 2.0, NOTHING)
    kept.put(3 + 2 * HOLD, 3.0, NOTHING)
    assert known(kept) == {**dict.fromkeys(range(1 + HOLD), 1.0), 1 + HOLD: 2.0, 3 + 2 * HOLD: 3.0}


def test_columns_that_are_not_held_are_unknown_in_every_gap():
    kept = History(step_s=300, slots_max=50, lookback=10, width=2, held=1)
    kept.put(0, 1.0, np.array([2.0, 3.0]))
    kept.put(2, 1.0, np.array([4.0, 5.0]))
    assert np.array_equal(kept.columns[-3:], [[2.0, 3.0], [2.0, np.nan], [4.0, 5.0]], equal_nan=True)


def test_a_gap_longer_than_the_memory_starts_afresh():
    kept = history()
    kept.put(0, 1.0, NOTHING)
    kept.put(10**12, 2.0, NOTHING)
    assert known(kept) == {10**12: 2.0}
    assert kept.size == 11


def test_memory_is_bounded_and_the_youngest_stay():
    kept = history()
    for slot in range(5000):
        kept.put(slot, float(slot), NOTHING)
    assert kept.values.base is not None
    assert kept.values.base.size < 4000
    values = known(kept)
    assert {slot: values[slot] for slot in range(4950, 5000)} == {slot: float(slot) for slot in range(4950, 5000)}


@given(st.lists(st.tuples(st.integers(-3, 90), st.floats(0, 1e9)), max_size=60))
def test_what_was_put_last_is_there(puts: list[tuple[int, float]]):
    kept, last = history(slots_max=10_000), {}
    slot = 0
    for move, value in puts:
        slot += move
        if not last or slot >= max(last):
            last[slot] = value
        kept.put(slot, value, NOTHING)
        slot = max(slot, kept.last_slot)
    assert {at: known(kept)[at] for at in last} == last
