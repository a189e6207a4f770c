"""What stands in one field of an accounting: times in a zone, spans, counts, job numbers, states."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.traces.sacct.times import AMBIGUOUS, NO_SUCH_TIME, Clock, epoch_s
from simulator.traces.sacct.values import (
    CANCELLED,
    COMPLETED,
    FAILED,
    NOT_KNOWN,
    Stage,
    Wrong,
    count,
    job_key,
    limit_s,
    seconds,
    state,
)
from simulator.traces.sacct.wanted import zone

BERLIN, LORD_HOWE = "Europe/Berlin", "Australia/Lord_Howe"  # the second one moves its clocks by half an hour


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


TIMES = {
    "epoch seconds": ("1788220800", "UTC", "2026-09-01T00:00:00", []),
    "UTC": ("2026-09-01T12:34:56", "UTC", "2026-09-01T12:34:56", []),
    "summer": ("2026-09-01T12:34:56", BERLIN, "2026-09-01T10:34:56", []),
    "winter": ("2026-12-01T12:34:56", BERLIN, "2026-12-01T11:34:56", []),
    "its own zone": ("2026-09-01T12:34:56+0200", "UTC", "2026-09-01T10:34:56", []),
    "its own zone, colon": ("2026-09-01T12:34:56-05:30", BERLIN, "2026-09-01T18:04:56", []),
    "Zulu": ("2026-09-01T12:34:56Z", BERLIN, "2026-09-01T12:34:56", []),
    "a blank for the T": ("2026-09-01 12:34:56", BERLIN, "2026-09-01T10:34:56", []),
    "just before the gap": ("2026-03-29T01:59:59", BERLIN, "2026-03-29T00:59:59", []),
    "in the gap": ("2026-03-29T02:30:00", BERLIN, "2026-03-29T01:30:00", [NO_SUCH_TIME]),
    "just after the gap": ("2026-03-29T03:00:00", BERLIN, "2026-03-29T01:00:00", []),
    "before the hour that comes twice": ("2026-10-25T01:59:59", BERLIN, "2026-10-24T23:59:59", []),
    "in the hour that comes twice": ("2026-10-25T02:30:00", BERLIN, "2026-10-25T00:30:00", [AMBIGUOUS]),
    "after the hour that comes twice": ("2026-10-25T03:00:00", BERLIN, "2026-10-25T02:00:00", []),
    "twice for half an hour": ("2026-04-05T01:45:00", LORD_HOWE, "2026-04-04T14:45:00", [AMBIGUOUS]),
    "the other half of that hour": ("2026-04-05T01:15:00", LORD_HOWE, "2026-04-04T14:15:00", []),
}


@pytest.mark.parametrize("case", TIMES)
@pytest.mark.parametrize("seen", ["fresh", "after its neighbours"])
def test_a_time_is_read(case, seen):
    text, name, expected, marks = TIMES[case]
    clock = Clock(zone(name))
    if seen == "after its neighbours" and ":" in text:
        for minute in ("00", "29", "30", "59"):
            clock.read(text[:14].encode() + minute.encode() + b":00")
        clock.marks.clear()
    assert clock.read(text.encode()) == utc(expected)
    assert clock.marks == marks


@pytest.mark.parametrize("text", ["", "Unknown", "None", "N/A", "0", "4294967294", "4294967295"])
def test_an_unknown_time_is_none(text):
    assert Clock(UTC).read(text.encode()) is None


NO_TIMES = (
    "soon|12:34|Today 12:34|Mon 12:34:56|25 Apr|6 Jun 2012|2026-09-01|2026-W36-2|2026-13-01T00:00:00"
    "|2026-09-01T24:61:00|2026-09-01T12:34:60|-5|1e9|01.09.2026 12:34:56|9999999999999|1970-01-01T00:00:05|5|INVALID"
    "|٣٣٣٣٣٣٣٣٣٣|0001-01-01T00:00:00|9999-12-31T23:59:59-2359"
)


@pytest.mark.parametrize("text", [*NO_TIMES.split("|"), "9" * 5000, "2026-09-01T\xe9:00:00"])
def test_what_is_not_a_time_is_refused(text):
    with pytest.raises(Wrong, match="not a time") as wrong:
        Clock(zone(BERLIN)).read(text.encode())
    assert wrong.value.reason == "not a time"
    assert len(str(wrong.value)) < 120


@given(
    st.integers(utc("1990-01-01T00:00:00"), utc("2037-01-01T00:00:00")),
    st.sampled_from([BERLIN, LORD_HOWE, "America/St_Johns", "Asia/Kathmandu", "Africa/Casablanca", "UTC"]),
    st.lists(st.integers(-7200, 7200), max_size=4),
)
@settings(derandomize=True, max_examples=300)
def test_a_local_time_is_read_back_whatever_was_read_before(at_s, name, others):
    """But for hours that come twice, of which the earlier one is taken."""
    where, clock = zone(name), Clock(zone(name))
    moment = datetime.fromtimestamp(at_s, UTC)
    for other_s in others:
        clock.read((moment + timedelta(seconds=other_s)).astimezone(where).strftime("%Y-%m-%dT%H:%M:%S").encode())
    clock.marks.clear()
    local = moment.astimezone(where)
    read_s = clock.read(local.strftime("%Y-%m-%dT%H:%M:%S").encode())
    assert read_s is not None
    if clock.marks:
        assert clock.marks == [AMBIGUOUS]
        assert read_s in (int(moment.timestamp()), int(local.replace(fold=0).timestamp()))
    else:
        assert read_s == int(moment.timestamp())


def test_a_zone_that_is_not_known_is_refused():
    for name in ("Mars/Base", "../../etc/passwd", "", "Europe", "/etc/localtime", "a\0b"):
        with pytest.raises(ValueError, match="not a time zone"):
            zone(name)


def test_utc_needs_no_zones_to_be_installed():
    assert zone("UTC") is zone("utc") is UTC


def test_epoch_seconds_have_bounds():
    assert epoch_s(2 * 86_400) == 2 * 86_400
    with pytest.raises(Wrong):
        epoch_s(-1)


SPANS = {
    "seconds": ("3600", 3600),
    "hours": ("01:02:03", 3723),
    "days": ("1-02:03:04", 93_784),
    "many hours": ("100:00:00", 360_000),
    "minutes and thousandths": ("02:03.456", 123),
    "empty": ("", None),
    "not set": ("4294967294", None),
    "Unknown": ("Unknown", None),
}


@pytest.mark.parametrize("case", SPANS)
def test_a_span_is_read(case):
    text, expected = SPANS[case]
    assert seconds(text.encode()) == expected


LIMITS = {
    "minutes": ("60", 3600),
    "days": ("1-02:03:04", 93_784),
    "UNLIMITED": ("UNLIMITED", None),
    "Partition_Limit": ("Partition_Limit", None),
    "empty": ("", None),
    "infinite": ("4294967295", None),
    "none": ("0", None),
    "00:00:00": ("00:00:00", None),
}


@pytest.mark.parametrize("case", LIMITS)
def test_a_limit_is_read(case):
    text, expected = LIMITS[case]
    assert limit_s(text.encode()) == expected


COUNTS = {
    "plain": ("12", 12),
    "K": ("1K", 1024),
    "half K": ("1.50K", 1536),
    "M": ("2M", 2 * 1024**2),
    "empty": ("", None),
    "not set": ("4294967294", None),
}


@pytest.mark.parametrize("case", COUNTS)
def test_a_count_is_read(case):
    text, expected = COUNTS[case]
    assert count(text.encode()) == expected


@pytest.mark.parametrize("read", [seconds, limit_s, count], ids=["span", "limit", "count"])
@pytest.mark.parametrize(
    "text", ["INVALID", "-1", "many", "1-", "1:2:3:4:5", "99999999999", "9" * 100, "1_000", "\xb2"]
)
def test_what_is_no_number_is_refused(read, text):
    with pytest.raises(Wrong):
        read(text.encode())


KEYS = {
    "a job": ("123", 123),
    "a task of an array": ("123_4", b"123_4"),
    "tasks of an array that wait": ("123_[1-5%2]", b"123_[1-5%2]"),
    "a part of a heterogeneous job": ("123+0", b"123+0"),
}


@pytest.mark.parametrize("case", KEYS)
def test_a_job_number_is_read(case):
    text, expected = KEYS[case]
    assert job_key(text.encode()) == expected


@pytest.mark.parametrize("text", ["", "abc", "-5", "12345678901", "123_", "1 2", "123_4_5", "0x10", "١٢"])
def test_what_is_no_job_number_is_refused(text):
    with pytest.raises(Wrong, match="not a job number"):
        job_key(text.encode())


STATES = {
    "COMPLETED": (Stage.ENDED, COMPLETED),
    "CANCELLED": (Stage.ENDED, CANCELLED),
    "CANCELLED by 1000": (Stage.ENDED, CANCELLED),
    "CANCELLED+": (Stage.ENDED, CANCELLED),
    "TIMEOUT": (Stage.ENDED, FAILED),
    "OUT_OF_MEMORY": (Stage.ENDED, FAILED),
    "RUNNING": (Stage.RUNS, NOT_KNOWN),
    "SUSPENDED": (Stage.RUNS, NOT_KNOWN),
    "PENDING": (Stage.WAITS, NOT_KNOWN),
    "REVOKED": (Stage.ELSEWHERE, NOT_KNOWN),
    "REQUEUED": (Stage.ENDED, NOT_KNOWN),
    "FERTIG": (Stage.ENDED, NOT_KNOWN),
    "": (Stage.ENDED, NOT_KNOWN),
}


@pytest.mark.parametrize("text", STATES)
def test_a_state_is_read(text):
    assert state(text.encode()) == STATES[text]
