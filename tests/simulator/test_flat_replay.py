"""A replay on the flat twin is the replay on the plain one: the same figures to the last bit, the same moves at the
same times, the same picture at every turn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.whatif.moving import TooSlow
from models.audit import Entered, Entry
from models.handovers import Direction, Stage
from models.policies import Evict, MovesPolicy, Settle, Shares, Weights
from models.pools import AutomaticTakeovers, PoolInKubernetes, PoolTakeovers
from simulator.assemble import Inputs, assemble
from simulator.compare import replay, replay_flat, replay_plain
from simulator.flat.replay import FlatReplay, not_flat
from simulator.forecasters import forecaster_for
from simulator.hpc import NodeKind
from simulator.machine import Workload
from simulator.outcome import Outcome
from simulator.replay import Replay
from simulator.traces.jobs import read_jobs
from simulator.traces.rates import read_rates
from simulator.tuning import with_pool
from simulator.work import Job
from simulator.world import World
from tests.simulator.small_worlds import DAY_S, policy, small_world

COLUMNS = ("times_s", "hpc_nodes", "kubernetes_nodes", "moving_nodes", "hpc_demand", "kubernetes_demand")
TRACES = Path(__file__).parents[3] / "shared" / "traces"
Moves = list[tuple[int, str, Direction]]


class Done:
    """An audit of which only the moves that were done are kept."""

    def __init__(self) -> None:
        self.moves: Moves = []

    def append(self, entry: Entry) -> None:
        if isinstance(entry, Entered) and entry.handover.stage is Stage.DONE:
            self.moves.append((entry.at_s, entry.handover.node, entry.handover.direction))


def both(world: World, name: str) -> tuple[Outcome, Moves, Outcome, Moves]:
    """The outcome and the moves of the flat twin, and those of the plain one."""
    flat = FlatReplay(world, name, lambda machine, present: forecaster_for(name, world, machine, present))
    outcome, names = flat.run(), world.machine().names
    done = Done()
    plain = Replay(world, name, lambda machine: forecaster_for(name, world, machine), done).run()
    return outcome, [(at_s, names[node], way) for at_s, node, way in flat.moving.done], plain, done.moves


def assert_alike(world: World, name: str) -> int:
    """Hold both against each other; how many moves there were."""
    assert not_flat(world) is None
    flat, flat_moves, plain, plain_moves = both(world, name)
    assert flat.figures == plain.figures
    assert list(flat.figures) == list(plain.figures)
    assert flat_moves == plain_moves
    for column in COLUMNS:
        np.testing.assert_array_equal(getattr(flat.timeline, column), getattr(plain.timeline, column), column)
    assert len(flat.bands) == len(plain.bands)
    for one, other in zip(flat.bands, plain.bands, strict=True):
        assert (one.side, one.horizon_s) == (other.side, other.horizon_s)
        np.testing.assert_array_equal((one.low, one.mid, one.high), (other.low, other.mid, other.high))
    assert (flat.unserved, flat.notes) == (plain.unserved, plain.notes)
    return len(flat_moves)


@pytest.mark.parametrize("pods", [0, 12])
def test_a_price_that_follows_a_service_level(pods: int):
    """It moves in both by the same turns, and what is done with it."""
    rules = policy()
    level = PoolInKubernetes(unmet_at_most="0.5%", waits_at_most="4m")
    pool = rules.spec.pools[0].model_copy(update={"kubernetes": level})
    followed = with_pool(small_world(1, pods=pods, days=3), pool)
    assert assert_alike(followed, "persistence") > 10
    still = small_world(1, pods=pods, days=3)
    assert replay(followed, "persistence").figures != replay(still, "persistence").figures, "the price matters"


@pytest.mark.parametrize("discipline", ["easy", "fifo"])
@pytest.mark.parametrize("name", ["reactive", "persistence", "perfect"])
@pytest.mark.parametrize("seed", range(3))
def test_small_worlds(seed: int, name: str, discipline: str):
    assert assert_alike(replace(small_world(seed, pods=0, days=2), discipline=discipline), name) > 10


@pytest.mark.parametrize("name", ["reactive", "persistence", "perfect"])
@pytest.mark.parametrize("seed", range(3))
def test_pods_and_gangs(seed: int, name: str):
    assert assert_alike(small_world(seed, pods=40, days=1.5), name) > 5


def test_pods_of_a_world_long_enough_for_a_model():
    assert assert_alike(small_world(2, pods=20, days=1.4, nodes=10), "predictive") > 5


def test_a_world_long_enough_for_a_model():
    assert assert_alike(small_world(5, pods=0, days=1.4, nodes=10), "predictive") >= 5


@pytest.mark.skipif(not TRACES.is_dir(), reason="needs the traces beside the project (../shared/traces)")
@pytest.mark.parametrize("name", ["reactive", "perfect"])
def test_a_window_of_real_traces(name: str):
    inputs = Inputs(
        read_jobs(TRACES / "kth_sp2.swf.gz", strict=False),
        read_rates(TRACES / "servegen_m_mid_10min.csv.gz", strict=False).requests,
    )
    made = assemble(inputs, nodes=100, start_s={"hpc": 100 * DAY_S}, days=5)
    world = small_world(0, nodes=100, pods=0, handover_s=1200)
    world = replace(world, workload=made.workload, span_s=made.window.span_s)
    assert assert_alike(world, name) > 100


RULES = {
    "either side keeps some": policy(floor=Shares(hpc=3, kubernetes=2), ceiling=Shares(kubernetes=9)),
    "Kubernetes is dear": policy(weights=Weights(hpc=1.0, kubernetes=30.0)),
    "few at once": policy(moves=MovesPolicy(at_once=2, per_hour=3)),
    "often, and nothing rests": policy(moves=MovesPolicy(every="100s", dwell="0s", look_ahead="1h")),
    "hand-overs turn back late": policy(moves=MovesPolicy(drain_deadline="3700s", dwell="0s")),
    "long settle times": policy(moves=MovesPolicy(settle=Settle(hpc="15m", kubernetes="20m"))),
    "no settle time": policy(moves=MovesPolicy(settle=Settle(hpc="6s", kubernetes="0s"))),
}


@pytest.mark.parametrize("name", ["reactive", "perfect"])
@pytest.mark.parametrize("handover_s", [0, 1200])
@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_policies(rules, handover_s: int, name: str):
    world = small_world(3, pods=0, days=1, handover_s=handover_s, rules=rules)
    assert assert_alike(world, name) > 3


JOBS = st.lists(
    st.tuples(st.integers(0, 11_000), st.integers(1, 9), st.integers(0, 9000), st.sampled_from((0, 60, 1800, 9000))),
    max_size=25,
)
RATES = st.lists(st.tuples(st.integers(1, 11_000), st.integers(0, 90)), max_size=25, unique_by=lambda step: step[0])
MOVES = st.builds(
    MovesPolicy,
    every=st.sampled_from(("60s", "300s", "600s")),
    look_ahead=st.sampled_from(("600s", "1h", "2h")),
    at_once=st.sampled_from((1, 3, "100%")),
    per_hour=st.sampled_from((2, "100%")),
    min_gain=st.sampled_from((0.0, 0.35, 2.0)),
    dwell=st.sampled_from(("0s", "20m")),
    drain_deadline=st.sampled_from(("60s", "30m", "4h")),
    lead_time=st.sampled_from(("0s", "10m")),
    settle=st.builds(Settle, hpc=st.sampled_from(("6s", "2m")), kubernetes=st.sampled_from(("0s", "60s", "400s"))),
)


@settings(max_examples=40)
@given(JOBS, RATES, MOVES, st.sampled_from((0, 30, 600, 1500)), st.sampled_from(("easy", "fifo")), st.booleans())
def test_any_world_and_policy(jobs, rates, moves: MovesPolicy, handover_s: int, discipline: str, foresight: bool):
    """Zero-length jobs, jobs larger than the machine or the share, rates in odd steps, deadlines that pass."""
    work = tuple(
        Job(100 - number, at_s, run_s, limit_s, nodes)
        for number, (at_s, nodes, run_s, limit_s) in enumerate(sorted(jobs, key=lambda job: job[0]))
    )
    steps = tuple(sorted((at_s, per_s * 1.1) for at_s, per_s in rates))
    rules = policy(floor=Shares(kubernetes=1), moves=moves)
    world = replace(
        small_world(0, nodes=8, days=1, pods=0, handover_s=handover_s, rules=rules),
        workload=Workload(work, (), steps, 10.0),
        span_s=12_000,
        discipline=discipline,
    )
    try:
        assert_alike(world, "perfect" if foresight else "reactive")
    except TooSlow:
        assert moves.drain_deadline < 2 * handover_s


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kinds": (NodeKind("a", 3), NodeKind("b", 3))}, "kinds"),
        ({"workload": Workload(rate_steps=((0, 1.0), (0, 2.0)))}, "rates"),
        ({"policy": policy(moves=MovesPolicy(evict=Evict.PODS))}, "evicted"),
        ({"policy": policy(moves=MovesPolicy(reserve_ahead=True))}, "booked"),
        ({"policy": policy(moves=MovesPolicy(node_hours_per_day=3))}, "node-hours"),
        ({"policy": policy(moves=MovesPolicy(loans="dueDates"))}, "booked"),
        ({"policy": policy(takeover=PoolTakeovers(automatic=AutomaticTakeovers()))}, "takeovers"),
        ({"shared_cores": True}, "share"),
    ],
)
def test_what_is_not_flat_is_refused_and_replayed_on_the_plain_twin(change: dict[str, object], why: str):
    world = replace(small_world(0, pods=0, days=0.2, nodes=6), **change)
    assert why in str(not_flat(world))
    assert replay(world, "reactive").figures == replay_plain(world, "reactive").figures


def test_a_node_that_would_be_stuck_is_left_to_the_plain_twin():
    rules = policy(moves=MovesPolicy(drain_deadline="5m"))
    world = small_world(0, pods=0, days=0.5, handover_s=3000, rules=rules)
    with pytest.raises(TooSlow):
        replay_flat(world, "reactive")
    assert replay(world, "reactive").figures == replay_plain(world, "reactive").figures
