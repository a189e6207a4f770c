"""How long after something has happened a plan is decided on it, from an event on the bus to the plan.

One pool of 64 nodes, the service as one process on the embedded bus, its Slurm a fake slurmrestd on loopback. Events of
new jobs come from outside, each at a random moment after the last turn.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import quantiles
from threading import Condition, Thread

from connectors.bus.open_bus import open_bus
from models.audit import Decided, Entry
from models.events import READING, Event, Topic
from models.nodes import Side
from models.policies import Policy
from models.work import WorkRecord, WorkState
from service.open_process import open_process
from service.parts.control import ControlPart
from service.roles import Role
from service.running import read_once
from service.site import read_site
from service.stepper import Stepper
from tests.connectors.slurm import fake, makers

NODES = 64
SITE = "spec: {slurm: {url: '%s', tokenFile: token, poll: 10m}, kubernetes: {twin: {requests: r.csv}}}\n"
PATIENCE_S = 60.0


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


class Turns:
    """Notes when a plan was decided; the audit of one pool, and what it keeps besides."""

    def __init__(self, audit: object) -> None:
        self.at_s: list[float] = []
        self.changed = Condition()
        self._append = audit.append  # type: ignore[attr-defined]

    def append(self, entry: Entry) -> None:
        """See the port."""
        self._append(entry)
        if isinstance(entry, Decided):
            with self.changed:
                self.at_s.append(time.monotonic())
                self.changed.notify_all()

    def after(self, count: int) -> float:
        """When the plan after ``count`` others was decided."""
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.at_s) > count, PATIENCE_S):
                raise TimeoutError(f"no plan within {PATIENCE_S:.0f} s")
            return self.at_s[count]


@contextmanager
def service(case: Case, folder: Path) -> Iterator[Turns]:
    """The service in a thread of its own."""
    with fake.serving() as server, ExitStack() as at_end:
        server.instead["GET diag"] = lambda request: request.say(200, makers.diagnosis(int(time.time())))
        example = next(iter(server.nodes.values()))
        server.nodes = {f"n{number:02}": {**example, "name": f"n{number:02}"} for number in range(NODES)}
        (folder / "site.yaml").write_text(SITE % server.url)
        (folder / "r.csv").write_text("seconds,requests_per_second\n0,1\n1000000,2\n")
        (folder / "token").write_text(fake.TOKEN)
        moves = {"every": "10m", "soonest": case.soonest, "debounce": case.debounce}
        policy = Policy.model_validate({"spec": {"moves": moves}})
        process = open_process(Role.ALL, read_site(folder / "site.yaml"), policy, None, at_end)
        control = process.part(ControlPart).pools["pool"]
        turns = Turns(control.last)
        control.loop._mover._audit = turns  # type: ignore[attr-defined]
        read_once(process)
        stepper = Stepper()
        process.wake = stepper.wake
        for step in process.steps():
            stepper.add(step)
        thread = Thread(target=_run, args=(stepper,), daemon=True)
        thread.start()
        try:
            yield turns
        finally:
            stepper.stop()
            thread.join(PATIENCE_S)


def _run(stepper: Stepper) -> None:
    """Signals can be handled in the main thread only."""
    while not stepper._ended.is_set():
        stepper.go_on()


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
