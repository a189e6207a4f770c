"""RayClusters and RayJobs: a head and workers that are wanted and have no pods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from connectors.kube.demand.listed import RAY_CLUSTERS, RAY_JOBS
from connectors.kube.demand.members import Members
from connectors.kube.demand.need import Need, Part
from connectors.kube.demand.sources.parts import changed, need_of, part_of, suspended
from connectors.kube.wire.meta import Metadata
from connectors.kube.wire.ray import RayClusterSpec, RayJob, WorkerGroup


def needs(members: Members) -> Iterator[Need]:
    """Needs of clusters, and of jobs whose cluster is not made yet, as far as Kueue does not count them."""
    clusters = members.seen.every(RAY_CLUSTERS)
    for cluster in clusters.values():
        if not cluster.metadata.deletion_timestamp and not members.counted_above(cluster.metadata):
            yield from _of(members, cluster.metadata, cluster.spec, "rayclusters")
    owners = {owner.uid for one in clusters.values() if (owner := one.metadata.controller) is not None}
    for job in members.seen.every(RAY_JOBS).values():
        if job.metadata.uid in owners or _over(job) or members.counted_above(job.metadata):
            continue
        spec = job.spec.ray_cluster_spec
        if spec is not None and not job.spec.cluster_selector:
            for need in _of(members, job.metadata, spec, "rayjobs", suspend=job.spec.suspend):
                yield changed(need, limit_s=job.spec.active_deadline_seconds)


def workers(group: WorkerGroup) -> int:
    """How many pods a group of workers is to have.

    Source: ``GetWorkerGroupDesiredReplicas`` of ray-operator (1.6).
    """
    if group.suspend:
        return 0
    least = group.min_replicas or 0
    wanted = max(least, least if group.replicas is None else group.replicas)
    most = wanted if group.max_replicas is None else max(least, group.max_replicas)
    return min(wanted, most) * (1 if group.num_of_hosts is None else group.num_of_hosts)


def _over(job: RayJob) -> bool:
    status = job.status.job_deployment_status
    return bool(job.metadata.deletion_timestamp) or status in ("Complete", "Failed", "ValidationFailed")


def _of(
    members: Members, metadata: Metadata, spec: RayClusterSpec, source: str, *, suspend: bool | None = None
) -> Iterator[Need]:
    parts = _parts(members, metadata, spec)
    work = members.piece(metadata, spec.head_group_spec.template)
    priority = members.seen.priority(spec.head_group_spec.template.spec)
    need = changed(need_of(metadata, source, work, parts), priority=priority)
    if need.parts:
        yield suspended(need, metadata) if spec.suspend or suspend else need


def _parts(members: Members, metadata: Metadata, spec: RayClusterSpec) -> Iterator[Part]:
    there = Counter(
        ((pod.metadata.labels or {}).get("ray.io/node-type", ""), (pod.metadata.labels or {}).get("ray.io/group", ""))
        for pod in members.seen.below.get(metadata.uid, ())
    )
    heads = sum(count for (kind, _), count in there.items() if kind == "head")
    yield part_of(spec.head_group_spec.template.spec, max(0, 1 - heads))
    for group in spec.worker_group_specs or ():
        missing = workers(group) - there["worker", group.group_name]
        yield part_of(group.template.spec, max(0, missing))
