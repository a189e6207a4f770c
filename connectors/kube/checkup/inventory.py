"""The checks of what there is on the nodes of the pools: each kind of object is read once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from connectors.checkup.guard import Findings, guarded
from connectors.kube.access.api import Api
from connectors.kube.checkup import budgets, closed, gpus, kueue, names, owners, sides, tolerations
from connectors.kube.checkup.asked import every
from connectors.kube.checkup.pods import SeenPods, sorted_pods
from connectors.kube.checkup.pools import SeenPool, Shapes, seen_pools
from connectors.kube.checkup.served import DEVICES, KUEUE, Served
from connectors.kube.checkup.wire import Deployment
from connectors.kube.demand.claims import offers_of
from connectors.kube.demand.listed import CLUSTER_QUEUES, FLAVORS
from connectors.kube.demand.need import Request
from connectors.kube.resource import Resource
from connectors.kube.resources import BUDGETS, DAEMON_SETS, NODES, PODS
from connectors.kube.wire.dra import DeviceClass, ResourceSlice
from connectors.kube.wire.nodes import Node
from models.errors import TidegateError
from models.findings import skipped, wrong
from models.policies import Evict, Policy

DEPLOYMENTS = Resource("apps", "v1", "deployments", True, Deployment)
CLASSES = Resource(DEVICES, "v1", "deviceclasses", False, DeviceClass)
SLICES = Resource(DEVICES, "v1", "resourceslices", False, ResourceSlice)
SLINKY_GROUP = "slinky.slurm.net"
CHECKS = (
    names.NAMES,
    names.SHAPES,
    sides.SIDES,
    closed.MARKS,
    closed.TAINTS,
    owners.OWNERS,
    owners.SLINKY,
    tolerations.DAEMONS,
    tolerations.BEARING,
    budgets.CHECK,
    kueue.CHECK,
    gpus.CHECK,
)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the site wants: its name, its policy, and of the nodes of its HPC side what each registered and which are
    closed there, None where that is not known."""

    site: str
    policy: Policy
    hpc: Shapes | None
    drained: Collection[str] | None = None


def inventory_findings(api: Api, seen: Served, wishes: Wishes) -> Findings:
    """All that is found of the nodes of the policy's pools, and of what runs on them or decides about them."""
    try:
        nodes = {node.metadata.name: node for node in every(api, NODES)}
    except TidegateError as error:
        yield wrong(names.NAMES, str(error), "See kubernetes.rights above.")
        yield from (skipped(check, "the nodes could not be read") for check in CHECKS[1:])
        return
    pools = seen_pools(wishes.policy.spec.pools, nodes, wishes.hpc)
    yield from guarded(names.NAMES, lambda: names.names_findings(pools, nodes))
    yield from guarded(names.SHAPES, lambda: names.shapes_findings(pools))
    mode = wishes.policy.spec.mode
    yield from guarded(sides.SIDES, lambda: sides.side_findings(pools, wishes.drained, mode))
    yield from guarded(closed.MARKS, lambda: closed.mark_findings(wishes.site, pools))
    yield from guarded(closed.TAINTS, lambda: closed.taint_findings(pools))
    yield from _of_others(api, seen, wishes.policy, pools)
    yield from guarded(kueue.CHECK, lambda: _kueue(api, seen, wishes.policy, pools, nodes))
    yield from guarded(gpus.CHECK, lambda: gpus.gpu_findings(_devices(api, seen), pools))


def _devices(api: Api, seen: Served) -> dict[str, Request | None]:
    """GPUs and other devices by node. Raises Unreachable, or ApiRefused for a no."""
    if not seen.version(DEVICES):
        return {}
    return offers_of(every(api, SLICES), {one.metadata.name: one for one in every(api, CLASSES)})


def _of_others(api: Api, seen: Served, policy: Policy, pools: tuple[SeenPool, ...]) -> Findings:
    """What others run on the nodes, and who else owns them."""
    moves = policy.spec.moves
    fence = moves.fence == "pods"
    here = {name for pool in pools for name in pool.nodes}
    try:
        pods: SeenPods | None = sorted_pods(every(api, PODS), here)
    except TidegateError as error:
        pods = None
        yield wrong(tolerations.BEARING, str(error), "See kubernetes.rights above.")
    deployments = list(_or_none(lambda: list(every(api, DEPLOYMENTS))))
    yield from guarded(
        owners.OWNERS, lambda: owners.owner_findings(pools, deployments, lambda: api.ask("GET", owners.STATUS))
    )
    slurmd = pods.slinky if pods is not None else []
    yield from guarded(
        owners.SLINKY,
        lambda: owners.operator_findings(deployments, len(slurmd), serves=SLINKY_GROUP in seen.versions),
    )
    yield from guarded(owners.SLINKY, lambda: tolerations.slinky_findings(slurmd, fence=fence))
    yield from guarded(
        tolerations.DAEMONS, lambda: tolerations.daemon_findings(every(api, DAEMON_SETS), pools, fence=fence)
    )
    if pods is None:
        return
    yield from guarded(tolerations.BEARING, lambda: tolerations.bearing_findings(pods.bearing, pools))
    if moves.evict is not Evict.NEVER:
        yield from guarded(budgets.CHECK, lambda: budgets.budget_findings(every(api, BUDGETS), pods.here, moves.evict))


def _or_none(look: Callable[[], list[Deployment]]) -> list[Deployment]:
    """What there is; nothing where it cannot be read, as the check of rights says."""
    try:
        return look()
    except TidegateError:
        return []


def _kueue(api: Api, seen: Served, policy: Policy, pools: tuple[SeenPool, ...], nodes: dict[str, Node]) -> Findings:
    version = seen.version(KUEUE)
    if not version or not seen.has(KUEUE, "clusterqueues"):
        yield from kueue.absent_findings(pools)
        return
    queues = every(api, replace(CLUSTER_QUEUES, version=version))
    flavors = every(api, replace(FLAVORS, version=version))
    found = kueue.Kueue(
        {queue.metadata.name: queue for queue in queues},
        {flavor.metadata.name: flavor for flavor in flavors},
        list(nodes.values()),
    )
    yield from kueue.kueue_findings(pools, found, policy.spec.mode)
