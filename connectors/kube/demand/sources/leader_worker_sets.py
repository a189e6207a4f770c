"""LeaderWorkerSets: groups of a leader and its workers, each of which starts as a whole."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice

from connectors.kube.demand.listed import LEADER_WORKER_SETS
from connectors.kube.demand.members import Members
from connectors.kube.demand.need import Need
from connectors.kube.demand.sources.parts import changed, need_of, part_of
from connectors.kube.wire.leader_worker_sets import LeaderWorkerSet
from connectors.kube.wire.meta import Metadata
from connectors.kube.wire.pods import Pod

_LABELS = "leaderworkerset.sigs.k8s.io/"
INDEX_LABEL = f"{_LABELS}group-index"
WORKER_LABEL = f"{_LABELS}worker-index"
GROUPS_MOST = 1000  # that are told of one namespace: anybody may ask for two thousand million replicas


def needs(members: Members) -> Iterator[Need]:
    """One need for each group that is not there, or not whole, of sets that Kueue does not count; of one namespace the
    first GROUPS_MOST."""
    told: Counter[str] = Counter()
    for one in members.seen.every(LEADER_WORKER_SETS).values():
        if one.metadata.deletion_timestamp or members.counted_above(one.metadata):
            continue
        namespace = one.metadata.namespace
        for need in islice(_lacking(members, one), GROUPS_MOST - told[namespace]):
            told[namespace] += 1
            yield need


def _lacking(members: Members, one: LeaderWorkerSet) -> Iterator[Need]:
    groups: defaultdict[str, list[Pod]] = defaultdict(list)
    for pod in members.seen.below.get(one.metadata.uid, ()):
        groups[index_of(pod.metadata)].append(pod)
    replicas = 1 if one.spec.replicas is None else one.spec.replicas
    for index in map(str, range(replicas)):
        need = _need(members, one, index, groups.get(index, []))
        if need.parts:
            yield need


def index_of(metadata: Metadata) -> str:
    """Which group of its set a pod belongs to."""
    return (metadata.labels or {}).get(INDEX_LABEL, "")


def group_piece(one: Metadata, index: str) -> str:
    """What the piece of work is called that one group of a set is."""
    return f"{one.uid}/{index}"


def _need(members: Members, one: LeaderWorkerSet, index: str, pods: Sequence[Pod]) -> Need:
    template = one.spec.leader_worker_template
    size = 1 if template.size is None else template.size
    leaders = sum((pod.metadata.labels or {}).get(WORKER_LABEL) == "0" for pod in pods)
    leader = (template.leader_template or template.worker_template).spec
    parts = (
        part_of(leader, max(0, 1 - leaders)),
        part_of(template.worker_template.spec, max(0, size - 1 - (len(pods) - leaders))),
    )
    named = next((group for pod in pods if (group := members.group_of(pod.metadata, pod)) is not None), None)
    work = group_piece(one.metadata, index) if named is None else members.seen.owners.piece(named.metadata)
    priority = members.seen.priority(leader)
    return changed(need_of(one.metadata, "leaderworkersets", work, parts), together=True, priority=priority)
