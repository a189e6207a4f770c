"""Answers of slurmrestd become what the port shows: pure, and all of it or nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from connectors.slurm import flags, wire
from connectors.slurm.jobs import NEVER_S, Known, Piece, pieces
from connectors.slurm.names import booking_mark, given_reason
from connectors.slurm.owners import with_unused
from connectors.slurm.pool import Pool, hosts, pool_of, shape_of
from models.demand import Demand
from models.errors import BadInput, Unreachable
from models.handovers import ours
from models.nodes import HpcNode, Side
from models.work import WaitingWork, WorkRecord, WorkState

Thing = TypeVar("Thing")

WAITING_MAX = 1000  # entries of a queue that are handed on; what stands further behind decides nothing


@dataclass(frozen=True, slots=True)
class Answers:
    """One answer of each kind, read one after the other: nodes before jobs."""

    diagnosis: wire.Diagnosis
    nodes: wire.Nodes
    jobs: wire.Jobs
    partitions: wire.Partitions
    reservations: wire.Reservations


@dataclass(frozen=True, slots=True)
class Picture:
    """What Slurm shows of one pool at ``at_s`` of its own clock."""

    at_s: int
    nodes: Mapping[str, HpcNode]
    records: tuple[WorkRecord, ...]
    demand: Demand
    waiting: WaitingWork
    pool: Pool


def picture(
    answers: Answers, names: frozenset[str] | None, nodes_max: int | None, known: Known | None = None
) -> Picture:
    """What the answers show of the nodes of these names, of all where there are none.

    ``nodes_max`` is the most nodes that the policy can ever give this side: larger jobs are counted as oversize.
    ``known`` is what the last picture left there, and saves work. Raises Unreachable when any part cannot be told.
    """
    at_s, booted = clock(answers.diagnosis)
    nodes, jobs = present(answers.nodes.nodes, "nodes"), present(answers.jobs.jobs, "jobs")
    partitions = present(answers.partitions.partitions, "partitions")
    try:
        pool = pool_of(names, nodes, partitions)
        most = len(pool.nodes) if nodes_max is None else nodes_max
        work = with_unused(pieces(jobs, pool, at_s, known), most)
        booked = bookings(present(answers.reservations.reservations, "reservations"), pool.nodes)
    except BadInput as error:
        raise Unreachable(f"what Slurm shows cannot be understood: {error}") from error
    ends = ends_of(work)
    shown = {
        node.name: node_of(node, ends, booked.get(node.name, ()), booted) for node in nodes if node.name in pool.nodes
    }
    busy = sum(node.busy for node in shown.values())
    return Picture(
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


def node_of(node: wire.Node, ends: Mapping[str, int], booked: Collection[str], booted: str) -> HpcNode:
    """The node as the port shows it. ``ends`` is when the jobs that run on a node must have ended, by its name."""
    shown = flags.flags_of(node.state)
    end_s = ends.get(node.name)
    runs = not shown.isdisjoint(("ALLOCATED", "MIXED"))
    if end_s is None and runs and "COMPLETING" not in shown:
        end_s = NEVER_S  # work of which we are not told
    features = node.features if isinstance(node.features, str) else ",".join(sorted(node.features))
    return HpcNode(
        name=node.name,
        kind=features,
        drain_reason=given_reason(node.reason) if flags.is_drained(shown) else None,
        busy=flags.is_busy(shown) or end_s is not None,
        frees_at_s=end_s,
        ready=flags.is_ready(shown),
        booked_by=_first(booked),
        offers=shape_of(node),
        booted=booted,
    )


def bookings(reservations: Iterable[wire.Reservation], nodes: Collection[str]) -> dict[str, set[str]]:
    """The marks and names of the reservations on each of the nodes."""
    found: dict[str, set[str]] = {}
    for reservation in reservations:
        for name in hosts(reservation.node_list):
            if name in nodes:
                found.setdefault(name, set()).add(booking_mark(name, reservation.name))
    return found


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


def _first(booked: Collection[str]) -> str | None:
    """Somebody else's before ours: such a node is not for us to touch."""
    return min(booked, key=lambda name: (ours(name), name), default=None)
