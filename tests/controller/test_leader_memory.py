"""What a leader hands on with the lease: what goes in comes out, and garbage counts as nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.leader_memory import (
    BEGUN_MOST,
    MINUTE_S,
    TAKEN_MOST,
    LeaderMemory,
    decode_leader_memory,
    encode_leader_memory,
)
from controller.safety import SideSeen, Vanishing
from controller.taken_lately import HOUR_S
from models.nodes import Side

NOW_S = 100_000
SEEN = st.builds(SideSeen, st.integers(0, 10**6), st.floats(0, 1e6), st.integers(0, 10**6), st.integers(0, 10**6),
                 st.text(st.characters(codec="utf-8"), max_size=20))  # fmt: skip
MISSING = st.dictionaries(
    st.sampled_from(Side), st.tuples(st.integers(0, NOW_S), st.text(st.characters(codec="utf-8"), max_size=50))
)


@st.composite
def vanishings(draw: st.DrawFn) -> Vanishing:
    """Of each side that misses something: since when, and what."""
    missing = draw(MISSING)
    since_s = {side: at_s for side, (at_s, _) in missing.items()}
    text = {side: said for side, (_, said) in missing.items()}
    latest = {side: draw(SEEN) for side in missing}
    return Vanishing(draw(st.fixed_dictionaries(dict.fromkeys(Side, SEEN))), latest, since_s, text)


@settings(max_examples=100)
@given(vanishings(), st.lists(st.integers(NOW_S - 3600, NOW_S), max_size=40), st.integers(0, 99), st.integers(0, 99))
def test_what_is_kept_is_found(vanishing: Vanishing, begun_s: list[int], failures: int, resumes: int):
    kept = decode_leader_memory(encode_leader_memory(vanishing, begun_s, NOW_S, failures, resumes, ["1.7", "1.8"]))
    assert kept.under_way == ("1.7", "1.8")
    assert kept.vanishing == vanishing
    assert (kept.at_s, kept.failures, kept.resumes) == (NOW_S, failures, resumes)
    found_s = kept.begun_s()
    assert len(found_s) == len(begun_s)
    for begun, found in zip(sorted(begun_s), found_s, strict=True):
        assert begun <= found <= min(NOW_S, begun + MINUTE_S), "late by up to a minute, never early, never to come"


def test_what_is_handed_on_from_leader_to_leader_is_late_by_a_minute_at_most():
    begun_s = NOW_S - 1000
    text = encode_leader_memory(Vanishing(), [begun_s], NOW_S, 0, 0)
    for now_s in range(NOW_S, NOW_S + 600, 60):
        text = encode_leader_memory(Vanishing(), decode_leader_memory(text).begun_s(), now_s, 0, 0)
    assert begun_s <= decode_leader_memory(text).begun_s()[0] <= begun_s + MINUTE_S


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(NOW_S - 86_400, NOW_S), st.integers(0, 9999)), max_size=40))
def test_what_moves_took_is_handed_on_by_the_hour_and_late_by_one_at_most(taken: list[tuple[int, int]]):
    kept = decode_leader_memory(encode_leader_memory(Vanishing(), [], NOW_S, 0, 0, taken=taken, nodes=7))
    later = decode_leader_memory(encode_leader_memory(Vanishing(), [], NOW_S + 60, 0, 0, taken=kept.taken.items()))
    assert (kept.nodes, later.nodes) == (7, None)
    for found, now_s in ((kept.taken, NOW_S), (later.taken, NOW_S + 60)):
        for since_s in range(NOW_S - 90_000, NOW_S + 60, 1800):
            least = sum(node_s for at_s, node_s in taken if at_s >= since_s)
            most = sum(node_s for at_s, node_s in taken if at_s > since_s - HOUR_S)
            assert least <= sum(node_s for at_s, node_s in found.items() if at_s >= since_s) <= most
        assert all(at_s <= now_s for at_s in found)


@pytest.mark.parametrize("text", ['{"since_s":{"hpc":5},"text":{}}', '{"text":{"hpc":"half its nodes"}}'])
def test_something_missing_of_which_a_part_is_missing_was_not_handed_on(text: str):
    vanishing = decode_leader_memory(text).vanishing
    assert (vanishing.since_s, vanishing.text) == ({}, {})


def test_the_text_is_short_however_many_moves_there_were():
    """It has to travel in an annotation."""
    begun_s = [NOW_S - second for second in range(3600) for _ in range(3)]
    text = encode_leader_memory(
        Vanishing(dict.fromkeys(Side, SideSeen(5000, 5000.0, 5000, 5000, "x" * 20))),
        begun_s,
        NOW_S,
        0,
        0,
        taken=[(NOW_S - second, 600) for second in range(86_400)],
    )
    assert len(text) < 2500
    assert sum(decode_leader_memory(text).taken.values()) == 600 * 86_400
    assert len(decode_leader_memory(text).begun_s()) == len(begun_s)


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", "seen", '{"before":{"mars":{}}}', '{"begun":{"soon":1}}', '{"failures":"three"}',
     '{"before":{"hpc":{"nodes":1}}}'],
)  # fmt: skip
def test_what_cannot_be_read_counts_as_nothing(text: str):
    kept = decode_leader_memory(text)
    assert kept == LeaderMemory()
    assert (kept.vanishing, kept.begun_s()) == (Vanishing(), [])


def test_what_a_later_release_adds_is_passed_over():
    assert decode_leader_memory('{"at_s":5,"colour":"green"}') == LeaderMemory(at_s=5)


def test_what_is_found_can_be_changed_without_changing_what_was_kept():
    kept = decode_leader_memory(
        encode_leader_memory(Vanishing({Side.HPC: SideSeen(1, 1.0, 1, 1, "1")}), [], NOW_S, 0, 0)
    )
    kept.vanishing.before.clear()
    assert kept.vanishing.before


def test_more_moves_than_can_have_begun_are_not_counted_one_by_one():
    kept = decode_leader_memory('{"begun": {"60": 9, "120": 9007199254740992}}')
    assert kept.begun_s() == [120] * BEGUN_MOST


def test_more_than_nodes_can_take_is_cut_before_it_is_handed_on():
    text = encode_leader_memory(Vanishing(), [], NOW_S, 0, 0, taken=[(NOW_S, 2**60)])
    assert decode_leader_memory(text).taken == {NOW_S: TAKEN_MOST}


@pytest.mark.parametrize(
    "text",
    [
        '{"taken": {"60": 9007199254740992}}',
        '{"begun": {"60": -1}}',
        '{"resumes": 1e300}',
        '{"at_s": 18014398509481984}',
    ],
)
def test_a_number_that_cannot_be_counts_as_nothing(text: str):
    assert decode_leader_memory(text) == LeaderMemory()
