"""Whether each node of a pool is there under the name that the policy makes of it, and is the machine that HPC has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from connectors.checkup.format import cut, folded, nodes, plain
from connectors.kube.checkup.commands import kubectl
from connectors.kube.checkup.pools import SeenPool
from connectors.kube.names import POOL, PoolNames
from connectors.kube.nodes import is_ready, offers_of
from connectors.kube.wire.nodes import Node
from models.findings import Finding, skipped, warning, well, wrong
from models.nodes import NodeShape

NAMES, SHAPES = "kubernetes.names", "kubernetes.shapes"
NAME = "{name}"
MEMORY_APART = 0.6  # of what the other side has; kubelet keeps some for itself
CPU_APART = 0.45  # one side may count threads, the other cores
LISTED_MOST = 10


def names_findings(pools: Sequence[SeenPool], there: Mapping[str, Node]) -> Iterator[Finding]:
    """Whether Kubernetes has the nodes of each pool."""
    for pool in pools:
        yield from _pool(pool, there)
    known = {name for pool in pools for name in pool.nodes}
    for pool_name, others in sorted(_strays(there, known).items()):
        yield warning(
            NAMES,
            f"{nodes(others)} bear the label {POOL}={plain(pool_name)}, and are in no pool of the policy: Tidegate"
            " looks after them no more",
            "Put them back into the policy, or see that no taint of ours is left and remove the label:",
            kubectl("get", "nodes", "-l", POOL, "-L", POOL, "-L", "tidegate.dev/side"),
        )


def _strays(there: Mapping[str, Node], known: set[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, node in there.items():
        label = (node.metadata.labels or {}).get(POOL)
        if label is not None and name not in known:
            found.setdefault(label, []).append(name)
    return found


def _pool(pool: SeenPool, there: Mapping[str, Node]) -> Iterator[Finding]:
    if pool.names is None:
        yield skipped(
            NAMES,
            f"which nodes pool {pool.name} has is not known: the HPC side was not read, and the policy names none;"
            " below all nodes of Kubernetes are taken for its",
        )
        return
    missing = sorted(name for name in pool.names.hpc if name not in there)
    if missing:
        yield _missing(pool.name, pool.names, missing, there)
    else:
        yield well(NAMES, f"pool {pool.name}: Kubernetes has all of its {len(pool.nodes)} nodes")


def _missing(pool: str, names: PoolNames, missing: Sequence[str], there: Mapping[str, Node]) -> Finding:
    what = f"pool {pool}: Kubernetes has no {nodes(missing)}"
    show = kubectl("get", "nodes", "-o", "name")
    if template := _template(names, missing, there):
        found = (template.replace(NAME, names.hpc[name]) for name in missing)
        return wrong(
            NAMES,
            f"{what}, but it has {plain(next(name for name in found if name in there))}",
            f"Write kubernetesName: '{plain(template)}' for pool {pool} in the policy; see:",
            show,
        )
    cased = [name for name in missing if name.lower() in there]
    if cased:
        return wrong(
            NAMES,
            f"{what}, but it has {plain(cased[0].lower())}: names have no capitals there",
            "Let the HPC scheduler call them in lower case (in Slurm NodeName; NodeHostname may stay).",
            show,
        )
    if len(missing) == len(names.hpc):
        remedy = f"Mend nodes or kubernetesName of pool {pool} in the policy; these are the names that Kubernetes has:"
    else:
        remedy = "They cannot change sides. Join them, or take them out of the pool; these are there:"
    return wrong(NAMES, what, remedy, show)


def _template(names: PoolNames, missing: Sequence[str], there: Mapping[str, Node]) -> str:
    """What at least half of the missing nodes would be found by; empty where nothing is."""
    endings: dict[str, list[str]] = {}
    for name in there:
        host, dot, domain = name.partition(".")
        endings.setdefault(host, []).append(dot + domain)
    found = Counter(ending for name in missing for ending in endings.get(names.hpc[name], ()))
    best, count = max(found.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    return f"{NAME}{best}" if count and 2 * count >= len(missing) else ""


def shapes_findings(pools: Sequence[SeenPool]) -> Iterator[Finding]:
    """Whether a node is as large for Kubernetes as for the HPC side, so that it can be the same machine."""
    for pool in pools:
        apart: dict[str, list[str]] = {}
        alike: list[str] = []
        for name, node in pool.nodes.items():
            if pool.names is None or (hpc := pool.hpc.get(pool.names.hpc[name])) is None:
                continue
            if not is_ready(node):
                continue
            if what := _apart(offers_of(node), hpc):
                apart.setdefault(what, []).append(name)
            else:
                alike.append(name)
        for what, names in list(apart.items())[:LISTED_MOST]:
            yield warning(
                SHAPES,
                f"pool {pool.name}: {nodes(names)} of another size for Kubernetes than for the HPC side: {what}",
                "See that a name is the same machine on both sides, and what each was configured to offer:",
                kubectl("describe", "node", names[0]),
            )
        if alike and not apart:
            yield well(SHAPES, f"pool {pool.name}: {cut(folded(alike))} as large for both sides")


def _apart(kubernetes: NodeShape | None, hpc: NodeShape) -> str:
    if kubernetes is None:
        return "it tells no size"
    found = []
    if _far(kubernetes.cpu_milli, hpc.cpu_milli, CPU_APART):
        found.append(f"{kubernetes.cpu_milli // 1000} and {hpc.cpu_milli // 1000} processors")
    if _far(kubernetes.memory_mib, hpc.memory_mib, MEMORY_APART):
        found.append(f"{kubernetes.memory_mib} and {hpc.memory_mib} MiB")
    if kubernetes.gpu_milli and hpc.gpu_milli and kubernetes.gpu_milli != hpc.gpu_milli:
        found.append(f"{kubernetes.gpu_milli // 1000} and {hpc.gpu_milli // 1000} GPUs")
    return ", ".join(found)


def _far(one: int, other: int, apart: float) -> bool:
    return min(one, other) < apart * max(one, other)
