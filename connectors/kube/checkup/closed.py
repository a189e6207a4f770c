"""What nodes are closed with: taints that a pool always has, cordons, and our own taint with somebody else's mark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from basics.text import count
from connectors.checkup.format import nodes, plain
from connectors.kube.checkup.commands import kubectl
from connectors.kube.checkup.placing import CLOSING
from connectors.kube.checkup.pools import SeenPool
from connectors.kube.names import MARK, RECORD, SIDE
from connectors.kube.nodes import Rules, closed_by_others, node_of
from models.findings import Finding, warning, well, wrong
from models.handovers import MARK_PREFIX, of_tidegate, ours
from models.identity import PoolId, scope_of

TAINTS, CLOSED, MARKS = "kubernetes.taints", "kubernetes.cordons", "kubernetes.marks"
PASSING = ("node.kubernetes.io/", "karpenter.sh/", "ToBeDeletedByClusterAutoscaler", "DeletionCandidate")
NAMED_MOST = 10  # nodes in one command
MOST = 0.5  # of a pool's nodes have a taint that they always have


def taint_findings(pools: Sequence[SeenPool]) -> Iterator[Finding]:
    """Taints that most nodes of a pool have and the policy does not name; other closings of single nodes."""
    for pool in pools:
        usual = frozenset(pool.policy.kubernetes.taints)
        lasting = _lasting(pool, usual)
        if lasting:
            keys = ", ".join(plain(key) for key in lasting)
            yield wrong(
                TAINTS,
                f"pool {pool.name}: most nodes have the taint {keys}, which the policy does not name, so they count as"
                " closed by others and never move",
                f"If they always have it, write kubernetes: {{taints: [{keys}]}} for pool {pool.name} in the policy.",
                kubectl("get", "nodes", "-o", "custom-columns=NAME:.metadata.name,TAINTS:.spec.taints[*].key"),
            )
        elif pool.nodes and usual:
            yield well(TAINTS, f"pool {pool.name}: no taints but those that the policy names are on most of its nodes")
        yield from _closed(pool, usual | frozenset(lasting))


def _lasting(pool: SeenPool, usual: frozenset[str]) -> list[str]:
    counts: Counter[str] = Counter()
    for node in pool.nodes.values():
        counts.update(
            {
                taint.key
                for taint in node.spec.taints or ()
                if taint.effect in CLOSING and taint.key not in (*usual, SIDE) and not taint.key.startswith(PASSING)
            }
        )
    return sorted(key for key, count in counts.items() if count > MOST * len(pool.nodes))


def _closed(pool: SeenPool, usual: frozenset[str]) -> Iterator[Finding]:
    groups: dict[str, list[str]] = {}
    for name, node in pool.nodes.items():
        if why := closed_by_others(node, usual):
            groups.setdefault(why, []).append(name)
    for why, names in sorted(groups.items()):
        command = kubectl("uncordon", names[0]) if why == "cordoned" else kubectl("describe", "node", names[0])
        yield warning(
            CLOSED,
            f"pool {pool.name}: {nodes(names)} closed by others ({plain(why)})",
            "They do not move until whoever closed them opens them:",
            command,
        )
    if pool.nodes and not groups:
        yield well(CLOSED, f"pool {pool.name}: no node is closed by others")


def mark_findings(site: str, pools: Sequence[SeenPool]) -> Iterator[Finding]:
    """Nodes of a pool that our taint closes: whose closing it is."""
    for pool in pools:
        scope = PoolId(site, pool.name).scope
        foreign: dict[str, list[str]] = {}
        persons: dict[str, list[str]] = {}
        mine = 0
        for name, node in pool.nodes.items():
            mark = node_of(name, node, (), Rules()).closed_by
            if mark is None:
                continue
            if not of_tidegate(mark):
                persons.setdefault(mark, []).append(name)
            elif ours(mark, scope):
                mine += 1
            else:
                foreign.setdefault(scope_of(mark.removeprefix(MARK_PREFIX)) or mark, []).append(name)
        yield from _foreign(pool.name, foreign)
        yield from _persons(pool.name, persons)
        if mine:
            yield well(MARKS, f"pool {pool.name}: {count(mine, 'node')} closed for the HPC side")


def _persons(pool: str, persons: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    for value, names in sorted(persons.items()):
        yield warning(
            MARKS,
            f"pool {pool}: {nodes(names)} closed by a person with {SIDE} ({plain(value)}): only a person opens them",
            "To give them back to Kubernetes, once they are drained on the HPC side:",
            kubectl("taint", "node", *names[:NAMED_MOST], f"{SIDE}-"),
        )


def _foreign(pool: str, foreign: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    for other, names in sorted(foreign.items()):
        yield wrong(
            MARKS,
            f"pool {pool}: {nodes(names)} closed by another Tidegate, of site and pool {plain(other)}: neither may open"
            " what the other has closed",
            "Leave each node to one site and pool. If that one is gone, or has been renamed, let it be nobody's"
            " closing, which this policy then takes over:",
            kubectl("annotate", "node", *names[:NAMED_MOST], f"{MARK}-", f"{RECORD}-"),
        )
