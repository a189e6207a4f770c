"""Which resources a cluster has: what is not there is told apart from what we may not read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from connectors.kube.access.api import Api, body_of
from connectors.kube.resource import Resource
from connectors.kube.watching.reading import UNREADABLE
from models.errors import Refused, Unreachable


class _Version(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    group_version: str = ""


class _Group(msgspec.Struct, frozen=True, gc=False):
    versions: tuple[_Version, ...] | None = None


class _Groups(msgspec.Struct, frozen=True, gc=False):
    kind: str
    groups: tuple[_Group, ...] | None = None


class _Resource(msgspec.Struct, frozen=True, gc=False):
    name: str = ""
    verbs: tuple[str, ...] | None = None


class _Resources(msgspec.Struct, frozen=True, gc=False):
    kind: str
    resources: tuple[_Resource, ...] | None = None


_GROUPS = msgspec.json.Decoder(_Groups)
_RESOURCES = msgspec.json.Decoder(_Resources)


def discovered(
    api: Api, table: Iterable[Resource[Any]], known: Iterable[Resource[Any]] = ()
) -> tuple[Resource[Any], ...]:
    """Those of the table that are served: of several versions of one resource the first.

    A group that gives no answer, as one of an aggregated server that is away, is as it was ``known``. Where we may not
    ask, all may be there. Raises Unreachable when nothing is told at all.
    """
    rows = tuple(table)
    try:
        versions = _group_versions(api)
    except Refused:
        return _first_of_each(rows)
    served: list[Resource[Any]] = []
    by_base: dict[str, frozenset[str] | None] = {}
    for row in rows:
        if row.group and row.group_version not in versions:
            continue
        if row.base not in by_base:
            by_base[row.base] = _names(api, row.base)
        names = by_base[row.base]
        if (row in known) if names is None else (row.plural in names):
            served.append(row)
    return _first_of_each(served)


def _group_versions(api: Api) -> frozenset[str]:
    body = body_of(api.ask("GET", "/apis"), "the API groups")
    try:
        told = _GROUPS.decode(body)
    except UNREADABLE as error:
        raise Unreachable(f"the API groups cannot be read: {error}") from error
    if told.kind != "APIGroupList":
        raise Unreachable("what should be the API groups is none")
    return frozenset(version.group_version for group in told.groups or () for version in group.versions or ())


def _names(api: Api, base: str) -> frozenset[str] | None:
    """What can be listed and watched there; None where that is not known."""
    try:
        told = _RESOURCES.decode(body_of(api.ask("GET", base), f"resources of {base}"))
    except (Unreachable, Refused, *UNREADABLE):
        return None
    if told.kind != "APIResourceList":
        return None
    return frozenset(one.name for one in told.resources or () if {"list", "watch"} <= set(one.verbs or ()))


def _first_of_each(rows: Iterable[Resource[Any]]) -> tuple[Resource[Any], ...]:
    first: dict[str, Resource[Any]] = {}
    for row in rows:
        first.setdefault(row.name, row)
    return tuple(first.values())
