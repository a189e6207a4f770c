"""Quantities: the rows of apimachinery's own tests, with what Go's MilliValue and Value make of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kube.demand.quantities import MOST, milli, whole

QUANTITIES = {  # thousandths, whole units
    "0": (0, 0),
    "0Ki": (0, 0),
    "0n": (0, 0),
    "1": (1000, 1),
    "4": (4000, 4),
    "500m": (500, 1),
    "1500m": (1500, 2),
    "128974848": (128_974_848_000, 128_974_848),
    "128974848000m": (128_974_848_000, 128_974_848),
    "129e6": (129_000_000_000, 129_000_000),
    "129M": (129_000_000_000, 129_000_000),
    "123Mi": (128_974_848_000, 128_974_848),
    "12e6": (12_000_000_000, 12_000_000),
    "1Ki": (1_024_000, 1024),
    "7Mi": (7_340_032_000, 7 * 2**20),
    "6Gi": (6_442_450_944_000, 6 * 2**30),
    "5Ti": (5_497_558_138_880_000, 5 * 2**40),
    "4Pi": (4 * 2**50 * 1000, 4 * 2**50),
    "3Ei": (3 * 2**60 * 1000, 3 * 2**60),
    "5n": (1, 1),
    "4u": (1, 1),
    "3m": (3, 1),
    "8k": (8_000_000, 8000),
    "7M": (7_000_000_000, 7_000_000),
    "6G": (6_000_000_000_000, 6_000_000_000),
    "5T": (5 * 10**15, 5 * 10**12),
    "2P": (2 * 10**18, 2 * 10**15),
    "1E": (10**21, 10**18),
    "1E-3": (1, 1),
    "1e3": (1_000_000, 1000),
    "1.3E+6": (1_300_000_000, 1_300_000),
    "0.5e-1": (50, 1),
    "100.035k": (100_035_000, 100_035),
    "0.0005k": (500, 1),
    "0.5": (500, 1),
    "9.01": (9010, 10),
    "3.001n": (1, 1),
    "0.0000000001": (1, 1),
    "1e-999999999": (1, 1),
    "1e999999999": (MOST * 1000, MOST),
    "9Ei": (MOST * 1000, MOST),
    "100.035Ki": (102_435_840, 102_436),
    "0.05Gi": (53_687_091_200, 53_687_092),
    "0.000000000001Ki": (1, 1),
    ".001": (1, 1),
    ".0001k": (100, 1),
    "1.": (1000, 1),
    "1.G": (10**12, 10**9),
    "+2": (2000, 2),
    "-9.01": (-9010, -10),
}


@pytest.mark.parametrize("text", QUANTITIES)
def test_a_quantity_is_read_as_kubernetes_does(text: str):
    assert (milli(text), whole(text)) == QUANTITIES[text]


@pytest.mark.parametrize(("number", "told"), [(4, 4000), (0, 0), (0.5, 500), (1e22, MOST * 1000), (5e-05, 1)])
def test_a_bare_number_of_json_is_one_too(number: float, told: int):
    assert milli(number) == told


BAD = ("", " ", "1.1.M", "1+1.0M", "0.1mi", "0.1am", "aoeu", ".5i", "1i", "-3.01i", "-3.01e-", " 1", "1 ", "1\n", ".",
       "1e", "Ki", "½", "١", "0x10", "1_000", "NaN", "1" * 5000)  # fmt: skip


@pytest.mark.parametrize("text", BAD, ids=lambda text: repr(text[:10]))
def test_what_is_no_quantity_is_refused(text: str):
    with pytest.raises(ValueError, match="is no quantity"):
        milli(text)


@given(st.integers(0, 10**6), st.integers(0, 999_999), st.sampled_from(["", "m", "k", "Mi", "e2", "n"]))
def test_a_part_of_a_unit_counts_as_a_whole_one(before: int, after: int, suffix: str):
    text = f"{before}.{after:06}{suffix}"
    assert milli(text) <= whole(text) * 1000 < milli(text) + 1000
