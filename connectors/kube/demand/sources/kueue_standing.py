"""Where a Workload of Kueue's stands: whether it waits for nodes, for quota, for a time, for a person, or in vain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from connectors.kube.demand.instants import unix_s
from connectors.kube.demand.kueue_flavors import Choice, Flavors
from connectors.kube.demand.kueue_limits import Growth, Limits
from connectors.kube.demand.need import Held
from connectors.kube.wire.kueue import Workload
from connectors.kube.wire.kueue_queues import ClusterQueue, LocalQueue
from connectors.kube.wire.meta import Condition, condition


class Quota(StrEnum):
    """What the quotas of a site go by: its nodes as they move, nothing, or there are none to speak of."""

    FOLLOWS = "follows"
    FIXED = "fixed"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class QuotaWords:
    """What the policy says of Kueue's quotas.

    ``word`` holds wherever nothing else is said. ``growth`` has by ClusterQueue and flavour, for those whose quota
    follows the nodes, what it may grow by with all nodes that Kubernetes does not have: there the word is FOLLOWS.
    """

    word: Quota = Quota.NONE
    growth: Growth = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Queues:
    """Kueue's queues: local ones by namespace and name, cluster ones and flavours by name."""

    local: Mapping[tuple[str, str], LocalQueue]
    cluster: Mapping[str, ClusterQueue]
    flavors: Flavors
    limits: Limits

    def cluster_queue(self, workload: Workload) -> str:
        """The name of the ClusterQueue that a Workload waits in or was admitted to; "" where it is not known."""
        if workload.status.admission is not None:
            return workload.status.admission.cluster_queue
        local = self.local.get((workload.metadata.namespace, workload.spec.queue_name or ""))
        return "" if local is None else local.spec.cluster_queue


@dataclass(frozen=True, slots=True)
class Standing:
    """Why a Workload is no demand, None where it is, and when it begins to be, if that is known."""

    held: Held | None = None
    why: str = ""
    begins_s: int | None = None


WAITS = Standing()
_STOPPED = ("Hold", "HoldAndDrain")
_SAID: Mapping[str, Held] = {
    "Suspended": Held.BY_PERSON,
    "AdmissionGated": Held.BY_GATE,
    "NoMatchingFlavor": Held.IMPOSSIBLE,
    "Misconfigured": Held.IMPOSSIBLE,
    "Inadmissible": Held.IMPOSSIBLE,
}
"""What Kueue itself says is no waiting for nodes."""

_BY_QUOTA = ("Pending", "WaitingForQuota", "ExceedsMaxQuota")
"""Reasons of lacking quota. Pending is what 0.17 says of everything, and later releases without their alpha feature."""

_ELSE = ("topology", "PodsReady")  # in messages of Pending: it is not quota that lacks


def admitted(workload: Workload) -> bool:
    """Whether Kueue lets its pods go."""
    return _true(workload, "Admitted") is not None


def standing_of(workload: Workload, queues: Queues, now_s: int) -> Standing | None:
    """What is plain from the Workload and its queues; None where it depends on quotas."""
    if admitted(workload):
        return WAITS
    if workload.spec.active is False:
        return Standing(Held.BY_PERSON, "is deactivated")
    again = unix_s(workload.status.requeue_state.requeue_at) if workload.status.requeue_state else None
    if again is not None and again > now_s:
        return Standing(begins_s=again, why="was evicted and is queued again")
    if _true(workload, "QuotaReserved") is not None:
        return WAITS
    stopped = _stopped(workload, queues)
    if stopped:
        return Standing(Held.BY_PERSON, stopped)
    reserved = condition(workload.status.conditions, "QuotaReserved")
    held = _SAID.get(reserved.reason or "") if reserved is not None else None
    return None if held is None or reserved is None else Standing(held, _words(reserved))


def standing_by_quota(workload: Workload, word: Quota, choice: Choice, *, grows: bool) -> Standing:
    """The standing of one that waits in its queue, by the policy's word and by what its queue could ever give it.

    ``grows`` is whether the quota that it waits for follows the nodes, whatever the word for all others.
    """
    if choice.why:
        return Standing(Held.BY_QUOTA if choice.by_quota else Held.IMPOSSIBLE, choice.why)
    reserved = condition(workload.status.conditions, "QuotaReserved")
    if reserved is None or reserved.reason not in _BY_QUOTA:
        return WAITS
    if reserved.reason == "ExceedsMaxQuota" and not grows:
        return Standing(Held.BY_QUOTA, _words(reserved))
    if reserved.reason == "Pending" and any(text in (reserved.message or "") for text in _ELSE):
        return WAITS
    return Standing(Held.BY_QUOTA, _words(reserved)) if word is Quota.FIXED and not grows else WAITS


def _stopped(workload: Workload, queues: Queues) -> str:
    local = queues.local.get((workload.metadata.namespace, workload.spec.queue_name or ""))
    if local is not None and local.spec.stop_policy in _STOPPED:
        return f"the LocalQueue {local.metadata.name} is stopped ({local.spec.stop_policy})"
    cluster = queues.cluster.get(queues.cluster_queue(workload))
    if cluster is not None and cluster.spec.stop_policy in _STOPPED:
        return f"the ClusterQueue {cluster.metadata.name} is stopped ({cluster.spec.stop_policy})"
    return ""


def _true(workload: Workload, kind: str) -> Condition | None:
    found = condition(workload.status.conditions, kind)
    return found if found is not None and found.status == "True" else None


def _words(said: Condition) -> str:
    return f"{said.reason}: {said.message}" if said.message else said.reason or ""
