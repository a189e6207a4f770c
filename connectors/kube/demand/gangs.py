"""Which piece of work each pod belongs to: the highest layer that schedules together, else its top owner."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from connectors.kube.demand.listed import JOB_SETS, JOBS, LEADER_WORKER_SETS
from connectors.kube.demand.members import Group, Members
from connectors.kube.demand.need import Held
from connectors.kube.demand.sources import jobs, kai, kueue, pod_groups, volcano
from connectors.kube.demand.sources.leader_worker_sets import group_piece, index_of
from connectors.kube.wire.kueue import Workload
from connectors.kube.wire.pod_groups import KaiPodGroup
from connectors.kube.wire.pods import Pod
from connectors.kube.wire.volcano import VolcanoPodGroup


class Gang(msgspec.Struct, frozen=True, gc=False):
    """A piece of work that pods belong to, by the same ``id`` as its need.

    ``together`` is whether they start all at once or none; ``held`` is why none of them is demand, whatever the pods
    themselves say, and ``why`` says so in words. ``told`` is whether the gang's need counts this pod already: it must
    not be counted again.
    """

    id: str
    together: bool = False
    queue: str = ""
    held: Held | None = None
    why: str = ""
    told: bool = False


GangOf = Callable[[Pod], Gang]


class Gangs:
    """The gangs of a cluster at one instant. Called with a pod it says which is its own."""

    def __init__(self, members: Members) -> None:
        self._members = members
        queues = volcano.queues_of(members.seen)
        found = {group.metadata.uid: _of_group(members, group, queues) for group in members.groups_named.values()}
        self._groups = found
        self._named = {gang.id: gang for gang in found.values()}

    def __call__(self, pod: Pod) -> Gang:
        """The gang of a pod: of Kueue's Workload, the JobSet, the PodGroup, the group of a LeaderWorkerSet or the Job,
        in this order; else what its top owner makes of it."""
        members, seen = self._members, self._members.seen
        workload = members.workload_of(pod.metadata)
        if workload is not None:
            return _of_workload(members, workload, pod)
        above = seen.owners.chain(pod.metadata)[1:]
        sets = seen.every(JOB_SETS)
        job_set = next((sets[uid] for uid in above if uid in sets), None)
        if job_set is not None:
            return Gang(seen.owners.piece(job_set.metadata), together=True)
        group = members.group_of(pod.metadata, pod)
        return self._groups[group.metadata.uid] if group is not None else _of_owners(members, pod, above)

    def of_group(self, work: str) -> Gang | None:
        """What a PodGroup says of the piece of work of this name, if it is one's."""
        return self._named.get(work)


def _of_workload(members: Members, workload: Workload, pod: Pod) -> Gang:
    return Gang(
        kueue.piece(members, workload),
        together=kueue.pods_in(workload) > 1,
        queue=workload.spec.queue_name or "",
        told=kueue.gated(pod),
    )


def _of_group(members: Members, group: Group, queues: volcano.Queues) -> Gang:
    work = members.seen.owners.piece(group.metadata)
    if isinstance(group, VolcanoPodGroup):
        try:
            held, why = volcano.standing(queues, group) if volcano.together(group) else (None, "")
        except ValueError as error:
            held, why = Held.IMPOSSIBLE, str(error)
        return Gang(work, volcano.together(group), group.spec.queue or "", held, why)
    if isinstance(group, KaiPodGroup):
        return Gang(work, kai.together(group), group.spec.queue or "", *kai.standing(group))
    return Gang(work, pod_groups.together(group))


def _of_owners(members: Members, pod: Pod, above: tuple[str, ...]) -> Gang:
    """By the nearest of its owners that tells of pods."""
    owners = members.seen.owners
    workers = members.seen.every(LEADER_WORKER_SETS)
    leading = next((workers[uid] for uid in above if uid in workers), None)
    if leading is not None:
        return Gang(group_piece(leading.metadata, index_of(pod.metadata)), together=True)
    teller = next((uid for uid in above if uid in members.tellers), None)
    if teller is None:
        return Gang(owners.top(pod.metadata))
    job = members.seen.every(JOBS).get(teller)
    return Gang(owners.piece(members.tellers[teller]), together=job is not None and jobs.gang(job.spec))
