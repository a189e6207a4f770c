"""Takeovers: what has to begin by when, what holds one, where one stands, and what waiting work brings about."""

from __future__ import annotations

from dataclasses import replace as changed

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.decide.bounds import bounds_by_step
from controller.decide.decide import decide
from controller.metrics import TakeoverMetrics
from controller.takeovers.automatic import NOTHING_BROUGHT, Brought, bring_about
from controller.takeovers.kept import Kept
from controller.takeovers.preparation import Preparation, prepare
from controller.takeovers.watch import Claims, TakeoverWatch
from models.forecasts import Forecast, Source
from models.handovers import Stage
from models.nodes import Side
from models.policies import MovesPolicy, PoolPolicy, Shares, Spec
from models.snapshot import Snapshot
from models.takeovers import ALL, Origin, Phase, Request, Window
from tests.controller.test_decide import (
    DOWN,
    FREE,
    NOW_S,
    UP,
    closed_node,
    handover,
    hpc_node,
    hpc_nodes,
    kubernetes_node,
    kubernetes_nodes,
    snapshot,
)

LEAD_S = 750  # what ``snapshot`` plans with
HOUR_S = 3600


def moving(**how: object) -> MovesPolicy:
    """A policy that moves freely and evicts pods, but for what is said."""
    return MovesPolicy.model_validate(
        {"at_once": "100%", "per_hour": "100%", "dwell": "0s", "evict": "pods", **how}, by_name=True
    )


EVICTS = moving()
POOL = PoolPolicy(name="pool")
SPEC = Spec(moves=EVICTS)


def window(side: Side, in_s: int, nodes: int = ALL, lasting_s: int = 4 * HOUR_S) -> Window:
    from_s = NOW_S + in_s
    return Window(f"x@{from_s}", "x", Origin.SCHEDULED, side, nodes, from_s, from_s + lasting_s)


def prepared(
    shown: Snapshot, side: Side, in_s: int, nodes: int = ALL, moves: MovesPolicy = EVICTS, **how: object
) -> Preparation:
    wanted = len(shown.nodes) if nodes == ALL else nodes
    return prepare(window(side, in_s, nodes), wanted, shown, moves, books=bool(how.pop("books", True)), **how)


K8S, HPC = Side.KUBERNETES, Side.HPC
PODS, BROKEN = kubernetes_nodes(2, pods=1), closed_node("c", "broken")
ONE, TWO, BOTH = kubernetes_nodes(1), kubernetes_nodes(2), ["k00", "k01"]
ENDS = [hpc_node("a", frees_in_s=HOUR_S), hpc_node("b")]
# side, nodes, seconds until the hour -> feasible, due by now, held
CASES = {
    "too early for pods": (HPC, PODS, LEAD_S + 60 + 301, True, [], 0),
    "pods have to go by the next turn": (HPC, PODS, LEAD_S + 60 + 300, True, BOTH, 0),
    "too early without pods": (HPC, TWO, LEAD_S + 301, True, [], 0),
    "an empty one by the next turn": (HPC, TWO, LEAD_S + 300, True, BOTH, 0),
    "what the side has stays": (HPC, [*hpc_nodes(3), *ONE], 60, True, ["k00"], 0),
    "a node that a person closed is nobody's to give": (HPC, [BROKEN, *ONE], 60, True, ["k00"], 0),
    "work that ends before the hour": (K8S, ENDS, 2 * HOUR_S, True, ["a", "b"], 0),
    "work that ends with the hour": (K8S, hpc_nodes(1, frees_in_s=HOUR_S), HOUR_S, True, ["h00"], 0),
    "work that ends after it": (K8S, hpc_nodes(2, frees_in_s=HOUR_S + 1), HOUR_S, False, [], 2),
    "too early to keep nodes free": (K8S, hpc_nodes(1), LEAD_S + 4 * HOUR_S + 1, True, [], 0),
    "early enough to": (K8S, hpc_nodes(1), LEAD_S + 4 * HOUR_S, True, ["h00"], 0),
}


@pytest.mark.parametrize(("side", "nodes", "in_s", "feasible", "due", "held"), CASES.values(), ids=CASES.keys())
def test_what_has_to_begin_by_now(side: Side, nodes: list, in_s: int, feasible: bool, due: list[str], held: int):
    found = prepared(snapshot(nodes), side, in_s)
    assert (found.feasible, sorted(found.due), len(found.held)) == (feasible, due, held)


