"""All that waits and has no pods yet, of all kinds, and which gang each pod belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from connectors.kube.demand.gangs import Gangs
from connectors.kube.demand.listed import LISTED
from connectors.kube.demand.members import members_of
from connectors.kube.demand.need import Held, Need, Part, Request
from connectors.kube.demand.place import names_nodes, tolerates_us
from connectors.kube.demand.seen import State, seen_of
from connectors.kube.demand.sources import (
    apps,
    cron_jobs,
    job_sets,
    jobs,
    kai,
    kueue,
    leader_worker_sets,
    ray,
    volcano,
)
from connectors.kube.demand.sources.kueue_standing import QuotaWords
from connectors.kube.demand.sources.parts import changed
from models.work import WorkState


@dataclass(frozen=True, slots=True)
class Words:
    """What the policy says of work without pods.

    ``ignore_priority_below`` is the priority below which work is no demand; ``default_request`` what a pod counts as
    that asks for nothing, None where such pods are not counted. ``horizon_s`` is how far ahead starts of CronJobs are
    told.
    """

    quota: QuotaWords = field(default_factory=QuotaWords)
    ignore_priority_below: int = 0
    default_request: Request | None = None
    horizon_s: int = cron_jobs.HORIZON_S


class Told(NamedTuple):
    """What waits, the gang of each pod, and what a person should hear of.

    ``unread`` says what could not be read and why: kinds that we may not read, schedules, and Workloads where one of
    Kueue's quotas is no amount. ``limited`` are autoscalers at their most replicas, whose demand nobody can see.
    """

    needs: tuple[Need, ...]
    gang_of: Gangs
    unread: tuple[str, ...] = ()
    limited: tuple[str, ...] = ()


def all_needs(state: State, words: Words, now_s: int) -> Told:
    """Every piece of work whose pods, or some of them, are not there, each told once."""
    seen = seen_of(state)
    members = members_of(seen)
    sources: tuple[tuple[str, Callable[[], Iterable[Need]]], ...] = (
        ("Workloads", lambda: kueue.needs(members, words.quota, now_s)),
        ("JobSets", lambda: job_sets.needs(members)),
        ("PodGroups of Volcano", lambda: volcano.needs(members)),
        ("PodGroups of KAI", lambda: kai.needs(members)),
        ("LeaderWorkerSets", lambda: leader_worker_sets.needs(members)),
        ("Jobs", lambda: jobs.needs(members)),
        ("RayClusters", lambda: ray.needs(members)),
        ("Deployments and StatefulSets", lambda: apps.needs(members)),
        ("CronJobs", lambda: cron_jobs.needs(seen, now_s, words.horizon_s)),
    )
    gangs = Gangs(members)
    found: list[Need] = []
    ours = {resource.name for resource in LISTED}
    unread = [f"{name} may not be read" for name in sorted(ours.intersection(state.denied))]
    unread += [f"CronJob {name}: {why}" for name, why in cron_jobs.unread(seen)]
    for name, source in sources:
        try:
            found += source()
        except ValueError as error:
            unread.append(f"{name}: {error}")
    needs = (_judged(_in_group(need, gangs), words) for need in found)
    return Told(tuple(map(_with_state, needs)), gangs, tuple(unread), apps.limited(seen))


def _in_group(need: Need, gangs: Gangs) -> Need:
    """The need with what its PodGroup says of it, whoever tells of its pods."""
    gang = gangs.of_group(need.id)
    if gang is None:
        return need
    held, why = (need.held, need.why) if need.held is not None else (gang.held, gang.why)
    return changed(need, together=gang.together, held=held, why=why, queue=gang.queue or need.queue)


def _judged(need: Need, words: Words) -> Need:
    """The need as it counts: held where no move could ever help it, or where the policy does not want it counted."""
    if need.held is None and (why := next((part.why for part in need.parts if part.why), "")):
        return changed(need, held=Held.IMPOSSIBLE, why=why)
    empty = [part for part in need.parts if not part.request]
    if empty and words.default_request is not None:
        need = changed(need, parts=tuple(_asking(part, words.default_request) for part in need.parts))
    if need.held is not None:
        return need
    if need.priority < words.ignore_priority_below:
        why = f"its priority of {need.priority} is below {words.ignore_priority_below}"
        return changed(need, held=Held.LOW_PRIORITY, why=why)
    if any(names_nodes(part.place) for part in need.parts):
        return changed(need, held=Held.IMPOSSIBLE, why="it wants certain nodes by name")
    if any(tolerates_us(part.place) for part in need.parts):
        why = "it tolerates our taint: no move opens a node to it that was closed before"
        return changed(need, held=Held.IMPOSSIBLE, why=why)
    if len(empty) == len(need.parts) and words.default_request is None:
        return changed(need, held=Held.INVISIBLE, why="it asks for nothing")
    return need


def _with_state(need: Need) -> Need:
    return need if need.held is None else changed(need, state=WorkState.HELD)


def _asking(part: Part, request: Request) -> Part:
    return part if part.request else Part(part.count, request, part.place)
