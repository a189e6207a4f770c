"""Answers of Slurm become what the port shows: pure, and all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from connectors.slurm import wire
from connectors.slurm.exclusive_users import with_unused
from connectors.slurm.jobs import KnownJobs, Piece, pieces
from connectors.slurm.nodes import KnownNodes, bookings
from connectors.slurm.pool import Pool, pool_of
from models.demand import Demand
from models.errors import BadInput, Unreachable
from models.nodes import HpcNode, Side
from models.work import WaitingWork, WorkRecord, WorkState

Thing = TypeVar("Thing")

WAITING_MAX = 1000  # entries of a queue that are handed on; what stands further behind decides nothing


@dataclass(frozen=True, slots=True)
class Answers:
    """One answer of each kind, read one after the other, nodes before jobs, from ``asked_s`` of our clock on."""

    diagnosis: wire.Diagnosis
    nodes: wire.Nodes
    jobs: wire.Jobs
    partitions: wire.Partitions
    reservations: wire.Reservations
    asked_s: int = 0


@dataclass(slots=True)
class Known:
    """What the last picture was made of: what did not change is not worked out again."""

    jobs: KnownJobs = field(default_factory=KnownJobs)
    nodes: KnownNodes = field(default_factory=KnownNodes)


@dataclass(frozen=True, slots=True)
class PoolReading:
    """What Slurm shows of one pool at ``at_s`` of its own clock."""

    at_s: int
    nodes: Mapping[str, HpcNode]
    records: tuple[WorkRecord, ...]
    demand: Demand
    waiting: WaitingWork
    pool: Pool


def pool_reading(
    answers: Answers, names: frozenset[str] | None, nodes_max: int | None, known: Known | None = None
) -> PoolReading:
    """What the answers show of the nodes of these names, of all where there are none.

    ``nodes_max`` is the most nodes that the policy can ever give this side: larger jobs are counted as oversize.
    ``known`` is what the last picture left there, and saves work. Raises Unreachable when any part cannot be told.
    """
    known = known or Known()
    at_s, booted = clock(answers.diagnosis)
    nodes, jobs = present(answers.nodes.nodes, "nodes"), present(answers.jobs.jobs, "jobs")
    partitions = present(answers.partitions.partitions, "partitions")
    try:
        pool = pool_of(names, nodes, partitions)
        most = len(pool.nodes) if nodes_max is None else nodes_max
        work = with_unused(pieces(jobs, pool, at_s, known.jobs), most)
        booked = bookings(present(answers.reservations.reservations, "reservations"), pool.nodes)
    except BadInput as error:
        raise Unreachable(f"what Slurm shows cannot be understood: {error}") from error
    here = [node for node in nodes if node.name in pool.nodes]
    shown = known.nodes.drawn(here, ends_of(work), booked, booted)
    busy = sum(node.busy for node in shown.values())
    return PoolReading(
        at_s=at_s,
        nodes=shown,
        records=tuple(piece.record for piece in work),
        demand=demand_of(work, at_s, busy, most),
        waiting=waiting_of(work, most),
        pool=pool,
    )


def clock(diagnosis: wire.Diagnosis) -> tuple[int, str]:
    """The time by slurmctld's clock, and the name of its present run.

    slurmctld does not tell when it started, but since when it counts: since its start, or since midnight UTC, or since
    somebody reset its counters. So the name may change within a run, and never fails to change with a new one.
    """
    statistics = diagnosis.statistics
    now_s = statistics.req_time.value if statistics else None
    since_s = statistics.req_time_start.value if statistics else None
    if not now_s or not since_s:
        raise Unreachable("slurmctld does not tell what its time is and since when it runs")
    return now_s, str(since_s)


def ends_of(work: Iterable[Piece]) -> dict[str, int]:
    """When the last running job of each node must have ended."""
    ends: dict[str, int] = {}
    for piece in work:
        if piece.record.state is WorkState.RUNNING:
            for name in piece.nodes:
                ends[name] = max(piece.ends_s, ends.get(name, 0))
    return ends


def demand_of(work: Iterable[Piece], at_s: int, busy: int, nodes_max: int) -> Demand:
    """Running work, at most as much as there are busy nodes, and waiting work that is not oversize."""
    running = waiting = 0.0
    for piece in work:
        if piece.record.state is WorkState.RUNNING:
            running += piece.record.nodes + piece.unused
        elif piece.record.state is WorkState.ELIGIBLE and piece.size <= nodes_max:
            waiting += piece.record.nodes + piece.unused
    return Demand(Side.HPC, at_s, min(running, float(busy)), waiting)


def waiting_of(work: Iterable[Piece], nodes_max: int) -> WaitingWork:
    """The queue, in its order; the tasks of an array one by one, as many as are handed on."""
    sizes: list[float] = []
    oversize = 0
    for piece in work:
        if piece.record.state is not WorkState.ELIGIBLE:
            continue
        if piece.size > nodes_max:
            oversize += piece.parts
        else:
            more = [piece.size] * min(piece.parts, WAITING_MAX - len(sizes))
            sizes += [min(piece.size + piece.unused, nodes_max), *more[1:]] if more else []
    return WaitingWork(Side.HPC, tuple(sizes), oversize)


def present(things: tuple[Thing, ...] | None, what: str) -> tuple[Thing, ...]:
    """What the answer is about. Raises Unreachable where it has none, which is not an empty list."""
    if things is None:
        raise Unreachable(f"slurmrestd answered without any {what}")
    return things
