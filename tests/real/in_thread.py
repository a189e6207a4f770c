"""The service in a thread of this process, and when it decided: for benchmarks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Condition, Thread

from models.audit import Decided, Entry
from models.nodes import Side
from models.policies import Policy
from service.open_process import open_process
from service.parts.control import ControlPart
from service.process import Process
from service.roles import Role
from service.running import read_once
from service.site import read_site
from service.stepper import Stepper

PATIENCE_S = 60.0


class Turns:
    """Notes what was decided, and when; the audit of one pool, and what it keeps besides."""

    def __init__(self, audit: object) -> None:
        self.at_s: list[float] = []
        self.decided: list[Decided] = []
        self.changed = Condition()
        self._append = audit.append  # type: ignore[attr-defined]

    def append(self, entry: Entry) -> None:
        """See the port."""
        self._append(entry)
        if isinstance(entry, Decided):
            with self.changed:
                self.decided.append(entry)
                self.at_s.append(time.monotonic())
                self.changed.notify_all()

    def after(self, count: int) -> float:
        """When the plan after ``count`` others was decided."""
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.at_s) > count, PATIENCE_S):
                raise TimeoutError(f"no plan within {PATIENCE_S:.0f} s")
            return self.at_s[count]

    def until_waiting(self, nodes: float, count: int) -> float:
        """When a plan after ``count`` others was first decided on so many nodes that wait in Kubernetes."""
        with self.changed:
            if not self.changed.wait_for(lambda: self._waiting(nodes, count), PATIENCE_S):
                raise TimeoutError(f"no plan on {nodes:g} nodes within {PATIENCE_S:.0f} s")
            return self._waiting(nodes, count)[0]

    def _waiting(self, nodes: float, count: int) -> list[float]:
        later = zip(self.decided[count:], self.at_s[count:], strict=True)
        return [at_s for one, at_s in later if one.snapshot.sides[Side.KUBERNETES].demand.waiting == nodes]


@contextmanager
def in_thread(site_file: Path, policy: Policy) -> Iterator[tuple[Process, Turns]]:
    """All roles on one pool. It stands for itself: signals are left to the main thread."""
    with ExitStack() as at_end:
        process = open_process(Role.ALL, read_site(site_file), policy, None, at_end)
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
            yield process, turns
        finally:
            stepper.stop()
            thread.join(PATIENCE_S)


def _run(stepper: Stepper) -> None:
    """Signals can be handled in the main thread only."""
    while not stepper._ended.is_set():
        stepper.go_on()
