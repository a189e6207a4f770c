"""What became of each pod, and when nodes were fenced off, as watches of somebody apart tell it, event by event.

Pods and nodes have their revisions from one etcd, so of two changes it is known which came first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import Any

from tests.real.kube import nodes, objects
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.site import SIDE

LAST = "history-ends"  # a pod that nobody starts
ENDS = "test.tidegate.dev/history-ends"  # an annotation
SILENT_S = 600.0


class History:
    """``last`` is the last that was told of each pod, by uid; ``harmed`` are those that were to end before they had."""

    def __init__(self, control_plane: ControlPlane, space: str) -> None:
        self.last: dict[str, Mapping[str, Any]] = {}
        self.harmed: dict[str, str] = {}
        self._bound: dict[str, tuple[str, int]] = {}
        self._fences: defaultdict[str, list[tuple[int, bool]]] = defaultdict(list)
        self._admin = control_plane.admin
        self._path = f"{objects.CORE}/{space}/pods"
        self._space = space

    @contextmanager
    def followed(self) -> Iterator[History]:
        """From now on, until the block ends."""
        for node in self._admin.items(nodes.NODES):
            self._see_node(node)
        threads = [self._following(nodes.NODES, self._see_node), self._following(self._path, self._see_pod)]
        try:
            yield self
        finally:
            name = next(iter(self._fences))
            objects.pod(self._admin, self._space, LAST, schedulingGates=[{"name": "test.tidegate.dev/never"}])
            nodes.annotate(self._admin, name, **{ENDS: "yes"})
            for thread in threads:
                thread.join()
            nodes.annotate(self._admin, name, **{ENDS: None})
        if LAST not in {one["metadata"]["name"] for one in self.last.values()}:
            raise RuntimeError("the history of pods is not whole")

    def came_late(self) -> set[str]:
        """The pods that were bound to a node that was fenced off already, by uid."""
        return {uid for uid, (node, revision) in self._bound.items() if self._was_fenced(node, revision)}

    def _was_fenced(self, node: str, revision: int) -> bool:
        before = [fenced for at, fenced in self._fences[node] if at < revision]
        return bool(before) and before[-1]

    def _following(self, path: str, see: Callable[[Any], bool]) -> Thread:
        version = self._admin.get(path, limit=1)["metadata"]["resourceVersion"]

        def follow() -> None:
            for event in self._admin.watch(path, timeout_s=SILENT_S, resourceVersion=version):
                if event["type"] == "DELETED":
                    self._see_end(event["object"])
                elif see(event["object"]):
                    return

        thread = Thread(target=follow, name=f"history of {path}", daemon=True)
        thread.start()
        return thread

    def _see_node(self, node: Any) -> bool:
        """Whether it is the last that is to be seen."""
        meta, taints = node["metadata"], node["spec"].get("taints") or ()
        fenced = any(one["key"] == SIDE and one["effect"] == "NoExecute" for one in taints)
        changes = self._fences[meta["name"]]
        if not changes or changes[-1][1] is not fenced:
            changes.append((int(meta["resourceVersion"]), fenced))
        return ENDS in (meta.get("annotations") or {})

    def _see_pod(self, pod: Any) -> bool:
        meta = pod["metadata"]
        self.last[meta["uid"]] = pod
        if (node := pod["spec"].get("nodeName")) and meta["uid"] not in self._bound:
            self._bound[meta["uid"]] = node, int(meta["resourceVersion"])
        if "deletionTimestamp" in meta:
            self._see_end(pod)
        return bool(meta["name"] == LAST)

    def _see_end(self, told: Any) -> None:
        """A pod that is to be no more; no node of a test is."""
        meta, status = told["metadata"], told["status"]
        self.last[meta["uid"]] = told
        if status.get("phase") != "Succeeded":
            reasons = [one.get("reason") for one in status.get("conditions") or () if one["status"] == "True"]
            what = f"pod {meta['name']} was to end while {status.get('phase')}: {reasons}"
            self.harmed.setdefault(meta["uid"], what)
