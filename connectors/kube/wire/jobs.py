"""Jobs and CronJobs (batch/v1), as far as they are read."""

from __future__ import annotations

import msgspec

from connectors.kube.wire.meta import EMPTY, Condition, Metadata
from connectors.kube.wire.templates import PodTemplate


class JobSchedulingPolicy(msgspec.Struct, frozen=True, gc=False):
    """How the pods of a Job are scheduled: with ``gang`` all of them at once."""

    gang: dict[str, object] | None = None


class JobScheduling(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Scheduling that knows of the whole Job (since 1.36)."""

    scheduling_policy: JobSchedulingPolicy | None = None


class JobSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What a Job asks for; without ``completions`` it is done when one pod is."""

    suspend: bool | None = None
    parallelism: int | None = None
    completions: int | None = None
    active_deadline_seconds: int | None = None
    managed_by: str | None = None
    scheduling: JobScheduling | None = None
    template: PodTemplate = PodTemplate()


class JobStatus(msgspec.Struct, frozen=True, gc=False):
    """Pods of a Job by what became of them."""

    active: int | None = None
    ready: int | None = None
    succeeded: int | None = None
    failed: int | None = None
    conditions: tuple[Condition, ...] | None = None


class Job(msgspec.Struct, frozen=True, gc=False):
    """A Job."""

    metadata: Metadata = EMPTY
    spec: JobSpec = JobSpec()
    status: JobStatus = JobStatus()


class JobTemplate(msgspec.Struct, frozen=True, gc=False):
    """A Job that is not there yet."""

    metadata: Metadata = EMPTY
    spec: JobSpec = JobSpec()


class CronJobSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """When Jobs are to be made; without a time zone by that of the controller."""

    schedule: str = ""
    time_zone: str | None = None
    suspend: bool | None = None
    job_template: JobTemplate = JobTemplate()


class CronJob(msgspec.Struct, frozen=True, gc=False):
    """A CronJob."""

    metadata: Metadata = EMPTY
    spec: CronJobSpec = CronJobSpec()
