"""The nodes of a pool as they were last seen: what has not changed is not worked out again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connectors.kube.demand.claims import Holders, held_without_pods
from connectors.kube.demand.need import NOTHING, Request
from connectors.kube.demand.node_pods import NodeOwners
from connectors.kube.names import PoolNames
from connectors.kube.node_devices import NOTHING_HELD, DevicesSeen, NodeDevices
from connectors.kube.nodes import Rules, amounts_of, closed_by, is_ready, lacking, node_of, usual_amounts
from connectors.kube.watching.state import ClusterState
from connectors.kube.wire.meta import condition
from connectors.kube.wire.nodes import Node
from connectors.kube.wire.pods import Pod
from models.nodes import KubernetesNode


@dataclass(frozen=True, slots=True)
class _Amounts:
    """What a node offers, and whether it is open, for as long as it and its devices are the same."""

    node: Node
    devices: Request | None
    amounts: Mapping[str, int]
    is_open: bool


@dataclass(frozen=True, slots=True)
class _Shown:
    """A node as it is shown, for as long as all that it is shown from is the same."""

    amounts: _Amounts
    pods: Sequence[Pod]
    owners: NodeOwners
    holders: Holders
    shown: KubernetesNode

    def is_from(self, amounts: _Amounts, pods: Sequence[Pod], owners: NodeOwners, holders: Holders) -> bool:
        """Whether it is shown from these."""
        same = self.amounts is amounts and self.pods is pods
        return same and self.owners == owners and self.holders == holders


class SeenNodes:
    """Nodes by the names that the HPC scheduler has for them. ``usual`` is what most of those that are open offer."""

    def __init__(self, names: PoolNames, rules: Rules, clock: Callable[[], int]) -> None:
        self.usual: Mapping[str, int] = {}
        self._names = names
        self._rules = rules
        self._clock = clock
        self._devices_seen = DevicesSeen()
        self._devices = NodeDevices()
        self._nodes: Mapping[str, Node] = {}  # of the cluster, as they were
        self._amounts: dict[str, _Amounts] = {}
        self._kept: dict[str, _Shown] = {}
        self._ready_since: dict[str, tuple[tuple[str, str | None], int | None]] = {}

    def update(self, state: ClusterState) -> Mapping[str, KubernetesNode]:
        """All nodes of the pool that the cluster has."""
        devices = self._devices_seen.of(state.others)
        if state.nodes is not self._nodes or devices is not self._devices:
            self._nodes, self._devices = state.nodes, devices
            self._measure()
        shown: dict[str, KubernetesNode] = {}
        for here, amounts in self._amounts.items():
            name = amounts.node.metadata.name
            pods, holders = state.pods_on.get(name, ()), devices.holders.get(name, NOTHING_HELD)
            kept = self._kept.get(here)
            if kept is None or not kept.is_from(amounts, pods, state.owners, holders):
                face = self._show(here, amounts, pods, state.owners)
                kept = self._kept[here] = _Shown(amounts, pods, state.owners, holders, face)
            shown[here] = kept.shown
        return shown

    def show(self, here: str, node: Node, pods: Sequence[Pod], owners: NodeOwners) -> KubernetesNode:
        """A node as it was just asked for. Devices and claims are those of the last ``update``: a claim that was held
        for a pod then is held for nobody now if that pod is gone (``held_without_pods``)."""
        return self._show(here, self._measured(node), pods, owners)

    def devices_of(self, node: Node) -> Request:
        """The devices of a node that kubelet does not tell of, as far as they are known."""
        return self._devices.offers.get(node.metadata.name, NOTHING) or NOTHING

    def _measure(self) -> None:
        """What each node offers, and what most do. If that is not what it was, all are compared with it anew."""
        before, self._amounts = self._amounts, {}
        for there, here in self._names.hpc.items():
            node = self._nodes.get(there)
            if node is None:
                continue
            known = before.get(here)
            is_same = known is not None and known.node is node and known.devices == self._of(node)
            self._amounts[here] = known if known is not None and is_same else self._measured(node)
        usual = usual_amounts([one.amounts for one in self._amounts.values() if one.is_open])
        if usual != self.usual:
            self.usual = usual
            self._kept.clear()

    def _measured(self, node: Node) -> _Amounts:
        devices = self._of(node)
        return _Amounts(node, devices, amounts_of(node, devices), closed_by(node) is None)

    def _of(self, node: Node) -> Request | None:
        return self._devices.offers.get(node.metadata.name, NOTHING)

    def _show(self, here: str, measured: _Amounts, pods: Sequence[Pod], owners: NodeOwners) -> KubernetesNode:
        node = measured.node
        held = held_without_pods(self._devices.holders.get(node.metadata.name, NOTHING_HELD), pods)
        since_s = self._since(here, node)
        shown = node_of(
            here,
            node,
            pods,
            self._rules,
            owners=owners,
            ready_since_s=since_s,
            devices=measured.devices,
            held=len(held),
        )
        lacks = lacking(measured.amounts, self.usual)
        return replace(shown, lacks=lacks) if lacks else shown

    def _since(self, name: str, node: Node) -> int | None:
        """When it last became Ready: as we saw it, or for the first time as its condition tells. One that was made
        anew, or was not ready between two looks as its condition tells, became Ready just now."""
        ready = condition(node.status.conditions, "Ready")
        run = node.metadata.uid, None if ready is None else ready.last_transition_time
        known = self._ready_since.get(name)
        if not is_ready(node):
            since_s = None
        elif known is None:
            since_s = min(_ready_s(node), self._clock())
        else:
            since_s = known[1] if known[0] == run and known[1] is not None else self._clock()
        self._ready_since[name] = run, since_s
        return since_s


def _ready_s(node: Node) -> int:
    """When the Ready condition last changed, in unix seconds; 0 where it does not say."""
    ready = condition(node.status.conditions, "Ready")
    try:
        return int(datetime.fromisoformat((ready and ready.last_transition_time) or "").timestamp())
    except ValueError:
        return 0
