"""Jobs: the pods that a Job lacks, as its controller lags or a quota refuses them, and those of suspended ones."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.kube.demand.listed import JOBS
from connectors.kube.demand.members import Members
from connectors.kube.demand.need import Need
from connectors.kube.demand.seen import Seen
from connectors.kube.demand.sources.parts import changed, need_of, part_of, suspended
from connectors.kube.wire.jobs import Job, JobSpec

_CONTROLLERS = (None, "", "kubernetes.io/job-controller")
_OVER = ("Complete", "Failed", "SuccessCriteriaMet", "FailureTarget")


def needs(members: Members) -> Iterator[Need]:
    """Needs of Jobs that no higher layer counts."""
    for job in members.seen.every(JOBS).values():
        missing = lacking(job, members.seen)
        if missing > 0 and not members.counted_above(job.metadata):
            yield _need(members, job, missing)


def lacking(job: Job, seen: Seen) -> int:
    """How many pods it wants besides those that are there and have not ended."""
    return max(0, wanted(job, seen) - len(seen.below.get(job.metadata.uid, ())))


def wanted(job: Job, seen: Seen) -> int:
    """How many pods it wants at once now: none of one that has ended, or that another cluster's controller runs.

    Pods that ended well count before the Job's own status says so.
    """
    over = any(one.type in _OVER and one.status == "True" for one in job.status.conditions or ())
    if over or job.metadata.deletion_timestamp or job.spec.managed_by not in _CONTROLLERS:
        return 0
    return pods_at_once(job.spec, max(job.status.succeeded or 0, seen.succeeded.get(job.metadata.uid, 0)))


def pods_at_once(spec: JobSpec, succeeded: int = 0) -> int:
    """How many pods a Job runs at once when so many have succeeded.

    Source: ``manageJob`` of kubernetes/pkg/controller/job (1.37): without completions it makes no pods any more once
    one has succeeded.
    """
    parallelism = 1 if spec.parallelism is None else spec.parallelism
    if spec.completions is None:
        return 0 if succeeded else parallelism
    return max(0, min(parallelism, spec.completions - succeeded))


def gang(spec: JobSpec) -> bool:
    """Whether the Job itself asks for all its pods at once."""
    policy = spec.scheduling.scheduling_policy if spec.scheduling else None
    return policy is not None and policy.gang is not None


def _need(members: Members, job: Job, missing: int) -> Need:
    spec = job.spec
    work = members.piece(job.metadata, spec.template)
    need = need_of(job.metadata, "jobs", work, [part_of(spec.template.spec, missing)])
    need = changed(
        need,
        together=gang(spec),
        priority=members.seen.priority(spec.template.spec),
        limit_s=spec.active_deadline_seconds,
    )
    return suspended(need, job.metadata) if spec.suspend else need
