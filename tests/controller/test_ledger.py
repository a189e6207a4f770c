"""The ledger: moves of the last hour, failures in a row, nodes that rest, and what a person said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.lead_times import LeadTimes
from controller.leader_memory import MINUTE_S, LeaderMemory, decode_leader_memory, encode_leader_memory
from controller.ledger import Ledger, PoolCounts
from controller.recovery import Found
from controller.safety import Vanishing
from controller.site_budget import SiteBudget
from controller.taken_lately import DAY_S, HOUR_S
from models.handovers import Direction, Handover, Stage, Why

S = Stage
NOW_S, LEAD_S = 50_000, 600
UP, DOWN = Direction.TO_KUBERNETES, Direction.TO_HPC
PLAIN = Handover("1.1", "1.p1", "n1", Direction.TO_KUBERNETES, S.DONE, NOW_S - 500, NOW_S - 60, NOW_S + 500)
ENDS = {
    "done": replace(PLAIN),
    "not wanted": replace(PLAIN, stage=S.CANCELLED, why=Why.NOT_WANTED),
    "late": replace(PLAIN, stage=S.CANCELLED, why=Why.LATE),
    "unhealthy": replace(PLAIN, stage=S.CANCELLED, why=Why.UNHEALTHY),
    "refused": replace(PLAIN, stage=S.CANCELLED, why=Why.REFUSED),
    "stuck": replace(PLAIN, stage=S.STUCK, why=Why.LATE),
}


def new() -> Ledger:
    return Ledger(SiteBudget(), "pool", PoolCounts(int, int), LeadTimes(LEAD_S).current)


def ledger(*ends: str, resumes: int = 0) -> Ledger:
    one = new()
    one.resumes = resumes
    for end in ends:
        one.end(ENDS[end], NOW_S)
    return one


# how hand-overs ended, in order -> failures in a row
ROWS = {
    "nothing": ((), 0),
    "one failed": (("unhealthy",), 1),
    "three failed": (("unhealthy", "refused", "stuck"), 3),
    "one ended well": (("unhealthy", "refused", "done"), 0),
    "one ended well in between": (("unhealthy", "done", "refused"), 1),
    "those that just turned back neither add nor end": (("unhealthy", "not wanted", "late", "refused"), 2),
}


@pytest.mark.parametrize(("ends", "failures"), ROWS.values(), ids=ROWS.keys())
def test_failures_in_a_row(ends: tuple[str, ...], failures: int):
    assert ledger(*ends).failures == failures


@pytest.mark.parametrize(("end", "rests"), [(end, end not in ("not wanted", "late")) for end in ENDS])
def test_a_node_that_moved_or_failed_to_rests_and_one_that_just_came_home_does_not(end: str, rests: bool):
    assert ledger(end).rests_s == ({"n1": NOW_S} if rests else {})


def test_a_person_is_heard_once_and_what_failed_before_no_longer_counts():
    one = ledger("unhealthy", "refused")
    assert not one.hear(0)
    assert one.failures == 2
    assert one.hear(1)
    assert one.failures == 0
    one.end(ENDS["unhealthy"], NOW_S)
    assert not one.hear(1)
    assert one.failures == 1
    assert one.hear(3)


@settings(max_examples=100)
@given(st.lists(st.integers(0, 3 * HOUR_S), max_size=60), st.integers(0, 5 * HOUR_S))
def test_moves_of_the_last_hour_are_those_of_the_last_hour(begun_s: list[int], now_s: int):
    one = new()
    for at_s in sorted(begun_s):
        one.begin(at_s, UP)
    assert one.recent_s(now_s) == tuple(at_s for at_s in sorted(begun_s) if now_s - at_s < HOUR_S)


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, 3 * DAY_S), st.sampled_from(Direction)), max_size=40), st.integers(0, 4 * DAY_S)
)
def test_what_moves_took_from_service_counts_for_a_day(begun: list[tuple[int, Direction]], now_s: int):
    one = new()
    for at_s, way in sorted(begun):
        one.begin(at_s, way)
    assert one.taken.lately_s(now_s) == LEAD_S * sum(now_s - at_s < DAY_S for at_s, _ in begun)


def test_a_move_counts_with_the_lead_of_its_way_as_learned_when_it_began():
    lead = LeadTimes(LEAD_S)
    one = Ledger(SiteBudget(), "pool", PoolCounts(int, int), lead.current)
    one.begin(NOW_S, UP)
    for _ in range(5):
        lead.learn(UP, 1000)
    one.begin(NOW_S + 1, UP)
    one.begin(NOW_S + 2, DOWN)
    assert list(one.taken) == [(NOW_S, LEAD_S), (NOW_S + 1, 1000), (NOW_S + 2, LEAD_S)]


# ---- from leader to leader ----


def recalled(
    found: Found | None = None, kept: LeaderMemory | None = None, now_s: int = NOW_S, resumes: int = 9
) -> Ledger:
    one = new()
    one.recall(found or Found(), kept or LeaderMemory(), now_s, resumes)
    return one


def test_what_was_handed_on_is_gone_on_with():
    before = ledger("unhealthy", "refused", resumes=4)
    for at_s in (NOW_S - HOUR_S, NOW_S - 100, NOW_S - 10):
        before.begin(at_s, UP)
    kept = decode_leader_memory(
        encode_leader_memory(Vanishing(), before.begun_s, NOW_S, before.failures, before.resumes)
    )
    after = recalled(kept=kept)
    assert (after.failures, after.resumes) == (2, 4)
    assert len(after.recent_s(NOW_S)) >= len(before.recent_s(NOW_S))
    assert not after.hear(4)


def test_what_a_day_took_is_handed_on_and_what_began_after_it_is_found_in_the_records():
    kept = LeaderMemory(taken={NOW_S - DAY_S: 9, NOW_S - 7200: 1800, NOW_S + 10**6: 7}, at_s=NOW_S - 900)
    ended = [replace(PLAIN, started_s=NOW_S - 100), replace(PLAIN, started_s=NOW_S - 50, repair=True)]
    one = recalled(Found(ended=ended), kept)
    assert list(one.taken) == [(NOW_S - 7200, 1800), (NOW_S - 100, LEAD_S), (NOW_S, 7)]
    one.count(replace(PLAIN, started_s=NOW_S - 30), NOW_S)
    assert one.taken.lately_s(NOW_S) == 1800 + LEAD_S + LEAD_S + 7
    assert one.taken.lately_s(NOW_S + DAY_S) == 0


def test_moves_that_began_after_what_was_handed_on_are_found_in_the_records():
    kept = decode_leader_memory(encode_leader_memory(Vanishing(), [NOW_S - 1000], NOW_S - 900, 0, 0, ["known"]))
    records = {
        "open": [replace(PLAIN, stage=S.DRAINING, started_s=NOW_S - 300)],
        "stuck": [replace(PLAIN, stage=S.STUCK, started_s=NOW_S - 200)],
        "ended": [replace(PLAIN, started_s=NOW_S - 100), replace(PLAIN, id="known", started_s=NOW_S - 1000)],
    }
    begun_s = list(recalled(Found(**records), kept).begun_s)
    assert begun_s[1:] == [NOW_S - 300, NOW_S - 200, NOW_S - 100], "the one that was handed on is not counted twice"
    assert NOW_S - 1000 <= begun_s[0] <= NOW_S - 1000 + MINUTE_S


def test_so_are_earlier_ones_whose_record_landed_after_it():
    kept = decode_leader_memory(encode_leader_memory(Vanishing(), [NOW_S - 1000], NOW_S - 900, 0, 0, ["known"]))
    late = replace(PLAIN, id="late", started_s=NOW_S - 950)
    ended = [
        replace(late, stage_since_s=NOW_S - 800),
        replace(late, id="ended before", stage_since_s=NOW_S - 920),
    ]
    found = Found(open=[replace(late, stage=S.DRAINING)], ended=ended)
    assert list(recalled(found, kept).begun_s)[1:] == [NOW_S - 950, NOW_S - 950]


def test_a_move_whose_record_landed_late_is_counted_when_it_is_found():
    one = ledger()
    for at_s in (NOW_S - 50, NOW_S - 10):
        one.begin(at_s, UP)
    one.count(replace(PLAIN, started_s=NOW_S - 30), NOW_S)
    one.count(replace(PLAIN, started_s=NOW_S + 999), NOW_S)  # a clock that was wrong does not count for ever
    one.count(replace(PLAIN, started_s=NOW_S - 20, repair=True), NOW_S)
    assert one.recent_s(NOW_S) == (NOW_S - 50, NOW_S - 30, NOW_S - 10, NOW_S)


def test_repairs_and_what_lies_more_than_an_hour_back_are_not_counted():
    ended = [replace(PLAIN, started_s=NOW_S - 10, repair=True), replace(PLAIN, started_s=NOW_S - HOUR_S)]
    assert list(recalled(Found(ended=ended)).begun_s) == []


def test_nodes_that_moved_or_failed_to_rest_from_when_their_records_say():
    ended = [replace(one, node=end) for end, one in ENDS.items() if end != "stuck"]
    one = recalled(Found(ended=ended, stuck=[replace(ENDS["stuck"], node="stuck")]))
    assert one.rests_s == dict.fromkeys(("done", "unhealthy", "refused", "stuck"), NOW_S - 60)


def test_a_count_that_no_leader_can_have_heard_keeps_no_person_from_being_heard():
    one = recalled(kept=LeaderMemory(failures=9, resumes=2**53), resumes=4)
    assert one.hear(5)
    assert one.failures == 0


def test_moves_that_begin_later_than_now_count_as_those_of_now_and_so_not_for_good():
    one = recalled(Found(), LeaderMemory(begun={NOW_S + 10**6: 3}))
    assert one.recent_s(NOW_S) == (NOW_S,) * 3
    assert one.recent_s(NOW_S + HOUR_S) == ()


def test_nothing_of_an_earlier_term_of_our_own_is_trusted():
    one = ledger("unhealthy", "done", resumes=9)
    one.begin(NOW_S, UP)
    one.recall(Found(), LeaderMemory(), NOW_S, 9)
    assert (one.failures, one.resumes, one.rests_s, list(one.begun_s)) == (0, 0, {}, [])
