"""One machine with two owners: what the twin runs on it, on one clock.

Both schedulers see every node. A node that belongs to one side is closed on the other, as in production: drained with
our mark in the HPC scheduler, tainted with our mark in Kubernetes.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from models.nodes import NodeShape, Side
from models.work import WorkRecord, WorkState
from simulator.agenda import Agenda, Kind
from simulator.backfill import Easy, Fifo
from simulator.hpc import Batch, HpcCluster, NodeKind
from simulator.kube import KubeCluster, PodGroup
from simulator.ran import Counts
from simulator.work import Job, Pod

REPLICAS_MOST = 1_000_000  # ten times the nodes of the largest pool: more is a slip of a unit, and changes nothing
INITIAL_MARK = "tidegate:initial"
DISCIPLINES: dict[str, type[Easy] | type[Fifo]] = {"easy": Easy, "fifo": Fifo}


@dataclass(frozen=True, slots=True)
class Workload:
    """What happens to the machine from outside, on its own clock that begins at 0.

    ``rate_steps`` are (second, requests per second); ``rate_per_node`` is what one replica, which fills a node, serves.
    """

    jobs: tuple[Job, ...] = ()
    gangs: tuple[tuple[Pod, ...], ...] = ()
    rate_steps: tuple[tuple[int, float], ...] = ()
    rate_per_node: float = 1.0

    def replicas_for(self, per_s: float) -> int:
        """The replicas that a request rate needs, REPLICAS_MOST at most."""
        return math.ceil(min(per_s / self.rate_per_node, REPLICAS_MOST) - 1e-9)


@dataclass(frozen=True, slots=True)
class HandoverDelay:
    """Seconds between asking a side to open a node and the node being ready there: lognormal around its median.

    The spread (sigma of the logarithm) is ours: a re-imaged or re-joined node takes between two thirds and one and a
    half times the median in nine cases of ten.
    """

    median_s: int
    sigma: float = 0.25

    def draw(self, seed: int, node: int, count: int) -> int:
        """The delay of the ``count``-th opening of a node: depends on nothing else, so worlds can be compared."""
        if self.median_s <= 0:
            return 0
        gauss = random.Random(f"{seed}/{node}/{count}").gauss(0.0, self.sigma)  # noqa: S311 - a simulation's dice
        return max(1, round(self.median_s * math.exp(gauss)))


class Machine:
    """The twin: both schedulers, the workload, and the time that passes for them."""

    def __init__(
        self,
        workload: Workload,
        kinds: list[NodeKind],
        shape: NodeShape,
        *,
        discipline: str = "easy",
        shared_cores: bool = False,
        kubernetes_nodes_max: int | None = None,
        delay: Mapping[Side, HandoverDelay] | None = None,
        seed: int = 0,
    ) -> None:
        self.workload = workload
        self.hpc = HpcCluster(kinds, shared=shared_cores)
        self.kube = KubeCluster(self.hpc.size, shape, kubernetes_nodes_max)
        self.size = self.hpc.size
        self.names = [f"n{number:0{len(str(self.size))}d}" for number in range(1, self.size + 1)]
        self.delay = delay or {}
        self.seed = seed
        self.counts = Counts()
        self.rate_per_s = 0.0
        self.agenda = Agenda(_entries(workload))
        self.belongs_to = [Side.HPC] * self.size  # the side that the node was last prepared for
        self._openings = [0] * self.size
        self.listening = False  # whether anyone asks for the work that changed
        self._changed_work: list[WorkRecord] = []
        self._work_version = 0  # rises whenever work comes, starts or ends
        self._records: dict[Side, tuple[tuple[int, int] | None, tuple[WorkRecord, ...]]] = {}
        self._arrived_jobs: list[Batch] = []
        self._arrived_groups: list[PodGroup] = []
        self._scheduler: Easy | Fifo = DISCIPLINES[discipline](self.hpc, self._job_started)
        self._handlers: dict[int, Callable[..., None]] = {
            Kind.JOB_END: self._job_ends,
            Kind.POD_END: self._group_ends,
            Kind.RATE: self._rate_changes,
            Kind.JOB_SUBMIT: self._job_arrives,
            Kind.POD_CREATE: self._group_arrives,
            Kind.NODE_READY: self._node_is_ready,
            Kind.TIMER: lambda *_: None,
            Kind.TURN: lambda *_: None,
        }

    @property
    def now_s(self) -> int:
        """The twin's clock."""
        return self.agenda.now_s

    def waiting_since_s(self) -> list[int]:
        """When each job came that still waits."""
        return [batch.job.submit_s for batch in self.hpc.queue]

    @property
    def jobs_in(self) -> int:
        """How many jobs of the workload have come."""
        return self.counts.jobs_in

    def job_ends(self) -> list[tuple[int, int]]:
        """When each running job will end, and its nodes."""
        return [(batch.start_s + batch.run_s, batch.nodes) for _, _, batch in self.hpc.running]

    def split(self, kubernetes_nodes: int) -> None:
        """Give the last ``kubernetes_nodes`` nodes to Kubernetes and the others to the HPC scheduler, at the
        beginning."""
        for node in range(self.size):
            if node >= self.size - kubernetes_nodes:
                self.hpc.drain(node, INITIAL_MARK)
                self.belongs_to[node] = Side.KUBERNETES
            else:
                self.kube.set_closed(node, INITIAL_MARK)

    def advance(self) -> None:
        """Let everything of the next instant happen, then let both schedulers start what may start."""
        for _, kind, ident, subject in self.agenda.due():
            self._handlers[kind](ident, subject)
        self.schedule()

    def schedule(self) -> None:
        """Let both schedulers start what may start now."""
        now_s = self.agenda.now_s
        arrived, self._arrived_jobs = self._arrived_jobs, []
        self._scheduler.schedule(now_s, arrived)
        groups, self._arrived_groups = self._arrived_groups, []
        for group in self.kube.schedule(now_s, groups):
            self.counts.pod_waits_s.extend([now_s - group.create_s] * len(group.pods))
            self._tell_group(group, WorkState.RUNNING)
            if group.run_s is not None:
                self.agenda.add(now_s + group.run_s, Kind.POD_END, group.id, group)

    def open_hpc(self, node: int) -> None:
        """Let the HPC scheduler use the node: at once if it never left, else once the hand-over delay has passed."""
        self.hpc.undrain(node)
        if self.belongs_to[node] is not Side.HPC:
            self._kill_pods(node)
            self._join(node, Side.HPC, self.hpc.set_absent)

    def open_kubernetes(self, node: int) -> None:
        """Let Kubernetes use the node: at once if it never left, else once the hand-over delay has passed."""
        self.kube.set_closed(node, None)
        self.kube.set_discouraged(node, False)
        if self.belongs_to[node] is not Side.KUBERNETES:
            self._kill_jobs(node)
            self._join(node, Side.KUBERNETES, self.kube.set_absent)

    def fail_node(self, node: int) -> None:
        """The node dies: what runs on it ends, and neither scheduler can use it."""
        before = self.counts.killed
        self._kill_jobs(node)
        self._kill_pods(node)
        self.counts.died += self.counts.killed - before
        self.counts.killed = before
        self._openings[node] += 1  # a joining that was under way comes to nothing
        self.hpc.set_absent(node, True)
        self.kube.set_absent(node, True)

    def revive_node(self, node: int) -> None:
        """The node is there again, as open or closed as it was."""
        self.hpc.set_absent(node, False)
        self.kube.set_absent(node, False)

    def _join(self, node: int, side: Side, set_absent: Callable[[int, bool], None]) -> None:
        self.belongs_to[node] = side
        self._openings[node] += 1
        delay = self.delay.get(side)
        wait_s = 0 if delay is None else delay.draw(self.seed, node, self._openings[node])
        if wait_s:
            set_absent(node, True)
            ident = node * 1_000_000 + self._openings[node]
            self.agenda.add(self.now_s + wait_s, Kind.NODE_READY, ident, (node, set_absent))

    def _kill_jobs(self, node: int) -> None:
        """Re-imaging a node ends whatever the hand-over left running on it: what must never happen, so it is
        counted."""
        for batch in list(self.hpc.jobs_on[node].values()):
            self.hpc.finish(batch)
            batch.killed = True
            self.counts.killed += 1
            self._work_version += 1

    def _kill_pods(self, node: int) -> None:
        if node in self.kube.replicas:
            self.kube.kill_replica(node)
            self.counts.killed += 1
        for group in [group for group in self.kube.running if node in group.placed]:
            self.kube.end(group)
            group.killed = True
            self.counts.killed += 1
            self._work_version += 1

    def fence(self, node: int, mark: str) -> None:
        """Close the node to pods that are bound to it already, too: those on it leave."""
        self.kube.set_closed(node, mark, fenced=True)
        self.evict(node)

    def bind_late(self, node: int, pod: Pod, ident: int) -> None:
        """A pod that was given the node some time ago comes there now."""
        group = self.kube.group(ident, (pod,))
        if self.kube.bind_late(group, node, self.now_s):
            self._tell_group(group, WorkState.RUNNING)
            if pod.run_s is not None:
                self.agenda.add(self.now_s + pod.run_s, Kind.POD_END, ident, group)

    def evict(self, node: int) -> None:
        """Let every pod on the node leave: a gang goes back to the pending ones as a whole, to run again from its
        beginning, and a replica starts elsewhere."""
        if node in self.kube.replicas:
            self.kube.kill_replica(node)
            self.counts.evicted += 1
        for group in [group for group in self.kube.running if node in group.placed]:
            self.kube.end(group)
            group.killed = True
            self.counts.evicted += 1
            again = self.kube.group(-self.counts.evicted, group.pods)
            self.kube.submit(again)
            self._arrived_groups.append(again)
            self._tell_group(again, WorkState.ELIGIBLE)

    def take_records(self) -> tuple[WorkRecord, ...]:
        """The work that changed since this was last asked, each with its whole present state."""
        taken, self._changed_work = tuple(self._changed_work), []
        return taken

    def records(self, side: Side) -> tuple[WorkRecord, ...]:
        """All work of a side that has not ended; the same value for as long as none of it changes."""
        version = self._work_version, self.hpc.version
        known, records = self._records.get(side, (None, ()))
        if known != version:
            records = tuple(self._present(side))
            self._records[side] = version, records
        return records

    def _present(self, side: Side) -> Iterator[WorkRecord]:
        if side is Side.HPC:
            yield from (self._job_record(batch, WorkState.RUNNING) for _, _, batch in self.hpc.running)
            yield from (self._job_record(batch, WorkState.ELIGIBLE) for batch in self.hpc.queue)
        else:
            yield from (self._group_record(group, WorkState.RUNNING) for group in self.kube.running)
            yield from (self._group_record(group, WorkState.ELIGIBLE) for group in self.kube.pending)

    def _tell_job(self, batch: Batch, state: WorkState) -> None:
        self._work_version += 1
        if self.listening:
            self._changed_work.append(self._job_record(batch, state))

    def _job_record(self, batch: Batch, state: WorkState) -> WorkRecord:
        job = batch.job
        return WorkRecord(
            id=f"job/{job.id}",
            side=Side.HPC,
            state=state,
            nodes=float(batch.nodes),
            submitted_s=job.submit_s,
            limit_s=job.limit_s,
            started_s=batch.start_s if batch.start_s >= 0 else None,
            ended_s=self.now_s if state is WorkState.ENDED else None,
            user=job.user,
        )

    def _tell_group(self, group: PodGroup, state: WorkState) -> None:
        self._work_version += 1
        if self.listening:
            self._changed_work.append(self._group_record(group, state))

    def _group_record(self, group: PodGroup, state: WorkState) -> WorkRecord:
        return WorkRecord(
            id=f"pods/{group.id}",
            side=Side.KUBERNETES,
            state=state,
            nodes=group.nodes,
            submitted_s=group.create_s,
            started_s=group.start_s if group.start_s >= 0 else None,
            ended_s=self.now_s if state is WorkState.ENDED else None,
        )

    def _job_arrives(self, _: int, job: Job) -> None:
        self.counts.jobs_in += 1
        batch = self.hpc.batch(job)
        if not self.hpc.could_ever_fit(batch):
            self.counts.jobs_refused += 1
            return
        self.hpc.enqueue(batch)
        self._arrived_jobs.append(batch)
        self._tell_job(batch, WorkState.ELIGIBLE)

    def _job_started(self, batch: Batch) -> None:
        wait_s = batch.start_s - batch.job.submit_s
        self.counts.waits_s.append(wait_s)
        self.counts.slowdowns.append(max(1.0, (wait_s + batch.run_s) / max(batch.run_s, 10)))
        self.agenda.add(batch.start_s + batch.run_s, Kind.JOB_END, batch.id, batch)
        self._tell_job(batch, WorkState.RUNNING)

    def _job_ends(self, _: int, batch: Batch) -> None:
        if not batch.killed:
            self.hpc.finish(batch)
        self.counts.jobs_finished += 1
        self._tell_job(batch, WorkState.ENDED)

    def _group_arrives(self, ident: int, pods: tuple[Pod, ...]) -> None:
        self.counts.pods_in += len(pods)
        group = self.kube.group(ident, pods)
        unserved = self.kube.unserved_by(group)
        if unserved is not None:
            self.kube.turn_away(unserved)
            return
        self.kube.submit(group)
        self._arrived_groups.append(group)
        self._tell_group(group, WorkState.ELIGIBLE)

    def _group_ends(self, _: int, group: PodGroup) -> None:
        if not group.killed:
            self.kube.end(group)
        self._tell_group(group, WorkState.ENDED)

    def _rate_changes(self, _: int, per_s: float) -> None:
        self.rate_per_s = per_s
        self.kube.want_replicas(self.workload.replicas_for(per_s))

    def _node_is_ready(self, ident: int, subject: tuple[int, Callable[[int, bool], None]]) -> None:
        node, set_absent = subject
        if ident % 1_000_000 == self._openings[node]:
            set_absent(node, False)


def _entries(workload: Workload) -> list[tuple[int, int, int, object]]:
    entries: list[tuple[int, int, int, object]] = [
        (job.submit_s, Kind.JOB_SUBMIT, number, job) for number, job in enumerate(workload.jobs)
    ]
    entries += [(pods[0].create_s, Kind.POD_CREATE, number, pods) for number, pods in enumerate(workload.gangs)]
    entries += [(at_s, Kind.RATE, number, per_s) for number, (at_s, per_s) in enumerate(workload.rate_steps)]
    return entries
