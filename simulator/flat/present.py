"""The state of a flat replay at the end of an instant, and its true future: what an oracle may run ahead from."""

from __future__ import annotations

from controller.whatif.batch_queue import Jobs
from controller.whatif.replicas import Replicas
from controller.whatif.state import Future, Running, State, UnderWay, Waiting
from simulator.flat.replay import FlatReplay


def state_of(replay: FlatReplay) -> State:
    """Where the replay stands now; what its queue has forgotten of the past is not in it. Raises ValueError for a world
    with pods."""
    queue, side, moving, jobs = replay.queue, _replicas_of(replay), replay.moving, replay.queue.jobs
    running = tuple(
        Running(ident, tuple(queue.alloc[job]), queue.start_s[job], jobs.limit_s[job])
        for _, ident, job in queue.running
    )
    waiting = tuple(
        Waiting(jobs.ident[job], jobs.nodes[job], jobs.submit_s[job], jobs.limit_s[job]) for job in queue.queue
    )
    owned = (node for node in range(queue.size) if queue.drained[node] and node not in moving.open)
    return State(
        now_s=replay.run_.now_s,
        nodes=queue.size,
        hpc_nodes_max=queue.nodes_max,
        kubernetes=tuple(owned),
        replicas=tuple(side.replicas()),
        wanted=side.wanted,
        idle=tuple(queue.idle),
        running=running,
        queue=waiting,
        lead=moving.lead.copy(),
        moving=tuple(
            UnderWay(move.node, move.direction, move.deadline_s, move.frees_s, move.emptied_s, move.opens_s)
            for move in moving.open.values()
        ),
        rests_s=dict(moving.rests_s),
        openings=tuple(moving.openings),
        begun_s=tuple(replay.deciding.begun_s),
        fifo=replay.world.discipline == "fifo",
    )


def true_future(replay: FlatReplay) -> Future:
    """What will come after the state of the replay, as the trace has it. Raises ValueError for a world with pods."""
    queue, jobs, first = replay.queue, replay.queue.jobs, replay.jobs_in
    steps = _replicas_of(replay).steps
    return Future(
        wanted=[step for step in steps if step[0] > replay.run_.now_s],
        run_s=[jobs.run_s[job] for job in (*(job for _, _, job in queue.running), *queue.queue)],
        arrivals=Jobs(
            jobs.ident[first:], jobs.submit_s[first:], jobs.nodes[first:], jobs.limit_s[first:], jobs.run_s[first:]
        ),
    )


def _replicas_of(replay: FlatReplay) -> Replicas:
    if not isinstance(replay.side, Replicas):
        raise ValueError("a what-if run knows replicas that fill a node, and no pods")
    return replay.side
