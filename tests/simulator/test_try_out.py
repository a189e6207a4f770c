"""A what-if run that starts in the middle of a replay and knows what comes goes on as the replay does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.lead_times import LeadTimes
from controller.whatif.batch_queue import Jobs
from controller.whatif.moving import DOWN, UP, Pace
from controller.whatif.state import Future, Running, State, Waiting
from controller.whatif.try_out import nothing_changes, try_out
from models.policies import MovesPolicy
from simulator.flat.present import state_of, true_future
from simulator.flat.replay import FlatReplay, pace_of
from simulator.forecasters import forecaster_for
from simulator.world import World
from tests.simulator.small_worlds import policy, small_world

NO_JOBS = Jobs((), (), (), (), ())
HOUR_S = 3600


def replay_of(world: World) -> FlatReplay:
    return FlatReplay(world, "reactive", lambda machine, present: forecaster_for("reactive", world, machine, present))


def unmet(replay: FlatReplay, at_s: int) -> tuple[float, float]:
    meter = replay.meter
    return meter.unmet_hpc.until(at_s), meter.unmet_kubernetes.until(at_s)


@pytest.mark.parametrize("discipline", ["easy", "fifo"])
@pytest.mark.parametrize("at_h", [6, 13, 17, 30])
@pytest.mark.parametrize("seed", range(3))
def test_a_run_from_the_middle_goes_on_as_the_replay(seed: int, at_h: int, discipline: str):
    rules = policy(moves=MovesPolicy(dwell="10m"))
    world = replace(small_world(seed, pods=0, days=2, handover_s=1500, rules=rules), discipline=discipline)
    now_s, until_s, every_s = at_h * HOUR_S + 150, (at_h + 12) * HOUR_S, rules.spec.moves.every
    half, whole = replay_of(world), replay_of(world)
    half.run_.go(0, now_s, now_s)
    half.run_.now_s = now_s
    before = unmet(half, now_s)
    whole.run_.go(0, until_s, until_s)
    after = unmet(whole, until_s)
    spec = rules.spec
    judged = try_out(
        state_of(half),
        true_future(half),
        nothing_changes(spec),
        spec,
        pace_of(world),
        every_s=every_s,
        until_s=until_s,
        first_s=now_s + 150,
    )
    assert (judged.unmet_hpc, judged.unmet_kubernetes) == (after[0] - before[0], after[1] - before[1])
    assert judged.moves == len(whole.moving.done) - len(half.moving.done)
    assert judged.waiting_nodes == whole.queue.waiting_nodes - whole.queue.oversize_nodes


def test_pods_are_refused():
    replay = replay_of(small_world(0, days=1))
    for tell in (state_of, true_future):
        with pytest.raises(ValueError, match="no pods"):
            tell(replay)


def small_state(queue: tuple[Waiting, ...]) -> State:
    """Four nodes: two of the HPC side, one of them busy, and two of Kubernetes without any pod."""
    return State(
        now_s=1000,
        nodes=4,
        hpc_nodes_max=4,
        kubernetes=(2, 3),
        replicas=(),
        wanted=0,
        idle=(1,),
        running=(Running(1, (0,), 900, 600),),
        queue=queue,
        lead=LeadTimes(60),
    )


PACE = Pace({UP: 6, DOWN: 60}, 4 * HOUR_S, lambda *_: 0)


def test_what_waits_when_a_run_ends_is_told_with_how_long_it_will_run():
    state = small_state((Waiting(2, 3, 950, 500), Waiting(3, 4, 960, 700)))
    future = Future([], [600, 400, 300], NO_JOBS)
    rules = policy(moves=MovesPolicy(lead_time="60s", at_once=4))
    judged = try_out(state, future, nothing_changes(rules.spec), rules.spec, PACE, every_s=300, until_s=1100)
    assert judged.moves == 2
    assert (judged.waiting_nodes, judged.waiting_node_s) == (4, 4 * 300)
    assert judged.unmet_hpc == 3 * 60
    assert judged.cost(rules.spec) == 3 * 60 / 3600


def test_what_comes_is_counted_from_when_it_comes():
    future = Future([(1050, 3)], [600], Jobs((7,), (1080,), (1,), (100,), (100,)))
    rules = policy()
    judged = try_out(small_state(()), future, nothing_changes(rules.spec), rules.spec, PACE, every_s=300, until_s=1200)
    assert judged.unmet_kubernetes == 150
    assert (judged.unmet_hpc, judged.waiting_nodes) == (0, 0)
