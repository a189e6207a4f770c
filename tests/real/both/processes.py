"""Watches the processes of a node that is one, ten times a second: those of pods and those of jobs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

EVERY_S = 0.1
POD, JOB = "TEST_POD", "SLURM_JOB_ID"  # in the environment of their processes
NODE_OF = {POD: "TEST_NODE", JOB: "SLURMD_NODENAME"}


@dataclass(frozen=True, slots=True)
class Processes:
    """The pods and the jobs of which a process was there in one look."""

    pods: frozenset[str]
    jobs: frozenset[str]


class ProcessObserver:
    """``looks`` is what was seen of a node by what its processes themselves say."""

    def __init__(self, node: str) -> None:
        self.looks: list[Processes] = []
        self._node = node
        self._ended = Event()

    @contextmanager
    def watching(self) -> Iterator[ProcessObserver]:
        thread = Thread(target=self._watch, name="process observer", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            thread.join()

    def met(self) -> list[str]:
        """What was there beside a job, in words."""
        return [f"{sorted(one.pods)} beside job {sorted(one.jobs)}" for one in self.looks if one.pods and one.jobs]

    def ran(self) -> set[str]:
        """The pods of which a process was ever seen."""
        return {pod for look in self.looks for pod in look.pods}

    def worked(self) -> set[str]:
        """The jobs of which a process was ever seen."""
        return {job for look in self.looks for job in look.jobs}

    def _watch(self) -> None:
        while not self._ended.wait(EVERY_S):
            self.looks.append(self._look())

    def _look(self) -> Processes:
        found: dict[str, set[str]] = {POD: set(), JOB: set()}
        for file in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                said = dict(pair.partition("=")[::2] for pair in file.read_text(errors="replace").split("\0"))
                for kind, node in NODE_OF.items():
                    if kind in said and said.get(node) == self._node:
                        found[kind].add(said[kind])
        return Processes(frozenset(found[POD]), frozenset(found[JOB]))
