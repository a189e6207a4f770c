"""A forecast is of one shape, finite, never negative, and its quantiles do not cross."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.demand import Demand
from models.forecasts import Source, flat, of_arrays
from models.nodes import Side

GOOD = of_arrays(
    Side.HPC, 0, 2.0, np.array([300, 900]), np.array([0.1, 0.9]), np.array([[1.0, 2.0], [0.0, 3.5]]), Source.MODEL
)


def test_arrays_become_plain_numbers():
    assert (GOOD.horizons_s, GOOD.levels, GOOD.values) == ((300, 900), (0.1, 0.9), ((1.0, 2.0), (0.0, 3.5)))
    assert {type(number) for number in (*GOOD.horizons_s, *GOOD.levels, *GOOD.values[0])} == {int, float}


def test_a_flat_one_has_no_spread():
    assert flat(Side.HPC, 5, 2.0, (300, 900), Source.NOW).values == ((2.0,), (2.0,))


@pytest.mark.parametrize(
    ("values", "why"),
    [
        pytest.param(((1.0, 2.0),), "horizons x levels", id="a row is missing"),
        pytest.param(((1.0, 2.0), (1.0,)), "horizons x levels", id="a level is missing"),
        pytest.param(((1.0, float("inf")), (1.0, 2.0)), "finite", id="infinite"),
        pytest.param(((1.0, float("nan")), (1.0, 2.0)), "finite", id="no number"),
        pytest.param(((-0.1, 2.0), (1.0, 2.0)), "not negative", id="below zero"),
        pytest.param(((1.0, 2.0), (2.0, 1.0)), "must not cross", id="falling"),
    ],
)
def test_what_is_no_forecast(values: tuple[tuple[float, ...], ...], why: str):
    with pytest.raises(ValueError, match=why):
        replace(GOOD, values=values)


@pytest.mark.parametrize(
    "changes",
    [
        {"now": float("nan")},
        {"now": float("inf")},
        {"now": -1.0},
        {"horizons_s": (300, 300)},
        {"horizons_s": (900, 300)},
        {"horizons_s": (0, 300)},
        {"horizons_s": (-300, 300)},
        {"horizons_s": (), "values": ()},
        {"levels": (0.5, 0.5)},
        {"levels": (0.9, 0.1)},
        {"levels": (0.0, 0.5)},
        {"levels": (0.5, 1.0)},
        {"levels": (0.5, float("nan"))},
        {"levels": (), "values": ((), ())},
    ],
    ids=str,
)
def test_what_a_decision_could_not_reckon_with_is_no_forecast(changes: dict[str, object]):
    """Times and levels divide by their distances: whoever writes to the bus could stop every decision."""
    with pytest.raises(ValueError, match=r"must rise|demand cannot be"):
        replace(GOOD, **changes)


@pytest.mark.parametrize("nodes", [float("nan"), float("inf"), -0.1, -float("inf")])
def test_what_is_no_demand(nodes: float):
    with pytest.raises(ValueError, match="finite and not negative"):
        Demand(Side.HPC, 0, nodes, 1.0)
    with pytest.raises(ValueError, match="finite and not negative"):
        Demand(Side.HPC, 0, 1.0, nodes)
