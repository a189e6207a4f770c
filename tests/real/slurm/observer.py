"""Watches a real cluster ten times a second, apart from Tidegate: bare answers of slurmrestd, and none of our reading.

What it saw is judged afterwards: each check tells every breach of one rule in words, and nothing when it was kept.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from itertools import pairwise
from threading import Event, Thread
from typing import Any

from connectors.slurm.names import given_reason
from tests.real.slurm.cluster import Cluster

EVERY_S = 0.1
ANSWER_S = 60.0  # a slurmctld that hangs is waited for: nothing starts meanwhile
WORKS = {"ALLOCATED", "MIXED", "COMPLETING"}
SHUT = {"DRAIN", "DOWN", "FAIL", "MAINTENANCE"}
BEGUN, STANDS_STILL = {"RUNNING", "COMPLETING"}, {"SUSPENDED", "STOPPED"}
WELL = {"COMPLETED"}


@dataclass(frozen=True)
class Shown:
    """A node as slurmctld shows it: its flags and its reason."""

    flags: frozenset[str]
    reason: str


@dataclass(frozen=True)
class Sight:
    """What was seen between two instants of the monotonic clock: nodes and the states of jobs as Slurm tells them, and
    the nodes that Kubernetes had open at both instants, with their pods."""

    began_s: float
    ended_s: float
    nodes: Mapping[str, Shown]
    jobs: Mapping[str, frozenset[str]]
    given: Mapping[str, int]


def nobody() -> Mapping[str, int]:
    """A Kubernetes that has no node."""
    return {}


def began_on_drained(sights: Sequence[Sight]) -> list[str]:
    """Nodes that were drained and empty, and where work began before that drain ended.

    Between two sights a drain can be undone, a job begin and another drain come: that is told by its reason.
    """
    found = []
    for before, after in pairwise(sights):
        for node, now in after.nodes.items():
            was = before.nodes[node]
            is_same = "DRAIN" in was.flags & now.flags and given_reason(was.reason) == given_reason(now.reason)
            if is_same and not WORKS & was.flags and WORKS & now.flags:
                shown = "+".join(sorted(now.flags))
                found.append(f"{after.ended_s:.1f} s: {node} was drained ({was.reason}) and is {shown}")
    return found


class Observer:
    """``given`` tells the nodes that are open in Kubernetes, and how many pods each has; ``sights`` is what was seen,
    ``failures`` how often nothing was answered."""

    def __init__(self, cluster: Cluster, given: Callable[[], Mapping[str, int]] = nobody) -> None:
        self.sights: list[Sight] = []
        self.failures = 0
        self._path = f"/slurm/{cluster.data_parsers[-1]}"
        self._port = cluster.ports.rest
        self._headers = {"X-SLURM-USER-TOKEN": cluster.token(lifespan_s=86_400)}
        self._given = given
        self._connection: HTTPConnection | None = None
        self._ended = Event()
        self._thread = Thread(target=self._watch, name="observer", daemon=True)

    @contextmanager
    def watching(self) -> Iterator[Observer]:
        """From the first sight on, until the last after the end."""
        self._thread.start()
        try:
            self.wait_for(1)
            yield self
            self.wait_for(len(self.sights) + 1)
        finally:
            self._ended.set()
            self._thread.join()

    def wait_for(self, count: int) -> None:
        """Until so many sights were had."""
        end_s = time.monotonic() + ANSWER_S
        while len(self.sights) < count:
            if time.monotonic() > end_s:
                raise RuntimeError("the observer sees nothing")
            time.sleep(EVERY_S / 10)

    # ---- the rules ----

    def ended_badly(self, *, but: Collection[int] = ()) -> list[str]:
        """Jobs that were killed, requeued, or forgotten while they ran, but for those that a person ended."""
        found, last = [], dict[str, frozenset[str]]()
        excused = {str(number) for number in but}
        for sight in self.sights:
            for job, states in sight.jobs.items():
                before = last.get(job, frozenset())
                if job not in excused and states != before:
                    if before & BEGUN and "PENDING" in states:
                        found.append(f"{sight.ended_s:.1f} s: job {job} was requeued")
                    elif not states & (WELL | BEGUN | STANDS_STILL | {"PENDING", "CONFIGURING"}):
                        found.append(f"{sight.ended_s:.1f} s: job {job} ended as {'+'.join(sorted(states))}")
            vanished = {job for job in last.keys() - sight.jobs.keys() if last[job] & BEGUN} - excused
            found += [f"{sight.ended_s:.1f} s: job {job} ran and is gone" for job in sorted(vanished)]
            last = dict(sight.jobs)
        return found

    def given_while_busy(self) -> list[str]:
        """Nodes that Kubernetes had while a job ran there."""
        return [
            f"{sight.ended_s:.1f} s: {node} is open in Kubernetes ({pods} pods) and {'+'.join(sorted(flags))} in Slurm"
            for sight in self.sights
            for node, pods in sight.given.items()
            if WORKS & (flags := sight.nodes[node].flags)
        ]

    def open_to_both(self) -> list[str]:
        """Nodes on which both could have started work."""
        return [
            f"{sight.ended_s:.1f} s: {node} is open in Kubernetes and {'+'.join(sorted(flags))} in Slurm"
            for sight in self.sights
            for node in sight.given
            if self.is_open_to_both(sight, node) and (flags := sight.nodes[node].flags)
        ]

    def is_open_to_both(self, sight: Sight, node: str) -> bool:
        """Whether both could have started work on the node."""
        return node in sight.given and not SHUT & sight.nodes[node].flags

    def undone(self, node: str, reason: str, *, until_s: float = float("inf")) -> list[str]:
        """When a drain for this reason, once there, was gone or bore another reason, before a person ended it."""
        seen, found = False, []
        for sight in self.sights:
            shown = sight.nodes[node]
            is_there = "DRAIN" in shown.flags and shown.reason == reason
            if seen and not is_there and sight.ended_s < until_s:
                found.append(f"{sight.ended_s:.1f} s: {node} is {'+'.join(sorted(shown.flags))} for {shown.reason!r}")
            seen = seen or is_there
        return found if seen else [f"{node} was never drained for {reason!r}"]

    # ---- what else was seen ----

    def flags_of(self, node: str) -> list[frozenset[str]]:
        """Each set of flags that the node had, one after the other."""
        return _changes(sight.nodes[node].flags for sight in self.sights)

    def states_of(self, job: int) -> list[frozenset[str]]:
        """The same of a job's states."""
        return _changes(sight.jobs[str(job)] for sight in self.sights if str(job) in sight.jobs)

    def longest_gap_s(self) -> float:
        """The longest time in which nothing was seen."""
        ends = [sight.ended_s for sight in self.sights]
        return max((after - before for before, after in pairwise(ends)), default=0.0)

    # ---- looking ----

    def _watch(self) -> None:
        while not self._ended.is_set():
            began_s = time.monotonic()
            try:
                self._look()
            except (OSError, HTTPException, ValueError, KeyError):
                self.failures += 1
                self._let_go()
            self._ended.wait(max(0.0, began_s + EVERY_S - time.monotonic()))
        self._let_go()

    def _look(self) -> None:
        before, began_s = self._given(), time.monotonic()
        nodes, jobs = self._ask("nodes", "nodes"), self._ask("jobs/state", "jobs")
        after = self._given()
        self.sights.append(
            Sight(
                began_s,
                time.monotonic(),
                {node["name"]: Shown(frozenset(node["state"]), node["reason"]) for node in nodes},
                {str(job["job_id"]): frozenset(job["state"]) for job in jobs},
                {node: after[node] for node in before.keys() & after.keys()},
            )
        )

    def _ask(self, path: str, what: str) -> list[dict[str, Any]]:
        if self._connection is None:
            self._connection = HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_S)
        self._connection.request("GET", f"{self._path}/{path}", headers=self._headers)
        told = json.loads(self._connection.getresponse().read())
        if told["errors"]:
            raise ValueError(told["errors"])
        things: list[dict[str, Any]] = told[what]
        return things

    def _let_go(self) -> None:
        if self._connection is not None:
            with suppress(OSError):
                self._connection.close()
        self._connection = None


def _changes(values: Iterator[frozenset[str]]) -> list[frozenset[str]]:
    found: list[frozenset[str]] = []
    for value in values:
        if not found or found[-1] != value:
            found.append(value)
    return found
