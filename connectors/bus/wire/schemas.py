"""What is published of the bodies: one JSON Schema for each type of event, made from the structs that read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from connectors.bus.wire.payloads import TYPES, Type

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID_BASE = "https://tidegate.dev/v1/events/"

Schema = dict[str, Any]


def file_name(kind: Type[Any]) -> str:
    """The file that holds the schema of a type."""
    return f"{kind.name}.schema.json"


def schemas() -> Mapping[str, Schema]:
    """The JSON Schema (2020-12) of the body of each type, by the type's name.

    Fields that a schema does not name are allowed: a later release may add some.
    """
    return {kind.name: schema(kind) for kind in TYPES.values()}


def schema(kind: Type[Any]) -> Schema:
    """The JSON Schema of the body of one type."""
    [_], parts = msgspec.json.schema_components([kind.body], ref_template="#/$defs/{name}")
    parts = msgspec.json.decode(msgspec.json.encode(parts))  # as JSON: defaults may be tuples
    whole = _plain(parts.pop(kind.body.__name__))
    inner = {name: _plain(part) for name, part in sorted(parts.items())}
    head = {"$schema": DIALECT, "$id": f"{ID_BASE}{file_name(kind)}", **whole, "title": kind.name}
    return {**head, "$defs": inner} if inner else head


def _plain(part: Schema) -> Schema:
    """One definition, as it is published: an object is open, and an enumeration speaks for itself."""
    if "enum" in part:
        return {"type": "string", "enum": part["enum"]}
    described = " ".join(part["description"].split()).replace("``", "`")
    return {**part, "description": described, "additionalProperties": True}
