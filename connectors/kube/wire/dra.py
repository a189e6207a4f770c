"""Devices that pods claim (resource.k8s.io/v1), as far as they are read."""

from __future__ import annotations

import msgspec

from connectors.kube.wire.meta import EMPTY, Metadata
from connectors.kube.wire.pods import NodeSelector


class Expression(msgspec.Struct, frozen=True, gc=False):
    """An expression in CEL that a device has to fulfil."""

    expression: str = ""


class DeviceSelector(msgspec.Struct, frozen=True, gc=False):
    """What a device has to be."""

    cel: Expression | None = None


class DeviceRequest(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Devices of one class: ``count`` of them, or with ``allocation_mode`` All every one of a node."""

    device_class_name: str = ""
    selectors: tuple[DeviceSelector, ...] | None = None
    allocation_mode: str | None = None
    count: int | None = None
    admin_access: bool | None = None


class ClaimRequest(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """One request of a claim: exactly this, or the first of several that can be had."""

    name: str = ""
    exactly: DeviceRequest | None = None
    first_available: tuple[DeviceRequest, ...] | None = None


class ClaimDevices(msgspec.Struct, frozen=True, gc=False):
    """What a claim asks for."""

    requests: tuple[ClaimRequest, ...] | None = None


class ClaimSpec(msgspec.Struct, frozen=True, gc=False):
    """What a claim asks for."""

    devices: ClaimDevices = ClaimDevices()


class Allocated(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """One device that a claim has."""

    request: str = ""
    driver: str = ""
    pool: str = ""
    device: str = ""
    admin_access: bool | None = None


class AllocatedDevices(msgspec.Struct, frozen=True, gc=False):
    """All devices that a claim has."""

    results: tuple[Allocated, ...] | None = None


class Allocation(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What a claim has been given, and on which nodes it can be used."""

    devices: AllocatedDevices = AllocatedDevices()
    node_selector: NodeSelector | None = None


class Consumer(msgspec.Struct, frozen=True, gc=False):
    """Who may use a claim: a pod, as a rule."""

    resource: str = ""
    name: str = ""
    uid: str = ""


class ClaimState(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What a claim has, and for whom."""

    allocation: Allocation | None = None
    reserved_for: tuple[Consumer, ...] | None = None


class ResourceClaim(msgspec.Struct, frozen=True, gc=False):
    """A claim to devices."""

    metadata: Metadata = EMPTY
    spec: ClaimSpec = ClaimSpec()
    status: ClaimState = ClaimState()


class ClaimTemplateSpec(msgspec.Struct, frozen=True, gc=False):
    """The claim that a template makes."""

    spec: ClaimSpec = ClaimSpec()


class ResourceClaimTemplate(msgspec.Struct, frozen=True, gc=False):
    """What claims are made from, one for each pod."""

    metadata: Metadata = EMPTY
    spec: ClaimTemplateSpec = ClaimTemplateSpec()


class DevicePool(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Which pool of devices a slice is a part of: it is whole with ``resource_slice_count`` slices of one
    generation."""

    name: str = ""
    generation: int = 0
    resource_slice_count: int = 1


class Attribute(msgspec.Struct, frozen=True, gc=False):
    """An attribute of a device, as far as it is a text."""

    string: str | None = None


class Device(msgspec.Struct, frozen=True, gc=False):
    """One device. An attribute without a domain in its name is of the driver's."""

    name: str = ""
    attributes: dict[str, Attribute] | None = None


class SliceSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Devices of a driver; ``node_name`` is empty for those that no single node has."""

    driver: str = ""
    pool: DevicePool = DevicePool()
    node_name: str | None = None
    devices: tuple[Device, ...] | None = None


class ResourceSlice(msgspec.Struct, frozen=True, gc=False):
    """A part of what a driver offers."""

    metadata: Metadata = EMPTY
    spec: SliceSpec = SliceSpec()


class DeviceClassSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Which devices are of a class, and the extended resource that pods may ask for instead."""

    selectors: tuple[DeviceSelector, ...] | None = None
    extended_resource_name: str | None = None


class DeviceClass(msgspec.Struct, frozen=True, gc=False):
    """A class of devices."""

    metadata: Metadata = EMPTY
    spec: DeviceClassSpec = DeviceClassSpec()
