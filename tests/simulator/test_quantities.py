"""Numbers and Kubernetes quantities."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import BadInput
from simulator.traces.quantities import parse_cpu_milli, parse_memory_mib, parse_whole, quoted


@pytest.mark.parametrize(
    ("text", "milli"),
    [
        ("100m", 100),
        ("2", 2000),
        ("0.5", 500),
        (".5", 500),
        ("2.", 2000),
        ("1e3", 1_000_000),
        ("1E-1", 100),
        ("+3", 3000),
        ("2k", 2_000_000),
        ("0.1m", 1),
        ("1u", 1),
        ("500000001n", 501),
        ("0", 0),
        (" 4 ", 4000),
    ],
)
def test_cpu(text, milli):
    assert parse_cpu_milli(text) == milli


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        ("512Mi", 512),
        ("1Gi", 1024),
        ("1.5Gi", 1536),
        ("2G", 1908),
        ("512", 512),
        ("0.5", 1),
        ("1Ki", 1),
        ("1k", 1),
        ("1Ti", 2**20),
        ("134217728000m", 128),
        ("0", 0),
    ],
)
def test_memory(text, mib):
    assert parse_memory_mib(text) == mib


@pytest.mark.parametrize("parse", [parse_cpu_milli, parse_memory_mib])
@pytest.mark.parametrize(
    "text",
    ["", " ", "-1", "many", "1 Gi", "1gi", "1KiB", "0x10", "1e", "1e3Mi", "1e999", "٣", "nan", "1_0", "9" * 99],
)
def test_no_quantity(parse, text):
    with pytest.raises(BadInput) as caught:
        parse(text)
    assert caught.value.remedy


@pytest.mark.parametrize(("parse", "text"), [(parse_cpu_milli, "1000001"), (parse_memory_mib, "134217728")])
def test_a_slip_of_the_unit(parse, text):
    with pytest.raises(BadInput, match="is more than"):
        parse(text)


@given(st.integers(0, 10**6))
@settings(derandomize=True)
def test_units_agree(number):
    assert parse_cpu_milli(f"{number}m") == number
    assert parse_cpu_milli(str(number)) == parse_cpu_milli(f"{number}e0") == number * 1000
    assert parse_memory_mib(f"{number}Mi") == parse_memory_mib(f"{number * 1024}Ki") == parse_memory_mib(str(number))


@pytest.mark.parametrize(
    ("text", "number"), [("12", 12), (b"12", 12), ("12.9", 12), ("-1.9", -1), ("1e3", 1000), ("-0.5", 0), (" 7 ", 7)]
)
def test_whole(text, number):
    assert parse_whole(text) == number


@pytest.mark.parametrize("text", ["", "x", "nan", "-inf", "1e16", str(10**16), "9" * 5000, b"\xff"])
def test_not_whole(text):
    with pytest.raises(ValueError, match=r"is not a|is beyond"):
        parse_whole(text)


@given(st.text() | st.binary())
@settings(derandomize=True)
def test_what_is_shown_is_short_and_harmless(text):
    assert len(quoted(text)) < 500
    assert quoted(text).isprintable()
