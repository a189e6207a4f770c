"""Volcano's PodGroups: a gang whose pods may not be made before its queue has let it in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connectors.kube.demand.listed import VOLCANO_POD_GROUPS, VOLCANO_QUEUES
from connectors.kube.demand.members import Members
from connectors.kube.demand.need import Held, Need, Part
from connectors.kube.demand.place import place_of
from connectors.kube.demand.requests import offered, request_of
from connectors.kube.demand.seen import Seen
from connectors.kube.demand.sources.parts import changed, need_of
from connectors.kube.demand.sources.shares import less, shares
from connectors.kube.wire.pods import PodSpec
from connectors.kube.wire.volcano import VolcanoPodGroup, VolcanoQueue

Queues = Mapping[str, VolcanoQueue]
_WAITING = (None, "", "Pending", "Inqueue", "Unknown")


def needs(members: Members) -> Iterator[Need]:
    """Members that a group lacks, of which nobody else tells.

    What each asks for is what all ask for together, less what those ask for that are there, in equal shares: Volcano
    tells of no single one.
    """
    queues = queues_of(members.seen)
    for group in members.seen.every(VOLCANO_POD_GROUPS).values():
        if group.status.phase not in _WAITING or group.metadata.deletion_timestamp or not members.tells(group):
            continue
        try:
            part, (held, why) = _part(members, group), standing(queues, group)
        except ValueError as error:
            part, held, why = Part(group.spec.min_member or 0, {}), Held.IMPOSSIBLE, str(error)
        if part.count > 0:
            yield changed(
                need_of(group.metadata, "volcano", members.seen.owners.piece(group.metadata), [part]),
                together=True,
                priority=members.seen.named_priority(group.spec.priority_class_name),
                queue=group.spec.queue or "",
                held=held,
                why=why,
            )


def together(group: VolcanoPodGroup) -> bool:
    """Whether its pods still start all at once: not those that come later to a group that runs."""
    return group.status.phase not in ("Running", "Completed")


def queues_of(seen: Seen) -> Queues:
    """Volcano's queues by name."""
    return {one.metadata.name: one for one in seen.every(VOLCANO_QUEUES).values()}


def standing(queues: Queues, group: VolcanoPodGroup) -> tuple[Held | None, str]:
    """Why a group that waits is no demand: its queue is closed, or gives it no more, now or ever."""
    asked = offered(group.spec.min_resources)
    for queue in _upwards(queues, group.spec.queue or "default"):
        name, state = queue.metadata.name, queue.status.state
        if state in ("Closed", "Closing"):
            return Held.BY_PERSON, f"the queue {name} is {state.lower()}"
        capability = offered(queue.spec.capability)
        bounded = [one for one in asked if one in (queue.spec.capability or {})]
        if any(asked[one] > capability.get(one, 0) for one in bounded):
            return Held.IMPOSSIBLE, f"asks for more than the queue {name} may ever use"
        allocated = offered(queue.status.allocated)
        if any(asked[one] + allocated.get(one, 0) > capability.get(one, 0) for one in bounded):
            return Held.BY_QUOTA, f"the queue {name} uses all that it may"
    return None, ""


def _upwards(queues: Queues, name: str) -> Iterator[VolcanoQueue]:
    """The queue and those above it; a ring is gone round once."""
    passed: set[str] = set()
    while name in queues and name not in passed:
        passed.add(name)
        yield queues[name]
        name = queues[name].spec.parent or ""


def _part(members: Members, group: VolcanoPodGroup) -> Part:
    pods = members.pods_of.get(group.metadata.uid, ())
    least = group.spec.min_member or 0
    missing = max(0, least - len(pods) - (group.status.succeeded or 0))
    place = place_of(pods[0].spec if pods else PodSpec())
    if not missing:
        return Part(0, {})
    left = less(group.spec.min_resources, [request_of(pod) for pod in pods])
    return Part(missing, shares(left, missing), place)
