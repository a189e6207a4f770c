"""Kueue's Workloads: pods that are not made, or not let go, before a queue has quota for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connectors.kube.demand.kueue_flavors import Asked, Choice, chosen, placed
from connectors.kube.demand.kueue_limits import amount, limits_of
from connectors.kube.demand.listed import CLUSTER_QUEUES, FLAVORS, JOBS, LOCAL_QUEUES
from connectors.kube.demand.members import KUEUE, Members
from connectors.kube.demand.need import NOTHING, Need, Part, Request
from connectors.kube.demand.place import place_of
from connectors.kube.demand.requests import template_request
from connectors.kube.demand.seen import Seen
from connectors.kube.demand.sources import jobs
from connectors.kube.demand.sources.kueue_standing import (
    Queues,
    QuotaWords,
    admitted,
    standing_by_quota,
    standing_of,
)
from connectors.kube.demand.sources.parts import changed, need_of
from connectors.kube.wire.kueue import PodSet, Workload
from connectors.kube.wire.pods import Amounts, Pod

PODSET_LABEL = f"{KUEUE}podset"
_DEFAULTED = ("cpu", "memory", "ephemeral-storage")  # what a LimitRange gives to pods that ask for none


def needs(members: Members, words: QuotaWords, now_s: int) -> Iterator[Need]:
    """The need of every Workload that counts: all of its pods but those that run or wait for a node by themselves."""
    queues: Queues | None = None
    for workload in members.workloads_named.values():
        queues = queues or _queues(members.seen, words)
        try:
            need = _need(members, workload, queues, words, now_s)
        except ValueError as error:
            part = Part(pods_in(workload), NOTHING, why=str(error))
            need = need_of(workload.metadata, "workloads", piece(members, workload), [part])
        if need.parts:
            yield need


def piece(members: Members, workload: Workload) -> str:
    """What the piece of work is called that a Workload is: as its owner's, if it has one alone.

    A Workload for one group of several of the same owner's does not name it as what controls it.
    """
    seen, references = members.seen, workload.metadata.owner_references or ()
    chain = seen.owners.chain(workload.metadata)
    if len(chain) > 1:
        return chain[-1] if len(chain) == 2 else f"{chain[-1]}/{chain[1]}"
    return f"{references[0].uid}/{workload.metadata.uid}" if len(references) == 1 else workload.metadata.uid


def gated(pod: Pod) -> bool:
    """Whether it is Kueue alone that holds the pod off the scheduler: its Workload tells of it."""
    gates = pod.spec.scheduling_gates or ()
    return bool(gates) and all(gate.name.startswith(KUEUE) for gate in gates)


def pods_in(workload: Workload) -> int:
    """How many pods a Workload has in all."""
    return sum(one.count for one in workload.spec.pod_sets or ())


def _queues(seen: Seen, words: QuotaWords) -> Queues:
    return Queues(
        {(one.metadata.namespace, one.metadata.name): one for one in seen.every(LOCAL_QUEUES).values()},
        {one.metadata.name: one for one in seen.every(CLUSTER_QUEUES).values()},
        {one.metadata.name: one for one in seen.every(FLAVORS).values()},
        limits_of(seen, words.growth),
    )


def _need(members: Members, workload: Workload, queues: Queues, words: QuotaWords, now_s: int) -> Need:
    queue = queues.cluster_queue(workload)
    choice = _choice(workload, queue, queues, words)
    standing = standing_of(workload, queues, now_s)
    if standing is None:
        grows = any((queue, flavor) in words.growth for one in choice.given.values() for flavor in one.values())
        standing = standing_by_quota(workload, words.word, choice, grows=grows)
    given = dict(sorted(pair for one in choice.given.values() for pair in one.items()))
    need = need_of(workload.metadata, "workloads", piece(members, workload), _parts(members, workload, queues, choice))
    return changed(
        need,
        together=pods_in(workload) > 1,
        priority=workload.spec.priority or 0,
        queue=workload.spec.queue_name or "",
        flavors=tuple(given.items()),
        limit_s=workload.spec.maximum_execution_time_seconds,
        held=standing.held,
        why=standing.why,
        begins_s=standing.begins_s,
    )


def _choice(workload: Workload, name: str, queues: Queues, words: QuotaWords) -> Choice:
    """The flavours that Kueue has given to its pod sets, or those that it could be given."""
    if workload.status.admission is not None:
        assignments = workload.status.admission.pod_set_assignments or ()
        return Choice({one.name: one.flavors or {} for one in assignments})
    queue = queues.cluster.get(name)
    if queue is None:
        return Choice({})
    told = {one.name: one.resources for one in workload.status.resource_requests or ()}
    asked = [
        Asked(one.name, place_of(one.template.spec), _total(one, told.get(one.name)))
        for one in workload.spec.pod_sets or ()
    ]
    follows = [flavor for of, flavor in words.growth if of == name]
    return chosen(asked, queue, queues.flavors, queues.limits, follows)


def _total(one: PodSet, told: Amounts | None) -> Request:
    """What the least number of pods that would start ask for together: as Kueue has worked it out, else by template."""
    least = one.count if one.min_count is None else one.min_count
    if told is None:
        total = {name: least * value for name, value in template_request(one.template.spec).items()}
    else:
        total = {name: amount(name, value) * least // max(1, one.count) for name, value in told.items()}
    return total | {"pods": least}


def _parts(members: Members, workload: Workload, queues: Queues, choice: Choice) -> Iterator[Part]:
    sets = workload.spec.pod_sets or ()
    pods = [pod for pod in members.pods_of.get(workload.metadata.uid, ()) if not gated(pod)]
    wanted = _wanted(members, workload)
    there = _there(sets, wanted, pods)
    for one in sets:
        yield Part(
            wanted[one.name] - there[one.name],
            _request(workload, one),
            placed(place_of(one.template.spec), choice.given.get(one.name, {}).values(), queues.flavors),
        )


def _wanted(members: Members, workload: Workload) -> dict[str, int]:
    """How many pods of each set are to be there: none of what needs nothing any more, or has done its work."""
    admission = workload.status.admission
    counts = {one.name: one.count for one in (admission.pod_set_assignments or () if admission else ())}
    done = {one.name: one.count for one in workload.status.reclaimable_pods or ()}
    wanted = {}
    for one in workload.spec.pod_sets or ():
        count = counts.get(one.name)
        wanted[one.name] = max(0, (one.count if count is None else count) - done.get(one.name, 0))
    owner = workload.metadata.controller
    job = members.seen.every(JOBS).get(owner.uid) if owner is not None else None
    if job is not None and admitted(workload) and len(wanted) == 1:
        wanted = {name: min(count, jobs.wanted(job, members.seen)) for name, count in wanted.items()}
    return wanted


def _there(sets: Sequence[PodSet], wanted: Mapping[str, int], pods: Sequence[Pod]) -> dict[str, int]:
    """How many pods of each set are there; those that name none of them fill the sets in their order."""
    there = dict.fromkeys((one.name for one in sets), 0)
    unnamed = 0
    for pod in pods:
        name = (pod.metadata.labels or {}).get(PODSET_LABEL, "")
        if name in there:
            there[name] += 1
        else:
            unnamed += 1
    for name in there:
        more = min(unnamed, max(0, wanted[name] - there[name]))
        there[name] += more
        unnamed -= more
    return there


def _request(workload: Workload, one: PodSet) -> Request:
    """What one pod of a set asks for: by its template, and as Kueue tells it where defaults are added later."""
    request = dict(template_request(one.template.spec))
    count, told = one.count, None
    admission = workload.status.admission
    for assigned in (admission.pod_set_assignments or ()) if admission else ():
        if assigned.name == one.name:
            count, told = assigned.count or one.count, assigned.resource_usage
    for asked in workload.status.resource_requests or ():
        if asked.name == one.name:
            told = asked.resources
    for name in _DEFAULTED if told and count else ():
        if name in (told or {}) and name not in request:
            request[name] = -(-amount(name, (told or {})[name]) // count)
    return request
