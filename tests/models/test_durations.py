"""Durations as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.durations import duration_s, duration_text


@pytest.mark.parametrize(("text", "seconds"), [("0s", 0), ("90s", 90), ("5m", 300), ("4h", 14400), ("2d", 172800)])
def test_durations(text: str, seconds: int):
    assert duration_s(text) == seconds


NO_DURATIONS = [300, None, True, [], "", "5", "m", "5 m", "5M", "-5m", "1.5h", "1h30m", "5m\n", "٣m", "9" * 10 + "s"]


@pytest.mark.parametrize("text", NO_DURATIONS)
def test_what_is_no_duration_is_refused_with_an_example(text: object):
    with pytest.raises(ValueError, match="for example 90s"):
        duration_s(text)


@given(st.integers(0, 10**8))
def test_a_duration_reads_back(seconds: int):
    assert duration_s(duration_text(seconds)) == seconds
