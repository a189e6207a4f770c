"""A price that follows a service level: what is measured, how the price moves, and what holds it still."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.controller import Controller
from controller.leader_memory import LeaderMemory, decode_leader_memory, encode_leader_memory
from controller.safety import Vanishing
from controller.service_level.long_waits import LongWaits
from controller.service_level.price import DAY_S, NOTICED, Followed, beginning, followed_on, went_on
from models.audit import Decided, Repriced
from models.forecasts import Source, flat
from models.leadership import Orders, Pause
from models.nodes import Side
from models.plans import ServiceLevel
from models.policies import MovesPolicy, PoolPolicy, SafetyPolicy, Spec
from models.pools import PoolInKubernetes, Weights
from tests.controller.fleet import IDENTITY, OLD_MARK, Fleet, Leader, Machine

BOUNDS = (1.0, 100.0)
HOUR_S = 3600
KUBERNETES = Side.KUBERNETES


def pool(at_most: str = "1%", *, begins: float = 3.0, waits: str = "0s") -> PoolPolicy:
    level = PoolInKubernetes(unmet_at_most=at_most, waits_at_most=waits)
    cost = Weights(hpc=1.0, kubernetes=begins)
    return PoolPolicy(name="pool", kubernetes=level, unmet_cost=cost).without_usual_floors()


def begun(at_most: str = "1%", begins: float = 3.0) -> Followed:
    found = beginning(pool(at_most, begins=begins))
    assert found is not None
    return found


def after(hours: int, share: float, followed: Followed | None = None, asked: float = 40.0) -> Followed:
    """The price after so many hours in which that share of so many nodes was unmet."""
    followed = followed or begun()
    for _ in range(hours):
        node_s = asked * HOUR_S
        followed = followed_on(followed, share * node_s, node_s, HOUR_S, BOUNDS)
    return followed


@pytest.mark.parametrize(
    ("looks", "bound_s", "beyond"),
    [
        pytest.param([(0, 0), (600, 0)], 60, 0, id="nothing waits"),
        pytest.param([(0, 4), (600, 4)], 0, 2400, id="without a bound all of it counts"),
        pytest.param([(0, 4), (600, 4)], 60, 4 * 540, id="it counts from the bound on"),
        pytest.param([(0, 0), (300, 4), (600, 0), (900, 0)], 60, 4 * 240, id="and until it is gone"),
        pytest.param([(0, 4), (30, 0), (60, 4), (90, 0), (600, 0)], 60, 0, id="short waits do not add up"),
        pytest.param([(0, 4), (300, 1), (360, 6), (600, 6)], 60, 4 * 240 + 1 * 60 + 1 * 60 + 6 * 180, id="the least"),
        pytest.param([(0, 4), (60, 4), (120, 4), (600, 4)], 60, 4 * 540, id="however often it is looked at"),
        pytest.param([(0, 1), (60, 3), (120, 5), (180, 7)], 600, 0, id="none of it for so long yet"),
        pytest.param([(100, 5)], 60, 0, id="a single look tells nothing"),
    ],
)
def test_what_waits_for_longer_than_a_bound(looks: list[tuple[int, float]], bound_s: int, beyond: float):
    waits = LongWaits(bound_s, *looks[0])
    assert sum(waits.look(*look) for look in looks[1:]) == pytest.approx(beyond)


@settings(max_examples=80)
@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(0, 5)), min_size=1, max_size=12),
    st.integers(0, 60),
)
def test_it_is_the_least_of_each_second_before(steps: list[tuple[int, int]], bound_s: int):
    """Against a look at every second: what waited in each of the last ``bound_s`` ones, and in this one."""
    seconds = [nodes for passed_s, nodes in steps for _ in range(passed_s)]
    waits, now_s, total = LongWaits(bound_s, 0, steps[0][1]), 0, 0.0
    for number, (passed_s, _) in enumerate(steps):
        now_s += passed_s
        total += waits.look(now_s, steps[number + 1][1] if number + 1 < len(steps) else 0)
    full = [0] * (bound_s + 1) + seconds
    assert total == sum(min(full[at + 1 : at + bound_s + 2]) for at in range(len(seconds)))


@pytest.mark.parametrize(
    ("share", "low", "high"),
    [
        pytest.param(0.0, 2.45, 2.46, id="all is served: a fifth less in a day"),
        pytest.param(0.01, 3.0, 3.0, id="just at the level: it stays"),
        pytest.param(0.02, 3.66, 3.67, id="twice the level"),
        pytest.param(0.5, 8.15, 8.16, id="however bad, by a factor e at most"),
        pytest.param(1.0, 8.15, 8.16, id="the worst is as bad"),
    ],
)
def test_the_price_after_a_day_of_one_share(share: float, low: float, high: float):
    assert low <= after(24, share).price <= high


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1000), st.integers(0, DAY_S)), max_size=30))
def test_the_price_stays_within_its_bounds_and_the_share_is_one(turns: list[tuple[float, float, int]]):
    followed = begun()
    for share, asked, passed_s in turns:
        node_s = asked * passed_s
        followed = followed_on(followed, share * node_s, node_s, passed_s, BOUNDS)
        assert BOUNDS[0] <= followed.price <= BOUNDS[1]
        assert abs(followed.price / followed.in_force - 1) < NOTICED * 1.1
        assert followed.share is None or 0 <= followed.share <= 1


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 72), st.sampled_from(["0.1%", "1%", "20%"]))
def test_the_more_is_unmet_the_higher_is_the_price(one: float, other: float, hours: int, at_most: str):
    less, more = sorted((one, other))
    assert after(hours, less, begun(at_most)).price <= after(hours, more, begun(at_most)).price


@given(st.floats(0, 1e6), st.integers(0, DAY_S))
def test_without_data_nothing_changes(unmet: float, passed_s: int):
    followed = after(5, 0.03)
    assert followed_on(followed, unmet, 0.0, passed_s, BOUNDS) is followed
    assert followed_on(followed, unmet, 1e6, 0, BOUNDS) is followed


def test_the_price_settles_where_the_level_holds():
    """Where the share falls with the third power of the price, as it does in replays: 3 % at 3, so 1 % at 4.3."""
    followed = begun()
    for _ in range(40 * 24):
        followed = after(1, min(1.0, 0.03 * (3.0 / followed.in_force) ** 3), followed)
    assert followed.in_force == pytest.approx(3 * 3 ** (1 / 3), rel=0.05)


@pytest.mark.parametrize(
    ("now", "goes_on"),
    [
        pytest.param({}, True, id="the same words"),
        pytest.param({"at_most": "2%"}, False, id="another level"),
        pytest.param({"begins": 5.0}, False, id="another price to begin with"),
    ],
)
def test_what_was_handed_on_counts_while_the_policy_says_the_same(now: dict[str, object], goes_on: bool):
    kept = after(48, 0.05)
    begins = beginning(pool(**now))  # type: ignore[arg-type]
    assert begins is not None
    assert went_on(begins, kept, BOUNDS) == (kept if goes_on else begins)
    assert went_on(begins, None, BOUNDS) == begins


def test_what_was_handed_on_is_held_within_the_bounds():
    kept = replace_price(begun(), 1000.0)
    assert (went_on(begun(), kept, BOUNDS).price, went_on(begun(), kept, BOUNDS).in_force) == (100.0, 100.0)


def replace_price(followed: Followed, price: float) -> Followed:
    return Followed(followed.hpc, followed.begins, followed.at_most, price, price)


def test_where_the_price_is_travels_with_the_lease():
    kept = after(48, 0.05)
    assert decode_leader_memory(encode_leader_memory(Vanishing(), [], 0, 0, 0, followed=kept)).followed == kept


@pytest.mark.parametrize("price", ["-1", "0", "1e300", '"dear"', "null"])
def test_a_price_that_is_none_counts_as_nothing(price: str):
    told = f'{{"hpc":1,"begins":3,"at_most":0.01,"price":{price},"in_force":3}}'
    assert decode_leader_memory(f'{{"followed":{told}}}') == LeaderMemory()


class Served:
    """A pool of ten nodes, two of them of Kubernetes, in which pods wait that get no node: nothing may move."""

    def __init__(self, rules: PoolPolicy) -> None:
        nodes = {f"n{number}": Machine(closed=OLD_MARK, busy=True, frees_at_s=10**9) for number in range(8)}
        kubernetes = {f"k{number}": Machine(drain=OLD_MARK, pods=1) for number in range(2)}
        self.fleet = Fleet(**nodes, **kubernetes)
        self.fleet.running = {Side.HPC: 8.0, KUBERNETES: 2.0}
        self.rules = rules
        self.lead()

    def lead(self, remembered: str = "") -> None:
        spec = Spec(pools=(self.rules,), moves=MovesPolicy(), safety=SafetyPolicy())
        self.fleet.leader = Leader(remembered=remembered)
        self.controller = Controller(self.fleet.ports(), IDENTITY, self.rules, spec, self.fleet.clock, self.fleet.audit)

    def turns(self, hours: float, *, waiting: int, every_s: int = 300) -> ServiceLevel:
        self.fleet.sizes = {Side.HPC: (), KUBERNETES: (1.0,) * waiting}
        demand = {Side.HPC: 8.0, KUBERNETES: 2.0 + waiting}
        for _ in range(round(hours * 3600) // every_s):
            self.fleet.clock.now_s += every_s
            at_s = self.fleet.clock.now_s
            self.controller.turn({side: flat(side, at_s, demand[side], (900, 7200), Source.NOW) for side in Side})
        assert self.controller.price.told is not None
        return self.controller.price.told

    @property
    def repriced(self) -> list[Repriced]:
        return self.fleet.audit.of(Repriced)  # type: ignore[return-value]

    @property
    def decided(self) -> list[Decided]:
        return self.fleet.audit.of(Decided)  # type: ignore[return-value]


def test_each_change_is_told_once_and_decided_by():
    site = Served(pool())
    level = site.turns(24, waiting=1)
    assert level.unmet == pytest.approx(1 / 3)
    assert level.price > 4.5
    assert [one.before for one in site.repriced] == [3.0, *(one.now.price for one in site.repriced[:-1])]
    assert site.repriced[-1].now.price == level.price
    assert all(NOTICED <= one.now.price / one.before - 1 < 0.1 for one in site.repriced)
    assert {entry.pool.unmet_cost.kubernetes for entry in site.decided} == {
        3.0,
        *(one.now.price for one in site.repriced),
    }
    assert site.decided[-1].plan.service_level == level


def test_a_pool_without_a_level_goes_by_the_cost_that_is_written():
    site = Served(PoolPolicy(name="pool").without_usual_floors())
    site.fleet.sizes = {Side.HPC: (), KUBERNETES: (1.0,)}
    for _ in range(300):
        site.fleet.clock.now_s += 300
        at_s = site.fleet.clock.now_s
        site.controller.turn({side: flat(side, at_s, 8.0, (900, 7200), Source.NOW) for side in Side})
    assert site.controller.price.told is None
    assert site.repriced == []
    assert all(entry.pool is site.rules and entry.plan.service_level is None for entry in site.decided)


def test_what_is_beyond_the_ceiling_moves_no_price():
    """Two nodes have pods and a third is all that Kubernetes may have: of five that wait, one could be served."""
    rules = pool().model_copy(update={"ceiling": pool().ceiling.model_copy(update={"kubernetes": 3})})
    assert Served(rules).turns(24, waiting=5).unmet == pytest.approx(1 / 3)
    rules = pool().model_copy(update={"ceiling": pool().ceiling.model_copy(update={"kubernetes": 2})})
    assert Served(rules).turns(24, waiting=5).unmet == 0.0


def test_while_nothing_may_move_the_price_stands_still():
    site = Served(pool())
    before = site.turns(6, waiting=1)
    site.fleet.leader.orders = Orders(paused=Pause.FINISH)
    assert site.turns(48, waiting=8) == before
    site.fleet.leader.orders = Orders()
    assert site.turns(6, waiting=1).price > before.price


def test_what_is_old_moves_no_price():
    site = Served(pool())
    before = site.turns(6, waiting=1)
    site.fleet.ages_s[KUBERNETES] = 600.0
    assert site.turns(24, waiting=8) == before


def test_a_gap_does_not_count_as_known():
    """An hour without a turn, whatever waits before and after it."""
    site = Served(pool())
    before = site.turns(6, waiting=1)
    assert site.turns(1, waiting=1, every_s=3600) == before


def test_another_leader_goes_on_where_the_last_one_was():
    site = Served(pool())
    before = site.turns(24, waiting=1)
    site.lead(site.fleet.leader.remembered)
    told = len(site.repriced)
    assert site.turns(1 / 12, waiting=1) == before
    assert len(site.repriced) == told, "nothing has changed"
    site.lead()
    assert site.turns(1 / 12, waiting=1).price == 3.0, "it begins again where nothing was handed on"


def test_a_change_that_could_not_be_written_down_is_written_later():
    site = Served(pool())
    site.fleet.audit.full_for = Repriced
    site.turns(24, waiting=1)
    assert site.repriced == []
    decided = len(site.decided)
    site.fleet.audit.full_for = None
    level = site.turns(1 / 12, waiting=1)
    (told,) = site.repriced
    assert (told.before, told.now) == (3.0, replace(level, unmet=told.now.unmet))
    assert len(site.decided) == decided + 1
