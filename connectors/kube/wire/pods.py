"""Pods, as far as they are read."""

from __future__ import annotations

import msgspec

from connectors.kube.wire.meta import EMPTY, Condition, Metadata

Amounts = dict[str, str | int | float]  # by resource, as written: "500m", "2Gi", 4


class Resources(msgspec.Struct, frozen=True, gc=False):
    """What a container or a pod asks for. Of one with limits alone these are the requests, as the API server does."""

    requests: Amounts | None = None
    limits: Amounts | None = None


class Port(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A port of a container; ``host_port`` keeps two such pods off one node."""

    host_port: int | None = None
    protocol: str | None = None


class Container(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A container; an init container with ``restart_policy`` Always is a sidecar."""

    name: str = ""
    resources: Resources | None = None
    restart_policy: str | None = None
    ports: tuple[Port, ...] | None = None


class ContainerStatus(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What a running container has been given, which an in-place resize may change."""

    name: str = ""
    allocated_resources: Amounts | None = None
    resources: Resources | None = None


class Toleration(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A taint that the pod bears: with no key and ``operator`` Exists every one."""

    key: str = ""
    operator: str = ""
    value: str | None = None
    effect: str | None = None
    toleration_seconds: int | None = None


class Expression(msgspec.Struct, frozen=True, gc=False):
    """One requirement of a selector."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] | None = None


class SelectorTerm(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Requirements that hold together."""

    match_expressions: tuple[Expression, ...] | None = None
    match_fields: tuple[Expression, ...] | None = None


class NodeSelector(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Terms of which one has to hold."""

    node_selector_terms: tuple[SelectorTerm, ...] | None = None


class NodeAffinity(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Nodes that the pod insists on; what it only prefers is not read."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = None


class Affinity(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Of the affinities that to nodes only."""

    node_affinity: NodeAffinity | None = None


class ClaimReference(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A claim that the pod names, by itself or by a template."""

    name: str = ""
    resource_claim_name: str | None = None
    resource_claim_template_name: str | None = None


class Gate(msgspec.Struct, frozen=True, gc=False):
    """What holds a pod off the scheduler."""

    name: str = ""


class SchedulingGroup(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The native PodGroup of a pod."""

    pod_group_name: str | None = None


class PodSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What a pod asks for."""

    node_name: str | None = None
    containers: tuple[Container, ...] | None = None
    init_containers: tuple[Container, ...] | None = None
    resources: Resources | None = None
    overhead: Amounts | None = None
    priority: int | None = None
    priority_class_name: str | None = None
    preemption_policy: str | None = None
    scheduling_gates: tuple[Gate, ...] | None = None
    node_selector: dict[str, str] | None = None
    affinity: Affinity | None = None
    tolerations: tuple[Toleration, ...] | None = None
    resource_claims: tuple[ClaimReference, ...] | None = None
    scheduling_group: SchedulingGroup | None = None
    active_deadline_seconds: int | None = None


class ClaimStatus(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The claim that was made for a name of the pod's."""

    name: str = ""
    resource_claim_name: str | None = None


class PodStatus(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Where a pod stands; ``phase`` is Pending, Running, Succeeded, Failed or Unknown."""

    phase: str = ""
    conditions: tuple[Condition, ...] | None = None
    start_time: str | None = None
    nominated_node_name: str | None = None
    container_statuses: tuple[ContainerStatus, ...] | None = None
    init_container_statuses: tuple[ContainerStatus, ...] | None = None
    allocated_resources: Amounts | None = None
    resources: Resources | None = None
    resource_claim_statuses: tuple[ClaimStatus, ...] | None = None


class Pod(msgspec.Struct, frozen=True, gc=False):
    """A pod."""

    metadata: Metadata = EMPTY
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def ended(self) -> bool:
        """Whether it will never run again."""
        return self.status.phase in ("Succeeded", "Failed")
