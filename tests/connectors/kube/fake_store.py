"""What a fake API server holds: objects, the revision that each change raises, and the changes that watches tell."""

from __future__ import annotations

import copy
import threading
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
Key = tuple[str, str]  # namespace, name


@dataclass(frozen=True, slots=True)
class Served:
    """A resource that is served: ``kinds`` as its list calls itself, ``base`` as its path begins."""

    base: str  # /api/v1, /apis/batch/v1
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def version(self) -> str:
        return self.base.removeprefix("/api/").removeprefix("/apis/")

    @property
    def path(self) -> str:
        """Of all namespaces."""
        return f"{self.base}/{self.plural}"


@dataclass(frozen=True, slots=True)
class Change:
    """What a watch tells; ``was`` is the object before."""

    revision: int
    path: str
    kind: str  # ADDED, MODIFIED, DELETED
    object: Object
    was: Object | None = None


class Store:
    """All objects by the path of their resource. Each change raises the revision, which is the object's version."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.revision = 100
        self.compacted = 100  # a watch from before it is told 410
        self.objects: dict[str, dict[Key, Object]] = {}
        self.changes: list[Change] = []

    def put(self, served: Served, object_: Mapping[str, Any]) -> Object:
        """As it is now: new, or changed. It gets a uid unless it has one, and the resourceVersion."""
        with self.changed:
            new: Object = copy.deepcopy(dict(object_))
            meta = new.setdefault("metadata", {})
            kept = self.objects.setdefault(served.path, {})
            key = (meta.get("namespace", ""), meta["name"])
            was = kept.get(key)
            new = {"kind": served.kind, "apiVersion": served.version, **new}
            self.revision += 1
            meta.setdefault("uid", was["metadata"]["uid"] if was else f"uid-{self.revision}")
            if was and was["metadata"]["uid"] != meta["uid"]:  # another of that name: the old one is gone first
                self._tell(Change(self.revision, served.path, "DELETED", self._at(was, self.revision)))
                was = None
                self.revision += 1
            meta["resourceVersion"] = str(self.revision)
            kept[key] = new
            self._tell(Change(self.revision, served.path, "MODIFIED" if was else "ADDED", new, was))
            return new

    def drop(self, served: Served, key: Key) -> Object | None:
        """It is gone; what it was."""
        with self.changed:
            was = self.objects.get(served.path, {}).pop(key, None)
            if was is not None:
                self.revision += 1
                self._tell(Change(self.revision, served.path, "DELETED", self._at(was, self.revision), was))
            return was

    def get(self, served: Served, key: Key) -> Object | None:
        with self.changed:
            return self.objects.get(served.path, {}).get(key)

    def all(self, served: Served, namespace: str = "") -> list[Object]:
        """In the order of their keys, as etcd lists them."""
        with self.changed:
            kept = self.objects.get(served.path, {})
            return [kept[key] for key in sorted(kept) if not namespace or key[0] == namespace]

    def since(self, path: str, revision: int) -> Iterable[Change]:
        with self.changed:
            first = bisect_right(self.changes, revision, key=lambda change: change.revision)
            return [change for change in self.changes[first:] if change.path == path]

    def compact(self) -> None:
        """Nothing of what has been is remembered: who watches from before has to list anew."""
        with self.changed:
            self.revision += 1
            self.compacted = self.revision
            self.changes.clear()
            self.changed.notify_all()

    def _tell(self, change: Change) -> None:
        self.changes.append(change)
        self.changed.notify_all()

    @staticmethod
    def _at(object_: Object, revision: int) -> Object:
        return {**object_, "metadata": {**object_["metadata"], "resourceVersion": str(revision)}}


def merged(old: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def chosen(object_: Object, query: Mapping[str, str]) -> bool:
    """Whether the field selector and the label selector of a query choose it: terms of ``=``, ``==`` and ``!=``."""
    labels = object_["metadata"].get("labels") or {}
    return all(_holds(term, lambda path: _field(object_, path)) for term in _terms(query, "fieldSelector")) and all(
        _holds(term, lambda name: labels.get(name, "")) for term in _terms(query, "labelSelector")
    )


def _terms(query: Mapping[str, str], name: str) -> list[str]:
    return [term for term in query.get(name, "").split(",") if term]


def _holds(term: str, value_of: Any) -> bool:
    if "!=" in term:
        name, _, value = term.partition("!=")
        return bool(value_of(name) != value)
    name, _, value = term.replace("==", "=").partition("=")
    return bool(value_of(name) == value)


def _field(object_: Object, path: str) -> str:
    found: Any = object_
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return str(found or "")