def test_pods_that_may_not_be_evicted_hold_it():
    found = prepared(snapshot(kubernetes_nodes(2, pods=1)), Side.HPC, 60, moves=FREE)
    assert not found.feasible
    assert found.held[0] == ("k00", "its pods may not be evicted")
    assert found.earliest_s is None


def test_of_some_nodes_those_are_taken_whose_loss_is_least():
    nodes = [
        hpc_node("idle"),
        hpc_node("soon", frees_in_s=600),
        hpc_node("just", frees_in_s=2000),
        hpc_node("late", frees_in_s=9000),
    ]
    found = prepared(snapshot(nodes), Side.KUBERNETES, HOUR_S, 2)
    assert found.chosen == ("just", "soon")
    pods = [kubernetes_node("podded", pods=2), kubernetes_node("empty")]
    assert prepared(snapshot(pods), Side.HPC, 60, 1).chosen == ("empty",)


def test_without_bookings_nodes_are_closed_no_earlier_than_a_drain_may_last():
    moves = moving(drain_deadline="30m")
    in_s = LEAD_S + 1800 - 300
    assert prepared(snapshot(hpc_nodes(1)), Side.KUBERNETES, in_s + 1, moves=moves, books=False).due == ()
    found = prepared(snapshot(hpc_nodes(1)), Side.KUBERNETES, in_s, moves=moves, books=False)
    assert (found.due, found.book_from_s) == (("h00",), None)


def test_the_earliest_hour_is_when_as_many_as_are_missing_are_free():
    nodes = [hpc_node("a", frees_in_s=900), hpc_node("b", frees_in_s=5000), hpc_node("c", frees_in_s=9000)]
    assert prepared(snapshot(nodes), Side.KUBERNETES, 60, 2).earliest_s == NOW_S + 5000 + LEAD_S


def look(watch: TakeoverWatch, shown: Snapshot, *requests: Request) -> Claims:
    return watch.look(shown, requests)


def request(side: Side, in_s: int, lasting_s: int = 4 * HOUR_S, ident: str = "1") -> Request:
    return Request(ident, "pool", side, ALL, NOW_S + in_s, lasting_s, "a person", NOW_S - 60)


def test_at_the_hour_all_nodes_go_together_whatever_budgets_and_rest_they_have():
    nodes = kubernetes_nodes(8, pods=1)
    shown = snapshot(nodes, kubernetes=(1.0,) * 9, moved_s={"k00": NOW_S - 1})
    moves = moving(at_once="25%", per_hour=1, dwell="20m")
    claims = look(TakeoverWatch(POOL, Spec(moves=moves), books=True), shown, request(Side.HPC, 600))
    plan = decide(changed(shown, bounds=claims.bounds, due=claims.due), POOL, moves)
    assert {move.node for move in plan.moves} == {node.name for node in nodes}
    assert all("takeover request 1" in move.text for move in plan.moves)
    assert plan.target == 0


def test_what_goes_the_other_way_is_turned_back():
    nodes = [closed_node("going"), *kubernetes_nodes(2)]
    shown = snapshot(nodes, handovers=(handover("m1", "going", UP, Stage.DRAINING),))
    claims = look(TakeoverWatch(POOL, SPEC, books=True), shown, request(Side.HPC, 600))
    plan = decide(changed(shown, bounds=claims.bounds, due=claims.due), POOL, EVICTS)
    assert plan.cancellations == ("m1",)
    assert len(plan.moves) == 2


def test_while_it_is_held_no_node_goes():
    shown = snapshot(hpc_nodes(4), kubernetes=(1.0,) * 4)
    watch = TakeoverWatch(POOL, SPEC, books=False)
    claims = look(watch, shown, request(Side.HPC, -60))
    assert watch.phases == {f"announced/1@{NOW_S - 60}": Phase.HELD}
    plan = decide(changed(shown, bounds=claims.bounds, due=claims.due), POOL, EVICTS)
    assert (plan.moves, plan.target) == ((), 0)
    assert len(decide(changed(shown, bounds=bounds_by_step(POOL, SPEC, 4, NOW_S)), POOL, EVICTS).moves) == 3


