"""How long after a pod was made that has no node a plan is decided on it: from the API server's watch to the plan.

One pool, the service as one process on the embedded bus, its Slurm a fake slurmrestd, its Kubernetes a fake API server
or with --real etcd, kube-apiserver, kube-scheduler and kwok, all on loopback. A pod as large as a node is made at a
random moment after the last plan, beside others that run; it is gone before the next comes. With moves.soonest of 0 s,
and moves.debounce of 0.5 s, which a policy writes in whole seconds only. The bar is 2 s for 99 of 100.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import quantiles

from controller.turn_pace import TurnPace
from models.policies import Policy
from service.parts.control import ControlPart
from tests.connectors.kube import objects as made
from tests.connectors.slurm import fake, makers
from tests.real.in_thread import Turns, in_thread
from tests.real.kube import nodes, objects
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.options import Options
from tests.service.kube_site import HPCS, kube_site

SITE = "spec: {slurm: {url: '%s', tokenFile: token, poll: 10m}, kubernetes: %s}\n"
MOVES = {"every": "10m", "soonest": "0s"}
BAR_S = 2.0
PAUSE_S = (0.0, 1.0)
WAITS = {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}
SPACE = "bench"


@dataclass(frozen=True)
class Kubernetes:
    """What the site file says of it, and how a pod for a whole node comes and goes."""

    text: str
    create: Callable[[str], object]
    delete: Callable[[str], object]


@contextmanager
def faked(folder: Path, names: list[str], running: int) -> Iterator[Kubernetes]:
    """Half of the nodes are open, and full of pods."""
    with kube_site(folder, names) as site:
        site.api.drop("pods", "waits-0", "ml")
        for name in names[::2]:
            site.put_node(name)
        for number in range(running):
            small = {"cpu": "1"}
            site.api.put("pods", made.pod(f"r{number}", names[number * 2 % len(names)], requests=small))
        yield Kubernetes(
            site.text,
            lambda name: site.api.put("pods", made.pod(name, owner="Job", status=WAITS)),
            lambda name: site.api.drop("pods", name, "ml"),
        )


@contextmanager
def real(folder: Path, names: list[str], running: int) -> Iterator[Kubernetes]:
    """The same on a real control plane."""
    control_plane = ControlPlane(folder / "kube", Options())
    admin, whole = control_plane.admin, {"cpu": str(nodes.CPUS)}
    try:
        control_plane.start()
        nodes.create(control_plane, *names)
        for name in names[1::2]:
            nodes.taint(admin, name, HPCS["key"], HPCS["value"])
        objects.namespace(admin, SPACE)
        for number in range(running):
            objects.pod(admin, SPACE, f"r{number}", node=names[number * 2 % len(names)])
        yield Kubernetes(
            f"{{kubeconfig: '{control_plane.kubeconfig}'}}",
            lambda name: objects.pod(admin, SPACE, name, whole),
            lambda name: objects.delete_pod(admin, SPACE, name),
        )
    finally:
        control_plane.stop()


@contextmanager
def service(folder: Path, names: list[str], kubernetes: Kubernetes, debounce_s: float) -> Iterator[Turns]:
    """The service in a thread of its own."""
    policy = Policy.model_validate({"spec": {"moves": MOVES}})
    with fake.serving() as server:
        server.instead["GET diag"] = lambda request: request.say(200, makers.diagnosis(int(time.time())))
        example = next(iter(server.nodes.values()))
        server.nodes = {name: {**example, "name": name} for name in names}
        (folder / "site.yaml").write_text(SITE % (server.url, kubernetes.text))
        (folder / "token").write_text(fake.TOKEN)
        with in_thread(folder / "site.yaml", policy) as (process, turns):
            pool = process.part(ControlPart).pools["pool"]
            pool.pace = TurnPace(policy.spec.moves.every, policy.spec.moves.soonest, debounce_s)
            yield turns


def latencies_s(turns: Turns, kubernetes: Kubernetes, samples: int, random: Random) -> list[float]:
    """From when the pod is made to the plan that knows of it."""
    turned_s, found = turns.after(0), []
    for number in range(samples):
        time.sleep(max(0.0, turned_s + random.uniform(*PAUSE_S) - time.monotonic()))
        count, began_s = len(turns.at_s), time.monotonic()
        kubernetes.create(f"w{number}")
        found.append(turns.until_waiting(1.0, count) - began_s)
        count = len(turns.at_s)
        kubernetes.delete(f"w{number}")
        turned_s = turns.until_waiting(0.0, count)
    return found


def main() -> int:
    """Measure; 1 when the bar was missed."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--real", action="store_true", help="on a real control plane, which is built if need be")
    asked.add_argument("--samples", type=int, default=60, help="pods that are made")
    asked.add_argument("--debounce", type=float, default=0.5, help="moves.debounce in seconds")
    asked.add_argument("--nodes", type=int, default=64)
    asked.add_argument("--pods", type=int, default=500, help="pods that run")
    given = asked.parse_args()
    names = [f"n{number:04}" for number in range(given.nodes)]
    with tempfile.TemporaryDirectory() as made_folder:
        folder = Path(made_folder)
        with (
            (real if given.real else faked)(folder, names, given.pods) as kubernetes,
            service(folder, names, kubernetes, given.debounce) as turns,
        ):
            found = latencies_s(turns, kubernetes, given.samples, Random(0))  # noqa: S311 - not for secrets
    p50, p90, p99 = (quantiles(found, n=100, method="inclusive")[at - 1] for at in (50, 90, 99))
    missed = p99 > BAR_S
    print(
        f"{platform.machine()}, Python {platform.python_version()}, {'real' if given.real else 'fake'} API server;"
        f" {given.nodes} nodes, {given.pods} pods that run, {given.samples} that come\n"
        f"from the pod to the plan: p50 {p50:.2f} s, p90 {p90:.2f} s, p99 {p99:.2f} s, max {max(found):.2f} s;"
        f" the bar is {BAR_S:.1f} s{': MISSED' if missed else ''}"
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
