"""Which side may use each node of a pool now: one that is open to both is given to the HPC side in mode auto."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from basics.text import count
from connectors.checkup.format import folded, nodes
from connectors.kube.checkup.closed import NAMED_MOST
from connectors.kube.checkup.commands import kubectl
from connectors.kube.checkup.pools import SeenPool
from connectors.kube.names import HPC, NO_SCHEDULE, SIDE
from connectors.kube.nodes import Rules, node_of
from models.findings import Finding, warning, well, wrong
from models.policies import Mode

SIDES = "kubernetes.sides"


def side_findings(pools: Sequence[SeenPool], drained: Collection[str] | None, mode: Mode) -> Iterator[Finding]:
    """How many nodes each side has, and which are open to both. ``drained`` are those that the HPC side's scheduler has
    closed, by its names; None where that is not known."""
    if drained is None:
        return
    for pool in pools:
        yield from _pool(pool, drained, mode)


def _pool(pool: SeenPool, drained: Collection[str], mode: Mode) -> Iterator[Finding]:
    owners: dict[tuple[bool, bool], list[str]] = {}
    rules = Rules(frozenset(pool.policy.kubernetes.taints))
    for name, node in pool.nodes.items():
        here = pool.names.hpc[name] if pool.names is not None else name
        if here in pool.hpc:
            shown = node_of(here, node, (), rules)
            closed = shown.closed_by is not None or shown.cordoned
            owners.setdefault((here not in drained, not closed), []).append(name)
    if both := owners.get((True, True)):
        yield _both(pool, both, mode)
    elif owners:
        hpc, kubernetes = len(owners.get((True, False), ())), len(owners.get((False, True), ()))
        neither = len(owners.get((False, False), ()))
        more = f", {count(neither, 'node')} closed to both" if neither else ""
        yield well(SIDES, f"pool {pool.name}: HPC has {count(hpc, 'node')}, Kubernetes {kubernetes}{more}")


def _both(pool: SeenPool, both: Sequence[str], mode: Mode) -> Finding:
    names = sorted(both)
    here = names if pool.names is None else [pool.names.hpc[name] for name in names]
    return (wrong if mode is Mode.AUTO else warning)(
        SIDES,
        f"pool {pool.name}: {nodes(names)} open to both sides: jobs and pods may meet there, and mode auto closes them"
        " to Kubernetes at once",
        "Say of each whose it is: close the HPC side's to pods, and drain Kubernetes' (each command with those nodes"
        " only):",
        kubectl("taint", "node", *names[:NAMED_MOST], f"{SIDE}={HPC}:{NO_SCHEDULE}"),
        f"scontrol update nodename={folded(here)} state=drain reason=tidegate:initial",
    )
