"""What a run begins with: both sides and the nodes under way, as a state has them."""

from __future__ import annotations

from heapq import heapify

from controller.whatif.batch_queue import BatchQueue, Jobs
from controller.whatif.moving import UP, Move, Moving, Pace
from controller.whatif.replicas import Replicas
from controller.whatif.state import Future, State


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
