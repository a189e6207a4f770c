"""A fixed split on the flat twin: a queue by itself, and beside it replicas that nothing but their number touches."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from controller.whatif.batch_queue import NEVER_S, BatchQueue
from controller.whatif.integral import Integral
from models.policies import Weights
from simulator.flat.columns import jobs_of, queue_of
from simulator.flat.measured import FlatMeasured, FlatPods, FlatRan, counts_of
from simulator.world import World

CHECK_EVERY = 64  # instants between two looks at the cost so far
Rows = list[tuple[int, float, float]]


@dataclass(frozen=True, slots=True)
class Service:
    """The replicas of one service on ``nodes`` nodes of their own, in node-seconds and in requests up to a time."""

    unmet: Integral
    unserved: Integral
    requests: Integral
    used: Integral
    wanted: tuple[tuple[int, int], ...]  # from when on how many replicas

    def wanted_at(self, times_s: list[int]) -> list[int]:
        """Replicas wanted at each of ``times_s``, which rise."""
        found, number, now = [], 0, 0
        for at_s in times_s:
            while number < len(self.wanted) and self.wanted[number][0] <= at_s:
                now = self.wanted[number][1]
                number += 1
            found.append(now)
        return found


def service_of(world: World, nodes: int, end_s: float) -> Service:
    """The service of a world on so many nodes, until ``end_s``."""
    unmet, unserved, requests, used = Integral(), Integral(), Integral(), Integral()
    steps, per_node, wanted = world.workload.rate_steps, world.workload.rate_per_node, []
    for at_s, per_s in steps:
        if at_s > end_s:
            break
        replicas = world.workload.replicas_for(per_s)
        served = min(replicas, nodes)
        unmet.read(replicas - served, at_s)
        unserved.read(max(0.0, per_s - served * per_node), at_s)
        requests.read(per_s, at_s)
        used.read(served, at_s)
        wanted.append((at_s, replicas))
    return Service(unmet, unserved, requests, used, tuple(wanted))


@dataclass(slots=True)
class FlatSplit:
    """A fixed split, run to its end or until it is too dear."""

    ran: FlatRan
    measured: FlatMeasured
    rows: Rows
    complete: bool


def run_split(world: World, kubernetes_nodes: int, *, give_up_at: float, watch: bool) -> FlatSplit:
    """See ``simulator.static.run_fixed``. The world has no pods, and jobs or a known span."""
    queue = queue_of(world, jobs_of(world))
    for node in range(world.nodes - kubernetes_nodes, world.nodes):
        queue.drain(node)
    span_s = math.inf if world.span_s is None else world.span_s
    service = service_of(world, kubernetes_nodes, span_s)
    run = _Run(queue, world.policy.spec.moves.every if watch else 0)
    unmet = service.unmet.until(world.span_s) if world.span_s is not None else 0
    complete = run.go(span_s, lambda jobs: _cost(world.weights, jobs, unmet) > give_up_at)
    last_s = max(run.now_s, service.wanted[-1][0] if service.wanted else 0)
    if watch:
        run.note_until(last_s)
    end_s = last_s if world.span_s is None else world.span_s
    if complete:
        run.pass_until(end_s)
    measured = FlatMeasured(
        queue,
        run.jobs_in,
        unmet_hpc=float(run.unmet),
        oversize=float(run.oversize),
        large=float(run.large),
        unmet_kubernetes=float(service.unmet.until(end_s)),
        unserved_requests=float(service.unserved.until(end_s)),
        requests=float(service.requests.until(end_s)),
        used=float(run.used + service.used.until(end_s)),
    )
    ran = FlatRan(last_s, counts_of(queue, run.jobs_in), queue, FlatPods())
    return FlatSplit(ran, measured, run.rows_beside(service), complete)


def _cost(weights: Weights, hpc: float, kubernetes: float) -> float:
    return (weights.hpc * hpc + weights.kubernetes * kubernetes) / 3600


class _Run:
    """The queue from its first job to its last, and its integrals in node-seconds."""

    def __init__(self, queue: BatchQueue, row_every_s: int) -> None:
        self.queue = queue
        self.now_s = 0
        self.jobs_in = 0
        self.unmet = self.oversize = self.large = self.used = 0
        self._unmet_now = 0
        self._every_s = row_every_s
        self._demand: list[int] = []

    def go(self, span_s: float, too_much: Callable[[int], bool]) -> bool:
        """Run to ``span_s`` or the last end; False where what is unmet becomes ``too_much`` before."""
        queue, submit_s, instants = self.queue, self.queue.jobs.submit_s, 0
        ends, jobs = queue.ends, len(submit_s)
        while ends or self.jobs_in < jobs:
            next_s = submit_s[self.jobs_in] if self.jobs_in < jobs else NEVER_S
            if ends and ends[0][0] < next_s:
                next_s = ends[0][0]
            if next_s > span_s:
                break
            if self._every_s:
                self.note_until(next_s)
            self.pass_until(next_s)
            if ends and ends[0][0] == next_s:
                queue.finish_due(next_s)
            arrived = self._submit_due(next_s)
            if queue.queue:
                queue.schedule(next_s, arrived)
            self._unmet_now = queue.usable_by_waiting() if queue.queue else 0
            instants += 1
            if instants % CHECK_EVERY == 0 and too_much(self.unmet):
                return False
        return True

    def pass_until(self, now_s: int) -> None:
        """Let time pass with everything as it is."""
        passed_s = now_s - self.now_s
        self.unmet += self._unmet_now * passed_s
        self.used += self.queue.busy_nodes * passed_s
        self.oversize += self.queue.oversize_nodes * passed_s
        self.large += self.queue.large_nodes * passed_s
        self.now_s = now_s

    def note_until(self, next_s: int) -> None:
        """Note the demand at each turn before ``next_s``."""
        demand = self.queue.busy_nodes + self.queue.waiting_nodes
        while len(self._demand) * self._every_s < next_s:
            self._demand.append(demand)

    def rows_beside(self, service: Service) -> Rows:
        """Time and demand of both sides at each turn that was noted."""
        times_s = [number * self._every_s for number in range(len(self._demand))]
        wanted = service.wanted_at(times_s)
        return [
            (at_s, float(jobs), float(replicas))
            for at_s, jobs, replicas in zip(times_s, self._demand, wanted, strict=True)
        ]

    def _submit_due(self, now_s: int) -> list[int]:
        queue, submit_s, first = self.queue, self.queue.jobs.submit_s, self.jobs_in
        last, jobs = first, len(submit_s)
        while last < jobs and submit_s[last] == now_s:
            last += 1
        if last == first:
            return []
        self.jobs_in = last
        return [job for job in range(first, last) if queue.submit(job)]
