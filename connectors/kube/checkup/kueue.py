"""Kueue, where it is: what its quota has to do with the nodes that move, and what the policy says of that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from basics.text import some
from connectors.checkup.format import plain
from connectors.kube.checkup.commands import kubectl
from connectors.kube.checkup.pools import SeenPool
from connectors.kube.checkup.quota_looks import (
    FOLLOWS,
    amount,
    chooses,
    flavors_of,
    is_open,
    least_left,
    looks,
    quotas_in,
)
from connectors.kube.wire.kueue_queues import ClusterQueue, ResourceFlavor
from connectors.kube.wire.nodes import Node
from models.findings import Finding, warning, well, wrong
from models.nodes import Side
from models.policies import Mode
from models.pools import KueuePolicy

CHECK = "kubernetes.kueue"
Pair = tuple[str, str]  # a ClusterQueue and a flavor of its


@dataclass(frozen=True, slots=True)
class Kueue:
    """What it has, by name, and all nodes."""

    queues: Mapping[str, ClusterQueue]
    flavors: Mapping[str, ResourceFlavor]
    nodes: Sequence[Node]


def absent_findings(pools: Sequence[SeenPool]) -> Iterator[Finding]:
    """What the policy says of a Kueue that is not there."""
    for pool in pools:
        if (told := pool.policy.kubernetes.kueue) is not None:
            say = wrong if told.quota == FOLLOWS else warning
            yield say(
                CHECK,
                f"pool {pool.name}: the policy says kueue.quota: {told.quota}, and Kueue is not served here",
                f"Take kueue out of pool {pool.name} in the policy, or install Kueue.",
                kubectl("get", "crd", "clusterqueues.kueue.x-k8s.io"),
            )


def kueue_findings(pools: Sequence[SeenPool], kueue: Kueue, mode: Mode) -> Iterator[Finding]:
    """What Kueue's quota looks like for each pool, and whether the policy says so."""
    for pool in pools:
        told = pool.policy.kubernetes.kueue
        candidates = _candidates(pool, kueue)
        if told is None:
            yield from _unsaid(pool, candidates, kueue, mode)
        elif told.quota == FOLLOWS:
            yield from _follows(pool, told, candidates, kueue)
        else:
            yield from _said(pool, told.quota, candidates, kueue)


def _candidates(pool: SeenPool, kueue: Kueue) -> list[Pair]:
    """Queues with a flavor that chooses all nodes of the pool, the flavors with most labels before others."""
    nodes = list(pool.nodes.values())
    fitting = {
        name: len(flavor.spec.node_labels or {})
        for name, flavor in kueue.flavors.items()
        if nodes and all(chooses(flavor, node) for node in nodes)
    }
    most = max(fitting.values(), default=0)
    pairs = [(queue, flavor.name) for queue, one in kueue.queues.items() for flavor in flavors_of(one)]
    known = sorted({pair for pair in pairs if pair[1] in fitting})
    return [pair for pair in known if fitting[pair[1]] == most] or known


def _unsaid(pool: SeenPool, candidates: Sequence[Pair], kueue: Kueue, mode: Mode) -> Iterator[Finding]:
    if not candidates:
        yield well(CHECK, f"pool {pool.name}: Kueue runs, and no flavor of its queues chooses the pool's nodes")
        return
    words, figures = _looks(candidates, kueue)
    say = wrong if mode is Mode.AUTO else warning
    yield say(
        CHECK,
        f"pool {pool.name}: the policy does not say what Kueue's quota has to do with its nodes; it looks like"
        f" {' or '.join(words) or 'nothing that can be told'}{figures}",
        _proposal(pool.name, words, candidates),
        kubectl("get", "clusterqueues", "-o", "yaml"),
    )


def _proposal(pool: str, words: Sequence[str], candidates: Sequence[Pair]) -> str:
    follows = FOLLOWS in words or not words
    if not follows:
        return f"Write kubernetes: {{kueue: {{quota: {words[0]}}}}} for pool {pool} in the policy, if that is meant."
    if len(candidates) == 1:
        queue, flavor = map(plain, candidates[0])
        text = f"kubernetes: {{kueue: {{quota: follows, clusterQueue: {queue}, flavor: {flavor}}}}}"
        return f"If Tidegate is to change the quota with each node, write {text} for pool {pool} in the policy."
    several = some(f"{queue} with {flavor}" for queue, flavor in candidates)
    return (
        f"If Tidegate is to change the quota with each node, write quota: follows for pool {pool} in the policy, with"
        f" the clusterQueue and flavor that are meant; these would do: {several}."
    )


