"""The HPC side in plain numbers: whole nodes of one kind, a queue, and strict first come first served or EASY backfill.

The same schedule on the same nodes as ``simulator/hpc.py`` with ``simulator/backfill.py``, where EASY is told of.
Jobs are numbers, from 0 in the order in which they come; a node's number says where it stands in the machine.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

NEVER_S = 1 << 60
NOBODY = -1


@dataclass(frozen=True, slots=True)
class Jobs:
    """Jobs as columns of one length, in the order in which they come.

    Each has one node at least. ``run_s`` is until its own end or its limit, whichever comes first; of ``ident`` no two
    are equal: what ends at one time ends in its order.
    """

    ident: Sequence[int]
    submit_s: Sequence[int]
    nodes: Sequence[int]
    limit_s: Sequence[int]
    run_s: Sequence[int]

    def __len__(self) -> int:
        return len(self.ident)


class BatchQueue:
    """Nodes, running jobs and the queue. At first every node is open and idle, and nothing waits.

    ``nodes_max`` is the most that the HPC side may ever have: larger jobs are counted apart. ``started`` are the jobs
    in the order in which they started, each at its ``start_s``; ``alloc`` are the nodes of each running one.
    """

    __slots__ = (
        "_draining",
        "_extra",
        "_head",
        "_head_version",
        "_lost",
        "_nodes",
        "_of_size",
        "_schedule",
        "_shadow_s",
        "_smallest",
        "absent",
        "alloc",
        "busy_nodes",
        "closed_nodes",
        "drained",
        "ends",
        "finished",
        "idle",
        "jobs",
        "large_nodes",
        "nodes_max",
        "oversize_nodes",
        "queue",
        "running",
        "size",
        "start_s",
        "started",
        "version",
        "waiting_nodes",
    )

    def __init__(self, jobs: Jobs, size: int, nodes_max: int, *, fifo: bool = False) -> None:
        self.jobs = jobs
        self.size = size
        self.nodes_max = nodes_max
        self.idle = list(range(size - 1, -1, -1))  # the last one is taken first
        self.drained = [False] * size
        self.absent = [False] * size  # joining: not drained, and yet unable to start work
        self.closed_nodes = 0  # drained or absent
        self.busy_nodes = 0
        self.queue: list[int] = []
        self.waiting_nodes = 0  # of all waiting jobs, those of more than nodes_max among them
        self.oversize_nodes = 0
        self.large_nodes = 0  # of those of more than half the machine
        self.running: list[tuple[int, int, int]] = []  # sorted: must end, ident, job
        self.ends: list[tuple[int, int, int]] = []  # a heap: ends, ident, job
        self.alloc: dict[int, list[int]] = {}
        self.start_s = [NOBODY] * len(jobs)
        self.started: list[int] = []
        self.finished = 0
        self.version = 0  # rises whenever running work or open nodes change
        self._nodes = jobs.nodes
        self._lost: dict[int, int] = {}  # of a running job, how many of its nodes are drained
        self._draining: set[int] = set()  # drained nodes on which a job still runs
        self._of_size = [0] * (size + 1)  # waiting jobs by their nodes
        self._smallest = size + 1  # no waiting job has fewer nodes
        self._head = NOBODY  # the job that has a reservation
        self._shadow_s = NEVER_S
        self._extra = 0
        self._head_version = NOBODY
        self._schedule = self._serve_in_order if fifo else self._backfill

    @property
    def next_end_s(self) -> int:
        """When the next job ends."""
        return self.ends[0][0] if self.ends else NEVER_S

    def submit(self, job: int) -> bool:
        """Let the job wait; False, and it is refused, when the whole machine could not hold it."""
        nodes = self._nodes[job]
        if nodes > self.size:
            return False
        self.queue.append(job)
        self.waiting_nodes += nodes
        if nodes > self.nodes_max:
            self.oversize_nodes += nodes
        if 2 * nodes > self.size:
            self.large_nodes += nodes
        self._of_size[nodes] += 1
        self._smallest = min(self._smallest, nodes)
        return True

    def put(self, job: int, nodes: Sequence[int], start_s: int) -> None:
        """Let the job run on idle nodes since ``start_s``, as it was found; the caller makes a heap of ``ends``."""
        self.idle = [node for node in self.idle if node not in nodes]
        self.alloc[job] = list(nodes)
        self.busy_nodes += len(nodes)
        self.start_s[job] = start_s
        insort(self.running, (start_s + self.jobs.limit_s[job], self.jobs.ident[job], job))
        self.ends.append((start_s + self.jobs.run_s[job], self.jobs.ident[job], job))
        self.version += 1

    def finish_due(self, now_s: int) -> list[int]:
        """End what ends now; the jobs that did."""
        ended, ends = [], self.ends
        while ends and ends[0][0] <= now_s:
            job = heappop(ends)[2]
            self._finish(job)
            ended.append(job)
        return ended

    def schedule(self, now_s: int, arrived: Sequence[int]) -> None:
        """Start what may start now. ``arrived`` are those that wait since the last call."""
        if self.queue:
            self._schedule(now_s, arrived)

    def is_busy(self, node: int) -> bool:
        """Whether a job runs on a node that is drained."""
        return node in self._draining

    def drain(self, node: int) -> None:
        """Let no new work start on the node; running work goes on."""
        self.closed_nodes += not self.absent[node]
        self.drained[node] = True
        self.version += 1
        if node in self.idle:
            self.idle.remove(node)
            return
        job = self._holder(node)
        if job != NOBODY:
            self._draining.add(node)
            self._lost[job] = self._lost.get(job, 0) + 1

    def undrain(self, node: int, *, absent: bool = False) -> None:
        """Let new work start again, at once or, ``absent``, once the node is ``ready``."""
        self.drained[node] = False
        self.absent[node] = absent
        self.closed_nodes -= not absent
        self.version += 1
        if node in self._draining:
            self._draining.remove(node)
            self._lost[self._holder(node)] -= 1
        elif not absent:
            self.idle.append(node)

    def ready(self, node: int) -> None:
        """A node that was absent is there."""
        self.absent[node] = False
        self.closed_nodes -= 1
        self.idle.append(node)
        self.version += 1

    def usable_by_waiting(self) -> int:
        """Nodes that waiting jobs could use if the HPC side had every node of the machine that it does not use: each as
        a whole, in the order of the queue."""
        room = self.size - self.busy_nodes
        if not self.queue:
            return 0
        smallest = self._smallest_waiting()
        if room < smallest:
            return 0
        nodes_of, nodes_max, unused = self._nodes, self.nodes_max, room
        for job in self.queue:
            nodes = nodes_of[job]
            if nodes <= room and nodes <= nodes_max:
                room -= nodes
                if room < smallest:
                    break
        return unused - room

    def _smallest_waiting(self) -> int:
        """The nodes of the smallest waiting job; there must be one."""
        of_size, smallest = self._of_size, self._smallest
        while not of_size[smallest]:
            smallest += 1
        self._smallest = smallest
        return smallest

    def _holder(self, node: int) -> int:
        """The job that runs on the node."""
        return next((job for job, nodes in self.alloc.items() if node in nodes), NOBODY)

    def _start(self, job: int, now_s: int) -> None:
        nodes, ident, jobs = self._nodes[job], self.jobs.ident[job], self.jobs
        self.waiting_nodes -= nodes
        if nodes > self.nodes_max:
            self.oversize_nodes -= nodes
        if 2 * nodes > self.size:
            self.large_nodes -= nodes
        self._of_size[nodes] -= 1
        self.alloc[job] = self.idle[-nodes:]
        del self.idle[-nodes:]
        self.busy_nodes += nodes
        self.start_s[job] = now_s
        self.started.append(job)
        insort(self.running, (now_s + jobs.limit_s[job], ident, job))
        heappush(self.ends, (now_s + jobs.run_s[job], ident, job))
        self.version += 1

    def _finish(self, job: int) -> None:
        running, key = self.running, (self.start_s[job] + self.jobs.limit_s[job], self.jobs.ident[job])
        del running[bisect_left(running, key)]
        nodes = self.alloc.pop(job)
        if self._lost.pop(job, 0):
            drained = self.drained
            self.idle.extend(node for node in nodes if not drained[node])
            self._draining.difference_update(nodes)
        else:
            self.idle.extend(nodes)
        self.busy_nodes -= len(nodes)
        self.finished += 1
        self.version += 1

    def _serve_in_order(self, now_s: int, _: Sequence[int]) -> None:
        """Strict first come first served: the head of the queue blocks everything behind it."""
        begun = 0
        for job in self.queue:
            if len(self.idle) < self._nodes[job]:
                break
            self._start(job, now_s)
            begun += 1
        del self.queue[:begun]

    def _backfill(self, now_s: int, arrived: Sequence[int]) -> None:
        """EASY: while running work and open nodes stay as they were, only what has just come is looked at."""
        known = self._head != NOBODY and self._head_version == self.version
        behind = arrived if known else self._start_heads(now_s)
        if not behind or len(self.idle) < self._smallest_waiting_or_none():
            return
        free, room_s, extra = len(self.idle), self._shadow_s - now_s, self._extra
        nodes_of, limit_of, head, begun = self._nodes, self.jobs.limit_s, self._head, False
        for job in behind:
            nodes = nodes_of[job]
            if nodes > free or job == head:
                continue
            if limit_of[job] > room_s:
                if nodes > extra:
                    continue
                extra -= nodes
            self._start(job, now_s)
            begun = True
            free -= nodes
            if not free:
                break
        if begun:
            self._extra = extra
            self._head_version = self.version
            self._drop_started()

    def _smallest_waiting_or_none(self) -> int:
        return self._smallest_waiting() if self.queue else NEVER_S

    def _start_heads(self, now_s: int) -> list[int]:
        """Start jobs in order while they fit; reserve for the first that does not; those behind it.

        A job that the open nodes could never hold neither starts nor blocks: it waits until nodes come back.
        """
        self._head = NOBODY
        nodes_of, begun, behind = self._nodes, False, []
        for place, job in enumerate(self.queue):
            nodes = nodes_of[job]
            if nodes <= len(self.idle):
                self._start(job, now_s)
                begun = True
            elif nodes <= self.size - self.closed_nodes and self._reserve(job):
                behind = self.queue[place + 1 :]
                break
        if begun:
            self._drop_started()
        return behind

    def _reserve(self, job: int) -> bool:
        """Find when, by the limits of what runs, the job can start, and how many nodes are spare then; False when the
        open nodes can never hold it."""
        free, nodes, at_s, lost = len(self.idle), self._nodes[job], NEVER_S, self._lost
        for must_end_s, _, runs in self.running:
            if at_s != NEVER_S and must_end_s > at_s:
                break
            free += self._nodes[runs] - lost.get(runs, 0)
            if at_s == NEVER_S and free >= nodes:
                at_s = must_end_s
        if at_s == NEVER_S:
            return False
        self._head, self._shadow_s, self._extra, self._head_version = job, at_s, free - nodes, self.version
        return True

    def _drop_started(self) -> None:
        start_s = self.start_s
        self.queue = [job for job in self.queue if start_s[job] < 0]
