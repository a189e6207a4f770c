"""A run ahead that starts in the middle of a replay and knows what comes goes on as the replay does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from controller.lead_times import LeadTimes
from controller.whatif.batch_queue import Jobs
from controller.whatif.moving import DOWN, UP, Pace
from controller.whatif.state import Future, Running, State, Waiting
from models.demand import Demand
from models.forecasts import Forecast, Source, flat
from models.nodes import Side
from models.policies import MovesPolicy, Policy
from simulator.flat.bases import Base
from simulator.flat.present import state_of, true_future
from simulator.flat.replay import FlatReplay, pace_of
from simulator.flat.rollout import Ahead
from simulator.forecasters import forecaster_for
from simulator.perfect import Present
from simulator.world import World
from tests.simulator.small_worlds import policy, small_world

NO_JOBS = Jobs((), (), (), (), ())
HOUR_S = 3600


def replay_of(world: World) -> FlatReplay:
    return FlatReplay(world, "reactive", lambda machine, present: forecaster_for("reactive", world, machine, present))


def reacting(rules: Policy) -> Base:
    """A base policy for which what is there stays."""

    def foresee(now_s: int, demand: Mapping[Side, Demand], _: Present) -> Mapping[Side, Forecast]:
        return {side: flat(side, now_s, demand[side].nodes, (3600,), Source.NOW) for side in Side}

    return Base("reacting", rules.spec, foresee)


def unmet(replay: FlatReplay, at_s: int) -> tuple[float, float]:
    meter = replay.meter
    return meter.unmet_hpc.until(at_s), meter.unmet_kubernetes.until(at_s)


@pytest.mark.parametrize("discipline", ["easy", "fifo"])
@pytest.mark.parametrize("at_h", [6, 13, 17, 30])
@pytest.mark.parametrize("seed", range(3))
def test_a_run_from_the_middle_goes_on_as_the_replay(seed: int, at_h: int, discipline: str):
    rules = policy(moves=MovesPolicy(dwell="10m"))
    world = replace(small_world(seed, pods=0, days=2, handover_s=1500, rules=rules), discipline=discipline)
    now_s, until_s = at_h * HOUR_S + 150, (at_h + 12) * HOUR_S
    half, whole = replay_of(world), replay_of(world)
    half.run_.go(0, now_s, now_s)
    half.run_.now_s = now_s
    before = unmet(half, now_s)
    whole.run_.go(0, until_s, until_s)
    after = unmet(whole, until_s)
    state, future = state_of(half), true_future(half)
    coming = half.jobs_in - len(state.running) - len(state.queue)
    ahead = Ahead(state, future, coming, [reacting(rules)], [0] * 100, pace_of(world))
    assert ahead.go(until_s) == (after[0] - before[0], after[1] - before[1])
    assert ahead.jobs_in == whole.jobs_in
    assert sorted(ahead.job_ends()) == sorted(whole.job_ends())
    assert ahead.waiting()[0] == whole.queue.waiting_nodes - whole.queue.oversize_nodes


def test_pods_are_refused():
    replay = replay_of(small_world(0, days=1))
    for tell in (state_of, true_future):
        with pytest.raises(ValueError, match="no pods"):
            tell(replay)


def small_state(queue: tuple[Waiting, ...]) -> State:
    """Four nodes a second before a turn: two of the HPC side, one of them busy, and two of Kubernetes without a pod."""
    return State(
        now_s=899,
        nodes=4,
        hpc_nodes_max=4,
        kubernetes=(2, 3),
        replicas=(),
        wanted=0,
        idle=(1,),
        running=(Running(1, (0,), 800, 600),),
        queue=queue,
        lead=LeadTimes(60),
    )


PACE = Pace({UP: 6, DOWN: 60}, 4 * HOUR_S, lambda *_: 0)


def test_what_waits_when_a_run_ends_is_told_with_how_long_it_will_run():
    state = small_state((Waiting(2, 3, 850, 500), Waiting(3, 4, 860, 700)))
    future = Future([], [600, 400, 300], NO_JOBS)
    rules = policy(moves=MovesPolicy(lead_time="60s", at_once=4))
    ahead = Ahead(state, future, 0, [reacting(rules)], [0], PACE)
    assert ahead.go(1000) == (3 * 61, 0)
    assert ahead.waiting() == (4, 4 * 300)
    assert sorted(ahead.job_ends()) == [(1360, 3), (1400, 1)]


def test_what_comes_is_counted_from_when_it_comes():
    future = Future([(950, 3)], [600], Jobs((7,), (980,), (1,), (100,), (100,)))
    ahead = Ahead(small_state(()), future, 5, [reacting(policy())], [0], PACE)
    assert ahead.go(1100) == (0, 150)
    assert ahead.waiting() == (0, 0)
    assert ahead.jobs_in == 7
