"""The newest event of each key: any order, with any repetitions, gives the same state."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import events
from models.demand import Demand
from models.events import OURS_MOST, Event, Latest, Topic
from models.nodes import Side

KEYS = ("a", "b", "c")
HISTORIES = st.lists(st.tuples(st.sampled_from(KEYS), st.integers(0, 30), st.booleans()), max_size=25)


def event(key: str, version: int, *, gone: bool = False) -> Event:
    payload = None if gone else Demand(Side.HPC, version, float(version), 0.0)
    return Event(Topic.WORK, key, payload, version, "/test", 0.0)


def taken(*told: Event) -> Latest:
    latest = Latest()
    for one in told:
        latest.take(one)
    return latest


def told(history: list[tuple[str, int, bool]]) -> list[Event]:
    """The events of a history; one version of a key says only one thing."""
    things = {(key, version): gone for key, version, gone in history}
    return [event(key, version, gone=gone) for (key, version), gone in things.items()]


@given(HISTORIES, st.data())
def test_any_order_with_any_repetitions_gives_the_same_state(history: list[tuple[str, int, bool]], data: st.DataObject):
    once = told(history)
    repeated = data.draw(st.lists(st.sampled_from(once), max_size=20)) if once else []
    shuffled = data.draw(st.permutations(once + repeated))
    newest: dict[str, Event] = {}
    for one in sorted(once, key=lambda one: one.version):
        newest[one.key] = one
    expected = {key: one for key, one in newest.items() if one.payload is not None}
    assert taken(*once).state == taken(*shuffled).state == expected


@given(HISTORIES, st.data())
def test_every_event_is_news_or_outdated_or_a_mark_of_what_was_not_there(
    history: list[tuple[str, int, bool]], data: st.DataObject
):
    once = told(history)
    shuffled = data.draw(st.permutations(once))
    latest = Latest()
    news = [latest.take(one) for one in shuffled]
    outdated = 0
    versions: dict[str, int] = {}
    for one in shuffled:
        outdated += one.version <= versions.get(one.key, -1)
        versions[one.key] = max(one.version, versions.get(one.key, -1))
    assert latest.outdated == outdated
    assert sum(news) <= len(shuffled) - outdated
    assert [latest.take(one) for one in shuffled] == [False] * len(shuffled)  # the second time nothing is news
    assert latest.outdated == outdated + len(shuffled)


def test_news_is_news_once():
    latest = Latest()
    assert latest.take(event("a", 1))
    assert not latest.take(event("a", 1))
    assert latest.take(event("a", 3))
    assert not latest.take(event("a", 2))
    assert (latest.state, latest.outdated) == ({"a": event("a", 3)}, 2)


def test_version_0_is_news():
    assert Latest().take(event("a", 0))


def test_clocks_do_not_say_which_is_newer():
    early = replace(event("a", 2), at_s=5.0)
    assert taken(early, replace(event("a", 1), at_s=9.0)).state == {"a": early}


def test_what_is_gone_has_no_state():
    latest = taken(event("a", 1), event("b", 1))
    assert latest.take(event("a", 2, gone=True))
    assert latest.state == {"b": event("b", 1)}


def test_a_mark_of_what_was_never_there_is_no_news_and_no_duplicate():
    latest = Latest()
    assert not latest.take(event("a", 2, gone=True))
    assert latest.outdated == 0


@pytest.mark.parametrize("gone", [False, True], ids=["state", "another mark"])
@pytest.mark.parametrize("version", [1, 2])
def test_a_late_event_does_not_bring_a_key_back(version: int, gone: bool):
    latest = taken(event("a", 1), event("a", 2, gone=True))
    assert not latest.take(event("a", version, gone=gone))
    assert (latest.state, latest.outdated) == ({}, 1)


def test_a_mark_comes_before_what_it_ends():
    assert taken(event("a", 2, gone=True), event("a", 1)).state == {}


def test_a_newer_event_brings_a_key_back():
    latest = taken(event("a", 1), event("a", 2, gone=True))
    assert latest.take(event("a", 3))
    assert latest.state == {"a": event("a", 3)}
    assert not latest.take(event("a", 2, gone=True))
    assert latest.state == {"a": event("a", 3)}


def test_only_so_many_gone_keys_are_remembered_and_the_first_are_forgotten_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(events, "GONE_KEPT", 3)
    latest = taken(*(event(f"k{number}", 5, gone=True) for number in range(5)))
    assert len(latest._gone) == 3
    assert [latest.take(event(f"k{number}", 4)) for number in range(5)] == [True, True, False, False, False]
    assert len(latest._gone) == 3


def test_a_key_that_ends_again_is_remembered_anew(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(events, "GONE_KEPT", 2)
    latest = taken(
        event("a", 1, gone=True), event("b", 1, gone=True), event("a", 2, gone=True), event("c", 1, gone=True)
    )
    assert not latest.take(event("a", 1))
    assert latest.take(event("b", 1))


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9), st.booleans()), max_size=80))
def test_memory_has_a_limit(history: list[tuple[int, int, bool]]):
    before, events.GONE_KEPT = events.GONE_KEPT, 4
    try:
        latest = taken(*(event(f"k{key}", version, gone=gone) for key, version, gone in history))
    finally:
        events.GONE_KEPT = before
    assert len(latest._gone) <= 4
    assert not latest._gone.keys() & latest.state.keys()  # a key is told of once


@pytest.mark.parametrize("topic", Topic)
def test_only_what_is_a_thing_has_state(topic: Topic):
    assert topic.state is (topic.value in {"tidegate.work", "tidegate.nodes", "tidegate.handovers"})


def test_the_id_tells_two_events_of_a_source_apart():
    ids = {replace(event("a", 1), topic=topic, key=key, version=version).id for topic in Topic for key in KEYS
           for version in (1, 11)}  # fmt: skip
    assert len(ids) == len(Topic) * len(KEYS) * 2
    assert event("a", 1).id == "tidegate.work/a/1"


@pytest.mark.parametrize("version", [OURS_MOST, 2**63 - 1])
def test_a_version_that_cannot_be_keeps_out_nothing_that_comes_later(version: int):
    latest = taken(event("a", version), event("a", 7), event("b", version, gone=True), event("b", 1))
    assert {key: one.version for key, one in latest.state.items()} == {"a": 7, "b": 1}
