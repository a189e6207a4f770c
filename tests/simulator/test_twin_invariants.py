"""Whole replays under the eyes of an observer that is written apart from them and looks after every instant."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from models.handovers import Direction, Handover, Stage
from simulator.forecasters import forecaster_for
from simulator.machine import Workload
from simulator.replay import Replay
from simulator.world import World
from tests.simulator.small_worlds import count_again, small_world


class Observer:
    """Counts again, from the bare records of the twin, all that must hold at any instant."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self.looks = 0
        self.handovers: list[Handover] = []
        self.last_s = -1
        self._control = replay._control
        replay._control = self._watched_control  # type: ignore[method-assign]
        self._finish = replay.controller._finish
        replay.controller._finish = self._watched_finish  # type: ignore[method-assign]

    def _watched_control(self, progress) -> None:
        self.look()
        self._control(progress)
        self.look()

    def _watched_finish(self, handover: Handover, now_s: int) -> None:
        self.handovers.append(handover)
        self._finish(handover, now_s)
        number = self.replay.machine.names.index(handover.node)
        hpc, kube = self.replay.machine.hpc, self.replay.machine.kube
        target_is_kube = handover.direction is Direction.TO_KUBERNETES
        if handover.stage is Stage.DONE:
            assert bool(kube.open[number]) is target_is_kube
            assert hpc.is_open(number) is not target_is_kube
        if handover.stage is Stage.CANCELLED:
            assert hpc.is_open(number) is target_is_kube
            assert bool(kube.open[number]) is not target_is_kube

    def look(self) -> None:
        machine = self.replay.machine
        hpc, kube = machine.hpc, machine.kube
        self.looks += 1
        assert machine.now_s >= self.last_s
        self.last_s = machine.now_s
        held: list[set[int]] = [set() for _ in range(machine.size)]
        for _, _, batch in hpc.running:
            for node in batch.alloc:
                held[node].add(batch.id)
        pods = [0] * machine.size
        used = [[0, 0, 0] for _ in range(machine.size)]
        for group in kube.running:
            for node, pod in zip(group.placed, group.pods, strict=True):
                pods[node] += 1
                for part, amount in enumerate((pod.cpu_milli, pod.memory_mib, pod.gpu_milli)):
                    used[node][part] += amount
        for node in kube.replicas:
            pods[node] += 1
            for part in range(3):
                used[node][part] += int(kube.full[part])
        for node in range(machine.size):
            assert not (hpc.is_open(node) and kube.open[node]), f"{machine.names[node]} is open to both sides"
            assert len(held[node]) <= 1
            assert not (held[node] and pods[node]), f"{machine.names[node]} runs work of both sides"
            assert all(amount <= int(full) for amount, full in zip(used[node], kube.full, strict=True))
            assert pods[node] == kube.pods_on[node]
        assert hpc.busy_nodes == sum(bool(jobs) for jobs in held) <= machine.size
        jobs = count_again(machine)
        assert jobs["in"] == jobs["told"]
        assert jobs["in"] == sum(job.submit_s <= machine.now_s for job in machine.workload.jobs)
        assert machine.counts.killed == 0
        begun = len(self.replay.controller.open_handovers)
        assert begun <= machine.size


def watched(world: World, name: str) -> Observer:
    replay = Replay(world, name, lambda machine: forecaster_for(name, world, machine))
    observer = Observer(replay)
    outcome = replay.run()
    observer.look()
    figures = outcome.figures
    assert figures["hpc_jobs_in"] == sum(
        figures[f"hpc_jobs_{what}"] for what in ("finished", "running", "queued", "refused")
    )
    assert figures["killed"] == 0
    assert figures["moves"] == sum(handover.stage is Stage.DONE for handover in observer.handovers)
    assert not any(handover.stage is Stage.STUCK for handover in observer.handovers)
    assert 0 <= figures["utilisation"] <= 1
    return observer


@pytest.mark.parametrize("seed", range(20))
def test_nothing_that_must_never_be_ever_is(seed: int):
    dice = random.Random(seed)
    name = ("reactive", "persistence", "perfect")[seed % 3]
    nodes = dice.randint(12, 20)
    world = small_world(seed, nodes=nodes, days=1.5, handover_s=(0, 6, 120, 1800, 5400)[seed % 5])
    observer = watched(world, name)
    assert observer.looks > 400
    assert any(handover.stage is Stage.DONE for handover in observer.handovers)


def test_nothing_that_must_never_be_ever_is_with_a_fitted_forecast():
    observer = watched(small_world(100, nodes=12, days=1.5), "predictive")
    assert any(handover.stage is Stage.DONE for handover in observer.handovers)


def test_a_handover_of_no_delay_loses_only_the_settle_time():
    world = small_world(3, nodes=12, days=1, handover_s=0)
    replay = Replay(world, "reactive", lambda machine: forecaster_for("reactive", world, machine))
    figures = replay.run().figures
    assert figures["moves"] > 0
    settle = world.policy.spec.moves.settle
    lost_s = figures["handover_lost_node_h"] * 3600
    ended = replay.moved.done + replay.moved.cancelled + len(replay.controller.open_handovers)
    assert lost_s <= ended * max(settle.hpc, settle.kubernetes) + 1e-6


def test_the_lead_time_learned_at_the_very_first_second_is_the_time_it_took():
    """Nodes that are idle at second 0 are empty at second 0: zero is a time like any other."""
    world = small_world(2, nodes=12, days=0.2, handover_s=1200)
    world = replace(world, workload=Workload(rate_steps=((0, 200.0),), rate_per_node=10.0))
    replay = Replay(world, "reactive", lambda machine: forecaster_for("reactive", world, machine))
    learned: list[tuple[Handover, int, int]] = []
    finish, learn = replay.controller._finish, replay.controller._lead.learn
    seconds: list[int] = []
    replay.controller._lead.learn = lambda direction, took_s: (seconds.append(took_s), learn(direction, took_s))

    def noted(handover: Handover, now_s: int) -> None:
        before = len(seconds)
        finish(handover, now_s)
        if len(seconds) > before:
            learned.append((handover, now_s, seconds[-1]))

    replay.controller._finish = noted  # type: ignore[method-assign]
    replay.run()
    assert any(handover.emptied_s == 0 for handover, _, _ in learned)
    assert [took_s for _, _, took_s in learned] == [now_s - handover.emptied_s for handover, now_s, _ in learned]