def test_afterwards_the_other_side_gets_back_what_it_had_and_still_wants():
    shown = snapshot(hpc_nodes(8), kubernetes=(1.0,) * 3)
    over = request(Side.HPC, -2 * HOUR_S, 2 * HOUR_S)
    watch = TakeoverWatch(POOL, SPEC, books=True)
    watch.recall(Kept({over.window.ident: Phase.HELD}, NOTHING_BROUGHT, {over.window.ident: 5}))
    claims = look(watch, shown, over)
    assert claims.due is not None
    assert (claims.due.direction, len(claims.due.nodes)) == (UP, 3)
    tight = moving(at_once=1)
    plan = decide(changed(shown, bounds=claims.bounds, due=claims.due), POOL, tight)
    assert len(plan.moves) == 3


@pytest.mark.parametrize(("side", "had"), [(Side.KUBERNETES, [4, 2]), (Side.HPC, [2, 4])])
def test_no_more_is_given_back_than_the_other_side_may_have(side: Side, had: list[int]):
    shown = snapshot([*kubernetes_nodes(had[0]), *hpc_nodes(had[1])], hpc=(1.0,) * 6, kubernetes=(1.0,) * 6)
    over = request(side, -2 * HOUR_S, 2 * HOUR_S)
    watch = TakeoverWatch(PoolPolicy(name="pool", floor=Shares(hpc=2, kubernetes=2)), SPEC, books=True)
    watch.recall(Kept({over.window.ident: Phase.HELD}, NOTHING_BROUGHT, {over.window.ident: 6}))
    claims = look(watch, shown, over)
    assert claims.due is not None
    assert len(claims.due.nodes) == 2
    assert set(claims.bounds) == {(2, 4)}


def test_all_that_it_had_is_booked_before_the_end_as_it_may_want_more_by_then():
    shown = snapshot(hpc_nodes(8), kubernetes=(1.0,) * 3)
    held = request(Side.HPC, -HOUR_S, 2 * HOUR_S)
    watch = TakeoverWatch(POOL, SPEC, books=True)
    watch.recall(Kept({held.window.ident: Phase.HELD}, NOTHING_BROUGHT, {held.window.ident: 5}))
    claims = look(watch, shown, held)
    assert claims.due is not None
    assert (len(claims.due.nodes), claims.due.book_from_s) == (5, held.to_s)


def test_one_that_cannot_be_is_told_once_and_given_up_after_its_grace():
    shown = snapshot(hpc_nodes(2, frees_in_s=9 * HOUR_S))
    watch, asked = TakeoverWatch(POOL, SPEC, books=True), request(Side.KUBERNETES, HOUR_S)
    (news,) = look(watch, shown, asked).news
    assert news.phase is Phase.INFEASIBLE
    assert "2 nodes are held" in news.text
    assert "h00: its work may last until" in news.text
    again = look(watch, shown, asked)
    assert (again.news, again.due, again.bounds) == ((), None, bounds_by_step(POOL, SPEC, 2, NOW_S))
    later = look(watch, changed(shown, now_s=asked.at_s + 1801), asked)
    assert [one.phase for one in later.news] == [Phase.GIVEN_UP]
    assert look(watch, changed(shown, now_s=asked.at_s + 1900), asked).news == ()


def test_what_was_prepared_turns_back_when_it_is_given_up_or_cancelled():
    nodes = [closed_node("coming"), hpc_node("busy", frees_in_s=9 * HOUR_S)]
    shown = snapshot(nodes, handovers=(handover("m1", "coming", UP, Stage.DRAINING),))
    asked = request(Side.KUBERNETES, -1801)
    watch = TakeoverWatch(POOL, SPEC, books=True)
    watch.recall(Kept({asked.window.ident: Phase.PREPARING}))
    given_up = look(watch, shown, asked)
    assert ([one.phase for one in given_up.news], given_up.turn_back) == ([Phase.GIVEN_UP], ("m1",))
    watch.recall(Kept())
    soon = request(Side.KUBERNETES, 600)
    look(watch, changed(shown, nodes=nodes[:1]), soon)
    assert look(watch, changed(shown, nodes=nodes[:1])).turn_back == ("m1",)


def test_of_two_that_meet_the_earlier_has_the_pool():
    first, second = request(Side.HPC, 600), request(Side.KUBERNETES, 700, ident="2")
    watch = TakeoverWatch(POOL, SPEC, books=True)
    news = look(watch, snapshot(kubernetes_nodes(2)), second, first).news
    assert [(one.window.name, one.phase) for one in news] == [
        ("request 2", Phase.OVERLAPPED),
        ("request 1", Phase.PREPARING),
    ]


