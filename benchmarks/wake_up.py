"""How long after something has happened a plan is decided on it, from an event on the bus to the plan.

One pool of 64 nodes, the service as one process on the embedded bus, its Slurm and its Kubernetes fakes on loopback.
Events of new jobs come from outside, each at a random moment after the last turn.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import quantiles

from connectors.bus.open_bus import open_bus
from models.events import READING, Event, Topic
from models.nodes import Side
from models.policies import Policy
from models.work import WorkRecord, WorkState
from tests.connectors.slurm import fake, makers
from tests.real.in_thread import PATIENCE_S, Turns, in_thread
from tests.service.kube_site import kube_site

NODES = 64
SITE = "spec: {slurm: {url: '%s', tokenFile: token, poll: 10m}, kubernetes: %s}\n"


@dataclass(frozen=True)
class Case:
    """How turns are paced, when an event comes after a turn, and how long a plan may take."""

    name: str
    debounce: str
    soonest: str
    after_s: tuple[float, float]
    bar_s: float


CASES = (
    Case("later than moves.soonest, debounce 2 s", "2s", "1s", (1.0, 1.5), 3.0),
    Case("debounce 0 s, soonest 0 s", "0s", "0s", (0.0, 0.3), 0.5),
    Case("earlier than moves.soonest of 5 s", "2s", "5s", (0.0, 2.5), 6.0),
)


@contextmanager
def service(case: Case, folder: Path) -> Iterator[Turns]:
    """The service in a thread of its own."""
    names = [f"n{number:02}" for number in range(NODES)]
    with fake.serving() as server, kube_site(folder, names) as kubernetes:
        server.instead["GET diag"] = lambda request: request.say(200, makers.diagnosis(int(time.time())))
        example = next(iter(server.nodes.values()))
        server.nodes = {name: {**example, "name": name} for name in names}
        (folder / "site.yaml").write_text(SITE % (server.url, kubernetes.text))
        (folder / "token").write_text(fake.TOKEN)
        moves = {"every": "10m", "soonest": case.soonest, "debounce": case.debounce}
        policy = Policy.model_validate({"spec": {"moves": moves}})
        with in_thread(folder / "site.yaml", policy) as (_, turns):
            yield turns


def latencies_s(case: Case, samples: int, random: Random) -> list[float]:
    """From the event to the plan."""
    found = []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        with service(case, folder) as turns:
            turned_s = turns.after(0)
            bus = open_bus(f"sqlite:{folder / 'tidegate-state' / 'bus.db'}")
            for number in range(samples):
                count = len(turns.at_s)
                time.sleep(max(0.0, turned_s + random.uniform(*case.after_s) - time.monotonic()))
                now_s = int(time.time())
                job = WorkRecord(str(number), Side.HPC, WorkState.ELIGIBLE, 1.0, now_s)
                event = Event(
                    Topic.WORK, f"site/pool/hpc/{number}", job, now_s * READING + number, "/benchmark", float(now_s)
                )
                began_s = time.monotonic()
                bus.publish(event)
                bus.flush(PATIENCE_S)
                turned_s = turns.after(count)
                found.append(turned_s - began_s)
            bus.close()
    return found


def main() -> int:
    """Measure every case; 1 when one missed its bar."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--samples", type=int, default=20, help="events in each case")
    samples = asked.parse_args().samples
    print(f"{platform.machine()}, Python {platform.python_version()}; {NODES} nodes, {samples} events in each case")
    missed = 0
    for case in CASES:
        found = sorted(latencies_s(case, samples, Random(0)))  # noqa: S311 - not for secrets
        p99 = quantiles(found, n=100, method="inclusive")[98]
        says = "" if p99 <= case.bar_s else ": MISSED"
        missed += bool(says)
        print(
            f"{case.name}: median {found[len(found) // 2]:.2f} s, p99 {p99:.2f} s, longest {found[-1]:.2f} s;"
            f" the bar is {case.bar_s:.1f} s{says}",
            flush=True,
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
