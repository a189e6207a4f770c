"""What each side has while nodes are on their way, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.decide.transit import Flow, Transit, capacities


def flow(
    left_s: tuple[float, ...] = (),
    lands_s: tuple[float, ...] = (),
    recallable: int = 0,
    leaves_s: tuple[float, ...] = (),
    lead_s: float = 100,
) -> Flow:
    leaves = np.array(leaves_s, dtype=float)
    return Flow(np.array(left_s, dtype=float), np.array(lands_s, dtype=float), recallable, leaves, leaves + lead_s)


def at(up: Flow, down: Flow, offset: int, times_s: tuple[float, ...] = (50, 150, 250)) -> Transit:
    return capacities(5, 3, up, down, np.array([offset]), np.array(times_s, dtype=float))


# up, down, offset -> HPC's nodes, Kubernetes' nodes at 50, 150 and 250 s; the step by which all has landed; new moves
CASES = {
    "staying": (flow(leaves_s=(0, 0)), flow(), 0, [5, 5, 5], [3, 3, 3], 0, 0),
    "one idle node goes to Kubernetes": (flow(leaves_s=(0, 0)), flow(), 1, [4, 4, 4], [3, 4, 4], 1, 1),
    "one that is busy until 120 s": (flow(leaves_s=(120,)), flow(), 1, [5, 4, 4], [3, 3, 4], 2, 1),
    "those that free soonest go first": (flow(leaves_s=(0, 120)), flow(), 2, [4, 3, 3], [3, 4, 5], 2, 2),
    "one goes to HPC": (flow(), flow(leaves_s=(0,)), -1, [5, 6, 6], [2, 2, 2], 1, 1),
    "one is under way and empty": (flow((-1,), (150,)), flow(), 0, [5, 5, 5], [3, 4, 4], 1, 0),
    "one is under way and still works": (flow((100,), (200,), 1), flow(), 0, [6, 5, 5], [3, 3, 4], 2, 0),
    "it is turned back": (flow((100,), (200,), 1), flow(), -1, [6, 6, 6], [3, 3, 3], 0, 0),
    "one is turned back and another moves": (
        flow((100,), (200,), 1),
        flow(leaves_s=(0,)),
        -2,
        [6, 7, 7],
        [2, 2, 2],
        1,
        1,
    ),
    "it would land beyond the horizon": (flow(leaves_s=(0,), lead_s=1000), flow(), 1, [4, 4, 4], [3, 3, 3], 3, 1),
}


@pytest.mark.parametrize(
    ("up", "down", "offset", "hpc", "kubernetes", "landed", "moves"), CASES.values(), ids=CASES.keys()
)
def test_capacities_by_hand(
    up: Flow, down: Flow, offset: int, hpc: list[int], kubernetes: list[int], landed: int, moves: int
):
    found = at(up, down, offset)
    assert found.hpc[:, 0].tolist() == hpc
    assert found.kubernetes[:, 0].tolist() == kubernetes
    assert (found.landed.tolist(), found.new_moves.tolist()) == ([landed], [moves])


@settings(max_examples=100)
@given(
    leaves_s=st.lists(st.floats(0, 400), max_size=5).map(sorted),
    going_s=st.lists(st.floats(0, 400), max_size=3).map(sorted),
    lead_s=st.floats(0, 300),
)
def test_no_node_is_counted_on_both_sides(leaves_s: list[float], going_s: list[float], lead_s: float):
    up = flow(tuple(going_s), tuple(at_s + lead_s for at_s in going_s), len(going_s), tuple(leaves_s), lead_s)
    offsets = np.arange(-len(going_s), len(leaves_s) + 1)
    found = capacities(5, 3, up, flow(), offsets, np.arange(50.0, 1000.0, 50.0))
    together = found.hpc + found.kubernetes
    assert (together <= 8 + len(going_s)).all()
    assert (found.kubernetes >= 3).all()
    for number, landed in enumerate(found.landed):
        assert (together[landed:, number] == 8 + len(going_s)).all()