@given(
    st.lists(st.integers(0, 12 * HOUR_S) | st.none(), max_size=6),
    st.integers(0, 6),
    st.sampled_from(Side),
    st.integers(-HOUR_S, 6 * HOUR_S),
    st.integers(0, 3),
    st.booleans(),
)
def test_floors_that_are_written_hold_and_all_or_nothing_begins(
    busy: list[int | None], others: int, side: Side, in_s: int, floor: int, books: bool
):
    nodes = [hpc_node(f"h{number}", frees_in_s=frees) for number, frees in enumerate(busy)]
    nodes += kubernetes_nodes(others, pods=1)
    floor = min(floor, len(nodes) // 2)
    pool = PoolPolicy(name="pool", floor=Shares(hpc=floor, kubernetes=floor))
    shown = snapshot(nodes, hpc=(1.0,) * 3, kubernetes=(1.0,) * 3)
    watch = TakeoverWatch(pool, SPEC, books=books)
    asked = request(side, in_s)
    claims = look(watch, shown, asked)
    shown = changed(shown, bounds=claims.bounds, due=claims.due)
    plan = decide(shown, pool, EVICTS)
    assert plan == decide(shown, pool, EVICTS)
    assert min(floor, others) <= plan.target <= max(len(nodes) - floor, others)
    if claims.due is not None and watch.phases.get(asked.window.ident) is Phase.PREPARING:
        limit_s = asked.at_s + (0 if in_s > 0 else asked.window.grace_s)
        gone = {node.name: node.hpc.frees_at_s or 0 for node in nodes}
        assert all(gone[name] <= limit_s for name in claims.due.nodes)


AUTOMATIC = PoolPolicy.model_validate({"name": "pool", "floor": {"kubernetes": 0}, "takeover": {"automatic": {}}})


def waiting(job: float, kubernetes: float, nodes: list | None = None) -> Snapshot:
    """A job that waits, with Kubernetes expected to need so many nodes in an hour and from then on."""
    foreseen = Forecast(Side.KUBERNETES, NOW_S, 4.0, (HOUR_S, 2 * HOUR_S), (0.5,), ((kubernetes,),) * 2, Source.MODEL)
    shown = nodes or [*hpc_nodes(2), *kubernetes_nodes(4)]
    return snapshot(shown, hpc=(job,) if job else (), forecasts={Side.KUBERNETES: foreseen})


WAITS_FOR_THE_LAST = Brought(Side.HPC, 2, NOW_S - 2 * HOUR_S, size=2, begins_s=NOW_S + HOUR_S)
# job, what Kubernetes will need, what is planned before -> how many nodes are planned, paused
BROUGHT = {
    "larger than its side, and there is a trough": (5.0, 1.0, NOTHING_BROUGHT, 5, False),
    "fits its side": (2.0, 1.0, NOTHING_BROUGHT, 0, False),
    "no trough": (5.0, 4.0, NOTHING_BROUGHT, 0, False),
    "larger than the pool": (7.0, 0.0, NOTHING_BROUGHT, 0, False),
    "paused": (5.0, 1.0, Brought(paused_until_s=NOW_S + 60), 0, True),
    "planned, and it waits still": (5.0, 9.0, Brought(Side.HPC, 5, NOW_S + 60), 5, False),
    "it has begun": (0.0, 1.0, Brought(Side.HPC, 5, NOW_S - 60), 0, False),
    "not begun by its grace": (5.0, 1.0, Brought(Side.HPC, 5, NOW_S - HOUR_S - 1), 0, True),
    "its nodes are there, and it waits for the last": (2.0, 9.0, WAITS_FOR_THE_LAST, 2, False),
    "its nodes never came": (2.0, 9.0, changed(WAITS_FOR_THE_LAST, nodes=5), 0, True),
    "the last is over, and it has not begun": (
        2.0,
        9.0,
        changed(WAITS_FOR_THE_LAST, begins_s=NOW_S - HOUR_S - 1),
        0,
        True,
    ),
    "smaller work waits": (1.0, 9.0, WAITS_FOR_THE_LAST, 0, False),
    "forged for a thousand years hence": (0.0, 1.0, Brought(Side.HPC, 5, 1 << 50), 0, False),
    "forged to wait a thousand years for the last": (0.0, 1.0, Brought(Side.HPC, 5, NOW_S, begins_s=1 << 50), 0, False),
    "paused for ever by somebody": (5.0, 1.0, Brought(paused_until_s=1 << 50), 5, False),
}


@pytest.mark.parametrize(("job", "need", "before", "nodes", "paused"), BROUGHT.values(), ids=BROUGHT.keys())
def test_waiting_work_brings_about_a_takeover(job: float, need: float, before: Brought, nodes: int, paused: bool):
    after = bring_about(before, waiting(job, need), AUTOMATIC, EVICTS, ())
    assert (after.nodes, after.paused_until_s > NOW_S) == (nodes, paused)
    assert bring_about(before, waiting(job, need), POOL, EVICTS, ()) == NOTHING_BROUGHT, "off unless the policy says so"


def test_it_is_planned_for_the_first_hour_at_which_the_other_side_can_spare_them():
    after = bring_about(NOTHING_BROUGHT, waiting(5.0, 1.0), AUTOMATIC, EVICTS, ())
    assert after.from_s >= NOW_S + HOUR_S, "until then Kubernetes needs more than one of six nodes"
    assert after.from_s <= NOW_S + HOUR_S + 1800
    other = window(Side.KUBERNETES, HOUR_S)
    assert bring_about(NOTHING_BROUGHT, waiting(5.0, 1.0), AUTOMATIC, EVICTS, (other,)) == NOTHING_BROUGHT


def test_work_that_lasts_longer_keeps_it_from_being_planned():
    nodes = [*hpc_nodes(2, frees_in_s=9 * HOUR_S), *kubernetes_nodes(4)]
    assert bring_about(NOTHING_BROUGHT, waiting(5.0, 1.0, nodes), AUTOMATIC, EVICTS, ()) == NOTHING_BROUGHT


# seconds until each of two HPC nodes is free, what Kubernetes will need of eight -> nodes planned, hours they wait
BY_LIMITS = {
    "all are free": ((None, None), 1.0, 5, 0),
    "one lasts, and Kubernetes spares another in its place": ((None, 9 * HOUR_S), 1.0, 6, 0),
    "both last, and Kubernetes spares two": ((9 * HOUR_S, 9 * HOUR_S), 1.0, 7, 0),
    "one lasts, and Kubernetes spares none": ((None, 9 * HOUR_S), 3.0, 0, 0),
    "one ends in three hours, and is waited for": ((None, 3 * HOUR_S), 3.0, 5, 2),
    "what ends sooner is waited for sooner": ((2 * HOUR_S, 9 * HOUR_S), 2.0, 6, 1),
}


@pytest.mark.parametrize(("frees_in_s", "need", "nodes", "waits_h"), BY_LIMITS.values(), ids=BY_LIMITS.keys())
def test_a_job_gets_more_nodes_where_some_last_or_waits_for_them(frees_in_s, need: float, nodes: int, waits_h: int):
    busy = [hpc_node(f"b{number}", frees_in_s=free_s) for number, free_s in enumerate(frees_in_s)]
    found = bring_about(NOTHING_BROUGHT, waiting(5.0, need, [*busy, *kubernetes_nodes(6)]), AUTOMATIC, EVICTS, ())
    assert found.nodes == nodes
    assert (found.last_s - found.from_s + 1800) // HOUR_S == waits_h
    window = found.window(AUTOMATIC)
    assert window is None or window.to_s == found.last_s + HOUR_S


def test_downward_is_the_direction_to_hpc():
    claims = look(TakeoverWatch(POOL, SPEC, books=True), snapshot(kubernetes_nodes(2)), request(Side.HPC, 60))
    assert claims.due is not None
    assert claims.due.direction is DOWN


def test_each_phase_is_counted_by_pool_those_of_none_too():
    watch = TakeoverWatch(POOL, SPEC, books=True)
    look(watch, snapshot(hpc_nodes(2, frees_in_s=9 * HOUR_S)), request(Side.KUBERNETES, HOUR_S))
    (family,) = TakeoverMetrics({"pool": watch}).collect()
    counted = {sample.labels["phase"]: sample.value for sample in family.samples}
    assert counted == {**dict.fromkeys(Phase, 0), Phase.INFEASIBLE: 1}
