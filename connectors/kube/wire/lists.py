"""Lists and watch events, as far as they are read."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from connectors.kube.wire.meta import EMPTY, Metadata

T = TypeVar("T")


class ListMetadata(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The version of a list, and what to ask for the rest of it."""

    resource_version: str = ""
    continue_: str | None = msgspec.field(default=None, name="continue")


class Listed(msgspec.Struct, Generic[T], frozen=True, gc=False):
    """A list, or a page of one."""

    kind: str = ""
    metadata: ListMetadata = ListMetadata()
    items: list[T] | None = None


class Told(msgspec.Struct, Generic[T], frozen=True, gc=False):
    """An event of a watch; ``type`` is ADDED, MODIFIED, DELETED, BOOKMARK or ERROR."""

    type: str
    object: T


class Bare(msgspec.Struct, frozen=True, gc=False):
    """Any object, by its name only."""

    metadata: Metadata = EMPTY
