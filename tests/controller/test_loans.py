"""Loans: which nodes bear which date, when they lapse, and that the decision for now neither sees nor undoes them."""

from __future__ import annotations

from dataclasses import replace as changed

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.decide.decide import decide
from controller.decide.loans import GAP_S, MOVED_S, SLOT_S, WRITES_MOST
from models.forecasts import Forecast, Source
from models.handovers import MARK_PREFIX, Handover, Stage, Why
from models.nodes import Node, Side
from models.plans import Loan, Plan, Reason
from models.policies import MovesPolicy, PoolPolicy, Shares, Weights
from models.snapshot import Due, Snapshot
from tests.controller.test_decide import DOWN, NOW_S, UP, handover, hpc_node, kubernetes_nodes, snapshot

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
LEAD_S = 750  # what ``snapshot`` plans with
LENDS = MovesPolicy(at_once="100%", per_hour="100%", dwell="20m", loans="dueDates")
LATER_S = -(-(NOW_S + 2700) // SLOT_S) * SLOT_S  # a quarter of an hour by the clock, about 45 min from now
DATE_S = LATER_S - LEAD_S


def pool(weight: float = 10.0, **bounds: Shares) -> PoolPolicy:
    weights = Weights(hpc=1.0, kubernetes=weight)
    return PoolPolicy(name="pool", unmet_cost=weights, **bounds).without_usual_floors()


def foresees(more: float, at_s: int = LATER_S, now: float = 2.0, source: Source = Source.MODEL) -> Forecast:
    """So many more nodes from ``at_s`` on, and until shortly before as many as now."""
    before, after = (now,) * len(LEVELS), (now + more,) * len(LEVELS)
    horizons_s = (at_s - NOW_S - 1, at_s - NOW_S, at_s - NOW_S + 3600)
    return Forecast(Side.KUBERNETES, NOW_S, now, horizons_s, LEVELS, (before, after, after), source)


def shown(
    *frees_in_s: int | None, forecast: Forecast | None = None, jobs: tuple[float, ...] = (), loans: tuple = ()
) -> Snapshot:
    """HPC nodes h0, h1, .. that free then, and two of Kubernetes in use. ``loans`` are open ones."""
    booked = {loan.node: loan.mark for loan in loans}
    names = [f"h{number}" for number in range(len(frees_in_s))]
    nodes = [
        hpc_node(name, frees_in_s=frees, booked_by=booked.get(name))
        for name, frees in zip(names, frees_in_s, strict=True)
    ]
    foreseen = {Side.KUBERNETES: forecast or foresees(0)}
    return snapshot(nodes + kubernetes_nodes(2, pods=1), hpc=jobs, forecasts=foreseen, handovers=tuple(loans))


def loan_of(node: str, date_s: int = DATE_S, stage: Stage = Stage.RESERVED) -> Handover:
    return changed(handover(f"l-{node}", node, UP, stage), reserve_from_s=date_s, loan=True)


def early(before_s: int) -> int:
    """Seconds from now until so long before the date."""
    return DATE_S - before_s - NOW_S


# what the HPC nodes free, what is foreseen, jobs that wait, Kubernetes' weight -> the nodes that bear the date
CHOSEN = {
    "the one whose work ends last, in time": ((early(1500), early(60), early(900)), foresees(1), (), 10.0, ["h1"]),
    "as many as will be lacking": ((early(1500), early(60), early(900)), foresees(2), (), 10.0, ["h1", "h2"]),
    "none that ends too late": ((early(-1), early(-5000)), foresees(2), (), 10.0, []),
    "one that ends on the date": ((early(0),), foresees(1), (), 10.0, ["h0"]),
    "an empty one, if not for too long": ((None,), foresees(1), (), 10.0, ["h0"]),
    "nothing more is foreseen": ((early(60),), foresees(0), (), 10.0, []),
    "jobs wait, and a node short costs no more than one withheld": ((early(60),), foresees(1), (9.0,), 3.0, []),
    "jobs wait, and Kubernetes is dear": ((early(1800),), foresees(1), (9.0,), 10.0, ["h0"]),
    "no job waits at the default weights": ((early(60),), foresees(1), (), 3.0, ["h0"]),
}


@pytest.mark.parametrize(("frees", "forecast", "jobs", "weight", "nodes"), CHOSEN.values(), ids=CHOSEN.keys())
def test_which_nodes_bear_a_date(
    frees: tuple[int, ...], forecast: Forecast, jobs: tuple[float, ...], weight: float, nodes: list[str]
):
    plan = decide(shown(*frees, forecast=forecast, jobs=jobs), pool(weight), LENDS)
    assert plan.loans == tuple(Loan(name, DATE_S) for name in nodes)
    told = {name: one for one in plan.rejections for name in one.nodes}
    assert all(told[name].reason is Reason.LOANED for name in nodes)
    assert sum(one.reason is Reason.LOANED for one in plan.rejections) == bool(nodes)


def test_an_empty_node_bears_no_date_that_is_further_away_than_it_may_be_empty():
    late_s = LATER_S + GAP_S + SLOT_S
    assert not decide(shown(None, forecast=foresees(1, late_s)), pool(), LENDS).loans
    node = late_s - LEAD_S - GAP_S - NOW_S
    assert decide(shown(node, forecast=foresees(1, late_s)), pool(), LENDS).loans == (Loan("h0", late_s - LEAD_S),)


def test_the_earlier_date_goes_first_and_each_has_the_node_that_loses_least():
    later_s = LATER_S + 2 * SLOT_S
    levels = [(nodes,) * len(LEVELS) for nodes in (2.0, 3.0, 3.0, 4.0)]
    times_s = (LATER_S - 1, LATER_S, later_s - 1, later_s)
    forecast = Forecast(
        Side.KUBERNETES, NOW_S, 2.0, tuple(at_s - NOW_S for at_s in times_s), LEVELS, tuple(levels), Source.MODEL
    )
    plan = decide(shown(early(30), early(300), early(-600), forecast=forecast), pool(), LENDS)
    assert plan.loans == (Loan("h0", DATE_S), Loan("h2", later_s - LEAD_S))


# what else there is -> how many of four nodes that would all do bear a date, where six are foreseen
BOUND = {
    "all of them": (pool(), {}, 4),
    "half of atOnce": (pool(), {"at_once": 4}, 2),
    "what is left of the hour": (pool(), {"per_hour": 1}, 1),
    "Kubernetes' ceiling": (pool(ceiling=Shares(kubernetes=5)), {}, 3),
    "the floor of the HPC side": (pool(floor=Shares(hpc=1)), {}, 3),
    "none where loans are off": (pool(), {"loans": "never"}, 0),
}


@pytest.mark.parametrize(("of", "how", "loans"), BOUND.values(), ids=BOUND.keys())
def test_what_bounds_loans(of: PoolPolicy, how: dict[str, object], loans: int):
    plain = {"at_once": 12, "per_hour": 12, "dwell": "0s", "loans": "dueDates"}
    moves = MovesPolicy.model_validate({**plain, **how}, by_name=True)
    assert len(decide(shown(*[early(60)] * 4, forecast=foresees(6)), of, moves).loans) == loans


def test_no_more_than_some_dates_are_written_in_a_turn():
    found = shown(*[early(60)] * 30, forecast=foresees(30))
    assert len(decide(found, pool(), LENDS).loans) == WRITES_MOST


STANDS = shown(early(60), early(300), forecast=foresees(1), loans=(loan_of("h1"),))
# the snapshot, the policy -> whether its loan of h1 lapses, and which nodes bear a date anew
LAPSES = {
    "it stands although another node would lose less": (STANDS, LENDS, False, []),
    "its date is to move a little": (
        shown(early(300), forecast=foresees(1), loans=(loan_of("h0", DATE_S + MOVED_S),)),
        LENDS,
        False,
        [],
    ),
    "its date is to move by more": (
        shown(early(300), forecast=foresees(1), loans=(loan_of("h0", DATE_S + MOVED_S + 1),)),
        LENDS,
        True,
        [],
    ),
    "the rise is foreseen no more": (shown(early(60), loans=(loan_of("h0"),)), LENDS, True, []),
    "the forecast is not trusted: what is there stays": (
        shown(early(60), forecast=foresees(0, source=Source.NOW), loans=(loan_of("h0"),)),
        LENDS,
        True,
        [],
    ),
    "its node's work ended early, and another one would lose less": (
        shown(
            early(60),
            None,
            forecast=foresees(1, LATER_S + 2 * SLOT_S),
            loans=(loan_of("h1", DATE_S + 2 * SLOT_S),),
        ),
        LENDS,
        True,
        ["h0"],
    ),
    "loans are off": (STANDS, LENDS.model_copy(update={"loans": "never"}), True, []),
    "a takeover needs nodes": (changed(STANDS, due=Due("takeover", DOWN, ())), LENDS, True, []),
}


@pytest.mark.parametrize(("found", "moves", "lapses", "anew"), LAPSES.values(), ids=LAPSES.keys())
def test_when_a_loan_lapses(found: Snapshot, moves: MovesPolicy, lapses: bool, anew: list[str]):
    plan = decide(found, pool(), moves)
    assert bool(plan.cancellations) is lapses
    assert [loan.node for loan in plan.loans] == anew
    assert plan.target == plan.current, "the decision for now is another matter"


def test_at_the_default_weights_a_loan_lapses_as_soon_as_jobs_wait():
    found = shown(early(1800), forecast=foresees(1), jobs=(9.0,), loans=(loan_of("h0"),))
    assert decide(found, pool(3.0), LENDS).cancellations == ("l-h0",)
    assert not decide(found, pool(10.0), LENDS).cancellations


def test_a_node_that_is_wanted_now_goes_now_whatever_its_date():
    found = shown(None, forecast=foresees(0, now=3.0), loans=(loan_of("h0"),))
    view = found.sides[Side.KUBERNETES]
    wanted = changed(view, demand=changed(view.demand, waiting=1.0), waiting=changed(view.waiting, sizes=(1.0,)))
    plan = decide(changed(found, sides={**found.sides, Side.KUBERNETES: wanted}), pool(), LENDS)
    assert [move.node for move in plan.moves] == ["h0"]
    assert not plan.cancellations, "it is brought forward"


@st.composite
def situations(draw: st.DrawFn) -> tuple[Snapshot, PoolPolicy, MovesPolicy]:
    """Any pool with loans open or not, whatever is foreseen."""
    count = draw(st.integers(1, 14))
    frees = draw(st.lists(st.none() | st.integers(0, 9000), min_size=count, max_size=count))
    lent = draw(st.sets(st.integers(0, count - 1)))
    loans = tuple(loan_of(f"h{number}", NOW_S + draw(st.integers(1, 7200))) for number in sorted(lent))
    forecast = foresees(draw(st.integers(0, 9)), NOW_S + draw(st.integers(60, 9000)))
    jobs = tuple(draw(st.lists(st.sampled_from((1.0, 3.0, 20.0)), max_size=3)))
    found = shown(*frees, forecast=forecast, jobs=jobs, loans=loans)
    most = draw(st.integers(2, count + 2))
    moves = MovesPolicy(
        at_once=draw(st.integers(1, 20)), per_hour=draw(st.integers(1, 20)), dwell="0s", loans="dueDates"
    )
    bounds = Shares(hpc=draw(st.integers(0, count + 2 - most)))
    return found, pool(draw(st.sampled_from((3.0, 10.0))), floor=bounds, ceiling=Shares(kubernetes=most)), moves


def owned(found: Snapshot, side: Side) -> list[Node]:
    return [node for node in found.nodes if node.owner is side]


def lasting(found: Snapshot, plan: Plan) -> list[Handover]:
    moved = {move.node for move in plan.moves}
    return [one for one in found.loans if one.id not in plan.cancellations and one.node not in moved]


@settings(max_examples=400)
@given(situations())
def test_loans_keep_every_bound_that_moves_have(situation: tuple[Snapshot, PoolPolicy, MovesPolicy]):
    found, of, moves = situation
    plan = decide(found, of, moves)
    assert plan == decide(found, of, moves)
    stay, total = lasting(found, plan), len(found.nodes)
    loans = len(stay) + len(plan.loans)
    low, high = of.bounds(total)
    if loans:
        assert plan.target + loans <= high
        assert len(owned(found, Side.HPC)) - sum(move.direction is UP for move in plan.moves) - loans >= total - high
        assert loans <= int(moves.at_once) // 2
    begun = len(plan.moves) + len(plan.loans)
    assert begun <= max(0, int(moves.at_once) - len(found.open_handovers)) or not plan.loans
    assert begun <= int(moves.per_hour) or not plan.loans
    assert len(plan.loans) + len(plan.cancellations) <= max(WRITES_MOST, len(found.loans))
    nodes = {node.name: node for node in found.nodes}
    for loan in plan.loans:
        frees_s = max(NOW_S, nodes[loan.node].hpc.frees_at_s or 0)
        assert loan.from_s > NOW_S
        assert loan.from_s - GAP_S <= frees_s <= loan.from_s
        assert loan.node not in {one.node for one in found.open_handovers} | {move.node for move in plan.moves}
    told = [move.node for move in plan.moves] + [name for one in plan.rejections for name in one.nodes]
    assert sorted(told) == sorted(nodes)
    assert low <= high


@settings(max_examples=200)
@given(situations())
def test_the_decision_for_now_is_the_same_with_loans_and_without(
    situation: tuple[Snapshot, PoolPolicy, MovesPolicy],
):
    found, of, moves = situation
    plan, off = decide(found, of, moves), decide(found, of, moves.model_copy(update={"loans": "never"}))
    assert (plan.moves, plan.target, off.loans) == (off.moves, off.target, ())
    if len(found.loans) <= WRITES_MOST:  # of more, each lapses some
        assert set(plan.cancellations) <= set(off.cancellations)


@settings(max_examples=200)
@given(situations())
def test_what_was_begun_stands_in_the_next_decision_on_the_same_things(
    situation: tuple[Snapshot, PoolPolicy, MovesPolicy],
):
    found, of, moves = situation
    found = changed(found, open_handovers=())
    nodes = tuple(changed(node, hpc=changed(node.hpc, booked_by=None)) for node in found.nodes)
    found = changed(found, nodes=nodes)
    plan = decide(found, of, moves)
    if plan.moves:
        return
    loans = tuple(loan_of(loan.node, loan.from_s, Stage.PLANNED) for loan in plan.loans)
    marks = {loan.node: loan.mark for loan in loans}
    booked = tuple(changed(node, hpc=changed(node.hpc, booked_by=marks.get(node.name))) for node in found.nodes)
    again = decide(changed(found, nodes=booked, open_handovers=loans), of, moves)
    assert again.cancellations == ()
    assert again.moves == ()


def test_a_loan_whose_date_has_come_is_on_its_way_and_what_is_foreseen_keeps_it_there():
    due = loan_of("h0", NOW_S, Stage.DRAINING)
    assert not due.awaits_date(NOW_S)
    assert loan_of("h0").mark.startswith(MARK_PREFIX)
    plan = decide(shown(60, forecast=foresees(1, NOW_S + LEAD_S), loans=(due,)), pool(), LENDS)
    assert (plan.current, plan.target, plan.cancellations, plan.loans) == (3, 3, (), ())


@pytest.mark.parametrize(
    ("how", "awaits"),
    [({}, True), ({"loan": False}, False), ({"why": Why.LATE}, False), ({"stage": Stage.CANCELLING}, False)],
)
def test_only_a_loan_that_goes_on_awaits_its_date(how: dict[str, object], awaits: bool):
    loan = changed(loan_of("h0"), **how)
    assert loan.awaits_date(DATE_S - 1) is awaits
    assert not loan.awaits_date(DATE_S)
