"""Long ranges in slices that Prometheus answers: it refuses one of more than 11,000 points."""

from __future__ import annotations

from collections.abc import Iterator

POINTS_MOST = 11_000  # of one series in one answer


def slices(start_s: int, end_s: int, step_s: int, most: int = POINTS_MOST) -> Iterator[tuple[int, int]]:
    """First and last point of each slice of the points ``start_s``, ``start_s + step_s``, … up to ``end_s``: each point
    once, in order, at most ``most`` in a slice. ValueError for a step or a limit that is not above zero.
    """
    if step_s <= 0 or most <= 0:
        raise ValueError(f"step and limit must be above zero, not {step_s} and {most}")
    points = max(0, (end_s - start_s) // step_s + 1)
    for first in range(0, points, most):
        last = min(first + most, points) - 1
        yield start_s + first * step_s, start_s + last * step_s
