"""What lists and watch events say: objects, or that they cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec

from connectors.kube.resource import Described, Resource
from connectors.kube.wire.lists import Bare, Listed, Told
from connectors.kube.wire.meta import Metadata
from models.errors import Unreachable

INITIAL_END = "k8s.io/initial-events-end"
UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)

T = TypeVar("T", bound=Described)


class ListAnew(Unreachable):
    """What the watch says cannot be gone on from: all has to be listed again."""


class Kind(StrEnum):
    """What an event tells."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Objects of a list. ``left_out`` are those that cannot be read, by key, with the reason."""

    version: str
    goes_on: str
    objects: list[T]
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event(Generic[T]):
    """An event; ``object`` is None for a bookmark, and for an object that cannot be read for the reason ``why``."""

    kind: Kind
    metadata: Metadata
    object: T | None = None
    why: str = ""

    @property
    def ends_initial(self) -> bool:
        """Whether all that was there has been told."""
        return self.kind is Kind.BOOKMARK and (self.metadata.annotations or {}).get(INITIAL_END) == "true"


def key_of(metadata: Metadata) -> str:
    """What tells an object from all others: its uid, or where an aggregated server gives none its name."""
    return metadata.uid or name_of(metadata)


def name_of(metadata: Metadata) -> str:
    """Its name with its namespace, for people."""
    return f"{metadata.namespace}/{metadata.name}" if metadata.namespace else metadata.name


class Reading(Generic[T]):
    """The decoders of one resource. An object that cannot be read costs none of the others."""

    def __init__(self, resource: Resource[T]) -> None:
        self._what = resource.name
        self._lists: msgspec.json.Decoder[Listed[T]] = msgspec.json.Decoder(Listed[resource.type])  # type: ignore[name-defined]
        self._events: msgspec.json.Decoder[Told[T]] = msgspec.json.Decoder(Told[resource.type])  # type: ignore[name-defined]
        self._objects: msgspec.json.Decoder[T] = msgspec.json.Decoder(resource.type)

    def object(self, body: bytes) -> T:
        """One object. Raises Unreachable when it cannot be read."""
        try:
            told = self._objects.decode(body)
        except UNREADABLE as error:
            raise Unreachable(f"one of {self._what} cannot be read: {error}") from error
        if not told.metadata.name:
            raise Unreachable(f"what should be one of {self._what} has no name")
        return told

    def page(self, body: bytes) -> Page[T]:
        """A list. Raises Unreachable for what is none: an empty answer is no empty list."""
        left_out: dict[str, str] = {}
        told: Listed[T] | Listed[msgspec.Raw]
        try:
            told = whole = self._lists.decode(body)
            objects = whole.items or []
        except msgspec.ValidationError:
            told, objects, left_out = self._one_by_one(body)
        except UNREADABLE as error:
            raise Unreachable(f"the list of {self._what} cannot be read: {error}") from error
        if not told.kind.endswith("List") or not told.metadata.resource_version:
            raise Unreachable(f"what should be a list of {self._what} is none")
        return Page(told.metadata.resource_version, told.metadata.continue_ or "", objects, left_out)

    def event(self, line: bytes) -> Event[T]:
        """An event. Raises ListAnew for what is none, and for an error that the server tells."""
        try:
            told = self._events.decode(line)
            kind = _KINDS.get(told.type)
        except msgspec.ValidationError:
            return self._odd(line)
        except UNREADABLE as error:
            raise ListAnew(f"a watch of {self._what} told what cannot be read: {error}") from error
        if kind is None:
            return self._odd(line)
        return self._checked(Event(kind, told.object.metadata, None if kind is Kind.BOOKMARK else told.object))

    def _checked(self, event: Event[T]) -> Event[T]:
        if not event.metadata.resource_version:
            raise ListAnew(f"a watch of {self._what} told of an object without a version")
        return event

    def _odd(self, line: bytes) -> Event[T]:
        """What is no event of an object as we know them: an error, or an object that cannot be read."""
        try:
            told = _ODD_EVENTS.decode(line)
            if (kind := _KINDS.get(told.type)) is None:
                raise ListAnew(f"a watch of {self._what} ended: {told.type}: {_words(told.object)}")
            return self._checked(Event(kind, _BARE.decode(told.object).metadata, why=self._why(told.object)))
        except UNREADABLE as error:
            raise ListAnew(f"a watch of {self._what} told what cannot be read: {error}") from error

    def _why(self, object_: msgspec.Raw) -> str:
        try:
            self._objects.decode(object_)
        except UNREADABLE as error:
            return str(error)
        return ""

    def _one_by_one(self, body: bytes) -> tuple[Listed[msgspec.Raw], list[T], dict[str, str]]:
        try:
            told = _ODD_LISTS.decode(body)
        except UNREADABLE as error:
            raise Unreachable(f"the list of {self._what} cannot be read: {error}") from error
        objects: list[T] = []
        left_out: dict[str, str] = {}
        for at, item in enumerate(told.items or []):
            try:
                objects.append(self._objects.decode(item))
            except UNREADABLE as error:
                left_out[_name_in(item) or f"number {at}"] = str(error)
        return told, objects, left_out


_KINDS = {kind.value: kind for kind in Kind}
_ODD_EVENTS: msgspec.json.Decoder[Told[msgspec.Raw]] = msgspec.json.Decoder(Told[msgspec.Raw])
_ODD_LISTS: msgspec.json.Decoder[Listed[msgspec.Raw]] = msgspec.json.Decoder(Listed[msgspec.Raw])
_BARE = msgspec.json.Decoder(Bare)


def _name_in(item: msgspec.Raw) -> str:
    try:
        return name_of(_BARE.decode(item).metadata)
    except UNREADABLE:
        return ""


def _words(status: msgspec.Raw) -> str:
    try:
        told: Any = msgspec.json.decode(status)
    except UNREADABLE:
        return ""
    return f"{told.get('code', '')} {told.get('message', '')}".strip() if isinstance(told, dict) else ""
