"""How a checkup asks: one answer decoded, or all objects of a resource, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from connectors.kube.access.api import Api, body_of
from connectors.kube.resource import Described, Resource
from models.errors import Unreachable

PAGE = 500
PAGES_MOST = 10_000
PAGE_S = 60.0
UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)

A = TypeVar("A")
T = TypeVar("T", bound=Described)


class _Meta(msgspec.Struct, frozen=True, gc=False):
    goes_on: str = msgspec.field(default="", name="continue")


class _Page(msgspec.Struct, frozen=True, gc=False):
    kind: str
    metadata: _Meta = _Meta()
    items: tuple[msgspec.Raw, ...] | None = None


_PAGES = msgspec.json.Decoder(_Page)


def answered(api: Api, method: str, path: str, type_: type[A], body: object = None) -> A:
    """One answer. Raises Unreachable, or ApiRefused for a no."""
    told = body_of(api.ask(method, path, body=body), f"{method} {path}")
    try:
        return msgspec.json.decode(told, type=type_)
    except UNREADABLE as error:
        raise Unreachable(f"the answer to {method} {path} cannot be read: {error}") from error


def every(api: Api, resource: Resource[T]) -> Iterator[T]:
    """All objects but those that cannot be read. Raises Unreachable, or ApiRefused for a no."""
    token = ""
    for _ in range(PAGES_MOST):
        query = {"limit": str(PAGE)} | ({"continue": token} if token else {})
        told = body_of(api.ask("GET", resource.path, query=query, timeout_s=PAGE_S), f"list of {resource.name}")
        try:
            page = _PAGES.decode(told)
        except UNREADABLE as error:
            raise Unreachable(f"the list of {resource.name} cannot be read: {error}") from error
        if not page.kind.endswith("List"):
            raise Unreachable(f"what should be the list of {resource.name} is none")
        for item in page.items or ():
            try:
                yield msgspec.json.decode(item, type=resource.type)
            except UNREADABLE:  # a checkup tells of what it can read; the service complains about the rest
                continue
        token = page.metadata.goes_on
        if not token:
            return
    raise Unreachable(f"the list of {resource.name} has no end")
