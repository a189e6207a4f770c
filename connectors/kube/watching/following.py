"""All resources of a cluster that are followed: nodes and pods always, others for as long as the cluster has them."""

from __future__ import annotations

import logging
import threading
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from connectors.kube.access.api import Api
from connectors.kube.resource import Resource
from connectors.kube.resources import NODES, PODS
from connectors.kube.watching.discovery import discovered
from connectors.kube.watching.pauses import Pauses
from connectors.kube.watching.reflector import Reflector
from connectors.kube.watching.silence import Silence
from connectors.kube.wire.nodes import Node
from connectors.kube.wire.pods import Pod
from models.errors import Unreachable

DISCOVERY_S = 600.0
ENDS_S = 5.0  # how long all threads together are waited for at the end

log = logging.getLogger("tidegate.kubernetes")


class Following:
    """``start`` has them followed by a thread each; without it ``step`` does one round of all that is to be done."""

    def __init__(
        self,
        api: Api,
        table: Iterable[Resource[Any]],
        *,
        monotonic: Callable[[], float],
        seed: int | None,
        silence: Silence,
        changed: Callable[[], None],
    ) -> None:
        self._api = api
        self._silence = silence
        self._table = tuple(table)
        self._monotonic = monotonic
        self._seed = seed
        self._changed = changed
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._started = False
        self._pauses = Pauses(seed)
        self._due_s = monotonic()
        self._others: Mapping[str, Reflector[Any]] = {}
        self._counted = 0  # changes of what is not followed any more, and of what is
        self.nodes: Reflector[Node] = self._reflector(NODES, silence.decisive)
        self.pods: Reflector[Pod] = self._reflector(PODS, silence.decisive)
        self.is_discovered = False  # whether it was told at least once what the cluster has
        self.failing = ""  # why that was not told when it was last asked

    @property
    def others(self) -> Mapping[str, Reflector[Any]]:
        """By the name of the resource: what the cluster has of the table."""
        return self._others

    @property
    def lacking(self) -> frozenset[str]:
        """Names of the table that the cluster has not."""
        return frozenset(row.name for row in self._table) - self._others.keys()

    @property
    def order(self) -> int:
        """It rises with each change of anything."""
        with self._lock:
            return self._counted + sum(one.objects.order for one in self._all())

    def start(self) -> None:
        """Follow them until ``close``."""
        self._started = True
        for one in self._all():
            self._run(one)
        self._thread("kube discovery", self._discover)

    def step(self) -> None:
        """See which there are, where that is due, and do the next thing for each."""
        if self._monotonic() >= self._due_s:
            self._due_s = self._monotonic() + self.discover()
        for one in self._all():
            one.step()

    def close(self) -> None:
        """No more; the API is closed with it."""
        self._stop.set()
        for one in self._all():
            one.stop()
        self._api.close()
        until_s = self._monotonic() + ENDS_S
        for thread in self._threads:
            thread.join(max(0.0, until_s - self._monotonic()))

    def discover(self) -> float:
        """Ask which resources there are, and begin or end to follow them. Returns the seconds until the next time."""
        known = self._others
        try:
            found = discovered(self._api, self._table, [one.resource for one in known.values()])
        except Unreachable as error:
            self.failing = str(error)
            return self._pauses.failed()
        self._pauses.answered()
        kept = {row.name: known[row.name] for row in found if row.name in known and known[row.name].resource == row}
        begun = {row.name: self._reflector(row, self._silence) for row in found if row.name not in kept}
        news = bool(begun) or len(kept) < len(known) or not self.is_discovered
        gone = [one for name, one in known.items() if name not in kept]
        with self._lock:
            self._others = {row.name: kept.get(row.name) or begun[row.name] for row in found}
            self._counted += sum(one.objects.order for one in gone) + news
            self.is_discovered, self.failing = True, ""
        for one in gone:
            one.stop()
        for one in begun.values() if self._started else ():
            self._run(one)
        if news:
            self._changed()
        return DISCOVERY_S

    def _all(self) -> list[Reflector[Any]]:
        return [self.nodes, self.pods, *self._others.values()]

    def _reflector(self, resource: Resource[Any], silence: Silence) -> Reflector[Any]:
        seed = None if self._seed is None else self._seed ^ zlib.crc32(resource.name.encode())
        return Reflector(
            self._api, resource, monotonic=self._monotonic, seed=seed, silence=silence, changed=self._changed
        )

    def _run(self, one: Reflector[Any]) -> None:
        self._thread(f"kube {one.resource.name}", lambda: one.follow(self._stop))

    def _thread(self, name: str, what: Callable[[], None]) -> None:
        thread = threading.Thread(target=what, name=name, daemon=True)
        self._threads = [*(one for one in self._threads if one.is_alive()), thread]
        thread.start()

    def _discover(self) -> None:
        while not self._stop.is_set():
            self._stop.wait(self._discover_whatever_comes())

    def _discover_whatever_comes(self) -> float:
        """As ``discover``; a bug, too, ends in a pause."""
        try:
            return self.discover()
        except Exception as error:
            log.exception("a bug in Tidegate, please report it: it was not seen what Kubernetes has")
            self.failing = f"a bug in Tidegate: {type(error).__name__}"
            return self._pauses.failed()
