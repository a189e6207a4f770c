"""The pods that a checkup looks at: those on the nodes of the pools, and those that our taint does not keep off."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from connectors.kube.checkup.placing import is_blanket
from connectors.kube.demand.node_pods import belongs_to_node, is_slurmd
from connectors.kube.names import SIDE
from connectors.kube.wire.pods import Pod


@dataclass(slots=True)
class SeenPods:
    """``here`` would have to leave a node of a pool, ``slinky`` are slurmd's, ``bearing`` run whatever we close."""

    here: list[Pod] = field(default_factory=list)
    slinky: list[Pod] = field(default_factory=list)
    bearing: list[Pod] = field(default_factory=list)


def sorted_pods(pods: Iterable[Pod], nodes: Collection[str]) -> SeenPods:
    """Of all pods those that matter; ``nodes`` are those of the pools."""
    found = SeenPods()
    for pod in pods:
        if not pod.ended and is_slurmd(pod):
            found.slinky.append(pod)
        if pod.ended or belongs_to_node(pod):
            continue
        if pod.spec.node_name in nodes:
            found.here.append(pod)
        if any(is_blanket(one) or one.key == SIDE for one in pod.spec.tolerations or ()):
            found.bearing.append(pod)
    return found
