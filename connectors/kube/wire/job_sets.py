"""JobSets (jobset.x-k8s.io/v1alpha2), as far as they are read."""

from __future__ import annotations

import msgspec

from connectors.kube.wire.jobs import JobTemplate
from connectors.kube.wire.meta import EMPTY, Condition, Metadata


class DependsOn(msgspec.Struct, frozen=True, gc=False):
    """Another replicated job that has to be Ready or Complete before Jobs are made."""

    name: str = ""
    status: str = ""


class ReplicatedJob(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """``replicas`` Jobs alike."""

    name: str = ""
    replicas: int | None = None
    template: JobTemplate = JobTemplate()
    depends_on: tuple[DependsOn, ...] | None = None


class JobSetSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The Jobs of a set."""

    suspend: bool | None = None
    replicated_jobs: tuple[ReplicatedJob, ...] | None = None
    managed_by: str | None = None


class ReplicatedJobStatus(msgspec.Struct, frozen=True, gc=False):
    """Jobs of one replicated job by what became of them."""

    name: str = ""
    succeeded: int | None = None
    failed: int | None = None


class JobSetStatus(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Where a set stands; ``terminal_state`` is Completed or Failed."""

    conditions: tuple[Condition, ...] | None = None
    terminal_state: str | None = None
    replicated_jobs_status: tuple[ReplicatedJobStatus, ...] | None = None


class JobSet(msgspec.Struct, frozen=True, gc=False):
    """A JobSet."""

    metadata: Metadata = EMPTY
    spec: JobSetSpec = JobSetSpec()
    status: JobSetStatus = JobSetStatus()
