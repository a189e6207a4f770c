"""Services: Deployments and StatefulSets (apps/v1) and what scales them (autoscaling/v2), as far as they are read."""

from __future__ import annotations

import msgspec

from connectors.kube.wire.meta import EMPTY, Condition, Metadata
from connectors.kube.wire.templates import PodTemplate


class AppSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """How many replicas are wanted; one where nothing is said. ``pod_management_policy`` is of StatefulSets alone."""

    replicas: int | None = None
    template: PodTemplate = PodTemplate()
    pod_management_policy: str | None = None


class AppStatus(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Replicas that are there."""

    replicas: int | None = None
    ready_replicas: int | None = None
    conditions: tuple[Condition, ...] | None = None


class Deployment(msgspec.Struct, frozen=True, gc=False):
    """A Deployment."""

    metadata: Metadata = EMPTY
    spec: AppSpec = AppSpec()
    status: AppStatus = AppStatus()


class StatefulSet(msgspec.Struct, frozen=True, gc=False):
    """A StatefulSet."""

    metadata: Metadata = EMPTY
    spec: AppSpec = AppSpec()
    status: AppStatus = AppStatus()


class ScaledStatus(msgspec.Struct, frozen=True, gc=False):
    """What an autoscaler says of itself."""

    conditions: tuple[Condition, ...] | None = None


class HorizontalPodAutoscaler(msgspec.Struct, frozen=True, gc=False):
    """An autoscaler of replicas."""

    metadata: Metadata = EMPTY
    status: ScaledStatus = ScaledStatus()
