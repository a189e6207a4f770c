"""Kueue's nominal quota, which follows the nodes that move: it shrinks before one closes and grows after it opens.

What each node took or gave stands in an annotation of the ClusterQueue, changed in one write with the quota itself. So
a write that is asked for again, or by the next leader, changes nothing twice, and a hand-over that turns back gives
back exactly what it took. A lending limit above the quota, which Kueue refuses, goes down and up with it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from connectors.kube.access.api import MERGE_PATCH, Api, body_of
from connectors.kube.demand.listed import CLUSTER_QUEUES
from connectors.kube.demand.quantities import milli, whole
from connectors.kube.demand.requests import CPU, offered
from connectors.kube.names import HPC, PREFIX
from connectors.kube.quota_ledger import (
    Amounts,
    Entry,
    Ledger,
    Lowered,
    given,
    lent,
    lowered_text,
    read_ledger,
    read_lowered,
    taken,
    text_of,
    without,
    written,
)
from connectors.kube.watching.state import ClusterState
from connectors.kube.wire.nodes import Node
from models.acts import Outcome
from models.errors import BadInput, Refused, Unreachable, clean

LEDGER = f"{PREFIX}quota"
LOWERED = f"{PREFIX}quota-lending"
VERSIONS = ("v1beta2", "v1beta1")
TRIES_MOST = 5  # of a write that somebody else's came before

log = logging.getLogger("tidegate.kubernetes")

Change = Callable[[Entry | None, Amounts], tuple[Entry, Amounts] | None]


@dataclass(frozen=True, slots=True)
class _Found:
    """A ClusterQueue as it is; ``resources`` are those of the flavour, within ``groups``."""

    path: str
    version: str
    groups: list[Any]
    resources: list[Any]
    ledger: Ledger
    lowered: Lowered


class Quota:
    """The quota of one flavour of a ClusterQueue. ``trouble`` is why it does not follow, empty when it does."""

    def __init__(self, api: Api, cluster_queue: str, flavor: str) -> None:
        self._api = api
        self._name = cluster_queue
        self._flavor = flavor
        self._version = 0
        self.trouble = ""

    def take(self, node: Node, devices: Mapping[str, int]) -> Outcome:
        """Shrink the quota by what the node offers, with ``devices`` that kubelet does not tell of, once."""
        return self._change(node, devices, taken)

    def leave_out(self, node: Node) -> Outcome:
        """Write down that the quota does not count the node, where nothing is written yet."""
        return self._change(node, {}, without)

    def give(self, node: Node, usual: Mapping[str, int]) -> Outcome:
        """Grow the quota by what was taken for the node, once; where the quota never counted it, by what it offers, at
        least as much as is ``usual``: its devices may not be back yet."""
        return self._change(node, usual, given)

    def lacking(self, state: ClusterState) -> frozenset[str]:
        """The nodes that the quota does not count, as the queue tells, by the names that Kubernetes has for them."""
        return frozenset(node for node, entry in ledger_in(state, self._name).items() if entry.side == HPC)

    def _change(self, node: Node, usual: Mapping[str, int], change: Change) -> Outcome:
        try:
            for _ in range(TRIES_MOST):
                outcome = self._try(node, usual, change)
                if outcome is not None:
                    return outcome
        except Unreachable:
            return Outcome.UNKNOWN
        except (Refused, BadInput, ValueError) as error:
            self._tell(str(error))
            return Outcome.REFUSED
        return Outcome.UNKNOWN

    def _try(self, node: Node, usual: Mapping[str, int], change: Change) -> Outcome | None:
        """Read and write once; None where somebody else's write came between."""
        found, name = self._read(), node.metadata.name
        covered = {resource["name"] for resource in found.resources}
        offered = _offers(node, usual, covered)
        after = change(found.ledger.get(name), offered)
        if after is None:
            self.trouble = ""
            return Outcome.DONE
        entry, delta = after
        annotations: dict[str, str | None] = {LEDGER: text_of({**found.ledger, name: entry})}
        lowered = lowered_text(self._moved(found, name, delta))
        if lowered != lowered_text(found.lowered):
            annotations[LOWERED] = lowered
        body = {
            "metadata": {"resourceVersion": found.version, "annotations": annotations},
            "spec": {"resourceGroups": found.groups},
        }
        answer = self._api.ask("PATCH", found.path, body=body, content_type=MERGE_PATCH)
        if answer.status == 409:
            return None
        body_of(answer, f"ClusterQueue {self._name} cannot be changed")
        self.trouble = ""
        return Outcome.DONE

    def _moved(self, found: _Found, node: str, delta: Amounts) -> Lowered:
        """Change the quotas that were found, and tell by how much lending limits are lowered now."""
        lowered = dict(found.lowered.get(self._flavor, {}))
        for resource in found.resources:
            name = resource["name"]
            if not (more := delta.get(name, 0)):
                continue
            nominal = _amount(name, resource["nominalQuota"]) + more
            if nominal < 0:
                raise BadInput(
                    f"the quota of {name} in flavor {self._flavor} of ClusterQueue {self._name} is smaller than what"
                    f" node {node} offers",
                    remedy="set its nominalQuota to what the nodes of Kubernetes offer together",
                )
            resource["nominalQuota"] = written(name, nominal)
            if (limit := resource.get("lendingLimit")) is not None:
                before = _amount(name, limit)
                allowed, lowered[name] = lent(before, lowered.get(name, 0), nominal)
                if allowed != before:
                    resource["lendingLimit"] = written(name, allowed)
            else:
                lowered.pop(name, None)
        return {**found.lowered, self._flavor: {name: by for name, by in lowered.items() if by}}

    def _read(self) -> _Found:
        path = self._path()
        answer = self._api.ask("GET", path)
        if answer.status == 404:  # of the queue, or of this version of Kueue
            self._version = (self._version + 1) % len(VERSIONS)
            path = self._path()
            answer = self._api.ask("GET", path)
        body = body_of(answer, f"ClusterQueue {self._name} cannot be read")
        try:
            queue = msgspec.json.decode(body)
            groups = queue["spec"]["resourceGroups"]
            flavors = [flavor for group in groups for flavor in group["flavors"] if flavor["name"] == self._flavor]
            resources = [resource for flavor in flavors for resource in flavor["resources"]]
            annotations = queue["metadata"].get("annotations") or {}
            ledger, lowered = read_ledger(annotations.get(LEDGER, "")), read_lowered(annotations.get(LOWERED, ""))
            version_now = queue["metadata"]["resourceVersion"]
        except (msgspec.DecodeError, UnicodeError, RecursionError, KeyError, TypeError) as error:
            raise BadInput(f"ClusterQueue {self._name} cannot be understood: {error!r}") from error
        if not resources:
            raise BadInput(
                f"ClusterQueue {self._name} has no flavor {self._flavor}",
                remedy="mend kueue.flavor in the policy; tidegate doctor proposes one",
            )
        return _Found(path, version_now, groups, resources, ledger, lowered)

    def _path(self) -> str:
        return f"/apis/kueue.x-k8s.io/{VERSIONS[self._version]}/clusterqueues/{self._name}"

    def _tell(self, trouble: str) -> None:
        if self.trouble != trouble:
            self.trouble = trouble
            log.error("Kueue's quota does not follow the nodes: %s", clean(trouble))


def ledger_in(state: ClusterState, cluster_queue: str) -> Ledger:
    """What nodes took from a queue's quota, as the queue told when it was last heard of; nothing where that cannot be
    read."""
    found = next((one for one in state.of(CLUSTER_QUEUES).values() if one.metadata.name == cluster_queue), None)
    try:
        return {} if found is None else read_ledger((found.metadata.annotations or {}).get(LEDGER, ""))
    except BadInput:
        return {}


def _offers(node: Node, usual: Mapping[str, int], covered: set[str]) -> Amounts:
    amounts = offered(node.status.allocatable)
    return {name: max(amounts.get(name, 0), usual.get(name, 0)) for name in sorted(covered)}


def _amount(resource: str, quantity: str | int | float) -> int:
    return (milli if resource == CPU else whole)(quantity)
