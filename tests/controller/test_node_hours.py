"""The budget of node-hours over all pools: what is left of it, that it holds, and that no pool starves."""

from __future__ import annotations

import random
from collections import Counter
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.controller import Controller
from controller.decide.node_hours import node_seconds_left
from controller.handover.carry_out import Ports
from controller.site_leadership import SiteLeadership
from models.audit import Decided
from models.forecasts import Source, flat
from models.handovers import Direction
from models.identity import PoolId
from models.nodes import Side
from models.plans import Reason
from models.policies import MovesPolicy, PoolPolicy, SafetyPolicy, Spec
from models.snapshot import Taken
from tests.controller.fleet import OLD_MARK, Fleet, Leader, Machine

DAY_S, HOUR_S = 86_400, 3600
# node-hours, the pool's nodes and node-seconds, those of others -> node-seconds left
LEFT = {
    "one pool has all of it": (1, (4, 0), [], 3600),
    "less what it took": (1, (4, 3000), [], 600),
    "never less than nothing": (1, (4, 9000), [], 0),
    "what another is sure of is kept": (1, (4, 0), [(4, 0)], 2700),
    "by its number of nodes": (1, (1, 0), [(9, 0)], 3600 - 1620),
    "what another took beyond that is gone": (1, (4, 0), [(4, 2700)], 900),
    "its own part is sure whatever a takeover took": (1, (4, 100), [(4, 9000)], 800),
    "also what a takeover of its own took counts": (1, (4, 9000), [(4, 0)], 0),
    "until all pools were seen half is kept": (1, (4, 100), [(None, 0)], 1700),
    "also what a pool took that is not seen yet counts": (1, (4, 100), [(None, 1000)], 700),
    "pools of no nodes": (1, (0, 0), [(0, 0)], 3600),
}


@pytest.mark.parametrize(("hours", "own", "others", "left"), LEFT.values(), ids=LEFT.keys())
def test_what_is_left(hours: float, own: tuple[int, int], others: list[tuple[int | None, int]], left: int):
    assert node_seconds_left(hours, Taken(*own), [Taken(*other) for other in others]) == left


@settings(max_examples=300)
@given(
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=5),
    hours=st.floats(0.1, 20),
    asked=st.lists(st.tuples(st.integers(0, 4), st.floats(0, 1), st.booleans()), max_size=40),
)
def test_what_the_rule_lets_begin_keeps_within_the_budget_and_each_pool_is_sure_of_its_part(
    sizes: list[int], hours: float, asked: list[tuple[int, float, bool]]
):
    """Pools ask in any order, each for any part of what is left to it; takeovers take at will, a day long."""
    taken, ruled = Counter[int](), Counter[int]()
    for number, part, takeover in asked:
        pool = number % len(sizes)
        others = [Taken(sizes[one], taken[one]) for one in range(len(sizes)) if one != pool]
        left_s = node_seconds_left(hours, Taken(sizes[pool], taken[pool]), others)
        sure_s = int(hours * 3600) // 2 * sizes[pool] // sum(sizes)
        assert left_s >= min(sure_s, int(hours * 3600)) - taken[pool]
        asks_s = 7200 if takeover else int(part * left_s)
        taken[pool] += asks_s
        ruled[pool] += 0 if takeover else asks_s
    assert sum(ruled.values()) <= hours * 3600


# ---- two pools under one leader, day after day ----

EVERY_S = 300
SIZES = {"a100": 6, "h100": 3}


class Begun(NamedTuple):
    """The moves of a turn, and the node-seconds that they count for."""

    at_s: int
    moves: int
    node_s: int


class Swinging:
    """A pool whose demand swings at random."""

    def __init__(self, name: str, led: SiteLeadership, moves: MovesPolicy, dice: random.Random) -> None:
        names = [f"{name[0]}{number}" for number in range(SIZES[name])]
        self.fleet = Fleet(**{one: Machine(closed=OLD_MARK) for one in names})
        self.dice = dice
        self.wants: dict[Side, int] = dict.fromkeys(Side, 0)
        self.refused: set[Reason] = set()
        ports, pool = Ports(self.fleet.hpc, self.fleet.kubernetes, led.pool(name)), PoolPolicy(name=name)
        spec = Spec(moves=moves, safety=SafetyPolicy(vanished_hold="1m"))
        self.controller = Controller(
            ports,
            PoolId("site", name),
            pool.without_usual_floors(),
            spec,
            self.fleet.clock,
            self.fleet.audit,
            led.budget,
        )

    def turn(self, now_s: int) -> Begun:
        """The moves that begin."""
        if self.dice.random() < 0.1:
            side, most = self.dice.choice([*Side]), len(self.fleet.machines)
            self.wants = {one: most if one is side else self.dice.choice((0, 0, most)) for one in Side}
        self.fleet.clock.now_s = now_s
        self.fleet.sizes = {side: (1.0,) * count for side, count in self.wants.items()}
        need = {side: float(count) for side, count in self.wants.items()}
        plan = self.controller.turn({side: flat(side, now_s, need[side], (900, 7200), Source.NOW) for side in Side})
        assert plan is not None, self.controller.holds
        self.refused = {one.reason for one in plan.rejections}
        (last,) = self.fleet.audit.of(Decided)
        self.fleet.audit.entries.clear()
        leads = last.snapshot.lead  # type: ignore[attr-defined]
        moves = () if plan.holds else plan.moves
        return Begun(now_s, len(moves), sum(leads[move.direction].planned_s for move in moves))

    def tend(self, now_s: int) -> None:
        self.fleet.clock.now_s = now_s
        if self.controller.open_handovers:
            self.controller.tend()


def test_two_pools_keep_within_all_budgets_together_and_neither_starves():
    """Demand swings, and 2,000 turns are taken of five minutes."""
    moves = MovesPolicy(
        at_once=3, per_hour=5, node_hours_per_day=0.5, dwell="0s", lead_time="2m", min_gain=0, look_ahead="30m"
    )
    dice, led = random.Random(1), SiteLeadership(Leader(), list(SIZES))
    pools = {name: Swinging(name, led, moves, dice) for name in SIZES}
    begun: dict[str, list[Begun]] = {name: [] for name in SIZES}
    bound: set[Reason] = set()
    for now_s in range(0, 2000 * EVERY_S, EVERY_S):
        for name in dice.sample([*SIZES], 2):
            begun[name].append(pools[name].turn(now_s))
            bound |= pools[name].refused
            assert sum(len(one.controller.open_handovers) for one in pools.values()) <= 3
        for wait_s in (10, 20, 90, 100):
            for pool in pools.values():
                pool.tend(now_s + wait_s)
    every = [one for moved in zip(*begun.values(), strict=True) for one in moved]
    turns_of_a_day, turns_of_an_hour = 2 * DAY_S // EVERY_S, 2 * HOUR_S // EVERY_S
    for end in range(2, len(every) + 1, 2):
        assert sum(one.moves for one in every[max(0, end - turns_of_an_hour) : end]) <= 5
        assert sum(one.node_s for one in every[max(0, end - turns_of_a_day) : end]) <= HOUR_S / 2
    assert bound >= {Reason.AT_ONCE, Reason.PER_HOUR, Reason.NODE_HOURS}, "each of the budgets was tight"
    for name, moved in begun.items():
        for day in range(6):
            assert sum(one.moves for one in moved if one.at_s // DAY_S == day), f"{name} starves"
    assert {way for pool in pools.values() for way, _, _ in pool.controller.ended} == {*Direction}
