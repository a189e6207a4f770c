"""RayClusters and RayJobs (ray.io/v1), as far as they are read."""

from __future__ import annotations

import msgspec

from connectors.kube.wire.meta import EMPTY, Metadata
from connectors.kube.wire.templates import PodTemplate


class WorkerGroup(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Workers alike: ``replicas``, kept between the least and the most, of ``num_of_hosts`` pods each."""

    group_name: str = ""
    suspend: bool | None = None
    replicas: int | None = None
    min_replicas: int | None = None
    max_replicas: int | None = None
    num_of_hosts: int | None = None
    template: PodTemplate = PodTemplate()


class HeadGroup(msgspec.Struct, frozen=True, gc=False):
    """The one head."""

    template: PodTemplate = PodTemplate()


class RayClusterSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A head and groups of workers."""

    suspend: bool | None = None
    head_group_spec: HeadGroup = HeadGroup()
    worker_group_specs: tuple[WorkerGroup, ...] | None = None


class RayCluster(msgspec.Struct, frozen=True, gc=False):
    """A RayCluster."""

    metadata: Metadata = EMPTY
    spec: RayClusterSpec = RayClusterSpec()


class RayJobSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A job that brings its cluster along, or is sent to the one that ``cluster_selector`` names."""

    suspend: bool | None = None
    ray_cluster_spec: RayClusterSpec | None = None
    cluster_selector: dict[str, str] | None = None
    active_deadline_seconds: int | None = None


class RayJobStatus(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Where a job stands: ``job_deployment_status`` is KubeRay's own word."""

    job_deployment_status: str | None = None


class RayJob(msgspec.Struct, frozen=True, gc=False):
    """A RayJob."""

    metadata: Metadata = EMPTY
    spec: RayJobSpec = RayJobSpec()
    status: RayJobStatus = RayJobStatus()
