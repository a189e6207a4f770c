"""How long Kubernetes demand takes to work out: 5,000 nodes and 10,000 pods of 50 kinds.

* all of it anew after one pod has changed: the bar is 60 ms;
* how many nodes 10,000 pods need, packed: the bar is 50 ms.

Milliseconds of processor time, the middle of several. The bars are told and not enforced, because they depend on the
machine.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec

from connectors.kube.demand.assembled import Demands, pool_demand
from connectors.kube.demand.known import Known
from connectors.kube.demand.packing import nodes_needed
from connectors.kube.demand.pods import Rules
from connectors.kube.demand.pools import Pool
from connectors.kube.demand.requests import request_of
from connectors.kube.wire.nodes import Node
from connectors.kube.wire.pods import Pod

NODES, PODS, KINDS, RUNS, NOW_S = 5_000, 10_000, 50, 15, 1_796_040_000
CREATED = "2026-11-30T10:00:00Z"
ROWS = {  # part of the pods that waits, and how many pods one owner has
    "a fifth waits, 20 pods to a Job": (0.2, 20),
    "half waits, 20 pods to a Job": (0.5, 20),
    "all run, each alone": (0.0, 1),
    "all wait, each alone": (1.0, 1),
}


def node(number: int, rng: random.Random) -> Node:
    """One of a pool's nodes: alike, but for a few KiB of memory, its rack and its name."""
    name = f"n{number}"
    labels = {"kubernetes.io/hostname": name, "gpu": "a100", "rack": f"r{number // 40}"}
    labels |= {f"label-{one}": "x" for one in range(15)}
    memory = f"{260_000_000 + rng.randrange(1000)}Ki"
    status = {
        "allocatable": {"cpu": "64", "memory": memory, "nvidia.com/gpu": "8", "pods": "110"},
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    return msgspec.convert({"metadata": {"name": name, "labels": labels}, "status": status}, Node)


def pod(number: int, kind: dict[str, Any], on: str, alike: int) -> Pod:
    """One pod of an owner that has ``alike`` of them."""
    looked = {"type": "PodScheduled", "status": "True" if on else "False", "reason": None if on else "Unschedulable"}
    owner = {"uid": f"o{number // alike}", "kind": "Job", "controller": True}
    told = {
        "metadata": {"name": f"p{number}", "namespace": f"team{number % 30}", "uid": f"u{number}",
                     "creationTimestamp": CREATED, "ownerReferences": [owner]},
        "spec": {"containers": [{"name": "main", "resources": {"requests": kind}}], "nodeSelector": {"gpu": "a100"},
                 "nodeName": on or None},
        "status": {"phase": "Running" if on else "Pending", "startTime": CREATED if on else None,
                   "conditions": [looked]},
    }  # fmt: skip
    return msgspec.convert(told, Pod)


def timed(act: Callable[[], object]) -> float:
    """Milliseconds of processor time."""
    begin_s = time.process_time()
    act()
    return (time.process_time() - begin_s) * 1000


def main() -> None:
    """Measure and tell."""
    rng = random.Random(3)  # noqa: S311
    kinds = [{"cpu": str(rng.randint(1, 32)), "memory": f"{rng.randint(1, 100)}Gi", "nvidia.com/gpu": rng.randint(0, 8)}
             for _ in range(KINDS)]  # fmt: skip
    nodes = {f"n{number}": node(number, rng) for number in range(NODES)}
    pools = [Pool("gpu", frozenset(nodes), NODES)]

    def made(number: int, waits: float, alike: int) -> Pod:
        on = "" if number < waits * PODS else f"n{rng.randrange(NODES)}"
        return pod(number, rng.choice(kinds), on, alike)

    for name, (waits, alike) in ROWS.items():
        pods = {f"u{number}": made(number, waits, alike) for number in range(PODS)}
        state, known = SimpleNamespace(nodes=nodes, pods=pods, others={}), Known()

        def again(state: SimpleNamespace = state, known: Known = known) -> Demands:
            return pool_demand(state, pools, (), Rules(), NOW_S, known=known)

        first, took = timed(again), []
        for _ in range(RUNS):
            number = rng.randrange(PODS)
            state.pods = {**state.pods, f"u{number}": made(number, waits, alike)}
            took.append(timed(again))
        print(f"{name}: {statistics.median(took):.0f} ms after one pod has changed, {first:.0f} ms the first time")

    counts = [(request_of(made(number, 1.0, 1)), 1) for number in range(PODS)]
    shape = {"cpu": 64_000, "memory": 240 * 2**30, "nvidia.com/gpu": 8, "pods": 110}
    took = [timed(lambda: nodes_needed(counts, shape)) for _ in range(RUNS)]
    print(
        f"packing {PODS} pods of {KINDS} kinds: {statistics.median(took):.0f} ms, {nodes_needed(counts, shape)} nodes"
    )


if __name__ == "__main__":
    main()
