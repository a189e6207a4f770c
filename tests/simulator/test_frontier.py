"""The frontier: which points are on a curve, and what lies between them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.frontier import Point, curve, wait_at

LINE = (Point(0.0, 300, 60), Point(0.02, 100, 40), Point(0.10, 50, 20))


@pytest.mark.parametrize(
    ("points", "share", "wait_s"),
    [
        pytest.param(LINE, 0.02, 100, id="on a point"),
        pytest.param(LINE, 0.01, 200, id="half way between two"),
        pytest.param(LINE, 0.06, 75, id="between the next two"),
        pytest.param(LINE, 0.5, 50, id="beyond the last: every point serves better"),
        pytest.param(LINE[1:], 0.01, None, id="no point serves so well"),
        pytest.param(
            (*LINE, Point(0.015, 400, 0)), 0.01, 200, id="a point that another beats in both counts for nothing"
        ),
        pytest.param((*LINE, Point(0.02, 90, 0)), 0.02, 90, id="of two that serve alike the shorter wait"),
        pytest.param((), 0.01, None, id="no point"),
    ],
)
def test_the_wait_at_a_service_level(points: tuple[Point, ...], share: float, wait_s: float | None):
    assert wait_at(points, share) == (None if wait_s is None else pytest.approx(wait_s))


SOME = st.lists(st.builds(Point, st.floats(0, 1), st.floats(0, 1e6), st.just(0.0)), min_size=1, max_size=12)


@given(SOME)
def test_no_point_beats_one_of_the_curve_and_each_is_beaten_or_on_it(points: list[Point]):
    along = curve(points)
    assert all(a.unmet_share < b.unmet_share and a.wait_s > b.wait_s for a, b in pairwise(along))
    for one in points:
        assert any(best.unmet_share <= one.unmet_share and best.wait_s <= one.wait_s for best in along)


@given(SOME, st.floats(0, 1), st.floats(0, 1))
def test_more_unmet_never_means_a_longer_wait(points: list[Point], one: float, other: float):
    less, more = wait_at(points, min(one, other)), wait_at(points, max(one, other))
    assert less is None or (more is not None and more <= less + 1e-6 * max(1.0, less))