def _looks(candidates: Sequence[Pair], kueue: Kueue) -> tuple[tuple[str, ...], str]:
    """What the quota of the candidates' flavors looks like, and the figures of the first; no word where they differ."""
    found = []
    for name in dict.fromkeys(flavor for _, flavor in candidates):
        if (seen := looks(kueue.flavors[name], kueue.queues.values(), kueue.nodes)) is not None:
            found.append(seen)
    words = {one.words for one in found}
    return (words.pop(), f" ({found[0].told()})") if len(words) == 1 else ((), "")


def _said(pool: SeenPool, word: str, candidates: Sequence[Pair], kueue: Kueue) -> Iterator[Finding]:
    words, figures = _looks(candidates, kueue)
    if words and word not in words:
        yield warning(
            CHECK,
            f"pool {pool.name}: the policy says kueue.quota: {word}, but it looks like {' or '.join(words)}{figures}",
            _proposal(pool.name, words, candidates),
            kubectl("get", "clusterqueues", "-o", "yaml"),
        )
    else:
        yield well(CHECK, f"pool {pool.name}: Kueue's quota is {word}{figures}")


def _follows(pool: SeenPool, told: KueuePolicy, candidates: Sequence[Pair], kueue: Kueue) -> Iterator[Finding]:
    queue, flavor = kueue.queues.get(told.cluster_queue or ""), kueue.flavors.get(told.flavor or "")
    known = f"these would do: {some(f'{one} with {other}' for one, other in candidates)}" if candidates else "see:"
    remedy = f"Mend kueue.clusterQueue and kueue.flavor of pool {pool.name} in the policy; {known}"
    show = kubectl("get", "clusterqueues,resourceflavors", "-o", "yaml")
    if queue is None:
        yield wrong(CHECK, f"pool {pool.name}: there is no ClusterQueue {told.cluster_queue}", remedy, show)
        return
    if flavor is None or not any(one.name == told.flavor for one in flavors_of(queue)):
        what = f"pool {pool.name}: ClusterQueue {told.cluster_queue} has no flavor {told.flavor}"
        yield wrong(CHECK, what, remedy, show)
        return
    others = [name for name, node in pool.nodes.items() if not chooses(flavor, node)]
    if others:
        yield wrong(
            CHECK,
            f"pool {pool.name}: flavor {told.flavor} does not choose {len(others)} of its {len(pool.nodes)} nodes"
            f" ({some(others)}): its quota would change with nodes that are not its own",
            remedy,
            show,
        )
        return
    words, figures = _looks([(queue.metadata.name, flavor.metadata.name)], kueue)
    if words and FOLLOWS not in words:
        yield warning(
            CHECK,
            f"pool {pool.name}: Kueue's quota is to follow the nodes, and is not that of the open ones now{figures}",
            "Set nominalQuota to what the nodes offer that are open; from then on Tidegate changes it.",
            kubectl("edit", "clusterqueue", queue.metadata.name),
        )
    else:
        yield well(CHECK, f"pool {pool.name}: Kueue's quota follows the nodes{figures}")
    yield from _lending(pool, queue, flavor)


def _lending(pool: SeenPool, queue: ClusterQueue, flavor: ResourceFlavor) -> Iterator[Finding]:
    """Limits that would be above the quota once nodes have left: Kueue refuses such a change."""
    nodes = list(pool.nodes.values())
    opened = sum(map(is_open, nodes))
    leaving = max(0, opened - pool.policy.floor_of(Side.KUBERNETES, len(nodes)))
    for one in quotas_in(queue, flavor.metadata.name):
        if one.lending_limit is None:
            continue
        left = least_left(amount(one.name, one.nominal_quota), one.name, nodes, leaving)
        if amount(one.name, one.lending_limit) > left:
            yield warning(
                CHECK,
                f"pool {pool.name}: lendingLimit {plain(str(one.lending_limit))} of {plain(one.name)} is more than"
                f" would be left of the quota with {leaving} nodes fewer, and Kueue refuses a quota below it",
                "Lower lendingLimit, or raise the floor of Kubernetes in the policy.",
                kubectl("edit", "clusterqueue", queue.metadata.name),
            )
