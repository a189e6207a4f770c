"""Somebody else who writes to the same nodes all the time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from tests.real.kube import nodes
from tests.real.kube.client import MERGE
from tests.real.kube.handing_over import HandingOver, insist

OTHER = "test.tidegate.dev/other"


class AnotherHand:
    """Somebody who changes one thing of a node again and again, and looks whether his last change is still there.

    ``lost`` are those of his changes that somebody else undid.
    """

    def __init__(self, pool: HandingOver, node: str, what: str, every_s: float) -> None:
        self.lost: list[str] = []
        self.changes = 0
        self._pool = pool
        self._node = node
        self._what = what
        self._every_s = every_s

    @contextmanager
    def busy(self) -> Iterator[None]:
        ended = threading.Event()

        def change() -> None:
            for number in count(1):
                getattr(self, f"_{self._what}")(str(number))
                self.changes = number
                if ended.wait(self._every_s):
                    return

        thread = threading.Thread(target=change, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _taint(self, value: str) -> None:
        """Conditional on the version, as kubectl has it."""
        answer = 409
        while answer == 409:
            node = self._pool.node(self._node)
            there = node["spec"].get("taints") or []
            shown = [one.get("value") for one in there if one["key"] == OTHER]
            if shown != ([str(int(value) - 1)] if value != "1" else []):
                self.lost.append(f"{self._node}: {shown} where {int(value) - 1} was")
            wanted = [one for one in there if one["key"] != OTHER]
            wanted.append({"key": OTHER, "value": value, "effect": "PreferNoSchedule"})
            body = {"metadata": {"resourceVersion": node["metadata"]["resourceVersion"]}, "spec": {"taints": wanted}}
            answer = self._patch(body)

    def _label(self, value: str) -> None:
        shown = self._pool.node(self._node)["metadata"]["labels"].get(OTHER)
        if shown != (str(int(value) - 1) if value != "1" else None):
            self.lost.append(f"{self._node}: {shown} where {int(value) - 1} was")
        assert self._patch({"metadata": {"labels": {OTHER: value}}}) == 200

    def _record(self, value: str) -> None:
        """A scribble where our record is: that one is ours to replace."""
        assert self._patch({"metadata": {"annotations": {"tidegate.dev/record": f"scribble {value}"}}}) == 200

    def _patch(self, body: object) -> int:
        return self._pool.admin.ask("PATCH", f"{nodes.NODES}/{self._node}", body, content_type=MERGE).status


def forget(pool: HandingOver) -> None:
    """Nothing of theirs is on the nodes any more."""
    for name in pool.names:
        insist(pool.control_plane, lambda name=name: nodes.untaint(pool.admin, name, OTHER))  # type: ignore[misc]
        pool.admin.patch(f"{nodes.NODES}/{name}", {"metadata": {"labels": {OTHER: None}}})
