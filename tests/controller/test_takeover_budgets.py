"""A takeover that needs more nodes than the budgets allow: all of them go at once, and the others wait for it."""

from __future__ import annotations

from controller.controller import Controller
from controller.handover.carry_out import Ports
from controller.site_leadership import SiteLeadership
from models.audit import Decided
from models.forecasts import Source, flat
from models.handovers import Direction, Stage
from models.identity import PoolId
from models.leadership import Orders
from models.nodes import Side
from models.plans import Plan, Reason
from models.policies import MovesPolicy, PoolPolicy, Spec
from models.takeovers import ALL, Request
from tests.controller.fleet import OLD_MARK, Fleet, Leader, Machine

LEAD_S, HOUR_S, AT_S = 600, 3600, 10_000
TIGHT = MovesPolicy(at_once=2, per_hour=3, node_hours_per_day=1, dwell="20m", lead_time="10m")
NEEDS = 10


class Pool:
    """A pool of a site, all of its nodes Kubernetes', but for some that are HPC's."""

    def __init__(self, name: str, led: SiteLeadership, *, kubernetes: int = 0, hpc: int = 0) -> None:
        names = [f"{name}{number}" for number in range(kubernetes + hpc)]
        machines = {one: Machine(drain=OLD_MARK) for one in names[:kubernetes]}
        self.fleet = Fleet(**machines, **{one: Machine(closed=OLD_MARK) for one in names[kubernetes:]})
        ports = Ports(self.fleet.hpc, self.fleet.kubernetes, led.pool(name))
        self.controller = Controller(
            ports,
            PoolId("site", name),
            PoolPolicy(name=name).without_usual_floors(),
            Spec(moves=TIGHT),
            self.fleet.clock,
            self.fleet.audit,
            led.budget,
        )

    def turn(self, now_s: int, *, hpc: int = 0, kubernetes: int = 0) -> Plan:
        """A turn while so many single-node pieces of work wait."""
        wants = {Side.HPC: hpc, Side.KUBERNETES: kubernetes}
        self.fleet.clock.now_s = now_s
        self.fleet.sizes = {side: (1.0,) * count for side, count in wants.items()}
        sides = {side: flat(side, now_s, float(count), (900, 7200), Source.NOW) for side, count in wants.items()}
        plan = self.controller.turn(sides)
        assert plan is not None, self.controller.holds
        assert not plan.holds
        return plan

    def tend(self, *seconds: int) -> None:
        for now_s in seconds:
            self.fleet.clock.now_s = now_s
            self.controller.tend()

    @property
    def going(self) -> int:
        return len(self.controller.open_handovers)

    @property
    def taken_s(self) -> int:
        decided = self.fleet.audit.of(Decided)[-1]
        assert isinstance(decided, Decided)
        return decided.snapshot.taken_s


def reasons(plan: Plan) -> set[Reason]:
    return {one.reason for one in plan.rejections}


def site() -> tuple[Pool, Pool]:
    """One pool of which HPC is to have all at an hour, and another whose demand for nodes is as any."""
    request = Request("1", "a", Side.HPC, ALL, AT_S, HOUR_S, "a person", 0)
    led = SiteLeadership(Leader(orders=Orders(takeovers=(request,))), ["a", "b"])
    a, b = Pool("a", led, kubernetes=NEEDS), Pool("b", led, hpc=4)
    a.turn(0)
    b.turn(0)
    return a, b


def test_all_its_nodes_go_in_one_turn_whatever_the_budgets_and_in_time():
    a, _ = site()
    due_s = AT_S - LEAD_S - TIGHT.every
    assert a.turn(due_s - 1, kubernetes=NEEDS).moves == ()
    plan = a.turn(due_s, kubernetes=NEEDS)
    assert {move.direction for move in plan.moves} == {Direction.TO_HPC}
    assert (len(plan.moves), a.going) == (NEEDS, NEEDS)
    a.tend(due_s + 61, due_s + 70, due_s + 80)
    assert {one.stage for one in a.controller.finished} == {Stage.DONE}
    assert all(a.fleet.node(name).owner is Side.HPC for name in a.fleet.machines)


def test_what_no_takeover_needs_waits_until_its_nodes_are_there_and_then_for_the_hour():
    a, b = site()
    due_s = AT_S - LEAD_S - TIGHT.every
    a.turn(due_s)
    held = b.turn(due_s, kubernetes=4)
    assert (held.moves, reasons(held)) == ((), {Reason.AT_ONCE})
    a.tend(due_s + 61, due_s + 70, due_s + 80)
    assert a.going == 0
    held = b.turn(due_s + 300, kubernetes=4)
    assert (held.moves, reasons(held)) == ((), {Reason.PER_HOUR})
    sure = b.turn(
        due_s + HOUR_S, kubernetes=4
    )  # half an hour of node-hours by size: 4 of 14, less than one move's 600 s
    assert (sure.moves, reasons(sure)) == ((), {Reason.NODE_HOURS})
    assert len(b.turn(due_s + 24 * HOUR_S, kubernetes=4).moves) == TIGHT.at_once


def test_at_its_end_what_the_other_side_had_goes_back_at_once_too_and_all_of_it_counts():
    a, _ = site()
    due_s = AT_S - LEAD_S - TIGHT.every
    a.turn(due_s)
    a.tend(due_s + 61, due_s + 70, due_s + 80)
    a.turn(AT_S, kubernetes=NEEDS)
    assert a.taken_s == NEEDS * LEAD_S
    for now_s in range(AT_S + 300, AT_S + HOUR_S + LEAD_S + 601, 300):
        a.turn(now_s, kubernetes=NEEDS)
        a.tend(now_s + 10, now_s + 20, now_s + 30)
    assert all(a.fleet.node(name).owner is Side.KUBERNETES for name in a.fleet.machines)
    assert a.taken_s > NEEDS * LEAD_S
