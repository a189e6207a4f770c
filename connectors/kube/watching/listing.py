"""All objects of one resource, read by pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from connectors.kube.access.api import Api, body_of
from connectors.kube.resource import Described, Resource
from connectors.kube.watching.reading import Event, Kind, ListAnew, Reading, key_of, name_of
from connectors.kube.watching.sharing import Share
from models.errors import Unreachable

PAGE_S = 60.0  # how long one page may take
OBJECTS_MOST = 1_000_000
PAGES_MOST = 10_000  # a server that says for ever that there is more would be asked for ever
GONE = 410

T = TypeVar("T", bound=Described)


class PagesExpired(ListAnew):
    """The objects change faster than their pages can be read."""


@dataclass(slots=True)
class Gathered(Generic[T]):
    """What was told so far of a whole. ``held`` gives what is known already, ``share`` makes two hold the same."""

    held: Callable[[str], T | None]
    share: Share
    objects: dict[str, T] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    version: str = ""
    last: T | None = None

    def add(self, new: T) -> None:
        """One more. Raises Unreachable when there are too many."""
        key = key_of(new.metadata)
        held = self.held(key)
        if held is not None and held.metadata.resource_version == new.metadata.resource_version:
            self.objects[key] = held
            return
        if (like := held or self.last) is not None:
            self.share(new, like)
        self.objects[key] = self.last = new
        if len(self.objects) > OBJECTS_MOST:
            raise Unreachable(f"there are more than {OBJECTS_MOST} objects of one kind")

    def take(self, event: Event[T]) -> None:
        """What a watch tells before it has told all."""
        if event.kind is Kind.BOOKMARK:
            return
        self.objects.pop(key_of(event.metadata), None)
        self.left_out.pop(name_of(event.metadata), None)
        if event.kind is Kind.DELETED:
            return
        if event.object is not None:
            self.add(event.object)
        else:
            self.left_out[name_of(event.metadata)] = event.why


def listed(api: Api, resource: Resource[T], reading: Reading[T], gathered: Gathered[T], page: int) -> None:
    """All of them, ``page`` at a time, or at once with 0. Raises as ``body_of``, PagesExpired, or Unreachable."""
    token = ""
    for _ in range(PAGES_MOST):
        query = ({"limit": str(page)} if page else {}) | ({"continue": token} if token else {})
        answer = api.ask("GET", resource.path, query=query, timeout_s=PAGE_S)
        if answer.status == GONE:
            raise PagesExpired(f"the pages of {resource.name} expired while they were read")
        told = reading.page(body_of(answer, f"list of {resource.name}"))
        for one in told.objects:
            gathered.add(one)
        gathered.left_out |= told.left_out
        gathered.version = gathered.version or told.version  # of the first page: what came later is told again
        token = told.goes_on
        if not token:
            return
    raise Unreachable(f"the list of {resource.name} has no end")
