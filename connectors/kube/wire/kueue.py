"""Kueue's Workloads (kueue.x-k8s.io/v1beta2; v1beta1 says the same of what is read here)."""

from __future__ import annotations

import msgspec

from connectors.kube.wire.meta import EMPTY, Condition, Metadata
from connectors.kube.wire.pods import Amounts
from connectors.kube.wire.templates import PodTemplate


class PodSet(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """``count`` pods alike; with ``min_count`` the Workload may start with fewer."""

    name: str = ""
    count: int = 0
    min_count: int | None = None
    template: PodTemplate = PodTemplate()


class WorkloadSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What a Workload asks for, and in which LocalQueue of its namespace."""

    pod_sets: tuple[PodSet, ...] | None = None
    queue_name: str | None = None
    priority: int | None = None
    active: bool | None = None
    maximum_execution_time_seconds: int | None = None


class PodSetAssignment(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Which flavour each resource of a pod set was given, and how many pods; ``resource_usage`` is of all of them."""

    name: str = ""
    flavors: dict[str, str] | None = None
    resource_usage: Amounts | None = None
    count: int | None = None


class Admission(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Which ClusterQueue has quota for the Workload."""

    cluster_queue: str = ""
    pod_set_assignments: tuple[PodSetAssignment, ...] | None = None


class RequeueState(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """When a Workload that was evicted is queued again."""

    count: int | None = None
    requeue_at: str | None = None


class ReclaimablePods(msgspec.Struct, frozen=True, gc=False):
    """Pods of a set that need nothing any more."""

    name: str = ""
    count: int = 0


class PodSetRequest(msgspec.Struct, frozen=True, gc=False):
    """What all pods of a set ask for together, defaults and overheads with it."""

    name: str = ""
    resources: Amounts | None = None


class WorkloadStatus(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Where a Workload stands; ``cluster_name`` is another cluster that runs it."""

    conditions: tuple[Condition, ...] | None = None
    admission: Admission | None = None
    requeue_state: RequeueState | None = None
    reclaimable_pods: tuple[ReclaimablePods, ...] | None = None
    resource_requests: tuple[PodSetRequest, ...] | None = None
    cluster_name: str | None = None


class Workload(msgspec.Struct, frozen=True, gc=False):
    """A Workload."""

    metadata: Metadata = EMPTY
    spec: WorkloadSpec = WorkloadSpec()
    status: WorkloadStatus = WorkloadStatus()
