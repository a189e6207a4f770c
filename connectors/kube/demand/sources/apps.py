"""Deployments and StatefulSets: replicas whose pods were refused, by a ResourceQuota or a webhook.

A replica that has a pod is told by the pod. That an autoscaler would have more is a figure and never demand.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.kube.demand.listed import AUTOSCALERS, DEPLOYMENTS, STATEFUL_SETS
from connectors.kube.demand.members import Members
from connectors.kube.demand.need import Need
from connectors.kube.demand.seen import Seen
from connectors.kube.demand.sources.parts import changed, need_of, part_of
from connectors.kube.wire.apps import Deployment, StatefulSet
from connectors.kube.wire.meta import condition


def needs(members: Members) -> Iterator[Need]:
    """Needs of services that no higher layer counts."""
    for deployment in members.seen.every(DEPLOYMENTS).values():
        yield from _need(members, deployment, "deployments", _refused(deployment))
    for stateful in members.seen.every(STATEFUL_SETS).values():
        yield from _need(members, stateful, "statefulsets", _stateful_lacking(members.seen, stateful))


def limited(seen: Seen) -> tuple[str, ...]:
    """Autoscalers that want more replicas than they may have, as namespace/name: demand that nobody can see."""
    return tuple(
        f"{one.metadata.namespace}/{one.metadata.name}"
        for one in seen.every(AUTOSCALERS).values()
        if (found := condition(one.status.conditions, "ScalingLimited")) is not None
        and (found.status, found.reason) == ("True", "TooManyReplicas")
    )


def _need(members: Members, one: Deployment | StatefulSet, source: str, missing: tuple[int, str]) -> Iterator[Need]:
    count, why = missing
    if count <= 0 or one.metadata.deletion_timestamp or members.counted_above(one.metadata):
        return
    template = one.spec.template
    need = need_of(one.metadata, source, members.piece(one.metadata, template), [part_of(template.spec, count)])
    yield changed(need, priority=members.seen.priority(template.spec), why=why)


def _replicas(one: Deployment | StatefulSet) -> int:
    return 1 if one.spec.replicas is None else one.spec.replicas


def _refused(one: Deployment) -> tuple[int, str]:
    """Replicas without pods, where its controller says that it cannot make them."""
    failure = condition(one.status.conditions, "ReplicaFailure")
    if failure is None or failure.status != "True":
        return 0, ""
    return _replicas(one) - (one.status.replicas or 0), failure.message or failure.reason or ""


def _stateful_lacking(seen: Seen, one: StatefulSet) -> tuple[int, str]:
    """Replicas without pods. A StatefulSet gives no reason, and one that starts in order makes a pod when the one
    before is ready: only then do others lack."""
    pods = seen.below.get(one.metadata.uid, ())
    in_order = one.spec.pod_management_policy != "Parallel"
    if in_order and (one.status.ready_replicas or 0) < len(pods):
        return 0, ""
    return _replicas(one) - len(pods), ""
