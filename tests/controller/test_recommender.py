"""Recommending: the controller's own decision, and not one act."""

from __future__ import annotations

import logging

import pytest

from controller.controller import Controller
from controller.recommender import NO_EPOCH, Recommender
from models.audit import Decided, TakeoverStands
from models.errors import Unreachable
from models.forecasts import Source, flat
from models.nodes import Side
from models.plans import Switch
from models.policies import MovesPolicy, PoolPolicy, SafetyPolicy, Spec, Takeover
from models.pools import PoolInKubernetes
from tests.controller.fleet import IDENTITY, OLD_MARK, Fleet, Machine

SPEC = Spec(
    moves=MovesPolicy(at_once="100%", per_hour="100%", dwell="0s"), safety=SafetyPolicy(unready_max=0, stale_after="2m")
)
POOL = PoolPolicy(name="pool")


@pytest.fixture
def fleet() -> Fleet:
    fleet = Fleet(**{f"n{number}": Machine(closed=OLD_MARK) for number in range(1, 7)})
    fleet.sizes = {Side.HPC: (), Side.KUBERNETES: (1.0,) * 4}
    return fleet


def expected(nodes: float = 4.0) -> dict[Side, object]:
    demand = {Side.HPC: 0.0, Side.KUBERNETES: nodes}
    return {side: flat(side, 0, demand[side], (900, 7200), Source.NOW) for side in Side}


def recommender(fleet: Fleet) -> Recommender:
    return Recommender(fleet.ports().hpc, fleet.ports().kubernetes, IDENTITY, POOL, SPEC, fleet.clock, fleet.audit)


def test_the_plan_is_the_controllers_and_nothing_of_it_is_done(fleet: Fleet):
    plan = recommender(fleet).turn(expected())
    assert plan is not None
    assert len(plan.moves) == 4
    assert fleet.asked == []
    (entry,) = fleet.audit.of(Decided)
    assert (entry.epoch, entry.plan) == (NO_EPOCH, plan)
    assert entry.snapshot.bounds == (POOL.bounds(len(fleet.machines)),) * 24
    acting = Controller(fleet.ports(), IDENTITY, POOL, SPEC, fleet.clock).turn(expected())
    assert acting is not None
    assert acting.moves == plan.moves
    assert fleet.asked != []


def test_a_price_that_nothing_is_done_for_stays_where_it_begins(fleet: Fleet):
    pool = PoolPolicy(name="pool", kubernetes=PoolInKubernetes(unmet_at_most="1%", waits_at_most="0s"))
    one = Recommender(fleet.ports().hpc, fleet.ports().kubernetes, IDENTITY, pool, SPEC, fleet.clock, fleet.audit)
    for _ in range(300):
        fleet.clock.now_s += 300
        assert one.turn(expected()) is not None
    assert {entry.pool.unmet_cost.kubernetes for entry in fleet.audit.of(Decided)} == {3.0}  # type: ignore[union-attr]


def test_a_takeover_of_the_policy_is_told_once_as_it_stands(fleet: Fleet, caplog: pytest.LogCaptureFixture):
    takeover = Takeover(name="run", side=Side.HPC, pool="pool", nodes=5, schedule="0 2 * * *", duration="4h")
    spec = SPEC.model_copy(update={"takeovers": (takeover,)})
    one = Recommender(fleet.ports().hpc, fleet.ports().kubernetes, IDENTITY, POOL, spec, fleet.clock, fleet.audit)
    fleet.clock.now_s = 2 * 3600
    with caplog.at_level(logging.INFO, "tidegate.takeovers"):
        for _ in range(3):
            assert one.turn(expected()) is not None
    (entry,) = fleet.audit.of(TakeoverStands)
    assert isinstance(entry, TakeoverStands)
    assert (entry.epoch, entry.takeover.name) == (NO_EPOCH, "run")
    assert caplog.messages == [entry.text]


def test_watching_does_nothing(fleet: Fleet):
    one = recommender(fleet)
    one.watch()
    assert (fleet.asked, one.finished) == ([], [])


def test_what_would_hold_the_moves_back_is_told(fleet: Fleet):
    fleet.machines["n1"].hpc_ready = False
    one = recommender(fleet)
    assert one.turn(expected()) is not None
    assert [hold.switch for hold in one.holds] == [Switch.UNREADY]


def test_a_side_that_cannot_be_seen_gives_no_plan(fleet: Fleet, monkeypatch: pytest.MonkeyPatch):
    one = recommender(fleet)

    def gone() -> None:
        raise Unreachable("slurmrestd gave no answer")

    monkeypatch.setattr(one._view, "_hpc", type("Gone", (), {"read": staticmethod(gone)})())
    assert one.turn(expected()) is None
    assert [(hold.switch, hold.text) for hold in one.holds] == [(Switch.UNREACHABLE, "slurmrestd gave no answer")]


def test_a_decision_that_cannot_be_written_down_is_none(fleet: Fleet):
    fleet.audit.full = True
    one = recommender(fleet)
    assert one.turn(expected()) is None
    assert [hold.switch for hold in one.holds] == [Switch.UNRECORDED]
