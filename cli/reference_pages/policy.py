"""The reference of the policy: its JSON Schema and the page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from cli.policy_summary import NOT_YET
from models.fields import Part
from models.policies import Policy

_Schema = Mapping[str, Any]
SCHEMA_ID = "https://tidegate.dev/v1/policy.schema.json"
_HEAD = """# Policy reference

Generated from the declaration of the policy; do not edit it, run `make generate`.

A policy is one YAML document. Every key is optional but for those marked *required*, and what is left out has the
default below. Unknown keys are refused. Durations are a whole number and a unit, `s`, `m`, `h` or `d`.
`tidegate policy check FILE` shows every mistake at once, and what pools and takeovers contradict of one another once
none of them lacks what it must have; [policy.schema.json](policy.schema.json) serves editors.
YAML is read by the core schema of version 1.2, without tags, anchors and aliases. How hooks are written, and what a
program of yours finds when it is run: [hooks](../hooks.md). What the words on Kubernetes and Kueue mean there:
[how Kubernetes behaves](../kubernetes.md).
"""


class _Untitled(GenerateJsonSchema):
    """JSON Schema 2020-12 without titles made up from the names of fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never."""
        return False


def schema() -> dict[str, Any]:
    """The JSON Schema of the policy document, draft 2020-12."""
    return published(Policy, SCHEMA_ID, "Tidegate policy")


def published(model: type[Part], ident: str, title: str) -> dict[str, Any]:
    """The JSON Schema of a document, with what a schema of its own is called by."""
    return {**schema_of(model), "$schema": GenerateJsonSchema.schema_dialect, "$id": ident, "title": title}


def schema_of(model: type[Part]) -> dict[str, Any]:
    """The JSON Schema of a document."""
    return model.model_json_schema(schema_generator=_Untitled)


def schema_text(whole: _Schema | None = None) -> str:
    """A JSON Schema, the policy's unless another is given, as text: sorted, two spaces, a newline at the end."""
    return json.dumps(whole or schema(), indent=2, sort_keys=True) + "\n"


def page_text() -> str:
    """The reference page, in Markdown."""
    later = "\n".join(f"* `{key}`: {what}." for key, what in NOT_YET.items())
    return f"{_HEAD}\n{sections(schema())}\n## Accepted, but not acted on everywhere\n\n{later}\n"


def sections(whole: _Schema) -> str:
    """For each mapping of a document a heading and a table of its keys."""
    return "\n".join(_part(whole, path, part) for path, part in _parts(whole, whole, ""))


def _parts(whole: _Schema, part: _Schema, path: str) -> Iterator[tuple[str, _Schema]]:
    """Each mapping of the document with its path, a parent before its children."""
    yield path, part
    for key, value in part["properties"].items():
        many, inner = "items" in value, _referred(whole, value.get("items", value))
        if "properties" in inner:
            yield from _parts(whole, inner, f"{path}.{key}".lstrip(".") + ("[]" if many else ""))


def _referred(whole: _Schema, value: _Schema) -> _Schema:
    """The definition that a value refers to, with what the value adds to it, or the value itself.

    A mapping that may be left out refers to its definition in the first of two alternatives; the other one is null.
    """
    reference = value.get("$ref", "") or value.get("anyOf", [{}])[0].get("$ref", "")
    name = reference.removeprefix("#/$defs/")
    return {**whole["$defs"][name], **value} if name else value


def _part(whole: _Schema, path: str, part: _Schema) -> str:
    """The section of one mapping: a heading and a table of its keys."""
    rows = []
    for key, value in part["properties"].items():
        known = _referred(whole, value)
        default = "*required*" if key in part.get("required", ()) else _default(known)
        rows.append(f"| `{key}` | {_kind(whole, known)} | {default} | {known['description']} |")
    table = "\n".join(["| key | value | default | meaning |", "|---|---|---|---|", *rows])
    return f"## {f'`{path}`' if path else 'The document'}\n\n{part['description']}\n\n{table}\n"


def _default(value: _Schema) -> str:
    if "default" not in value:
        return "as below"
    default = value["default"]
    if default in (None, ""):
        return "none"
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _kind(whole: _Schema, value: _Schema) -> str:
    """What a key may hold, in words."""
    value = _referred(whole, value)
    if "properties" in value:
        return "mapping"
    if "const" in value or "enum" in value:
        return " or ".join(f"`{choice}`" for choice in value.get("enum", [value.get("const")]))
    if "items" in value:
        return f"list of: {_kind(whole, value['items'])}"
    if "title" in value:
        return str(value["title"])
    return _kind(whole, value["anyOf"][0]) if "anyOf" in value else _number(value)


def _number(value: _Schema) -> str:
    names = {"integer": "whole number", "number": "number", "boolean": "`true` or `false`"}
    low = value["minimum"] if "minimum" in value else f"above {value.get('exclusiveMinimum')}"
    limits = f", {low} to {value['maximum']:.0f}" if "maximum" in value else ""
    return f"{names[value['type']]}{limits}"
