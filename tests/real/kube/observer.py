"""Watches an API server and the twin's HPC side ten times a second, apart from Tidegate, by bare JSON.

What it saw is judged afterwards: each check tells every breach of one rule in words, and nothing when it was kept.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from threading import Event, Thread
from typing import Any, NamedTuple

from simulator.machine import Machine
from tests.real.kube import nodes
from tests.real.kube.client import Client, RefusedError

EVERY_S = 0.1
ANSWER_S = 5.0
CLOSING = {"NoSchedule", "NoExecute"}


class Sight(NamedTuple):
    """What was seen between two instants of the monotonic clock.

    ``given`` are the nodes that Kubernetes may start pods on and ``pods`` those that are bound to each node and have
    not ended, by uid with their name; ``open`` are the nodes that were open to the HPC side at both instants, and
    ``jobs`` those on which one job ran at both.
    """

    began_s: float
    ended_s: float
    given: frozenset[str]
    pods: Mapping[str, Mapping[str, str]]
    leaving: frozenset[str]
    open: frozenset[str]
    jobs: Mapping[str, frozenset[int]]


class Observer:
    """``sights`` is what was seen of the nodes ``called``, ``failures`` how often nothing was answered."""

    def __init__(self, admin: Client, machine: Machine, called: Collection[str]) -> None:
        self.sights: list[Sight] = []
        self.failures = 0
        self._admin = admin
        self._machine = machine
        self._called = frozenset(called)
        self._ended = Event()
        self._thread = Thread(target=self._watch, name="observer", daemon=True)

    @contextmanager
    def watching(self) -> Iterator[Observer]:
        """From the first sight on."""
        self._thread.start()
        try:
            self.wait_for(1)
            yield self
        finally:
            self._ended.set()
            self._thread.join()

    def wait_for(self, more: int) -> None:
        """Until so many more sights were had."""
        wanted, end_s = len(self.sights) + more, time.monotonic() + 10 * ANSWER_S
        while len(self.sights) < wanted:
            if time.monotonic() > end_s:
                raise RuntimeError("the observer sees nothing")
            time.sleep(EVERY_S / 10)

    # ---- the rules ----

    def open_to_both(self, *, but: Collection[str] = ()) -> list[str]:
        """Nodes on which both could have started work, but for those that a person opened."""
        return [
            f"{sight.ended_s:.1f} s: {node} is open to both"
            for sight in self.sights
            for node in sorted(sight.given & sight.open)
            if node not in but
        ]

    def longest_open_to_both_s(self, node: str) -> float:
        """For how long at most a node was open to both without a break."""
        longest = began_s = 0.0
        for sight in self.sights:
            if node not in sight.given & sight.open:
                began_s = 0.0
                continue
            began_s = began_s or sight.began_s
            longest = max(longest, sight.ended_s - began_s)
        return longest

    def met(self) -> list[str]:
        """Pods on nodes on which a job ran, those that are being ended not among them."""
        return [
            f"{sight.ended_s:.1f} s: pod {name} is on {node} beside job {', '.join(map(str, sorted(sight.jobs[node])))}"
            for sight in self.sights
            for node, there in sight.pods.items()
            if sight.jobs.get(node)
            for uid, name in there.items()
            if uid not in sight.leaving
        ]

    def ended_pods(self) -> set[str]:
        """The names of pods that were bound to a node and then ended, or were asked to."""
        last, ended = dict[str, str](), set[str]()
        for sight in self.sights:
            there = {uid: name for pods in sight.pods.values() for uid, name in pods.items()}
            ended |= {name for uid, name in last.items() if uid not in there}
            ended |= {name for uid, name in there.items() if uid in sight.leaving}
            last = there
        return ended

    def ever_given(self) -> set[str]:
        """The nodes that Kubernetes had at any time."""
        return {node for sight in self.sights for node in sight.given}

    def ever_open(self) -> set[str]:
        """The nodes that the HPC side had at any time."""
        return {node for sight in self.sights for node in sight.open}

    # ---- looking ----

    def _watch(self) -> None:
        while not self._ended.is_set():
            began_s = time.monotonic()
            try:
                self._look()
            except (OSError, HTTPException, RefusedError):
                self.failures += 1
            self._ended.wait(max(0.0, began_s + EVERY_S - time.monotonic()))

    def _look(self) -> None:
        began_s = time.monotonic()
        before = self._hpc()
        there, bound = self._items(nodes.NODES), self._items("/api/v1/pods")
        after = self._hpc()
        pods: dict[str, dict[str, str]] = {}
        for one in bound:
            if (node := one["spec"].get("nodeName")) in self._called and _takes_room(one):
                pods.setdefault(node, {})[one["metadata"]["uid"]] = one["metadata"]["name"]
        self.sights.append(
            Sight(
                began_s,
                time.monotonic(),
                frozenset(one["metadata"]["name"] for one in there if _is_given(one)) & self._called,
                pods,
                frozenset(one["metadata"]["uid"] for one in bound if one["metadata"].get("deletionTimestamp")),
                frozenset(node for node in self._called if before[node][0] and after[node][0]),
                {node: before[node][1] & after[node][1] for node in self._called},
            )
        )

    def _items(self, path: str) -> list[Any]:
        answer = self._admin.ask("GET", path, timeout_s=ANSWER_S)
        if answer.status != 200:
            raise RefusedError(path, answer)
        return list(answer.body["items"] or ())

    def _hpc(self) -> dict[str, tuple[bool, frozenset[int]]]:
        hpc = self._machine.hpc
        return {
            name: (hpc.drained_by[number] is None and not hpc.absent[number], frozenset(tuple(hpc.jobs_on[number])))
            for number, name in enumerate(self._machine.names)
        }


def _is_given(node: Mapping[str, Any]) -> bool:
    """Whether Kubernetes may start pods there."""
    spec = node["spec"]
    is_closed = any(taint["effect"] in CLOSING for taint in spec.get("taints") or ())
    return not spec.get("unschedulable") and not is_closed and nodes.is_ready(node)


def _takes_room(pod: Mapping[str, Any]) -> bool:
    """Whether it is work: neither the node's own, nor ended."""
    meta = pod["metadata"]
    owners = {one["kind"] for one in meta.get("ownerReferences") or ()}
    is_nodes_own = bool(owners & {"DaemonSet", "Node"}) or "kubernetes.io/config.mirror" in meta.get("annotations", {})
    return not is_nodes_own and pod["status"].get("phase") not in {"Succeeded", "Failed"}
