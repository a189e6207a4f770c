"""Which changes of a published schema break somebody who reads, or somebody who writes, by an older one.

Allowed are new optional fields, new values of an enumeration, and other words in a description. Nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
WORDS = {"$schema", "$id", "$defs", "title", "description"}


def broken(old: Schema, new: Schema) -> list[str]:
    """What of ``new`` breaks those who know ``old``: a sentence for each, with the path of the field."""
    return list(_broken(old, new, old, new, ""))


def _broken(old: Schema, new: Schema, old_whole: Schema, new_whole: Schema, path: str) -> Iterator[str]:
    old, new = _followed(old, old_whole), _followed(new, new_whole)
    for word in sorted((old.keys() | new.keys()) - WORDS - {"properties", "required", "enum", "items", "anyOf"}):
        if old.get(word) != new.get(word):
            yield f"{path or 'it'}: {word} is {new.get(word)!r}, not {old.get(word)!r}"
    if gone := sorted(set(old.get("enum", ())) - set(new.get("enum", ()))):
        yield f"{path}: can no longer be {', '.join(gone)}"
    if ("enum" in old) is not ("enum" in new):
        yield f"{path}: is {'no' if 'enum' in old else 'an'} enumeration now"
    if "items" in old or "items" in new:
        yield from _broken(old.get("items", {}), new.get("items", {}), old_whole, new_whole, f"{path}[]")
    befores, afters = old.get("anyOf", []), new.get("anyOf", [])
    if len(befores) != len(afters):
        yield f"{path}: has {len(afters)} alternatives, not {len(befores)}"
    for before, after in zip(befores, afters, strict=False):
        yield from _broken(before, after, old_whole, new_whole, path)
    yield from _broken_fields(old, new, old_whole, new_whole, path)


def _broken_fields(old: Schema, new: Schema, old_whole: Schema, new_whole: Schema, path: str) -> Iterator[str]:
    fields, later = old.get("properties", {}), new.get("properties", {})
    needed, needed_later = set(old.get("required", ())), set(new.get("required", ()))
    for name, field in fields.items():
        where = f"{path}.{name}".lstrip(".")
        if name not in later:
            yield f"{where}: is gone"
            continue
        if (name in needed) is not (name in needed_later):
            yield f"{where}: is {'required' if name in needed_later else 'optional'} now"
        yield from _broken(field, later[name], old_whole, new_whole, where)
    for name in sorted((later.keys() - fields.keys()) & needed_later):
        yield f"{f'{path}.{name}'.lstrip('.')}: is new and required"


def _followed(part: Schema, whole: Schema) -> Schema:
    name = part.get("$ref", "").removeprefix("#/$defs/")
    return {**whole["$defs"][name], **{key: value for key, value in part.items() if key != "$ref"}} if name else part
