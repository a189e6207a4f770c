"""What is known of nodes besides kubelet's word and their pods: devices, and the claims that hold some. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.kube.demand.claims import GPU, Holders, devices_of, holders_of
from connectors.kube.demand.need import Request

_KINDS = ("deviceclasses", "resourceclaims", "resourceslices")
NOTHING_HELD: Holders = {}


@dataclass(frozen=True, slots=True)
class NodeDevices:
    """By the name that Kubernetes has for a node: ``offers`` are devices by resource, None where not all of them are
    told; ``holders`` the claims that have been given some."""

    offers: Mapping[str, Request | None] = field(default_factory=dict)
    holders: Mapping[str, Holders] = field(default_factory=dict)


class DevicesSeen:
    """The devices of a cluster, worked out anew when what tells of them has changed."""

    def __init__(self) -> None:
        self._from: tuple[Mapping[str, Any], ...] = ()
        self._found = NodeDevices()

    def of(self, others: Mapping[str, Mapping[str, Any]]) -> NodeDevices:
        """The same value for as long as nothing has changed."""
        told = tuple(others.get(f"{kind}.resource.k8s.io", _NONE) for kind in _KINDS)
        if len(told) != len(self._from) or any(now is not before for now, before in zip(told, self._from, strict=True)):
            classes, claims, slices = (one.values() for one in told)
            offers = devices_of(classes, (), slices).offers
            self._found = NodeDevices(offers, holders_of(claims, slices))
            self._from = told
        return self._found


_NONE: Mapping[str, Any] = {}


def is_gpu(resource: str) -> bool:
    """Whether a resource counts as a GPU: ``nvidia.com/gpu``, ``amd.com/gpu``, ``gpu.intel.com/xe``, and what devices
    of a class count as that names no resource."""
    domain, _, name = resource.partition("/")
    return GPU in (resource, name) or (bool(name) and domain.startswith("gpu."))


def gpus_in(offers: Request) -> int:
    """The GPUs among devices. One that several classes fit counts under the resource of each: the most counts."""
    return max((amount for name, amount in offers.items() if is_gpu(name)), default=0)
