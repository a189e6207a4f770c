"""A plan always fits into a message: whole where it can, and else in short, with a count of what is left out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.bus.topics import LONGEST
from connectors.bus.wire.codec import decode, encode
from connectors.bus.wire.receiver import too_large
from models.events import Event, Planned, Topic
from models.handovers import Direction
from models.nodes import Side
from models.plans import Hold, Move, Plan, Reason, Rejection, Switch
from models.unserved import Unserved, UnservedReason

EMPTY = Plan(300, 4, 8, (), (), ())
TEXT = "moving 2500 nodes to kubernetes: gain 1421.55 of 6100.31 weighted node-hours, cost 120.04"


def names(count: int, length: int = 8) -> tuple[str, ...]:
    return tuple(f"n{number:0{length - 1}d}" for number in range(count))


def moves(count: int, length: int = 8) -> tuple[Move, ...]:
    return tuple(
        Move(name, Direction.TO_KUBERNETES, Reason.DEMAND, TEXT, 0.5686200000000001, 0.048016)
        for name in names(count, length)
    )


def told(plan: Plan) -> Planned:
    """The plan as a reader sees it."""
    message = encode(Event(Topic.PLANS, "p" * 1024, Planned(3, plan), 2**63 - 1, "s" * 1024, 300.25))
    assert too_large(message) is None
    read = decode(Topic.PLANS, message.key, message.value, message.headers).payload
    assert isinstance(read, Planned)
    return read


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(
            replace(EMPTY, rejections=(Rejection(names(10_000, 64), Reason.BALANCED, "b"),)), id="10,000 stay"
        ),
        pytest.param(
            replace(EMPTY, moves=moves(2500), rejections=(Rejection(names(7500), Reason.AT_ONCE, "a"),)),
            id="a quarter of 10,000 moves",
        ),
        pytest.param(replace(EMPTY, cancellations=names(10_000, 64)), id="10,000 turn back"),
    ],
)
def test_a_plan_about_10_000_nodes_is_told_whole(plan: Plan):
    assert told(plan) == Planned(3, plan)


def test_long_names_of_nodes_that_stay_are_left_out_and_counted():
    busy = Rejection(names(50, 253), Reason.BUSY, "busy for long")
    rest = Rejection(names(9950, 253), Reason.BALANCED, "nothing is gained")
    read = told(replace(EMPTY, moves=moves(3), rejections=(rest, busy), holds=(Hold(Switch.PAUSED, "paused"),)))
    balanced, small = read.plan.rejections
    assert small == busy
    assert balanced.nodes == rest.nodes[: len(balanced.nodes)]
    assert balanced.text == f"nothing is gained (and {9950 - len(balanced.nodes)} more nodes)"
    assert read.left_out == 9950 - len(balanced.nodes)
    assert len(balanced.nodes) > 1500  # half of the room for each of the two, and what one leaves goes to the next
    assert read.plan.moves == moves(3)
    assert read.plan.holds == (Hold(Switch.PAUSED, "paused"),)


def test_moves_go_before_nodes_that_stay():
    rejection = Rejection(names(10_000, 64), Reason.BALANCED, "b")
    read = told(replace(EMPTY, moves=moves(3000), cancellations=names(20), rejections=(rejection,)))
    assert read.plan.moves == moves(3000)
    assert read.plan.cancellations == names(20)
    assert 0 < len(read.plan.rejections[0].nodes) < 10_000


def test_more_moves_than_there_is_room_for_are_counted():
    read = told(replace(EMPTY, moves=moves(10_000), rejections=(Rejection(names(5), Reason.BUSY, "busy"),)))
    assert read.plan.moves == moves(10_000)[: len(read.plan.moves)]
    assert len(read.plan.moves) > 3000
    assert read.left_out == 10_000 - len(read.plan.moves) + 5 - len(read.plan.rejections[0].nodes)


def test_what_was_left_out_before_is_counted_on():
    whole = replace(EMPTY, rejections=(Rejection(names(10_000, 253), Reason.BALANCED, "b"),))
    once = told(whole)
    message = encode(Event(Topic.PLANS, "p", once, 1, "s", 0.0))
    again = decode(Topic.PLANS, message.key, message.value, message.headers).payload
    assert again == once


@settings(max_examples=25)
@given(
    st.integers(0, 6000),
    st.integers(0, 6000),
    st.lists(st.integers(0, 6000), max_size=4),
    st.integers(8, 512),
    st.sampled_from(["", "x" * 5000, "\0" * 5000, "\U0001f40b" * 5000]),
)
def test_any_plan_fits_and_says_how_much_is_left_out(
    moving: int, cancelled: int, staying: list[int], length: int, text: str
):
    plan = Plan(
        300,
        4,
        8,
        moves(moving, length),
        names(cancelled, length),
        tuple(Rejection(names(count, length), Reason.BUSY, text) for count in staying),
        (Hold(Switch.PAUSED, text),),
        tuple(Unserved(side, why, 1, 1.0, text) for side in Side for why in UnservedReason),
    )
    read = told(plan)
    shown = [*read.plan.moves, *read.plan.cancellations, *(name for one in read.plan.rejections for name in one.nodes)]
    assert read.left_out == moving + cancelled + sum(staying) - len(shown)
    assert len(read.plan.rejections) == len(staying)
    assert [replace(one, example="") for one in read.plan.unserved] == [
        replace(one, example="") for one in plan.unserved
    ]


def test_a_plan_that_is_cut_uses_the_room_that_there_is():
    plan = replace(EMPTY, moves=moves(10_000, 64))
    message = encode(Event(Topic.PLANS, "p", Planned(3, plan), 1, "s", 0.0))
    assert LONGEST * 0.98 < len(message.value or b"") < LONGEST
