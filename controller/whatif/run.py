"""A run: both sides, the nodes between them and turns, from instant to instant, and what was unmet meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from controller.whatif.batch_queue import NEVER_S, BatchQueue
from controller.whatif.integral import Integral
from controller.whatif.moving import Moving
from controller.whatif.replicas import KubernetesSide
from models.work import WorkState

Told = list[tuple[int, WorkState, int]]  # when, what became of a job, and which


class Meter:
    """Integrals in node-seconds from second 0 on."""

    __slots__ = ("_queue", "_seen", "_side", "large", "oversize", "unmet_hpc", "unmet_kubernetes", "used")

    def __init__(self, queue: BatchQueue, side: KubernetesSide) -> None:
        self._queue = queue
        self._side = side
        self._seen = (-1, -1)
        self.unmet_hpc = Integral()
        self.unmet_kubernetes = Integral()
        self.oversize = Integral()
        self.large = Integral()
        self.used = Integral()

    def read(self, now_s: int) -> None:
        """Read both sides as they are from now on."""
        queue, side = self._queue, self._side
        seen = queue.version, len(queue.queue)
        if seen != self._seen:
            self._seen = seen
            self.unmet_hpc.read(queue.usable_by_waiting(), now_s)
            self.oversize.read(queue.oversize_nodes, now_s)
            self.large.read(queue.large_nodes, now_s)
        self.unmet_kubernetes.read(side.waiting_nodes, now_s)
        self.used.read(queue.busy_nodes + side.running_share, now_s)


class Run:
    """Time passes for ``queue``, ``side`` and ``moving``; ``turn`` is taken every ``every_s`` seconds, which tends what
    is under way, too.

    ``watch`` looks at the end of every instant. ``jobs_in`` is how many jobs have come; with ``told`` what becomes of
    jobs is written there.
    """

    def __init__(
        self,
        queue: BatchQueue,
        side: KubernetesSide,
        moving: Moving,
        turn: Callable[[int], None],
        every_s: int,
        watch: Callable[[int], None],
        told: Told | None = None,
    ) -> None:
        self.queue = queue
        self.side = side
        self.moving = moving
        self.now_s = 0
        self.jobs_in = 0
        self._turn = turn
        self._every_s = every_s
        self._watch = watch
        self._told = told
        self._started = 0

    def go(self, turns_from_s: int, turns_until_s: int, until_s: int) -> None:
        """Run to ``until_s``, that instant too, with turns from ``turns_from_s`` and before ``turns_until_s``."""
        turn_s = turns_from_s if turns_from_s < turns_until_s else NEVER_S
        due_s = self.moving.next_s(self.now_s)
        while True:
            now_s = min(self._next_job_s(), self.side.next_s, due_s, turn_s)
            if now_s > until_s:
                return
            self.now_s = now_s
            self._let_happen(now_s, due_s)
            turn_is_due = turns_from_s <= now_s < turns_until_s and not (now_s - turns_from_s) % self._every_s
            tends = bool(self.moving.open)
            if turn_is_due:
                self._turn(now_s)
                turn_s = now_s + self._every_s
                turn_s = turn_s if turn_s < turns_until_s else NEVER_S
            elif tends:
                self.moving.tend(now_s)
            if turn_is_due or tends:
                self._schedule(now_s, [])
            due_s = self.moving.next_s(now_s)
            self._watch(now_s)

    def _next_job_s(self) -> int:
        submit_s, number = self.queue.jobs.submit_s, self.jobs_in
        ends_s = self.queue.next_end_s
        return min(ends_s, submit_s[number]) if number < len(submit_s) else ends_s

    def _let_happen(self, now_s: int, due_s: int) -> None:
        """What ends, then what comes, then nodes that are there; then both sides start what they can."""
        queue, told = self.queue, self._told
        ended = queue.finish_due(now_s)
        self.side.advance(now_s)
        arrived = self._submit(now_s)
        if due_s == now_s:
            self.moving.let_open(now_s)
        if told is not None:
            told += [(now_s, WorkState.ENDED, job) for job in ended]
            told += [(now_s, WorkState.ELIGIBLE, job) for job in arrived]
        self._schedule(now_s, arrived)

    def _submit(self, now_s: int) -> list[int]:
        queue, submit_s, first = self.queue, self.queue.jobs.submit_s, self.jobs_in
        last, jobs = first, len(submit_s)
        while last < jobs and submit_s[last] <= now_s:
            last += 1
        self.jobs_in = last
        return [job for job in range(first, last) if queue.submit(job)]

    def _schedule(self, now_s: int, arrived: list[int]) -> None:
        queue = self.queue
        queue.schedule(now_s, arrived)
        self.side.schedule(now_s)
        if self._told is not None:
            self._told += [(now_s, WorkState.RUNNING, job) for job in queue.started[self._started :]]
            self._started = len(queue.started)
