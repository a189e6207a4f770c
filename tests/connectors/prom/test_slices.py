"""Slices of a range: no point is lost, none is asked for twice, and no slice is larger than is answered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.prom.slices import slices


@given(
    start_s=st.integers(-(10**10), 10**10),
    span_s=st.integers(-1000, 10**6),
    step_s=st.integers(1, 10**4),
    most=st.integers(1, 50),
)
def test_each_point_once_and_in_order(start_s: int, span_s: int, step_s: int, most: int):
    step_s = max(step_s, span_s // 1000)  # no more than a thousand points
    parts = [range(first, last + 1, step_s) for first, last in slices(start_s, start_s + span_s, step_s, most)]
    assert [at_s for part in parts for at_s in part] == [*range(start_s, start_s + span_s + 1, step_s)]
    assert all(1 <= len(part) <= most for part in parts)
    assert all(part[-1] <= start_s + span_s for part in parts)


@pytest.mark.parametrize(("step_s", "most"), [(0, 1), (-1, 1), (1, 0)])
def test_steps_that_lead_nowhere(step_s: int, most: int):
    with pytest.raises(ValueError, match="above zero"):
        [*slices(0, 10, step_s, most)]
