"""The horizon against brute force: every path of splits, counted one by one."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from controller.decide.horizon import cost_to_go

COSTS = st.one_of(st.floats(0, 100, allow_nan=False), st.just(np.inf))


def by_brute_force(stage: np.ndarray, switch: float) -> np.ndarray:
    steps, width = stage.shape
    value = np.zeros((steps + 1, width))
    for step in range(steps):
        for first in range(width):
            paths = product([first], *[range(width)] * (steps - step - 1))
            value[step, first] = min(
                sum(stage[step + n, k] for n, k in enumerate(path))
                + sum(switch * abs(b - a) for a, b in pairwise(path))
                for path in paths
            )
    return value


@settings(max_examples=80)
@given(
    stage=st.tuples(st.integers(1, 4), st.integers(1, 4)).flatmap(lambda shape: arrays(float, shape, elements=COSTS)),
    switch=st.floats(0, 20),
)
def test_cost_to_go_is_the_least_over_all_paths(stage: np.ndarray, switch: float):
    assert cost_to_go(stage, switch) == pytest.approx(by_brute_force(stage, switch))


CASES = {
    "staying is free": ([[0, 5], [0, 5]], 1.0, 0.0),
    "worth the switch": ([[0, 9], [9, 0]], 1.0, 1.0),
    "not worth the switch": ([[0, 9], [0.5, 0]], 1.0, 0.5),
    "two valleys with a wall between them": ([[1, 9, 9], [9, 9, 0]], 2.0, 5.0),
    "a forbidden split is stepped over": ([[0, np.inf, 3], [np.inf, np.inf, 0]], 0.5, 1.0),
}


@pytest.mark.parametrize(("stage", "switch", "expected"), CASES.values(), ids=CASES.keys())
def test_cost_to_go_by_hand(stage: list[list[float]], switch: float, expected: float):
    assert cost_to_go(np.array(stage, dtype=float), switch)[0, 0] == pytest.approx(expected)


def test_nothing_is_left_to_pay_after_the_last_step():
    assert (cost_to_go(np.ones((3, 2)), 1.0)[3] == 0).all()
