"""The twin's HPC scheduler: nodes, a queue, exclusive and shared allocation, drains and reservations.

It keeps state and answers questions; *which* waiting job starts is the business of ``simulator/backfill.py``.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from simulator.work import Job


@dataclass(frozen=True, slots=True)
class NodeKind:
    """So many nodes of one kind: consecutive in the machine, with ``cores`` cores each."""

    name: str
    count: int
    cores: int = 1


class Batch:
    """A job in the twin. It holds whole nodes, or (``shared``) cores on nodes that it shares with others."""

    __slots__ = (
        "alloc",
        "cores",
        "id",
        "job",
        "killed",
        "kind",
        "limit_s",
        "must_end_s",
        "nodes",
        "shared",
        "start_s",
        "units",
    )

    def __init__(self, job: Job, *, cores_per_node: int, shared: bool) -> None:
        self.job = job
        self.id = job.id
        self.kind = job.kind
        self.shared = shared
        self.cores = job.procs
        self.nodes = -(-job.procs // cores_per_node)
        self.units = job.procs if shared else self.nodes
        self.limit_s = job.limit_s
        self.start_s = -1
        self.killed = False
        self.must_end_s = -1
        self.alloc: list[int] = []

    @property
    def run_s(self) -> int:
        """How long it runs: to its own end or to its limit, whichever comes first."""
        return min(self.job.run_s, self.limit_s)


class HpcCluster:
    """Nodes, running jobs and the queue of one HPC scheduler.

    A node is *idle* (open, empty, not booked), *booked* (open, empty, reserved from a time on), *partial* (open,
    shared cores free and in use), or none of these. The pools hold node numbers by kind; ``free`` counts are kept,
    not recomputed.
    """

    def __init__(self, kinds: Sequence[NodeKind], *, shared: bool = False) -> None:
        if len({kind.cores for kind in kinds}) != 1:
            raise ValueError("all kinds of one machine must have the same number of cores")
        self.cores_per_node = kinds[0].cores
        self.shared = shared
        self.units_per_node = self.cores_per_node if shared else 1
        self.kind_of = [kind.name for kind in kinds for _ in range(kind.count)]
        self.size = len(self.kind_of)
        self.kinds = tuple(kind.name for kind in kinds)
        self.of_kind = Counter(self.kind_of)
        self.free_cores = [self.cores_per_node] * self.size
        self.jobs_on: list[dict[int, Batch]] = [{} for _ in range(self.size)]
        self.drained_by: list[str | None] = [None] * self.size
        self.absent = [False] * self.size  # joining or dead: registered, but unable to start work
        self.booking: list[tuple[int, str] | None] = [None] * self.size
        self.idle: dict[str, list[int]] = {kind: [] for kind in self.kinds}
        self.booked: dict[str, list[int]] = {kind: [] for kind in self.kinds}
        self.partial: dict[str, list[int]] = {kind: [] for kind in self.kinds}
        for node in reversed(range(self.size)):
            self.idle[self.kind_of[node]].append(node)
        self.queue: list[Batch] = []
        self.waiting_sizes: Counter[int] = Counter()
        self.running: list[tuple[int, int, Batch]] = []  # sorted by (must end, id)
        self.busy_nodes = 0
        self.closed_nodes = 0  # drained or absent
        self.bookings = 0
        self._counted = not shared and len(self.kinds) == 1
        self.changed: set[int] = set(range(self.size))  # nodes whose picture changed since someone last looked
        self.version = 0  # rises whenever running work or open nodes change

    def batch(self, job: Job) -> Batch:
        """The job as this machine would run it."""
        return Batch(job, cores_per_node=self.cores_per_node, shared=self.shared)

    def could_ever_fit(self, batch: Batch) -> bool:
        """Whether the whole machine, all of it open and empty, could start the job."""
        nodes = self.size if not batch.kind else self.of_kind.get(batch.kind, 0)
        return batch.nodes <= nodes

    def eligible_kinds(self, batch: Batch) -> tuple[str, ...]:
        """The kinds of node that the job may use."""
        return (batch.kind,) if batch.kind else self.kinds

    def enqueue(self, batch: Batch) -> None:
        """Add the job to the end of the queue."""
        self.queue.append(batch)
        self.waiting_sizes[batch.units] += 1

    def forget_waiting(self, batch: Batch) -> None:
        """Take the job's size off the books; the caller takes the job itself out of the queue."""
        self.waiting_sizes[batch.units] -= 1
        if not self.waiting_sizes[batch.units]:
            del self.waiting_sizes[batch.units]

    def start(self, batch: Batch, now_s: int, avoid: str = "") -> None:
        """Start the job now. The caller has checked that it fits; kind ``avoid`` is used last."""
        kinds = self.eligible_kinds(batch)
        if avoid in kinds and len(kinds) > 1:
            kinds = (*(kind for kind in kinds if kind != avoid), avoid)
        batch.start_s = now_s
        batch.must_end_s = now_s + batch.limit_s
        if batch.shared:
            self._take_cores(batch, kinds)
        else:
            self._take_nodes(batch, kinds)
        insort(self.running, (batch.must_end_s, batch.id, batch))
        self.version += 1

    def finish(self, batch: Batch) -> None:
        """End the job and give its nodes back to the pools, or leave them empty if they are drained."""
        self.running.remove((batch.must_end_s, batch.id, batch))
        if batch.shared:
            self._give_back_cores(batch)
        else:
            self._give_back_nodes(batch)
        self.changed.update(batch.alloc)
        self.version += 1

    def drain(self, node: int, mark: str) -> None:
        """Let no new work start on the node; running work goes on."""
        with self._changing(node):
            self.drained_by[node] = mark

    def undrain(self, node: int) -> None:
        """Let new work start again."""
        with self._changing(node):
            self.drained_by[node] = None

    def set_absent(self, node: int, absent: bool) -> None:
        """Say whether the node is unable to start work although nobody drained it."""
        with self._changing(node):
            self.absent[node] = absent

    def reserve(self, node: int, start_s: int, mark: str) -> None:
        """From ``start_s`` on let no work run on the node; only work whose limit ends before may start until then."""
        with self._changing(node):
            self.booking[node] = (start_s, mark)

    def release(self, node: int) -> None:
        """Drop the node's reservation."""
        with self._changing(node):
            self.booking[node] = None

    @contextmanager
    def _changing(self, node: int) -> Iterator[None]:
        """Keep pools and counts true while a node's state is changed."""
        self._unpool(node)
        self.closed_nodes -= not self.is_open(node)
        self.bookings -= self.booking[node] is not None
        yield
        self.closed_nodes += not self.is_open(node)
        self.bookings += self.booking[node] is not None
        self._pool(node)
        self.changed.add(node)
        self.version += 1

    def is_open(self, node: int) -> bool:
        """Whether the scheduler may start work on the node."""
        return self.drained_by[node] is None and not self.absent[node]

    def ends_before_booking(self, node: int, must_end_s: int) -> bool:
        """Whether work that must end at ``must_end_s`` leaves the node in time for its reservation."""
        booking = self.booking[node]
        return booking is None or must_end_s <= booking[0]

    def units_free(self, batch: Batch, now_s: int, *, except_kind: str | None = None) -> int:
        """How many of the job's units (nodes, or cores) it could be given now, on nodes not of ``except_kind``."""
        if self.simple:
            return len(self.idle[self.kinds[0]])
        must_end_s = now_s + batch.limit_s
        total = 0
        for kind in self.eligible_kinds(batch):
            if kind == except_kind:
                continue
            nodes = len(self.idle[kind])
            if self.booked[kind]:
                nodes += sum(self.ends_before_booking(node, must_end_s) for node in self.booked[kind])
            if batch.shared:
                total += nodes * self.cores_per_node
                total += sum(self.free_cores[n] for n in self.partial[kind] if self.ends_before_booking(n, must_end_s))
            else:
                total += nodes
        return total

    @property
    def simple(self) -> bool:
        """Whether one count of idle nodes says everything: one kind, whole nodes, nothing booked."""
        return self._counted and not self.bookings

    @property
    def plain(self) -> bool:
        """Whether, beyond that, every node is open: what ends gives all its nodes back."""
        return self.simple and not self.closed_nodes

    def _take_nodes(self, batch: Batch, kinds: Sequence[str]) -> None:
        missing = batch.nodes
        alloc = batch.alloc
        for kind in kinds:
            for node in [n for n in self.booked[kind] if self.ends_before_booking(n, batch.must_end_s)][:missing]:
                self.booked[kind].remove(node)
                alloc.append(node)
                missing -= 1
            pool = self.idle[kind]
            taken = min(missing, len(pool))
            if taken:
                alloc.extend(pool[-taken:])
                del pool[-taken:]
                missing -= taken
        if missing:
            raise ValueError(f"job {batch.id} was started without room for {missing} of its {batch.nodes} nodes")
        for node in alloc:
            self.free_cores[node] = 0
            self.jobs_on[node][batch.id] = batch
        self.busy_nodes += batch.nodes
        self.changed.update(alloc)

    def _give_back_nodes(self, batch: Batch) -> None:
        for node in batch.alloc:
            del self.jobs_on[node][batch.id]
            self.free_cores[node] = self.cores_per_node
        self.busy_nodes -= batch.nodes
        if self.plain:
            self.idle[self.kinds[0]].extend(batch.alloc)
        else:
            for node in batch.alloc:
                self._pool(node)

    def _give_back_cores(self, batch: Batch) -> None:
        for node, cores in Counter(batch.alloc).items():
            self._unpool(node)
            del self.jobs_on[node][batch.id]
            self.free_cores[node] += cores
            self.busy_nodes -= not self.jobs_on[node]
            self._pool(node)

    def _take_cores(self, batch: Batch, kinds: Sequence[str]) -> None:
        missing = batch.cores
        for node in list(self._nodes_for_cores(batch, kinds)):
            cores = min(missing, self.free_cores[node])
            if not self.jobs_on[node]:
                self.busy_nodes += 1
            self._unpool(node)
            self.free_cores[node] -= cores
            self.jobs_on[node][batch.id] = batch
            self._pool(node)
            batch.alloc.extend([node] * cores)
            missing -= cores
            if not missing:
                break
        if missing:
            raise ValueError(f"job {batch.id} was started without room for {missing} of its {batch.cores} cores")
        self.changed.update(batch.alloc)

    def _nodes_for_cores(self, batch: Batch, kinds: Sequence[str]) -> Iterator[int]:
        """Partly used nodes first, the fullest first, then booked ones, then idle ones."""
        for kind in kinds:
            in_time = [n for n in self.partial[kind] if self.ends_before_booking(n, batch.must_end_s)]
            yield from sorted(in_time, key=lambda n: (self.free_cores[n], n))
            yield from sorted(n for n in self.booked[kind] if self.ends_before_booking(n, batch.must_end_s))
            yield from reversed(self.idle[kind])

    def _pool(self, node: int) -> None:
        pool = self._pool_of(node)
        if pool is not None:
            pool.append(node)

    def _unpool(self, node: int) -> None:
        pool = self._pool_of(node)
        if pool is not None and node in pool:
            pool.remove(node)

    def _pool_of(self, node: int) -> list[int] | None:
        """The pool that the node's state puts it in, None for a node that can start nothing."""
        if not self.is_open(node) or not self.free_cores[node]:
            return None
        kind = self.kind_of[node]
        if self.jobs_on[node]:
            return self.partial[kind]
        return self.idle[kind] if self.booking[node] is None else self.booked[kind]
