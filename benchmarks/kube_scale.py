"""What it costs to follow a large cluster of a real API server: 5,000 nodes and 10,000 pods in etcd.

The connector alone in a process of its own: a list takes 1 s of its processor time for 10,000 objects at most, a steady
watch 1 s for 10,000 events, and it has 110 MB resident. In another one, what a pool's nodes and demand come to after
one pod has changed takes 150 ms at most, the middle of several. No scheduler, controller or kubelet runs: the pods are
made with their nodes, and what changes is their status. Exits with 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.real.kube import nodes, objects
from tests.real.kube.client import Client
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.followers.talk import Follower
from tests.real.kube.options import Options

NODES, PODS = 5_000, 10_000
LIST_CPU_S, EVENTS_CPU_S, RESIDENT_MB, CHANGE_MS = 1.0, 1.0, 110.0, 150.0
PER = 10_000
CHANGES = 9
TRIES = 3  # of the events; the best counts, as others may use the machine
HANDS = 8  # threads that make things
SPACE = "bench"


# ---- the cluster ----


def name_of(number: int) -> str:
    """Of a node."""
    return f"n{number:05}"


def node(number: int) -> dict[str, Any]:
    """As kubelet registers one."""
    name = name_of(number)
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/arch": "amd64", "nvidia.com/gpu.product": "H100"}
    kinds = ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
    conditions = [{"type": kind, "status": str(kind == "Ready"), "message": f"kubelet has no {kind}"} for kind in kinds]
    images = [{"names": [f"registry.example.org/image-{at}@sha256:{'0' * 64}"], "sizeBytes": 1} for at in range(20)]
    status = {
        "allocatable": dict(nodes.OFFERS),
        "capacity": dict(nodes.OFFERS),
        "conditions": conditions,
        "images": images,
    }
    taints = [{"key": "tidegate.dev/side", "value": "hpc", "effect": "NoSchedule"}] if number % 2 else []
    return {"metadata": {"name": name, "labels": labels}, "spec": {"taints": taints}, "status": status}


def pod(number: int) -> dict[str, Any]:
    """One of a Job's eight, four to each node that is open; a fifth have none."""
    job = {"apiVersion": "batch/v1", "kind": "Job", "name": f"train-{number // 8}", "controller": True}
    owner = {**job, "uid": f"5f9619ff-8b86-d011-b42d-{number // 8:012d}"}
    meta = {"name": f"train-{number}", "labels": {"app": "train"}, "ownerReferences": [owner]}
    spec = objects.pod_spec({"cpu": "8"}, node="" if number % 5 == 0 else name_of(number * 2 % NODES))
    spec["containers"][0]["env"] = [{"name": f"SETTING_{at}", "value": f"value-{at}"} for at in range(12)]
    return {"metadata": meta, "spec": spec}


def status(number: int, turn: int) -> dict[str, Any]:
    """As kubelet, or the scheduler, tells it for the nth time."""
    if number % 5 == 0:
        looked = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": f"tried {turn} times",
        }
        return {"status": {"conditions": [looked]}}
    container = {
        "name": "main",
        "ready": True,
        "restartCount": turn + 1,
        "image": "nothing",
        "imageID": "",
        "state": {},
    }
    return {"status": {"phase": "Running", "containerStatuses": [container]}}


def by_many_hands(what: Callable[[int], object], count: int) -> None:
    """Do it for each number."""
    with ThreadPoolExecutor(HANDS) as hands:
        for _ in hands.map(what, range(count)):
            pass


def tell(admin: Client, number: int, turn: int) -> None:
    """Change a pod's status."""
    admin.patch(f"{objects.CORE}/{SPACE}/pods/train-{number}/status", status(number, turn))


def change_all(admin: Client, turn: int) -> None:
    """Change each pod's status once."""
    by_many_hands(lambda number: tell(admin, number, turn), PODS)


@contextmanager
def peopled(folder: Path) -> Iterator[ControlPlane]:
    """All of it."""
    control_plane = ControlPlane(folder, Options(scheduler=False, controller_manager=False, kwok=False))
    admin = control_plane.admin
    try:
        control_plane.start()
        objects.namespace(admin, SPACE)
        by_many_hands(lambda number: admin.create(nodes.NODES, node(number)), NODES)
        by_many_hands(lambda number: admin.create(f"{objects.CORE}/{SPACE}/pods", pod(number)), PODS)
        change_all(admin, 0)
        yield control_plane
    finally:
        control_plane.stop()


# ---- what is measured ----


def judged(what: str, found: float, bar: float, unit: str) -> bool:
    """Whether the bar was missed."""
    missed = found > bar
    print(f"{what}: {found:.2f} {unit} (bar {bar:g}){': MISSED' if missed else ''}", flush=True)
    return missed


def connector_alone(control_plane: ControlPlane) -> Iterator[bool]:
    """List, watch, memory."""
    with Follower("alone", str(control_plane.kubeconfig)) as follower:
        listed = follower.hear()
        yield judged(
            f"{NODES + PODS} objects listed, for {PER}", listed["cpu_s"] * PER / (NODES + PODS), LIST_CPU_S, "s"
        )
        yield judged("resident then", listed["resident_mb"], RESIDENT_MB, "MB")
        tries = [follower.during(partial(change_all, control_plane.admin, turn), PODS) for turn in range(1, TRIES + 1)]
        cpu_s = min(one["cpu_s"] for one in tries)
        yield judged(f"{PODS} events, for {PER}", cpu_s * PER / PODS, EVENTS_CPU_S, "s")
        yield judged("resident then", tries[-1]["resident_mb"], RESIDENT_MB, "MB")


def pool_of_it(control_plane: ControlPlane) -> Iterator[bool]:
    """A pool with all nodes, after one pod has changed."""
    with Follower("pool", str(control_plane.kubeconfig)) as follower:
        print(f"{follower.hear()['waiting']:g} nodes are needed", flush=True)
        took = [follower.during(partial(tell, control_plane.admin, at, -1), 1)["cpu_s"] for at in range(CHANGES)]
        yield judged("nodes and demand after one change", statistics.median(took) * 1000, CHANGE_MS, "ms")


def main() -> int:
    """Measure all, and tell whether every bar is held."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; the machine's load is "
          f"{os.getloadavg()[0]:.1f}")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, peopled(Path(folder)) as control_plane:
        missed = [*connector_alone(control_plane), *pool_of_it(control_plane)]
    print(f"{sum(missed)} bars were missed" if any(missed) else "every bar was held")
    return 1 if any(missed) else 0


if __name__ == "__main__":
    sys.exit(main())
