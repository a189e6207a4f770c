"""Numbers and Kubernetes quantities."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import BadInput
from simulator.traces.quantities import parse_cpu_milli, parse_memory_mib, parse_seconds, parse_whole, quoted


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
        ("4194304", 4 * 2**20),
        ("12e6", 12),
        ("12M", 12),
        ("129e6", 124),
        ("129M", 124),
        ("1.5E9", 1431),
        ("1e+3", 1),
        ("1e-3", 1),
        ("0e6", 0),
        ("128974848000m", 123),
        ("123Mi", 123),
        ("134217728000000u", 128),
        ("134217728000000000n", 128),
        ("2048k", 2),
        ("1T", 953_675),
        ("0.00001P", 9537),
        ("0.00001E", 9_536_744),
        ("0.01Pi", 10_737_419),
        ("0.00001Ei", 10_995_117),
    ],
)
def test_memory(text, mib):
    assert parse_memory_mib(text) == mib


@pytest.mark.parametrize("parse", [parse_cpu_milli, parse_memory_mib])
@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-1",
        "many",
        "1 Gi",
        "1gi",
        "1KiB",
        "0x10",
        "1e",
        "1e3Mi",
        "1e999",
        "٣",
        "nan",
        "1_0",
        "1K",
        "1KB",
        "1,5",
        "1.000,5",
        "1 000",
        "9" * 99,
    ],
)
def test_no_quantity(parse, text):
    with pytest.raises(BadInput) as caught:
        parse(text)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (parse_cpu_milli, "1000001", "is more than 1000000 cores"),
        (parse_cpu_milli, "1M", None),
        (parse_memory_mib, "134217728", "more than 4 TiB, as MiB without a suffix"),
        (parse_memory_mib, "67108864", "more than 4 TiB, as MiB without a suffix"),
        (parse_memory_mib, "6291456.", "more than 4 TiB, as MiB without a suffix"),
        (parse_memory_mib, "+4194305", "more than 4 TiB, as MiB without a suffix"),
        (parse_memory_mib, "65Ti", "more than 64 TiB"),
        (parse_memory_mib, "1e14", "more than 64 TiB"),
        (parse_memory_mib, "1E", "more than 64 TiB"),
        (parse_memory_mib, "64Ti", None),
    ],
)
def test_a_slip_of_the_unit(parse, text, message):
    if message is None:
        assert parse(text) > 0
        return
    with pytest.raises(BadInput, match=message):
        parse(text)


SUFFIX_BYTES = {"": None, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12} | {
    f"{letter}i": 1024**power for power, letter in enumerate("KMGT", start=1)
}


@given(st.integers(0, 60), st.sampled_from([suffix for suffix in SUFFIX_BYTES if suffix]), st.integers(0, 12))
@settings(derandomize=True)
def test_bytes_are_the_same_whatever_the_suffix_or_exponent(number, suffix, digits):
    """As the page of Kubernetes on memory has it: 128974848, 129e6, 129M, 128974848000m and 123Mi are the same."""
    size = number * SUFFIX_BYTES[suffix]
    mib = -(-size // 2**20)
    if digits <= len(str(size)) - 1 and size % 10**digits == 0:
        assert parse_memory_mib(f"{size // 10**digits}e{digits}") == mib
    assert (
        parse_memory_mib(f"{number}{suffix}") == parse_memory_mib(f"{size}000m") == parse_memory_mib(f"{size}e0") == mib
    )


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


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("1,5", "not a comma"),
        ("1.200,50", "not a comma"),
        ("1'200", "without separators"),
        ("1 200.5", "without separators"),
        ("2026-09-01", "a date"),
        ("01.09.2026 10:00", "a date"),
        ("Tue Sep  1 2026", "a date"),
        ("10:00", "a date"),
        ("many", ""),
        ("", ""),
        ("12x", ""),
    ],
)
def test_a_text_that_is_no_number_is_told_with_what_it_may_be(text, hint):
    with pytest.raises(ValueError, match=f"^{re.escape(repr(text))} is not a number{'.*' + hint if hint else '$'}"):
        parse_whole(text)


def test_a_time_in_milliseconds_is_refused():
    assert parse_seconds("253402300799") == 253_402_300_799
    with pytest.raises(ValueError, match="in milliseconds"):
        parse_seconds("253402300800")


@given(st.text() | st.binary())
@settings(derandomize=True)
def test_what_is_shown_is_short_and_harmless(text):
    assert len(quoted(text)) < 500
    assert quoted(text).isprintable()
