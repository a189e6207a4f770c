"""Devices that pods claim (dynamic resource allocation): counted as resources, like all else that a pod asks for.

A device counts as the extended resource of its class. Where a class names none, it counts as ``gpu`` if ``gpu`` is in
the name of the class, and else under that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

from connectors.kube.demand.need import NOTHING, Request
from connectors.kube.demand.requests import added, interned
from connectors.kube.wire.dra import (
    ClaimRequest,
    Device,
    DeviceClass,
    DeviceRequest,
    ResourceClaim,
    ResourceClaimTemplate,
    ResourceSlice,
)
from connectors.kube.wire.pods import Pod

GPU = "gpu"
IMPLICIT = "deviceclass.resource.kubernetes.io/"  # the extended resource that every class has besides its own
_DRIVER = re.compile(r"""device\.driver\s*==\s*(["'])(.*?)\1""")
_ATTRIBUTE = re.compile(r"""device\.attributes\[(["'])(.*?)\1\]\.(\w+)\s*==\s*(["'])(.*?)\4""")


@dataclass(frozen=True)
class Devices:
    """What there is of dynamic resource allocation in a cluster: classes and templates of claims by name, claims and
    templates by namespace and name, and ``offers``: devices by node and resource, None where they are not all told.
    ``most`` is how many one node has at most."""

    classes: Mapping[str, DeviceClass] = field(default_factory=dict)
    claims: Mapping[tuple[str, str], ResourceClaim] = field(default_factory=dict)
    templates: Mapping[tuple[str, str], ResourceClaimTemplate] = field(default_factory=dict)
    offers: Mapping[str, Request | None] = field(default_factory=dict)
    most: Request = field(default_factory=dict)


NO_DEVICES = Devices()


def devices_of(
    classes: Iterable[DeviceClass],
    claims: Iterable[ResourceClaim],
    slices: Iterable[ResourceSlice],
    templates: Iterable[ResourceClaimTemplate] = (),
) -> Devices:
    """All of it, from the objects of an API server."""
    named = {one.metadata.name: one for one in classes}
    offers = offers_of(slices, named)
    known = [its for its in offers.values() if its is not None]
    most = {name: max(its.get(name, 0) for its in known) for its in known for name in its}
    return Devices(
        classes=named,
        claims={(one.metadata.namespace, one.metadata.name): one for one in claims},
        templates={(one.metadata.namespace, one.metadata.name): one for one in templates},
        offers=offers,
        most=MappingProxyType(most),
    )


def resource_of(name: str, classes: Mapping[str, DeviceClass]) -> str:
    """The resource that devices of this class count as."""
    known = classes.get(name)
    if known is not None and known.spec.extended_resource_name:
        return known.spec.extended_resource_name
    return GPU if GPU in name.lower() else name


def offers_of(slices: Iterable[ResourceSlice], classes: Mapping[str, DeviceClass]) -> dict[str, Request | None]:
    """How many devices each node has, by resource; None where the newest generation of a pool is not complete."""
    pools: dict[tuple[str, str], list[ResourceSlice]] = {}
    for one in slices:
        pools.setdefault((one.spec.driver, one.spec.pool.name), []).append(one)
    found: dict[str, set[tuple[str, str, str, str]] | None] = {}
    for (driver, pool), its in pools.items():
        newest = max(one.spec.pool.generation for one in its)
        present = [one for one in its if one.spec.pool.generation == newest]
        whole = len(present) == present[0].spec.pool.resource_slice_count
        for one in present if whole else its:
            if node := one.spec.node_name:
                there = found.setdefault(node, set())
                if not whole or there is None:
                    found[node] = None
                else:
                    there.update(
                        (resource, driver, pool, device.name)
                        for device in one.spec.devices or ()
                        for resource in _resources(driver, device, classes)
                    )
    return {node: None if there is None else _counted(there) for node, there in found.items()}


def _counted(there: set[tuple[str, str, str, str]]) -> Request:
    names = [resource for resource, *_ in there]
    return interned(tuple((name, names.count(name)) for name in sorted(set(names))))


def _resources(driver: str, device: Device, classes: Mapping[str, DeviceClass]) -> Iterator[str]:
    """The resources that the device counts as: those of all its classes."""
    for name, one in classes.items():
        if all(_fits(driver, device, selector.cel.expression) for selector in one.spec.selectors or () if selector.cel):
            yield resource_of(name, classes)


def _fits(driver: str, device: Device, expression: str) -> bool:
    """Whether the device may be of a class: what an expression says of drivers and of texts is heeded, as far as all
    of it has to hold; the rest is taken to hold."""
    if "||" in expression or "!" in expression or "?" in expression:
        return True
    drivers, attributes = _terms(expression)
    if any(wanted != driver for wanted in drivers):
        return False
    has = device.attributes or {}
    for domain, name, value in attributes:
        attribute = has.get(f"{domain}/{name}") or (has.get(name) if domain == driver else None)
        if attribute is None or attribute.string != value:
            return False
    return True


@lru_cache(1024)
def _terms(expression: str) -> tuple[tuple[str, ...], tuple[tuple[str, str, str], ...]]:
    """The drivers, and the domain, name and value of each attribute, that an expression insists on."""
    drivers = tuple(match[2] for match in _DRIVER.finditer(expression))
    return drivers, tuple((match[2], match[3], match[5]) for match in _ATTRIBUTE.finditer(expression))


@dataclass(frozen=True)
class Claimed:
    """What a pod's claims come to: the devices, and why no move helps if they bind it to a node or are not there."""

    request: Request = field(default_factory=dict)
    why: str = ""


NOTHING_CLAIMED = Claimed()


def claimed_by(pod: Pod, devices: Devices) -> Claimed:
    """The devices that the pod's claims ask for."""
    if not pod.spec.resource_claims:
        return NOTHING_CLAIMED
    namespace = pod.metadata.namespace
    made = {one.name: one.resource_claim_name for one in pod.status.resource_claim_statuses or ()}
    asked: list[Request] = []
    why = ""
    for reference in pod.spec.resource_claims:
        if reference.name in made and made[reference.name] is None:
            continue  # it turned out that the pod needs none
        name = made.get(reference.name) or reference.resource_claim_name or ""
        claim = devices.claims.get((namespace, name))
        template = devices.templates.get((namespace, reference.resource_claim_template_name or ""))
        if claim is not None:
            spec = claim.spec
            if claim.status.allocation is not None and not why:
                why = f"its claim {name} has its devices, which are on a certain node"
        elif template is not None:
            spec = template.spec.spec
        else:
            why = why or f"its claim {name or reference.name} is not there"
            continue
        asked += [_amount(request, devices) for request in spec.devices.requests or ()]
    return Claimed(added(asked), why)


def _amount(request: ClaimRequest, devices: Devices) -> Request:
    """What one request takes; the first of several that would do."""
    one: DeviceRequest | None = request.exactly or next(iter(request.first_available or ()), None)
    if one is None or one.admin_access:
        return NOTHING
    resource = resource_of(one.device_class_name, devices.classes)
    count = one.count or 1
    return {resource: max(1, devices.most.get(resource, 1)) if one.allocation_mode == "All" else count}


def renamed(request: Request, classes: Mapping[str, DeviceClass]) -> Request:
    """The request, where a class's devices are asked for by the resource that every class has, under their usual
    name."""
    if not any(name.startswith(IMPLICIT) for name in request):
        return request
    parts = ({resource_of(name.removeprefix(IMPLICIT), classes) if name.startswith(IMPLICIT) else name: amount}
             for name, amount in request.items())  # fmt: skip
    return added(parts)


Holders = Mapping[str, frozenset[str]]
"""Claims that have been given devices of a node, as people name them, and the uids of those that may use each."""


def holders_of(claims: Iterable[ResourceClaim], slices: Iterable[ResourceSlice]) -> dict[str, Holders]:
    """The claims that hold devices, by the node that has these."""
    nodes = {(one.spec.driver, one.spec.pool.name): one.spec.node_name for one in slices if one.spec.node_name}
    found: dict[str, dict[str, frozenset[str]]] = {}
    for claim in claims:
        given = claim.status.allocation.devices.results if claim.status.allocation is not None else None
        for result in given or ():
            node = nodes.get((result.driver, result.pool))
            if node and not result.admin_access:
                users = frozenset(one.uid for one in claim.status.reserved_for or ())
                found.setdefault(node, {})[f"{claim.metadata.namespace}/{claim.metadata.name}"] = users
    return dict(found)


def held_without_pods(holders: Holders, pods: Iterable[Pod]) -> tuple[str, ...]:
    """The claims, of those on a node, that none of the pods there may use: a node with one is not empty.

    Pods may be newer than claims. One that has gone leaves its claim held, whomever it was reserved for when it was
    last told; and a claim gets devices of a node for a pod that comes there, which a closed node has none of.
    """
    if not holders:
        return ()
    there = {pod.metadata.uid for pod in pods if not pod.ended}
    return tuple(sorted(name for name, users in holders.items() if there.isdisjoint(users)))
