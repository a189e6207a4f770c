"""Which layers hold a pod or an object together: a Workload of Kueue's, a PodGroup, and who tells of missing pods."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connectors.kube.demand.listed import (
    DEPLOYMENTS,
    JOB_SETS,
    JOBS,
    KAI_POD_GROUPS,
    LEADER_WORKER_SETS,
    NATIVE_POD_GROUPS,
    PLUGIN_POD_GROUPS,
    RAY_CLUSTERS,
    RAY_JOBS,
    STATEFUL_SETS,
    VOLCANO_POD_GROUPS,
    WORKLOADS,
)
from connectors.kube.demand.seen import Seen
from connectors.kube.resource import Resource
from connectors.kube.wire.kueue import Workload
from connectors.kube.wire.meta import Metadata, condition
from connectors.kube.wire.pod_groups import KaiPodGroup, NativePodGroup, PluginPodGroup
from connectors.kube.wire.pods import Pod, PodSpec
from connectors.kube.wire.templates import PodTemplate
from connectors.kube.wire.volcano import VolcanoPodGroup

Group = VolcanoPodGroup | KaiPodGroup | PluginPodGroup | NativePodGroup
KUEUE = "kueue.x-k8s.io/"
_WORKLOAD_NAMES = (f"{KUEUE}pod-group-name", f"{KUEUE}prebuilt-workload-name")
_GROUP_KINDS: tuple[Resource[Any], ...] = (NATIVE_POD_GROUPS, VOLCANO_POD_GROUPS, KAI_POD_GROUPS, PLUGIN_POD_GROUPS)
_VOLCANO_NAMES = ("scheduling.k8s.io/group-name", "scheduling.volcano.sh/group-name")


@dataclass(frozen=True, slots=True)
class Members:
    """Who belongs to which Workload and PodGroup.

    ``workloads`` has the Workload that counts by the uid of each of its owners, ``groups`` the PodGroup by that of its
    controller where it has one alone. ``pods_of`` has the pods that have not ended by the uid of their Workload and of
    their PodGroup. ``claimed`` are PodGroups of which another object tells what is missing.
    """

    seen: Seen
    workloads: Mapping[str, Workload]
    workloads_named: Mapping[tuple[str, str], Workload]
    groups: Mapping[str, Group]
    groups_named: Mapping[tuple[str, str, str], Group]
    tellers: Mapping[str, Metadata]
    pods_of: Mapping[str, tuple[Pod, ...]]
    claimed: frozenset[str]

    def workload_of(self, metadata: Metadata) -> Workload | None:
        """The Workload that counts a pod or an object: the one that its labels name, else of the nearest owner."""
        return _workload_of(self.seen, self.workloads, self.workloads_named, metadata)

    def group_of(self, metadata: Metadata, template: PodTemplate | Pod | None = None) -> Group | None:
        """The PodGroup of a pod or an object: the one that its template names, else of the nearest owner."""
        named = _named(self.groups_named, metadata.namespace, template)
        if named is not None:
            return named
        return next((self.groups[uid] for uid in self.seen.owners.chain(metadata) if uid in self.groups), None)

    def counted_above(self, metadata: Metadata) -> bool:
        """Whether a higher layer tells of the pods that this object lacks: a Workload, a JobSet, a LeaderWorkerSet."""
        if self.workload_of(metadata) is not None:
            return True
        above = self.seen.owners.chain(metadata)[1:]
        sets = self.seen.every(JOB_SETS), self.seen.every(LEADER_WORKER_SETS)
        return any(uid in sets[0] or uid in sets[1] for uid in above)

    def tells(self, group: Group) -> bool:
        """Whether a PodGroup has to tell of its missing pods by itself, as nobody else does."""
        metadata = group.metadata
        if metadata.uid in self.claimed or self.workload_of(metadata) is not None:
            return False
        return not any(uid in self.tellers for uid in self.seen.owners.chain(metadata)[1:])

    def piece(self, metadata: Metadata, template: PodTemplate | None = None) -> str:
        """What the piece of work is called that an object of its own belongs to: its PodGroup's, else its own."""
        group = self.group_of(metadata, template)
        return self.seen.owners.piece(metadata if group is None else group.metadata)


def counts(workload: Workload) -> bool:
    """Whether Kueue still has a say in this Workload's pods, here: not once it has finished, or runs elsewhere."""
    if workload.metadata.deletion_timestamp or workload.status.cluster_name:
        return False
    finished = condition(workload.status.conditions, "Finished")
    return finished is None or finished.status != "True"


