"""Answers of Slurm become what the port shows: pure, and all of it or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from connectors.slurm import wire
from connectors.slurm.jobs import KnownJobs, pieces
from connectors.slurm.nodes import KnownNodes, announced_bookings, bookings
from connectors.slurm.pool import Pool, pool_of
from models.announced import soonest
from models.demand import Demand
from models.errors import BadInput, Unreachable
from models.nodes import HpcNode
from models.pieces import announced_of, demand_of, ends_of, waiting_of, with_unused
from models.work import WaitingWork, WorkRecord

Thing = TypeVar("Thing")


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
        reservations = present(answers.reservations.reservations, "reservations")
        booked = bookings(reservations, pool.nodes)
        later = (*announced_of(work, most), *announced_bookings(reservations, pool.nodes, at_s))
    except BadInput as error:
        raise Unreachable(f"what Slurm shows cannot be understood: {error}") from error
    here = [node for node in nodes if node.name in pool.nodes]
    shown = known.nodes.drawn(here, ends_of(work), booked, booted)
    busy = sum(node.busy for node in shown.values())
    return PoolReading(
        at_s=at_s,
        nodes=shown,
        records=tuple(piece.record for piece in work),
        demand=replace(demand_of(work, at_s, busy, most), announced=soonest(later, at_s)),
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


def present(things: tuple[Thing, ...] | None, what: str) -> tuple[Thing, ...]:
    """What the answer is about. Raises Unreachable where it has none, which is not an empty list."""
    if things is None:
        raise Unreachable(f"slurmrestd answered without any {what}")
    return things
