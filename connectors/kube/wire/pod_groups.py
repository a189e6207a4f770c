"""PodGroups that hold pods together which are there: KAI's, scheduler-plugins' and those of Kubernetes itself."""

from __future__ import annotations

import msgspec

from connectors.kube.wire.meta import EMPTY, Condition, Metadata
from connectors.kube.wire.pods import Amounts


class KaiPodGroupSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """How many pods start together, and in which queue."""

    min_member: int | None = None
    queue: str | None = None
    priority_class_name: str | None = None


class KaiExplanation(msgspec.Struct, frozen=True, gc=False):
    """One reason why a group is not scheduled."""

    reason: str = ""
    message: str | None = None


class KaiSchedulingCondition(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Why a group is not scheduled in one pool of KAI's; ``reason`` is what older releases write."""

    type: str = ""
    status: str | None = None
    reason: str | None = None
    message: str | None = None
    reasons: tuple[KaiExplanation, ...] | None = None


class KaiResourcesStatus(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What the group's pods ask for and have been given, together."""

    requested: Amounts | None = None
    allocated: Amounts | None = None


class KaiPodGroupStatus(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Pods by what became of them."""

    pending: int | None = None
    running: int | None = None
    succeeded: int | None = None
    resources_status: KaiResourcesStatus | None = None
    scheduling_conditions: tuple[KaiSchedulingCondition, ...] | None = None


class KaiPodGroup(msgspec.Struct, frozen=True, gc=False):
    """A PodGroup of KAI (scheduling.run.ai/v2alpha2)."""

    metadata: Metadata = EMPTY
    spec: KaiPodGroupSpec = KaiPodGroupSpec()
    status: KaiPodGroupStatus = KaiPodGroupStatus()


class PluginPodGroupSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """How many pods start together."""

    min_member: int | None = None


class PluginPodGroupStatus(msgspec.Struct, frozen=True, gc=False):
    """Pods that run and that have ended well."""

    phase: str | None = None
    running: int | None = None
    succeeded: int | None = None


class PluginPodGroup(msgspec.Struct, frozen=True, gc=False):
    """A PodGroup of scheduler-plugins (scheduling.x-k8s.io/v1alpha1)."""

    metadata: Metadata = EMPTY
    spec: PluginPodGroupSpec = PluginPodGroupSpec()
    status: PluginPodGroupStatus = PluginPodGroupStatus()


class NativeGang(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """How many pods start together."""

    min_count: int | None = None


class NativePolicy(msgspec.Struct, frozen=True, gc=False):
    """How a group is scheduled; without ``gang`` each pod by itself."""

    gang: NativeGang | None = None


class NativePodGroupSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What a native group asks of the scheduler."""

    scheduling_policy: NativePolicy = NativePolicy()
    priority: int | None = None


class NativePodGroupStatus(msgspec.Struct, frozen=True, gc=False):
    """The condition PodGroupInitiallyScheduled never goes back to False."""

    conditions: tuple[Condition, ...] | None = None


class NativePodGroup(msgspec.Struct, frozen=True, gc=False):
    """A PodGroup of Kubernetes itself (scheduling.k8s.io/v1beta1)."""

    metadata: Metadata = EMPTY
    spec: NativePodGroupSpec = NativePodGroupSpec()
    status: NativePodGroupStatus = NativePodGroupStatus()
