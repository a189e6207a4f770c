"""Means of ratios over windows: by hand, and what holds for all."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.ratios import Mean, geometric_mean, over_windows, paired


@pytest.mark.parametrize(
    ("ratios", "mean"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"a": 0.5}, Mean(0.5, None, 0.5, "a", 1), id="one has no spread"),
        pytest.param({"a": 0.5, "b": 2.0}, Mean(1.0, math.log(2), 2.0, "b", 2), id="half and twice are even"),
        pytest.param({"b": 1.1, "a": 1.1}, Mean(1.1, 0.0, 1.1, "b", 2), id="alike"),
    ],
)
def test_the_mean_over_windows(ratios: dict[str, float], mean: Mean | None):
    found = over_windows(ratios)
    assert (found is None) is (mean is None)
    if found is not None and mean is not None:
        assert (found.worst_window, found.windows) == (mean.worst_window, mean.windows)
        assert (found.mean, found.error, found.worst) == pytest.approx((mean.mean, mean.error, mean.worst), abs=1e-12)


@pytest.mark.parametrize(
    ("ours", "theirs", "ratio"),
    [
        pytest.param([2, 8], [4, 4], 1.0, id="seed by seed, not sum by sum"),
        pytest.param([3, 3], [1, 1], 3.0, id="alike"),
        pytest.param([0, 3], [1, 1], None, id="nothing on our side"),
        pytest.param([1], [0], None, id="nothing on theirs"),
    ],
)
def test_ratios_are_paired_by_seed(ours: list[float], theirs: list[float], ratio: float | None):
    assert paired(ours, theirs) == (None if ratio is None else pytest.approx(ratio))


@given(st.lists(st.floats(0.1, 10), min_size=2, max_size=30))
def test_the_mean_lies_between_and_turns_with_the_ratios(ratios: list[float]):
    mean = geometric_mean(ratios)
    assert min(ratios) * (1 - 1e-9) <= mean <= max(ratios) * (1 + 1e-9)
    assert geometric_mean([1 / ratio for ratio in ratios]) == pytest.approx(1 / mean)
    found = over_windows({str(number): ratio for number, ratio in enumerate(ratios)})
    assert found is not None
    assert found.error is not None
    assert found.error >= 0
    assert found.worst == max(ratios)
