"""Takeovers of a policy: when they come, and which of them cannot both be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.nodes import Side
from models.policies import Spec, Takeover
from models.takeover_schedule import meetings, windows_of
from models.takeovers import ALL, Request


def takeover(name: str = "t", schedule: str = "0 18 * * FRI", duration: str = "1h", **more: object) -> Takeover:
    return Takeover.model_validate(
        {
            "name": name,
            "side": "hpc",
            "pool": "pool",
            "nodes": "all",
            "schedule": schedule,
            "duration": duration,
            **more,
        }
    )


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


@pytest.mark.parametrize(
    ("schedule", "zone", "found"),
    [
        ("0 18 * * FRI", "UTC", ["20 18:00"]),
        ("0 18 * * FRI", "Europe/Berlin", ["20 17:00"]),
        ("0 0 * * 7", "UTC", ["22 00:00"]),
        ("0 0 * * 6-7", "UTC", ["21 00:00", "22 00:00"]),
        ("0 12 19 * FRI", "UTC", ["19 12:00", "20 12:00"]),
    ],
    ids=["a weekday by name", "in its time zone", "7 is Sunday, too", "up to Sunday", "both kinds of days: either"],
)
def test_windows(schedule: str, zone: str, found: list[str]):
    windows = list(
        windows_of(takeover(schedule=schedule, timeZone=zone), at("2026-11-18T00:00Z"), at("2026-11-23T00:00Z"))
    )
    assert [datetime.fromtimestamp(window.from_s, UTC).strftime("%d %H:%M") for window in windows] == found
    assert all(window.to_s - window.from_s == 3600 and window.nodes == ALL for window in windows)


def test_a_window_that_begins_at_the_first_second_counts_and_at_the_last_not():
    one = takeover(schedule="0 18 * * *")
    first, last = at("2026-11-18T18:00Z"), at("2026-11-19T18:00Z")
    assert [window.from_s for window in windows_of(one, first, last)] == [first]


@pytest.mark.parametrize(
    ("takeovers", "told"),
    [
        ([takeover("a", "0 1 * * *"), takeover("b", "0 2 * * *")], []),
        ([takeover("a", "0 1 * * *", "2h"), takeover("b", "0 2 * * *")], ["b begins while a has the pool"]),
        ([takeover("a", "0 1 1 * *", "2h"), takeover("b", "0 2 1 JUL *")], ["b begins while a has the pool"]),
        ([takeover("a", "0 1 * * *", "2h"), takeover("b", "0 2 * * *", pool="other")], []),
        ([takeover("a", "0 1 * * *", "25h")], ["a comes again before it is over"]),
        ([takeover("a", "0 1 * * *", "2h"), takeover("b", "0 4 * * *", timeZone="Europe/Berlin")], ["b begins"]),
    ],
    ids=[
        "one after the other",
        "they meet daily",
        "they meet once a year",
        "other pools",
        "with itself",
        "in summer",
    ],
)
def test_takeovers_that_meet_are_told(takeovers: list[Takeover], told: list[str]):
    found = meetings(takeovers)
    assert len(found) == len(told)
    assert all(text in what for text, (_, what) in zip(told, found, strict=True))


@pytest.mark.parametrize(
    ("pool", "takeovers", "told"),
    [
        ({"nodes": "n[1-8]"}, {"nodes": 9}, "pool pool can give hpc 8 nodes at most"),
        ({"nodes": "n[1-8]", "floor": {"kubernetes": 2}}, {"nodes": 7}, "can give hpc 6 nodes at most"),
        ({"nodes": "n[1-8]", "ceiling": {"hpc": 5}}, {"nodes": 6}, "can give hpc 5 nodes at most"),
        ({}, {"timeZone": "Europe/Atlantis"}, "the time zone 'Europe/Atlantis' is not known"),
        ({}, {"timeZone": "../../etc/passwd"}, "is not known"),
        ({}, {"timeZone": 1}, "a time zone is text"),
        ({}, {"grace": "5h"}, "must be from 0s to 4h"),
    ],
)
def test_what_cannot_be_is_refused(pool: dict[str, object], takeovers: dict[str, object], told: str):
    one = {"name": "t", "side": "hpc", "pool": "pool", "nodes": "all", "schedule": "0 0 * * *", "duration": "1h"}
    with pytest.raises(ValueError, match=told):
        Spec.model_validate({"pools": [{"name": "pool", **pool}], "takeovers": [{**one, **takeovers}]})


@given(st.text(max_size=8), st.text(max_size=8), st.integers(), st.integers(), st.integers(), st.text(max_size=80))
def test_any_request_is_one_that_can_be_meant_or_a_value_error(
    ident: str, pool: str, nodes: int, at_s: int, for_s: int, by: str
):
    try:
        request = Request(ident, pool, Side.HPC, nodes, at_s, for_s, by, 0)
    except ValueError:
        return
    assert request.window.from_s < request.window.to_s
    assert request.by.isprintable()
