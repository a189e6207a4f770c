"""The pools of the policy as Kubernetes has them: which of its nodes are whose, and how the HPC side calls them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connectors.kube.names import PoolNames
from connectors.kube.wire.nodes import Node
from models.errors import BadInput
from models.hostlists import hosts
from models.nodes import NodeShape
from models.policies import PoolPolicy

Shapes = Mapping[str, NodeShape | None]
"""The nodes of the HPC side by name, with what each registered there where that is known."""


@dataclass(frozen=True, slots=True)
class SeenPool:
    """A pool. ``names`` is None where nobody tells which nodes it has, and ``nodes``, by their names in Kubernetes, are
    all of Kubernetes' then. ``hpc`` are the nodes of the HPC side, empty where they are not known."""

    policy: PoolPolicy
    names: PoolNames | None
    nodes: Mapping[str, Node]
    hpc: Shapes

    @property
    def name(self) -> str:
        """What the policy calls it."""
        return self.policy.name


def seen_pools(pools: Iterable[PoolPolicy], nodes: Mapping[str, Node], hpc: Shapes | None) -> tuple[SeenPool, ...]:
    """The pools, with those of their nodes that are there."""
    return tuple(_seen(pool, nodes, hpc) for pool in pools)


def _seen(pool: PoolPolicy, nodes: Mapping[str, Node], hpc: Shapes | None) -> SeenPool:
    try:
        named: Iterable[str] | None = hosts(pool.nodes) if pool.nodes is not None else hpc
    except BadInput:  # the policy's own check says so
        named = ()
    if named is None:
        return SeenPool(pool, None, nodes, {})
    names = PoolNames(pool.name, tuple(named), pool.kubernetes_name)
    here = {name: nodes[name] for name in names.hpc if name in nodes}
    shapes = {name: shape for name, shape in (hpc or {}).items() if name in names.kubernetes}
    return SeenPool(pool, names, here, shapes)
