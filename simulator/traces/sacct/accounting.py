"""What was read from an accounting: the trace, and what its jobs did when they really ran."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from simulator.traces.sacct.wanted import Unit, Wanted, day_of, midnight_s, utc_offset_s, zone
from simulator.traces.swf import HeaderFacts, SwfTrace
from simulator.work import Job, ReadNotes

SHARED_BELOW = 0.8
"""Share of their nodes' cores that jobs had, below which they may well have shared nodes."""

NO_LIMIT_S = -1
NUMBER_LATER = 0

_Column = NDArray[np.int64]


class Of(IntEnum):
    """The columns of :class:`Recorded`."""

    NUMBER = 0
    SUBMIT = 1
    ARRIVAL = 2
    START = 3
    RUN = 4
    LIMIT = 5
    SIZE = 6
    USER = 7
    STATUS = 8
    ENDED = 9
    NODES = 10
    CORES = 11


class Recorded:
    """Jobs as rows of whole numbers, 96 bytes each; times are seconds of the epoch."""

    def __init__(self) -> None:
        self._cells = array("q")

    def __len__(self) -> int:
        return len(self._cells) // len(Of)

    def put(self, index: int, row: tuple[int, ...]) -> None:
        """Set the row at ``index``, which may be the next one."""
        self._cells[index * len(Of) : (index + 1) * len(Of)] = array("q", row)

    def cell(self, index: int, column: Of) -> int:
        """One value."""
        return self._cells[index * len(Of) + column]

    def table(self) -> _Column:
        """All rows, shape (n, len(Of)), sorted by arrival, then as they came, and every one with a number."""
        table = np.frombuffer(self._cells, dtype=np.int64).reshape(-1, len(Of))
        as_they_came = np.argsort(table[:, Of.ARRIVAL], kind="stable")
        later = as_they_came[table[as_they_came, Of.NUMBER] == NUMBER_LATER]
        table[later, Of.NUMBER] = table[:, Of.NUMBER].max(initial=0) + 1 + np.arange(later.size)
        return table[np.lexsort((table[:, Of.NUMBER], table[:, Of.ARRIVAL]))]


@dataclass(frozen=True, slots=True)
class Peak:
    """The most nodes (or cores) that jobs really had at the same time, and when that was, on the trace's clock."""

    size: int
    at_s: int


@dataclass(frozen=True, slots=True, eq=False)
class Accounting:
    """Jobs to replay and how they really went.

    ``waits_s``, ``statuses`` and ``has_limit`` belong to ``trace.jobs``, one by one. ``cores_per_node`` is the most
    that a job had on its nodes on average, and ``cores_used`` the share of so many that all jobs had on theirs, by
    node-hours; both None when the accounting does not tell nodes and cores.
    """

    trace: SwfTrace
    wanted: Wanted
    waits_s: _Column
    statuses: _Column
    has_limit: NDArray[np.bool_]
    users: int
    peak: Peak
    mean: float
    cores_per_node: int | None
    cores_used: float | None


def accounting(recorded: Recorded, wanted: Wanted, notes: ReadNotes, users: int) -> Accounting:
    """Put the jobs on a clock that begins at a local midnight: of ``wanted.since_s``, else of the first arrival."""
    where, table = zone(wanted.timezone), recorded.table()
    base_s = wanted.since_s
    if base_s is None:
        base_s = midnight_s(day_of(int(table[0, Of.ARRIVAL]), where), where)
    header = HeaderFacts(unix_start_s=base_s, utc_offset_s=utc_offset_s(base_s, where))
    table[:, (Of.ARRIVAL, Of.START)] -= base_s
    has_limit = table[:, Of.LIMIT] != NO_LIMIT_S
    limits_s = np.where(has_limit, table[:, Of.LIMIT], table[:, Of.RUN])
    columns = (table[:, Of.NUMBER], table[:, Of.ARRIVAL], table[:, Of.RUN], limits_s, table[:, Of.SIZE])
    names = ["", *map(str, range(1, users + 1))]
    jobs = tuple(
        Job(number, arrival_s, run_s, limit_s, size, names[user])
        for number, arrival_s, run_s, limit_s, size, user in zip(
            *(column.tolist() for column in columns), table[:, Of.USER].tolist(), strict=True
        )
    )
    peak, mean = _occupied(table)
    per_node = _cores_per_node(table)
    used = None if per_node is None else _cores_used(table, per_node)
    if wanted.unit is Unit.NODES and used is not None and used < SHARED_BELOW:
        notes.remarks.append(
            f"jobs had {used:.0%} of the cores of their nodes, if each has {per_node}; if jobs share nodes, import with"
            f" --unit cores and replay with --procs-per-node {per_node} --shared-cores"
        )
    return Accounting(
        trace=SwfTrace(jobs, notes, header),
        wanted=wanted,
        waits_s=table[:, Of.START] - table[:, Of.ARRIVAL],
        statuses=table[:, Of.STATUS],
        has_limit=has_limit,
        users=users,
        peak=peak,
        mean=mean,
        cores_per_node=per_node,
        cores_used=used,
    )


def _occupied(table: _Column) -> tuple[Peak, float]:
    """The peak of what jobs really had, and the mean from the first start to the last end."""
    starts_s, sizes = table[:, Of.START], table[:, Of.SIZE]
    ends_s = starts_s + table[:, Of.RUN]
    times_s = np.concatenate((ends_s, starts_s))
    order = np.argsort(times_s, kind="stable")  # what ends at an instant ends before anything starts
    held = np.cumsum(np.concatenate((-sizes, sizes))[order])
    top = int(np.argmax(held))
    span_s = int(ends_s.max() - starts_s.min())
    mean = float(np.dot(sizes.astype(float), table[:, Of.RUN])) / span_s if span_s else 0.0
    return Peak(int(held[top]), int(times_s[order[top]])), mean


def _cores_per_node(table: _Column) -> int | None:
    nodes, cores = table[:, Of.NODES], table[:, Of.CORES]
    told = (nodes > 0) & (cores > 0)
    return int((-(-cores[told] // nodes[told])).max()) if told.any() else None


def _cores_used(table: _Column, per_node: int) -> float | None:
    nodes, cores, runs_s = (table[:, column].astype(float) for column in (Of.NODES, Of.CORES, Of.RUN))
    told = (nodes > 0) & (cores > 0)
    node_s = float(np.dot(nodes[told], runs_s[told]))
    return float(np.dot(cores[told], runs_s[told])) / (per_node * node_s) if node_s else None
