"""Pods in a race with hand-overs: as many as the API takes, and some whose binding a proxy holds up for a while."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from threading import Event, Thread

from tests.real.both.sides import BothSides
from tests.real.kube import objects
from tests.real.kube.http_proxy import HttpProxy, Rule

TINY = {"cpu": "10m"}
RUNS_S = 1.0  # each pod of a flood
HELD_S = 30.0  # by when the scheduler asks for a binding


@dataclass(frozen=True)
class Held:
    """A pod whose binding to a node was asked for, and held."""

    name: str
    node: str
    rule: Rule


@dataclass(frozen=True)
class Landed:
    """When a binding that was held came through, with which status, and whether its node was fenced off then."""

    held: Held
    at_s: float
    status: int
    fenced: bool


class Race:
    """``make(name, node)`` makes a pod that only that node can have and that the scheduler is to bind."""

    def __init__(self, scene: BothSides, proxy: HttpProxy, make: Callable[[str, str], object]) -> None:
        self.held: list[Held] = []
        self._scene = scene
        self._proxy = proxy
        self._make = make
        self._numbers = count(1)

    def hold(self, node: str, *holds_s: float) -> None:
        """When the node is closed the next time, a pod for each of so many seconds has just been given to it by the
        scheduler, and that it is bound to it comes so much later."""
        self._scene.before_close[node] = lambda: self._hold(node, holds_s)

    def are_all_through(self) -> bool:
        """Whether nothing is held any more."""
        through = {one.held.name for one in self.landed()}
        return all(one.rule.held == 0 and one.name in through for one in self.held)

    def landed(self) -> list[Landed]:
        """Those that came through."""
        looks = [look for _, _, look in list(self._scene.observer.between)]
        ends = [look.ended_s for look in looks]
        found = []
        for heard in list(self._proxy.heard):
            if held := self._asked_in(heard.path):
                look = looks[min(bisect.bisect_left(ends, heard.at_s), len(looks) - 1)]
                found.append(Landed(held, heard.at_s, heard.status, held.node in look.fenced))
        return found

    def _hold(self, node: str, holds_s: tuple[float, ...]) -> None:
        made = []
        for hold_s in holds_s:
            name = f"held-{next(self._numbers)}"
            rule = self._proxy.rule("POST", f"/pods/{name}/binding", hold_s=hold_s)
            made.append(Held(name, node, rule))
            self._make(name, node)
        self._scene.control_plane.wait(lambda: all(one.rule.seen for one in made), "the bindings are held", HELD_S)
        self.held += made

    def _asked_in(self, path: str) -> Held | None:
        return next((one for one in self.held if path.endswith(f"/pods/{one.name}/binding")), None)


class Flood:
    """Tiny pods of a second for whatever node is open, as fast as the API takes them; ``made`` is how many."""

    def __init__(self, scene: BothSides) -> None:
        self.made = 0
        self._scene = scene
        self._numbers = count(1)

    @contextmanager
    def pouring(self, *, every_s: float = 0.0) -> Iterator[None]:
        """All the time, or one every so often."""
        ended = Event()
        thread = Thread(target=self._pour, args=(ended, every_s), name="flood", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def clear_away(self) -> None:
        """Pods that ended are deleted: a fence would have the taint manager do it first, ten of them a second."""
        scene = self._scene
        scene.admin.delete(f"{objects.CORE}/{scene.space}/pods", fieldSelector="status.phase=Succeeded")

    def end(self) -> None:
        """No pod is left."""
        scene, path = self._scene, f"{objects.CORE}/{self._scene.space}/pods"

        def are_gone() -> bool:
            scene.admin.delete(path, gracePeriodSeconds=0)
            return not scene.admin.items(path)

        scene.control_plane.wait(are_gone, "all pods are gone")

    def _pour(self, ended: Event, every_s: float) -> None:
        admin, space, runs = self._scene.admin, self._scene.space, objects.runs_for(RUNS_S)
        while not ended.wait(every_s):
            objects.pod(admin, space, f"f-{next(self._numbers)}", TINY, annotations=runs, restartPolicy="Never")
            self.made += 1
