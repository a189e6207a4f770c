"""Which waiting job starts: strict first come first served, or EASY backfill.

EASY (Lifka, "The ANL/IBM SP scheduling system", JSSPP 1995): the first job that cannot start gets a reservation at the
earliest time at which, by the limits of the running jobs, enough room will be free (its *shadow time*). A later job may
start now if it ends before the shadow time by its own limit, or uses only room that the first job will not need
(*extra*).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from simulator.hpc import Batch, HpcCluster

NEVER_S = 1 << 60
Starter = Callable[[Batch], None]


@dataclass(slots=True)
class Shadow:
    """The head job's reservation: when it can start, and how many units are spare then."""

    head: Batch | None
    time_s: int
    extra: int
    version: int = -1


class Fifo:
    """Strict first come first served: the head of the queue blocks everything behind it."""

    def __init__(self, cluster: HpcCluster, started: Starter) -> None:
        self.cluster = cluster
        self.started = started

    def schedule(self, now_s: int, arrived: list[Batch]) -> None:
        """Start what may start now. ``arrived`` are the jobs submitted since the last call, already enqueued."""
        cluster = self.cluster
        begun = 0
        for batch in cluster.queue:
            if cluster.units_free(batch, now_s) < batch.units:
                break
            _start(cluster, batch, now_s, self.started)
            begun += 1
        del cluster.queue[:begun]


class Easy:
    """EASY backfill with one reservation, for the first waiting job that the open nodes could ever hold."""

    def __init__(self, cluster: HpcCluster, started: Starter) -> None:
        self.cluster = cluster
        self.started = started
        self._shadow = Shadow(None, NEVER_S, 0)

    def schedule(self, now_s: int, arrived: list[Batch]) -> None:
        """Start what may start now. ``arrived`` are the jobs submitted since the last call, already enqueued.

        While running work and open nodes stay as they were, jobs that were refused stay refused (time only makes it
        harder), so only the new ones are looked at.
        """
        cluster = self.cluster
        if not cluster.queue:
            return
        if self._shadow.version == cluster.version and self._shadow.head is not None and cluster.simple:
            candidates = arrived
        else:
            candidates = self._start_heads(now_s)
        if candidates and cluster.queue:
            begun = self._backfill(candidates, now_s)
            if begun:
                cluster.queue = [batch for batch in cluster.queue if batch.start_s < 0]
                self._shadow.version = cluster.version

    def _start_heads(self, now_s: int) -> list[Batch]:
        """Start jobs in order while they fit; reserve for the first that does not; return those behind it.

        A job that the open nodes could never hold neither starts nor blocks: it waits until nodes come back.
        """
        cluster = self.cluster
        begun = False
        self._shadow = Shadow(None, NEVER_S, 0, cluster.version)
        behind: list[Batch] = []
        for place, batch in enumerate(cluster.queue):
            if cluster.units_free(batch, now_s) >= batch.units:
                _start(cluster, batch, now_s, self.started)
                begun = True
            elif batch.nodes <= cluster.size - cluster.closed_nodes and (shadow := find_shadow(cluster, batch, now_s)):
                self._shadow = shadow
                behind = cluster.queue[place + 1 :]
                break
        if begun:
            cluster.queue = [batch for batch in cluster.queue if batch.start_s < 0]
        return behind

    def _backfill(self, candidates: list[Batch], now_s: int) -> int:
        if self.cluster.simple:
            return self._backfill_counted(candidates, now_s)
        return self._backfill_placed(candidates, now_s)

    def _backfill_counted(self, candidates: list[Batch], now_s: int) -> int:
        """One kind of whole nodes: a count of free nodes is all there is to look at."""
        cluster, shadow = self.cluster, self._shadow
        free = len(cluster.idle[cluster.kinds[0]])
        if not cluster.waiting_sizes or free < min(cluster.waiting_sizes):
            return 0
        begun = 0
        room_s = shadow.time_s - now_s
        for batch in candidates:
            units = batch.units
            if units > free or batch is shadow.head or (batch.limit_s > room_s and units > shadow.extra):
                continue
            if batch.limit_s > room_s:
                shadow.extra -= units
            _start(cluster, batch, now_s, self.started)
            begun += 1
            free -= units
            if not free:
                break
        return begun

    def _backfill_placed(self, candidates: list[Batch], now_s: int) -> int:
        """Several kinds, shared cores or reservations: ask for each job what it could be given."""
        cluster, shadow = self.cluster, self._shadow
        begun = 0
        for batch in candidates:
            if batch is shadow.head or cluster.units_free(batch, now_s) < batch.units:
                continue
            ends_in_time = now_s + batch.limit_s <= shadow.time_s
            from_head = 0 if ends_in_time else _units_from_head(cluster, shadow.head, batch, now_s)
            if from_head > shadow.extra:
                continue
            shadow.extra -= from_head
            _start(cluster, batch, now_s, self.started, avoid=shadow.head.kind if shadow.head else "")
            begun += 1
        return begun


def _start(cluster: HpcCluster, batch: Batch, now_s: int, started: Starter, avoid: str = "") -> None:
    cluster.forget_waiting(batch)
    cluster.start(batch, now_s, avoid)
    started(batch)


def find_shadow(cluster: HpcCluster, head: Batch, now_s: int) -> Shadow | None:
    """When ``head`` can start by the limits of what runs, None when the open nodes can never hold it."""
    if cluster.simple:
        return _shadow_counted(cluster, head)
    return _shadow_placed(cluster, head, now_s)


def _shadow_counted(cluster: HpcCluster, head: Batch) -> Shadow | None:
    free = len(cluster.idle[cluster.kinds[0]])
    at_s = NEVER_S
    plain = cluster.plain
    for must_end_s, _, batch in cluster.running:
        if at_s != NEVER_S and must_end_s > at_s:
            break
        free += batch.nodes if plain else sum(cluster.is_open(node) for node in batch.alloc)
        if at_s == NEVER_S and free >= head.units:
            at_s = must_end_s
    if at_s == NEVER_S:
        return None
    return Shadow(head, at_s, free - head.units, cluster.version)


def _shadow_placed(cluster: HpcCluster, head: Batch, now_s: int) -> Shadow | None:
    """As above, with kinds, shared cores and reservations: a node counts once its last job has ended."""
    kinds = set(cluster.eligible_kinds(head))
    free = cluster.units_free(head, now_s)
    at_s = NEVER_S
    left = {node: len(jobs) for node, jobs in enumerate(cluster.jobs_on) if jobs}
    for must_end_s, _, batch in cluster.running:
        if at_s != NEVER_S and must_end_s > at_s:
            break
        for node, cores in Counter(batch.alloc).items():
            left[node] -= 1
            usable = cluster.is_open(node) and cluster.kind_of[node] in kinds
            if not usable or not cluster.ends_before_booking(node, must_end_s + head.limit_s):
                continue
            if head.shared:
                free += cores
            elif not left[node]:
                free += 1
        if at_s == NEVER_S and free >= head.units:
            at_s = must_end_s
    if at_s == NEVER_S:
        return None
    return Shadow(head, at_s, free - head.units, cluster.version)


def _units_from_head(cluster: HpcCluster, head: Batch | None, batch: Batch, now_s: int) -> int:
    """How many units that the head counts on a later job would still hold at the shadow time, at the most."""
    if head is None or (head.kind and batch.kind and head.kind != batch.kind):
        return 0
    if not head.kind or batch.kind:
        return batch.units
    return max(0, batch.units - cluster.units_free(batch, now_s, except_kind=head.kind))
