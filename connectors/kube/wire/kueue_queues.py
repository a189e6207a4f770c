"""Kueue's queues, cohorts and flavours (kueue.x-k8s.io/v1beta2, and v1beta1 where it has other names)."""

from __future__ import annotations

import msgspec

from connectors.kube.wire.meta import EMPTY, Metadata
from connectors.kube.wire.nodes import Taint
from connectors.kube.wire.pods import Toleration

Quantity = str | int | float


class ResourceQuota(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Quota of one resource in one flavour; no borrowing limit means none, no lending limit that all may be lent."""

    name: str = ""
    nominal_quota: Quantity = 0
    borrowing_limit: Quantity | None = None
    lending_limit: Quantity | None = None


class FlavorQuotas(msgspec.Struct, frozen=True, gc=False):
    """Quotas in one flavour."""

    name: str = ""
    resources: tuple[ResourceQuota, ...] | None = None


class ResourceGroup(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Resources that a pod set takes from one flavour, and the flavours in the order in which they are tried."""

    covered_resources: tuple[str, ...] | None = None
    flavors: tuple[FlavorQuotas, ...] | None = None


class ClusterQueueSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Quotas of a ClusterQueue. ``cohort`` is what v1beta1 calls ``cohort_name``."""

    resource_groups: tuple[ResourceGroup, ...] | None = None
    cohort_name: str | None = None
    cohort: str | None = None
    stop_policy: str | None = None


class ClusterQueue(msgspec.Struct, frozen=True, gc=False):
    """A ClusterQueue."""

    metadata: Metadata = EMPTY
    spec: ClusterQueueSpec = ClusterQueueSpec()


class LocalQueueSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The ClusterQueue that a namespace's queue leads to."""

    cluster_queue: str = ""
    stop_policy: str | None = None


class LocalQueue(msgspec.Struct, frozen=True, gc=False):
    """A LocalQueue."""

    metadata: Metadata = EMPTY
    spec: LocalQueueSpec = LocalQueueSpec()


class CohortSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Quotas of a cohort of its own. ``parent`` is what v1alpha1 calls ``parent_name``."""

    parent_name: str | None = None
    parent: str | None = None
    resource_groups: tuple[ResourceGroup, ...] | None = None


class Cohort(msgspec.Struct, frozen=True, gc=False):
    """A cohort: queues that lend quota to one another."""

    metadata: Metadata = EMPTY
    spec: CohortSpec = CohortSpec()


class ResourceFlavorSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The nodes that a flavour stands for, and what its pods are given to run there."""

    node_labels: dict[str, str] | None = None
    node_taints: tuple[Taint, ...] | None = None
    tolerations: tuple[Toleration, ...] | None = None


class ResourceFlavor(msgspec.Struct, frozen=True, gc=False):
    """A flavour."""

    metadata: Metadata = EMPTY
    spec: ResourceFlavorSpec = ResourceFlavorSpec()