def members_of(seen: Seen) -> Members:
    """Who belongs to what, of all that was seen."""
    workloads, workloads_named = _workloads(seen)
    groups, groups_named = _groups(seen)
    pods_of: defaultdict[str, list[Pod]] = defaultdict(list)
    for pod in seen.state.pods.values() if workloads or groups_named else ():
        if pod.ended:
            continue
        workload = _workload_of(seen, workloads, workloads_named, pod.metadata)
        group = _named(groups_named, pod.metadata.namespace, pod)
        for one in (workload, group):
            if one is not None:
                pods_of[one.metadata.uid].append(pod)
    members = Members(
        seen,
        workloads,
        workloads_named,
        groups,
        groups_named,
        {uid: one.metadata for kind in _TELLERS for uid, one in seen.every(kind).items()},
        {uid: tuple(pods) for uid, pods in pods_of.items()},
        frozenset(),
    )
    return members if not groups_named else _with_claims(members)


_TELLERS: tuple[Resource[Any], ...] = (
    JOBS,
    JOB_SETS,
    LEADER_WORKER_SETS,
    RAY_CLUSTERS,
    RAY_JOBS,
    STATEFUL_SETS,
    DEPLOYMENTS,
)


def _with_claims(members: Members) -> Members:
    claimed = {
        group.metadata.uid
        for metadata, template in _templates(members.seen)
        if (group := members.group_of(metadata, template)) is not None
    }
    return replace(members, claimed=frozenset(claimed))


def _templates(seen: Seen) -> Iterator[tuple[Metadata, PodTemplate]]:
    """Every template whose pods an object of its own tells of when they are missing."""
    for job in seen.every(JOBS).values():
        yield job.metadata, job.spec.template
    for stateful in seen.every(STATEFUL_SETS).values():
        yield stateful.metadata, stateful.spec.template
    for job_set in seen.every(JOB_SETS).values():
        for replicated in job_set.spec.replicated_jobs or ():
            yield job_set.metadata, replicated.template.spec.template
    for workers in seen.every(LEADER_WORKER_SETS).values():
        yield workers.metadata, workers.spec.leader_worker_template.worker_template
    for cluster in seen.every(RAY_CLUSTERS).values():
        yield cluster.metadata, cluster.spec.head_group_spec.template
        for group in cluster.spec.worker_group_specs or ():
            yield cluster.metadata, group.template


def _workloads(seen: Seen) -> tuple[dict[str, Workload], dict[tuple[str, str], Workload]]:
    """Workloads by owner and by name: those that count, but no variant that another Workload stands for."""
    every = seen.every(WORKLOADS)
    owned: dict[str, Workload] = {}
    named: dict[tuple[str, str], Workload] = {}
    for workload in sorted(every.values(), key=lambda one: (one.metadata.creation_timestamp or "", one.metadata.uid)):
        owner = workload.metadata.controller
        if not counts(workload) or (owner is not None and owner.uid in every):
            continue
        named[workload.metadata.namespace, workload.metadata.name] = workload
        owned.update((reference.uid, workload) for reference in workload.metadata.owner_references or ())
    return owned, named


def _workload_of(
    seen: Seen,
    owned: Mapping[str, Workload],
    named: Mapping[tuple[str, str], Workload],
    metadata: Metadata,
) -> Workload | None:
    if not named:
        return None
    for label in _WORKLOAD_NAMES if metadata.labels else ():
        name = (metadata.labels or {}).get(label)
        found = named.get((metadata.namespace, name)) if name else None
        if found is not None:
            return found
    return next((owned[uid] for uid in seen.owners.chain(metadata) if uid in owned), None)


def _groups(seen: Seen) -> tuple[dict[str, Group], dict[tuple[str, str, str], Group]]:
    owned: defaultdict[str, list[Group]] = defaultdict(list)
    named: dict[tuple[str, str, str], Group] = {}
    for kind in _GROUP_KINDS:
        for group in seen.every(kind).values():
            named[kind.name, group.metadata.namespace, group.metadata.name] = group
            owner = group.metadata.controller
            if owner is not None:
                owned[owner.uid].append(group)
    return {uid: groups[0] for uid, groups in owned.items() if len(groups) == 1}, named


def _named(
    groups: Mapping[tuple[str, str, str], Group], namespace: str, template: PodTemplate | Pod | None
) -> Group | None:
    if template is None or not groups:
        return None
    found = (groups.get((kind, namespace, name)) for kind, name in _names(template.metadata, template.spec))
    return next((group for group in found if group is not None), None)


def _names(metadata: Metadata, spec: PodSpec) -> Iterator[tuple[str, str]]:
    """The PodGroups that a pod or a template names, by kind."""
    if spec.scheduling_group is not None and spec.scheduling_group.pod_group_name:
        yield NATIVE_POD_GROUPS.name, spec.scheduling_group.pod_group_name
    annotations, labels = metadata.annotations or {}, metadata.labels or {}
    for key in _VOLCANO_NAMES:
        if name := annotations.get(key):
            yield VOLCANO_POD_GROUPS.name, name
    if name := annotations.get("pod-group-name"):
        yield KAI_POD_GROUPS.name, name
    if name := labels.get("scheduling.x-k8s.io/pod-group"):
        yield PLUGIN_POD_GROUPS.name, name
