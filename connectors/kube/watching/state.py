"""What a cluster holds at one instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from connectors.kube.demand.node_pods import BY_WORD, NodeOwners
from connectors.kube.resource import Described, Resource
from connectors.kube.wire.nodes import Node
from connectors.kube.wire.pods import Pod

T = TypeVar("T", bound=Described)


@dataclass(frozen=True, slots=True)
class ClusterState:
    """All nodes by name and all pods by uid, as the watches tell; ``pods_on`` are the pods by the name of their node.

    ``at_s`` is by our clock, and ``age_s`` how long before that the API server last said that these are all: a quiet
    watch tells so every minute. ``order`` is higher where anything differs, and from one process to the next.
    ``others`` are the objects of further resources by the resource's name and then by uid. Why one of these is not
    known: ``denied`` is what we may not read, ``absent`` what the cluster has not, ``unread`` what gives no answer, of
    which that is there which was told before. ``left_out`` are objects that cannot be read, by resource and name.
    ``versions`` are the resourceVersions up to which each resource was followed; ``owners`` are those whose pods are
    there for their nodes.
    """

    at_s: int
    age_s: float
    order: int
    nodes: Mapping[str, Node]
    pods: Mapping[str, Pod]
    pods_on: Mapping[str, tuple[Pod, ...]]
    others: Mapping[str, Mapping[str, Any]]
    denied: Mapping[str, str]
    absent: frozenset[str]
    unread: Mapping[str, str]
    left_out: Mapping[str, Mapping[str, str]]
    versions: Mapping[str, str]
    owners: NodeOwners = BY_WORD

    def of(self, resource: Resource[T]) -> Mapping[str, T]:
        """The objects of another resource by uid; none where it is not known, which ``unread`` and ``denied`` tell."""
        return cast("Mapping[str, T]", self.others.get(resource.name, {}))
