"""KAI's PodGroups: it makes them of pods that are there, so that only members lack which are still to be made."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.kube.demand.listed import KAI_POD_GROUPS
from connectors.kube.demand.members import Members
from connectors.kube.demand.need import NOTHING, Held, Need, Part
from connectors.kube.demand.place import place_of
from connectors.kube.demand.requests import offered, request_of
from connectors.kube.demand.sources.parts import changed, need_of
from connectors.kube.demand.sources.shares import less, shares
from connectors.kube.wire.pod_groups import KaiExplanation, KaiPodGroup

_OF_QUEUE = {
    "NonPreemptibleOverQuota": Held.BY_QUOTA,
    "OverLimit": Held.BY_QUOTA,
    "QueueDoesNotExist": Held.IMPOSSIBLE,
}


def needs(members: Members) -> Iterator[Need]:
    """Members that a group lacks, of which nobody else tells.

    Each asks for what one that is there does. Where none is seen it is what KAI says is requested and not allocated.
    """
    for group in members.seen.every(KAI_POD_GROUPS).values():
        try:
            part = _part(members, group)
        except ValueError as error:
            part = Part(group.spec.min_member or 0, NOTHING, why=str(error))
        if part.count <= 0 or group.metadata.deletion_timestamp or not members.tells(group):
            continue
        held, why = standing(group)
        yield changed(
            need_of(group.metadata, "kai", members.seen.owners.piece(group.metadata), [part]),
            together=together(group),
            priority=members.seen.named_priority(group.spec.priority_class_name),
            queue=group.spec.queue or "",
            held=held,
            why=why,
        )


def together(group: KaiPodGroup) -> bool:
    """Whether its pods still start all at once: not those that come later to a group that runs."""
    return (group.status.running or 0) < (group.spec.min_member or 1)


def standing(group: KaiPodGroup) -> tuple[Held | None, str]:
    """Why a group that waits is no demand: its queue is over its quota or its limit, or is not there."""
    for told in group.status.scheduling_conditions or ():
        if told.status == "False":
            continue
        for one in (KaiExplanation(told.reason or "", told.message), *(told.reasons or ())):
            if one.reason in _OF_QUEUE:
                return _OF_QUEUE[one.reason], f"{one.reason}: {one.message}" if one.message else one.reason
    return None, ""


def _part(members: Members, group: KaiPodGroup) -> Part:
    pods = members.pods_of.get(group.metadata.uid, ())
    status, least = group.status, group.spec.min_member or 0
    if pods:
        missing = least - len(pods) - (status.succeeded or 0)
        return Part(missing, request_of(pods[0]), place_of(pods[0].spec))
    told = status.resources_status
    left = less(told.requested, [offered(told.allocated)]) if told is not None else {}
    count = max(least, status.pending or 0) if left else 0
    return Part(count, shares(left, count) if count else {})
