"""What would become of a state if one foresight were listened to: a run on one future, and what it leaves undone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from heapq import heapify

from controller.whatif.batch_queue import BatchQueue, Jobs
from controller.whatif.deciding import Deciding
from controller.whatif.moving import UP, Move, Moving, Pace
from controller.whatif.replicas import Replicas
from controller.whatif.run import Meter, Run
from controller.whatif.state import Future, State
from models.demand import Demand
from models.forecasts import Forecast, Source, flat
from models.nodes import Side
from models.policies import Spec

Foresight = Callable[[int, Mapping[Side, Demand]], Mapping[Side, Forecast]]  # at a second, on what is seen then


@dataclass(frozen=True, slots=True)
class Judged:
    """What a run came to: unmet node-seconds of both sides until its end; what waits then, in nodes, and how long it
    will run, in node-seconds; how many moves were done. Jobs of more nodes than the HPC side may have are left out."""

    unmet_hpc: float
    unmet_kubernetes: float
    waiting_nodes: int
    waiting_node_s: int
    moves: int

    def cost(self, spec: Spec) -> float:
        """Unmet node-hours, weighted by the policy."""
        weights = spec.pools[0].unmet_cost
        return (weights.hpc * self.unmet_hpc + weights.kubernetes * self.unmet_kubernetes) / 3600


def nothing_changes(spec: Spec) -> Foresight:
    """What is there now stays: what a reactive controller foresees."""
    horizons_s = spec.forecast.horizons

    def foresee(now_s: int, demand: Mapping[Side, Demand]) -> Mapping[Side, Forecast]:
        return {side: flat(side, now_s, demand[side].nodes, horizons_s, Source.NOW) for side in Side}

    return foresee


def try_out(
    state: State,
    future: Future,
    foresight: Foresight,
    spec: Spec,
    pace: Pace,
    *,
    every_s: int,
    until_s: int,
    first_s: int | None = None,
) -> Judged:
    """Run from the state to ``until_s`` with a decision every ``every_s`` seconds, by the rule of the service.

    The first is at ``first_s``, now unless it is given. The policy is one that ``deciding.not_flat`` has nothing
    against. Raises TooSlow for a delay that ``pace`` must not have.
    """
    queue, side = queue_of(state, future), side_of(state, future)
    moving = moving_of(state, queue, side, pace)
    deciding = Deciding(spec, queue, side, moving, deque(state.begun_s))
    meter = Meter(queue, side)

    def turn(now_s: int) -> None:
        demand = deciding.demand(now_s)
        deciding.turn(now_s, demand, foresight(now_s, demand))
        moving.tend(now_s)

    run = Run(queue, side, moving, turn, every_s, meter.read)
    run.now_s, run.jobs_in = state.now_s, len(state.running) + len(state.queue)
    meter.read(state.now_s)
    run.go(state.now_s if first_s is None else first_s, until_s, until_s)
    jobs = queue.jobs
    waiting = [job for job in queue.queue if jobs.nodes[job] <= queue.nodes_max]
    return Judged(
        unmet_hpc=meter.unmet_hpc.until(until_s),
        unmet_kubernetes=meter.unmet_kubernetes.until(until_s),
        waiting_nodes=sum(jobs.nodes[job] for job in waiting),
        waiting_node_s=sum(jobs.nodes[job] * jobs.run_s[job] for job in waiting),
        moves=len(moving.done),
    )


def queue_of(state: State, future: Future) -> BatchQueue:
    """The HPC side of the state: its running jobs are numbered first, then those that wait, then what will come."""
    running, waiting, later = state.running, state.queue, future.arrivals
    jobs = Jobs(
        ident=[*(job.ident for job in running), *(job.ident for job in waiting), *later.ident],
        submit_s=[*(job.start_s for job in running), *(job.submit_s for job in waiting), *later.submit_s],
        nodes=[*(len(job.nodes) for job in running), *(job.nodes for job in waiting), *later.nodes],
        limit_s=[*(job.limit_s for job in running), *(job.limit_s for job in waiting), *later.limit_s],
        run_s=[*future.run_s, *later.run_s],
    )
    queue = BatchQueue(jobs, state.nodes, state.hpc_nodes_max, fifo=state.fifo)
    to_hpc = [one for one in state.moving if one.direction is not UP]
    joining = [one.node for one in to_hpc if one.opens_s is not None and one.opens_s > state.now_s]
    closed = [*state.kubernetes, *(one.node for one in to_hpc if one.opens_s is None)]
    leaving = [one.node for one in state.moving if one.direction is UP]
    for number, job in enumerate(running):
        queue.put(number, job.nodes, job.start_s)
    for node in (*closed, *leaving, *joining):
        queue.drain(node)
    for node in joining:
        queue.undrain(node, absent=True)
    queue.idle = list(state.idle)
    heapify(queue.ends)
    for number in range(len(running), len(running) + len(waiting)):
        queue.submit(number)
    return queue


def side_of(state: State, future: Future) -> Replicas:
    """The Kubernetes side of the state."""
    side = Replicas(future.wanted, state.wanted)
    there = (
        one.node
        for one in state.moving
        if one.direction is UP and one.opens_s is not None and one.opens_s <= state.now_s
    )
    side.place([*state.kubernetes, *there], state.replicas)
    return side


def moving_of(state: State, queue: BatchQueue, side: Replicas, pace: Pace) -> Moving:
    """The nodes of the state that are under way."""
    moving = Moving(queue, side, pace, state.lead.copy())
    for one in state.moving:
        move = Move(one.node, one.direction, one.deadline_s, one.frees_s)
        move.emptied_s, move.opens_s = one.emptied_s, one.opens_s
        moving.take_over(move)
    moving.rests_s.update(state.rests_s)
    if state.openings:
        moving.openings = list(state.openings)
    return moving
