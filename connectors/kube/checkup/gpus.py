"""Where a node's GPUs are told: among what it offers (device plug-ins), in ResourceSlices (DRA), twice, or nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.checkup.format import nodes
from connectors.kube.checkup.commands import kubectl
from connectors.kube.checkup.pools import SeenPool
from connectors.kube.checkup.quota_looks import is_open
from connectors.kube.demand.claims import GPU
from connectors.kube.demand.need import Request
from connectors.kube.node_devices import is_gpu
from connectors.kube.nodes import is_ready, offers_of
from models.findings import Finding, warning, well

CHECK = "kubernetes.gpus"


def gpu_findings(devices: Mapping[str, Request | None], pools: Sequence[SeenPool]) -> Iterator[Finding]:
    """The GPUs of each pool's nodes; ``devices`` are those of ResourceSlices by node, None where not all are told."""
    for pool in pools:
        yield from _pool(pool, devices)


def _claimed(devices: Request | None) -> bool:
    return any(is_gpu(name) or GPU in name.lower() for name in devices or ())


@dataclass(frozen=True, slots=True)
class _Told:
    """Nodes by where their GPUs are told. ``nowhere`` are open ones only; of ``half`` it cannot be known."""

    offered: list[str] = field(default_factory=list)
    claimed: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    nowhere: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)


def _told(pool: SeenPool, devices: Mapping[str, Request | None]) -> _Told:
    told = _Told()
    for name, node in sorted(pool.nodes.items()):
        shape = offers_of(node)
        claimed = _claimed(devices.get(name))
        gpus = shape is not None and shape.gpu_milli > 0
        if name in devices and devices[name] is None:
            told.half.append(name)
        elif gpus:
            (told.twice if claimed else told.offered).append(name)
        elif claimed:
            told.claimed.append(name)
        elif is_ready(node) and is_open(node):
            told.nowhere.append(name)
    return told


def _pool(pool: SeenPool, devices: Mapping[str, Request | None]) -> Iterator[Finding]:
    told = _told(pool, devices)
    half, twice, claimed, offered = told.half, told.twice, told.claimed, told.offered
    if half:
        yield warning(
            CHECK,
            f"pool {pool.name}: not all ResourceSlices of {nodes(half)} are there: how many GPUs that is, is not known",
            "See that the driver runs there:",
            kubectl("get", "resourceslices", f"--field-selector=spec.nodeName={half[0]}"),
        )
    if twice:
        yield warning(
            CHECK,
            f"pool {pool.name}: {nodes(twice)} show GPUs both as resources of the node and in ResourceSlices; a device"
            " plug-in and a driver may give one GPU away twice",
            "Let one of the two have the GPUs of a node.",
            kubectl("describe", "node", twice[0]),
            kubectl("get", "resourceslices", f"--field-selector=spec.nodeName={twice[0]}"),
        )
    if offered and claimed:
        yield warning(
            CHECK,
            f"pool {pool.name}: {nodes(claimed)} tell GPUs in ResourceSlices only (DRA), {nodes(offered)} as resources"
            " of the node; a pod that fits one does not fit the other",
            "Make a pool of its own for each kind.",
            kubectl("get", "resourceslices", "-o", "wide"),
        )
    if told.nowhere and (offered or claimed):
        yield warning(
            CHECK,
            f"pool {pool.name}: {nodes(told.nowhere)} open to pods and without the GPUs that the others have: the"
            " device plug-in or the driver may be missing there",
            "See what runs there:",
            kubectl("get", "pods", "-A", "-o", "wide", f"--field-selector=spec.nodeName={told.nowhere[0]}"),
        )
    elif (offered or claimed) and not (half or twice or (offered and claimed)):
        where = "in ResourceSlices (DRA)" if claimed else "as resources of the nodes"
        yield well(CHECK, f"pool {pool.name}: GPUs are told {where}")
