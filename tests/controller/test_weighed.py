"""What was weighed is what ``decide`` chose from: the same costs, the same choice, and the bound that kept one away."""

from __future__ import annotations

import pytest
from hypothesis import given

from controller.decide.weighed import weigh
from models.plans import Reason
from models.policies import MovesPolicy, PoolPolicy, Shares
from tests.connectors.local.entries import decided, decisions


@given(decisions())
def test_what_is_chosen_is_the_plan_and_no_split_that_is_allowed_costs_less(entry):
    weighed = weigh(entry.snapshot, entry.pool, entry.moves)
    assert (weighed.current, weighed.current + weighed.chosen.offset) == (entry.plan.current, entry.plan.target)
    assert weighed.chosen.forbidden is None
    assert weighed.staying.friction == 0.0
    cheaper = [one for one in weighed.others if one.forbidden is None and one.cost < weighed.chosen.cost - 1e-6]
    assert weighed.ahead or cheaper == []
    distances = [abs(one.offset - weighed.chosen.offset) for one in weighed.others]
    assert distances == sorted(distances)
    assert 0 not in distances


@pytest.mark.parametrize(
    ("pool", "moves", "held"),
    [
        (PoolPolicy(name="a"), MovesPolicy(at_once=8), None),
        (PoolPolicy(name="a"), MovesPolicy(at_once=2), (6, Reason.AT_ONCE)),
        (PoolPolicy(name="a"), MovesPolicy(at_once=8, per_hour=1), (6, Reason.PER_HOUR)),
        (PoolPolicy(name="a", ceiling=Shares(kubernetes=3)), MovesPolicy(at_once=8), None),
    ],
    ids=["nothing in the way", "at once", "an hour's moves", "a ceiling is out of reach, and so not weighed"],
)
def test_the_bound_that_kept_a_cheaper_split_away_is_told(pool, moves, held):
    entry = decided(waiting=6)
    weighed = weigh(entry.snapshot, pool, moves)
    assert weighed.held is None if held is None else (weighed.held.offset, weighed.held.forbidden) == held


def test_nothing_is_weighed_where_nothing_is_unmet():
    entry = decided()
    weighed = weigh(entry.snapshot, entry.pool, entry.moves)
    assert (weighed.chosen.offset, weighed.chosen.cost, weighed.others) == (0, 0.0, ())
