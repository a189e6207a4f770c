"""What the page shows, as a function of what the bus told: who owns what and why, and what is not known yet."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.events import Event, Planned, Topic
from models.freshness import Freshness
from models.handovers import Direction, Stage
from models.hostlists import hosts
from models.leadership import Orders, Pause
from models.nodes import HpcNode, KubernetesNode, Side
from models.plans import Move, Plan, Reason, Rejection
from service.page import build
from service.page.heard import POOLS_MOST, Heard
from service.page.history import GRID_S, KEPT_S, MOST, Track, owned_by
from service.page.model import PoolStatus, Status
from service.page.words import folded, sentence
from tests.service.page_sample import (
    NOW_S,
    POOL,
    event,
    events,
    forecast,
    handover,
    heard_of,
    known,
    node_events,
    paused,
    plan,
    request,
    site,
)


def shown(heard: Heard, orders: Orders | None = None, mode: str = "auto", left: int = 0) -> Status:
    place = site(mode)
    return build.status(place, heard, known(orders, left), Freshness(place.policy, 30, [POOL], 0), NOW_S)


def only(status: Status) -> PoolStatus:
    (pool,) = status.pools
    return pool


def test_who_owns_what_and_why_is_one_sentence():
    pool = only(shown(heard_of(events(64, days=0.1)), Orders()))
    assert pool.sentence == (
        "HPC has 31 and Kubernetes 32 of 64 nodes, 1 is being handed over; 2 nodes go to Kubernetes: moving 2 nodes to"
        " Kubernetes, ahead of its demand: gain 4.80 of 9.10 weighted node-hours, cost 0.70."
    )
    assert {one.owner: (one.count, one.nodes) for one in pool.owners} == {
        "hpc": (31, "gpu[034-064]"),
        "kubernetes": (32, "gpu[001-032]"),
        "moving": (1, "gpu033"),
    }


@pytest.mark.parametrize(("away_s", "owner"), [(600, "hpc"), (-600, "moving")], ids=["before its date", "after it"])
def test_a_loan_is_the_hpc_sides_until_its_date_and_is_shown_with_it(away_s: int, owner: str):
    loan = replace(handover(8, Stage.RESERVED), reserve_from_s=NOW_S + away_s, loan=True)
    told = [*node_events(8), event(Topic.HANDOVERS, f"/{loan.node}", loan, 1)]
    status = shown(heard_of(iter(told)), Orders())
    (booked,) = status.handovers
    assert (booked.loan, booked.reserved_from_s) == (True, NOW_S + away_s)
    assert loan.node in {name for one in only(status).owners if one.owner == owner for name in hosts(one.nodes)}


MOVE = Move("n1", Direction.TO_HPC, Reason.DEMAND, "Moving 1 node to hpc: gain 1", 1.0, 0.5)
BALANCED = Rejection(("n2", "n3"), Reason.BALANCED, "moving more costs more than it saves")
IN_HANDOVER = Rejection(("n4",), Reason.IN_HANDOVER, "already being handed over")
OWNERS = {"hpc": 3, "kubernetes": 1}
HAS = "HPC has 3 and Kubernetes 1 of 4 nodes"
SENTENCES = {
    "nothing was told": ({}, None, True, "Nobody has told yet who owns what."),
    "no plan": (OWNERS, None, True, f"{HAS}; there is no plan yet."),
    "one goes": (
        OWNERS, Plan(0, 1, 0, (MOVE,), (), ()), True, f"{HAS}; 1 node goes to HPC: moving 1 node to hpc: gain 1.",
    ),
    "one should": (
        OWNERS, Plan(0, 1, 0, (MOVE,), (), ()), False, f"{HAS}; 1 node should go to HPC: moving 1 node to hpc: gain 1.",
    ),
    "held": (
        OWNERS, Plan(0, 1, 0, (MOVE,), (), (), (paused(),)), True,
        f"{HAS}; 1 node should go to HPC, but moves are held (paused): moving 1 node to hpc: gain 1.",
    ),
    "held, and none to move": (
        OWNERS, Plan(0, 1, 1, (), (), (BALANCED,), (paused(),)), True,
        f"{HAS}; nothing moves: paused by a person (open hand-overs: finish).",
    ),
    "nothing": (
        OWNERS, Plan(0, 1, 1, (), (), (BALANCED,)), True,
        f"{HAS}; nothing moves, because moving more costs more than it saves.",
    ),
    "nothing else": (
        {**OWNERS, "moving": 1, "both": 2}, Plan(0, 1, 1, (), (), (BALANCED, IN_HANDOVER)), True,
        "HPC has 3 and Kubernetes 1 of 7 nodes, 1 is being handed over, 2 are open to both; nothing else moves, because"
        " moving more costs more than it saves.",
    ),
    "only what is on its way": (
        OWNERS, Plan(0, 1, 1, (), (), (IN_HANDOVER,)), True, f"{HAS}; nothing else moves.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("owners", "made", "moving", "said"), SENTENCES.values(), ids=SENTENCES.keys())
def test_what_the_sentence_says(owners: dict[str, int], made: Plan | None, moving: bool, said: str):
    assert sentence(owners, made, moving) == said


def test_every_node_of_a_plan_is_in_a_group_and_moves_alike_are_one():
    made = only(shown(heard_of(events(64, days=0.1)))).plan
    assert made is not None
    groups = [*made.moves, *made.stays]
    assert sorted(name for one in groups for name in hosts(one.nodes)) == [f"gpu{n:03d}" for n in range(1, 65)]
    (moves,) = made.moves
    assert (moves.count, moves.direction, moves.gain, moves.cost) == (2, Direction.TO_KUBERNETES, 4.8, 0.7)
    assert [one.text for one in made.unserved if one.for_good] == [
        "2 jobs ask for more than HPC can ever have of this pool (largest: 80 nodes, HPC can have 64)"
    ]


@given(st.lists(st.from_regex(r"[a-z]{0,3}-?[0-9]{0,4}", fullmatch=True).filter(bool), max_size=40))
def test_a_folded_list_has_the_same_names(names: list[str]):
    text = folded(names)
    assert sorted(hosts(text)) == sorted(set(names)) if names else text == ""


UNKNOWN = {
    "nothing was told": (
        [], Orders(), "auto", 0,
        {"Who owns the nodes of pool a100", "What HPC and Kubernetes could use of pool a100", "The plan of pool a100"},
    ),
    "the bus is still read": ([*events(8, days=0.1)], Orders(), "auto", 5, {"All that was told before this start"}),
    "orders cannot be read": ([*events(8, days=0.1)], None, "auto", 0, {"Whether moves are paused"}),
    "nothing is moved, so nothing is paused": ([*events(8, days=0.1)], None, "recommend", 0, set()),
    "all is known": ([*events(8, days=0.1)], Orders(), "auto", 0, set()),
    "one side": (
        [*node_events(8), event(Topic.PLANS, "", Planned(1, plan(8, NOW_S)), 1),
         event(Topic.FORECASTS, "/hpc", forecast(Side.HPC, NOW_S), 1)], Orders(), "auto", 0,
        {"What Kubernetes could use of pool a100", "How good the forecasts are"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("told", "orders", "mode", "left", "expected"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_is_not_known_yet_is_said_with_when_it_will_be(
    told: list[Event], orders: Orders | None, mode: str, left: int, expected: set[str]
):
    found = shown(heard_of(iter(told)), orders, mode, left).unknown
    assert {one.what for one in found} == expected
    assert all(one.until for one in found)


def test_in_mode_observe_a_plan_is_not_promised():
    found = {one.what: one.until for one in shown(Heard(), None, "observe").unknown}
    assert found["The plan of pool a100"].startswith("never in mode observe")


def test_orders_and_takeovers_are_shown():
    orders = replace(Orders().pause(Pause.REVERT, "a100"), takeovers=(request(),))
    status = shown(heard_of(events(8, days=0.1)), orders)
    assert (status.orders is not None and status.orders.pools, only(status).paused) == (
        {"a100": Pause.REVERT},
        Pause.REVERT,
    )
    first, second, *more = status.takeovers
    assert (first.name, first.id, first.from_s) == ("nightly-training", "", NOW_S - 3 * 3600)
    assert (second.id, second.by, second.from_s, second.to_s) == ("1", "ada@login1", NOW_S + 7200, NOW_S + 21_600)
    assert len(more) == 7


def test_who_may_start_work_is_seen_on_both_sides():
    heard = heard_of(node_events(4))
    heard.take(event(Topic.NODES, "/hpc/gpu001", HpcNode("gpu001", "a100", None, False, None), 2))
    heard.take(event(Topic.NODES, "/kubernetes/gpu004", KubernetesNode("gpu004", "tidegate:x", False, 0), 2))
    heard.take(event(Topic.NODES, "/hpc/gpu004", HpcNode("gpu004", "a100", "tidegate:x", False, None), 2))
    heard.take(event(Topic.NODES, "/hpc/gpu002", None, 2))
    assert heard.owners(POOL.key, NOW_S) == {"both": ["gpu001"], "hpc": ["gpu003"], "nobody": ["gpu004"]}
    heard.take(event(Topic.NODES, "/hpc/gpu002", HpcNode("gpu002", "a100", None, False, None), 1))
    assert "gpu002" not in heard.owners(POOL.key, NOW_S).get("both", []), "a late event changes nothing"


def test_charts_have_what_came_what_had_been_said_and_what_is_expected():
    heard = heard_of(events(8, days=1.0))
    (pool,) = build.charts(site(), heard, NOW_S).pools
    for side in pool.sides:
        assert side.came.at_s[-1] == NOW_S == side.ahead.at_s[0]
        assert len(side.came.at_s) == 86_400 // GRID_S + 1
        assert side.said.at_s[-1] == NOW_S + 3600
        assert all(low <= middle <= high for low, middle, high in side.said.values)
        assert {len(row) for row in side.ahead.values} == {len(side.levels)}
    assert pool.owned.values[-1] == (3.0, 5.0, 0.0)
    heard.sample(NOW_S + 60)
    heard.sample(NOW_S + 90)
    (pool,) = build.charts(site(), heard, NOW_S + 60).pools
    assert (pool.owned.at_s[-1], pool.owned.values[-1]) == (NOW_S + 60, (3.0, 4.0, 1.0))


OWNED = {
    "all at rest": (Plan(0, 3, 3, (), (), (Rejection(tuple("abcdefg"), Reason.BALANCED, ""),)), 0, (4.0, 3.0, 0.0)),
    "one on its way": (
        Plan(0, 3, 3, (), (), (Rejection(tuple("abc"), Reason.KEPT, ""), IN_HANDOVER)), 0, (1.0, 3.0, 0.0)),
    "some left out": (Plan(0, 1, 1, (), (), (BALANCED,)), 8, (9.0, 1.0, 0.0)),
    "no node at all": (Plan(0, 0, 0, (), (), ()), 0, (0.0, 0.0, 0.0)),
}  # fmt: skip


@pytest.mark.parametrize(("made", "left_out", "expected"), OWNED.values(), ids=OWNED.keys())
def test_who_had_the_nodes_at_a_plan(made: Plan, left_out: int, expected: tuple[float, float, float]):
    assert owned_by(made, left_out) == expected


@given(st.lists(st.integers(0, 3 * KEPT_S), max_size=300))
def test_a_track_is_thin_rising_and_bounded(times: list[int]):
    track = Track()
    for at_s in times:
        track.take(at_s, (float(at_s),))
    newest = max(times, default=0)
    line = track.line(newest)
    assert list(line.at_s) == sorted(set(line.at_s))
    assert len(line.at_s) <= MOST + 1
    if line.at_s:
        assert line.at_s[-1] == newest
        assert line.at_s[0] >= newest - KEPT_S


def test_a_bus_that_tells_of_more_pools_than_there_can_be_fills_no_memory():
    heard = Heard()
    for number in range(POOLS_MOST + 50):
        heard.take(Event(Topic.PLANS, f"site/p{number}", Planned(1, plan(4, NOW_S)), 1, "test", NOW_S))
    assert len(heard.pools()) == len(heard.events()) == POOLS_MOST
