"""Pieces of work as a queue has them: records, and what these do not say of how the work starts and where it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import ceil

from msgspec import Struct
from msgspec.structs import replace

from models.announced import Announced
from models.demand import Demand
from models.nodes import Side
from models.unserved import Unserved, by_reason, too_large_jobs
from models.work import WaitingWork, WorkRecord, WorkState

NEVER_S = 4_102_444_800  # the year 2100: when work ends that nothing bounds
WAITING_MAX = 1000  # entries of a queue that are handed on; what stands further behind decides nothing
USER_MOST = WAITING_MAX  # jobs of one user that wait and are told one by one
EVEN = 1e-9  # below this a share of a node is none


class Piece(Struct, frozen=True, gc=False):
    """A record, and what it does not say: of how many equal parts it is that start one by one, the tasks of an array;
    its place in the queue; and where it runs.

    ``size`` is one part's in node-equivalents. ``ends_s`` is when what has nodes must have ended, NEVER_S where nothing
    bounds it or it stands still. ``owns`` is whether its user alone may be on its nodes, ``unused`` what nobody else
    can use of them for that, told of the first of a user's. ``begins_s`` is when work that is held for nothing but its
    hour begins.
    """

    record: WorkRecord
    size: float
    parts: int
    rank: tuple[int, int]
    nodes: tuple[str, ...] = ()
    ends_s: int = NEVER_S
    owns: bool = False
    unused: float = 0.0
    begins_s: int | None = None


def summed(waiting: Iterable[Piece]) -> list[Piece]:
    """Pieces that wait, in the order of the queue, as a few: one for all of a user's that stand alike and are of one
    size, within 5 %.

    It is what the first of them is, but for its name, what they need together, and its parts, which are of the mean
    size.
    """
    sums: dict[str, Piece] = {}
    for piece in waiting:
        record = piece.record
        name = f"rest_{record.user}_{record.state}_{piece.size:.1e}{'_alone' if piece.owns else ''}"
        first = sums.get(name, piece)
        nodes, parts = record.nodes, piece.parts
        if first is not piece:
            nodes, parts = first.record.nodes + nodes, first.parts + parts
        sums[name] = replace(first, record=replace(first.record, id=name, nodes=nodes), size=nodes / parts, parts=parts)
    return list(sums.values())


def with_unused(work: Iterable[Piece], nodes_max: int) -> list[Piece]:
    """The same work; the first of a user's pieces says what nobody else can use of the nodes that are his alone.

    Users who have nodes to themselves take whole ones, however little of them they use. What runs of his takes the
    nodes that it is on. What waits of his fits together, and takes whole nodes; what is larger than ``nodes_max`` is
    left alone.
    """
    work = list(work)
    firsts: dict[tuple[str, WorkState], int] = {}
    sizes: dict[tuple[str, WorkState], float] = {}
    nodes: dict[tuple[str, WorkState], set[str]] = {}
    for place, piece in enumerate(work):
        if piece.owns and piece.size <= nodes_max:
            key = piece.record.user, piece.record.state
            firsts.setdefault(key, place)
            sizes[key] = sizes.get(key, 0.0) + piece.size * piece.parts
            nodes.setdefault(key, set()).update(piece.nodes)
    for key, place in firsts.items():
        whole = float(len(nodes[key])) if nodes[key] else float(ceil(sizes[key] - EVEN))
        work[place] = replace(work[place], unused=max(0.0, whole - sizes[key]))
    return work


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


def announced_of(work: Iterable[Piece], nodes_max: int) -> Iterator[Announced]:
    """What begins at its own hour and is not oversize."""
    for piece in work:
        if piece.begins_s is not None and piece.size <= nodes_max:
            record = piece.record
            yield Announced(piece.begins_s, record.side, record.nodes, f"job {record.id}", record.limit_s)


def waiting_of(work: Iterable[Piece], nodes_max: int) -> WaitingWork:
    """The queue, in its order; the tasks of an array one by one, as many as are handed on. What is larger than
    ``nodes_max`` is unserved."""
    sizes: list[float] = []
    unserved: list[Unserved] = []
    for piece in work:
        if piece.record.state is not WorkState.ELIGIBLE:
            continue
        if piece.size > nodes_max:
            unserved.append(too_large_jobs(piece.size, nodes_max, piece.parts))
        else:
            more = [piece.size] * min(piece.parts, WAITING_MAX - len(sizes))
            sizes += [min(piece.size + piece.unused, nodes_max), *more[1:]] if more else []
    return WaitingWork(Side.HPC, tuple(sizes), by_reason(unserved))
