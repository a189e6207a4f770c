"""What one resource holds as far as we know: all its objects, and how often that has changed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

from connectors.kube.resource import Described

T = TypeVar("T", bound=Described)


class Objects(Generic[T]):
    """The objects by key. One thread changes them; any may look."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._objects: dict[str, T] = {}
        self._left_out: dict[str, str] = {}
        self._order = 0
        self._shown: tuple[int, Mapping[str, T]] = (0, MappingProxyType({}))

    @property
    def order(self) -> int:
        """It rises with each change."""
        return self._order

    @property
    def left_out(self) -> Mapping[str, str]:
        """The objects that are there and cannot be read, by name, with the reason."""
        with self._lock:
            return dict(self._left_out)

    def __len__(self) -> int:
        return len(self._objects)

    def shown(self) -> tuple[int, Mapping[str, T]]:
        """The order, and all objects at that instant: the same value for as long as nothing has changed."""
        with self._lock:
            if self._shown[0] != self._order:
                self._shown = (self._order, MappingProxyType(dict(self._objects)))
            return self._shown

    def get(self, key: str) -> T | None:
        """The object, if it is there."""
        return self._objects.get(key)

    def put(self, key: str, name: str, new: T) -> None:
        """It is so now."""
        with self._lock:
            self._objects[key] = new
            self._left_out.pop(name, None)
            self._order += 1

    def leave_out(self, key: str, name: str, why: str) -> None:
        """It has changed, and cannot be read: what it was before is not true any more."""
        with self._lock:
            self._objects.pop(key, None)
            self._left_out[name] = why
            self._order += 1

    def drop(self, key: str, name: str) -> None:
        """It is gone."""
        with self._lock:
            self._objects.pop(key, None)
            self._left_out.pop(name, None)
            self._order += 1

    def replace(self, new: dict[str, T], left_out: Mapping[str, str]) -> bool:
        """These are all, and what is not among them is gone. Whether anything is another than before."""
        with self._lock:
            same = new.keys() == self._objects.keys() and left_out == self._left_out
            if same and all(_alike(one, self._objects[key]) for key, one in new.items()):
                return False
            self._objects, self._left_out = new, dict(left_out)
            self._order += 1
            return True

    def touch(self) -> None:
        """Something else about them has changed."""
        with self._lock:
            self._order += 1


def _alike(one: Described, other: Described) -> bool:
    return one is other or one.metadata.resource_version == other.metadata.resource_version
