"""Cron schedules as the CronJob controller reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.cron import schedule_of, starts, zone_of


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def coming(text: str, zone: str, after: str, until: str) -> list[str]:
    found = starts(schedule_of(text), zone_of(zone), at(after), at(until))
    return [datetime.fromtimestamp(one, UTC).strftime("%d %H:%M") for one in found]


@pytest.mark.parametrize(
    ("text", "zone", "after", "until", "found"),
    [
        pytest.param("0 18 * * FRI", "UTC", "2026-11-18T00:00Z", "2026-11-28T00:00Z", ["20 18:00", "27 18:00"],
                     id="a day of the week by name"),
        pytest.param("30 2 * * 0", "UTC", "2026-11-18T00:00Z", "2026-11-25T00:00Z", ["22 02:30"], id="0 is Sunday"),
        pytest.param("0 0 13 * 5", "UTC", "2026-11-12T00:00Z", "2026-11-21T00:00Z", ["13 00:00", "20 00:00"],
                     id="both kinds of days bounded: either will do"),
        pytest.param("0 0 */2 * 5", "UTC", "2026-11-18T00:00Z", "2026-11-20T12:00Z",
                     ["19 00:00", "20 00:00"], id="a step over all is a bound as well"),
        pytest.param("0 0 * * 1-3", "UTC", "2026-11-16T12:00Z", "2026-11-23T12:00Z",
                     ["17 00:00", "18 00:00", "23 00:00"], id="one kind of days bounded"),
        pytest.param("10/20 6 * * *", "UTC", "2026-11-18T00:00Z", "2026-11-19T00:00Z",
                     ["18 06:10", "18 06:30", "18 06:50"], id="from a value in steps"),
        pytest.param("@daily", "Europe/Berlin", "2026-11-18T00:00Z", "2026-11-19T23:30Z", ["18 23:00", "19 23:00"],
                     id="a macro in a time zone"),
        pytest.param("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", "2026-03-30T12:00Z", ["30 00:30"],
                     id="an hour that is left out has no starts"),
        pytest.param("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", "2026-10-25T12:00Z",
                     ["25 00:30", "25 01:30"], id="an hour that comes twice has two"),
        pytest.param("0 0 30 2 *", "UTC", "2026-01-01T00:00Z", "2027-01-01T00:00Z", [], id="a day that never comes"),
        pytest.param("0 12 * * *", "UTC", "2026-11-18T12:00Z", "2026-11-19T12:00Z", ["19 12:00"],
                     id="after the one instant, and the other with it"),
        pytest.param("0 0 1 JAN,jul ?", "UTC", "2026-06-01T00:00Z", "2027-02-01T00:00Z", ["01 00:00", "01 00:00"],
                     id="names whatever their case, and the other word for all"),
    ],
)  # fmt: skip
def test_starts(text: str, zone: str, after: str, until: str, found: list[str]):
    assert coming(text, zone, after, until) == found


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "five fields"),
        ("0," * 600 + "0 * * * *", "longer than 1000"),
        ("* * * *", "five fields"),
        ("@every 1h", "five fields"),
        ("TZ=UTC 0 0 * * *", "five fields"),
        ("60 * * * *", "minute '60' is not within 0 to 59"),
        ("* * * * 7", "day of the week '7' is not within 0 to 6"),
        ("* * 0 * *", "day of the month '0'"),
        ("5-1 * * * *", "minute '5-1'"),
        ("*/0 * * * *", "minute '*/0'"),
        ("* * * xyz *", "month 'xyz' is no number"),
        ("1,,2 * * * *", "minute '' is no number"),
        ("٣ * * * *", "is no number"),
    ],
)
def test_what_is_no_schedule_is_named(text: str, wrong: str):
    with pytest.raises(ValueError, match=wrong.replace("*", r"\*")):
        schedule_of(text)


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "/etc/localtime", "a\0b"])
def test_what_is_no_time_zone_is_named(name: str):
    with pytest.raises(ValueError, match="is not known"):
        zone_of(name)


def field(least: int, most: int) -> st.SearchStrategy[str]:
    value = st.integers(least, most)
    span = st.tuples(value, value).map(lambda two: f"{min(two)}-{max(two)}")
    step = st.tuples(st.one_of(st.just("*"), span), st.integers(1, 9)).map(lambda two: f"{two[0]}/{two[1]}")
    part = st.one_of(st.just("*"), value.map(str), span, step)
    return st.lists(part, min_size=1, max_size=2).map(",".join)


@given(
    st.tuples(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6)),
    st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/New_York"]),
    st.integers(at("2026-03-01T00:00Z"), at("2026-11-30T00:00Z")),
)
def test_the_starts_are_the_minutes_at_which_every_field_holds(fields: tuple[str, ...], zone: str, after_s: int):
    schedule, place = schedule_of(" ".join(fields)), ZoneInfo(zone)
    until_s = after_s + int(timedelta(hours=30).total_seconds())
    minutes = (
        (second, datetime.fromtimestamp(second, place))
        for second in range(after_s - after_s % 60 + 60, until_s + 1, 60)
    )
    by_hand = [
        second
        for second, local in minutes
        if schedule.on(local.date()) and local.hour in schedule.hours and local.minute in schedule.minutes
    ]
    assert list(starts(schedule, place, after_s, until_s)) == by_hand
