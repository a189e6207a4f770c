"""What one field of a document may hold: a duration, a number of nodes or a share of them, a name.

Each kind is a check in our own words and the same rule as JSON Schema, so that the two cannot drift apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, core_schema

from models.durations import PATTERN, duration_s, duration_text
from models.errors import shown

_SHARE = re.compile(r"(100|[1-9][0-9]?)%")
NODES_MOST = 1_000_000  # no site has so many of one kind; a larger number is a slip of the finger


def nodes_of(count: int | str, pool_nodes: int) -> int:
    """A count or a share of the pool, in nodes: at least one."""
    if isinstance(count, int):
        return count
    return max(1, pool_nodes * int(count.rstrip("%")) // 100)


class Part(BaseModel):
    """One mapping of a document that people write: frozen, strict, keys in camelCase, unknown keys refused.

    ``REFUSED`` are keys that people look for and that do not belong here, each with what to do instead.
    """

    REFUSED: ClassVar[Mapping[str, str]] = {}

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, extra="forbid", frozen=True, strict=True, allow_inf_nan=False
    )

    def beside(self, folder: Path) -> Self:
        """The same, with every path in it that is not absolute taken from a folder: that of its document."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        paths = {name: folder / value for name, value in values.items() if isinstance(value, Path)}
        parts = {name: value.beside(folder) for name, value in values.items() if isinstance(value, Part)}
        return self.model_copy(update={**paths, **parts})


def field(default: Any, description: str, **limits: Any) -> Any:
    """A field with a default as the document would write it, and what it means, with its unit."""
    return Field(default=default, validate_default=True, description=description, **limits)


Found = tuple[tuple[str | int, ...], str]
"""The path from the part that was checked, in the policy's own keys, and what is wrong there."""


class Contradiction(ValueError):
    """Values that are right alone and wrong together; ``found`` has all of them."""

    def __init__(self, *found: Found) -> None:
        self.found = found
        super().__init__("; ".join(what for _, what in found))


@dataclass(frozen=True, eq=False)
class Kind:
    """A check that returns the value or raises ValueError, how JSON Schema says it, and how a value is written."""

    check: Callable[[object], Any]
    schema: Mapping[str, Any]
    written: Callable[[Any], str] | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        written = self.written and core_schema.plain_serializer_function_ser_schema(self.written, when_used="json")
        return core_schema.no_info_plain_validator_function(self.check, serialization=written)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(self.schema)


def lasting(least: str, most: str) -> Kind:
    """A duration between two, both allowed; the value is in seconds."""

    def check(value: object) -> int:
        seconds = duration_s(value)
        if not duration_s(least) <= seconds <= duration_s(most):
            raise ValueError(f"must be from {least} to {most}, not {value}")
        return seconds

    schema = {"type": "string", "pattern": f"^{PATTERN}$", "title": f"duration, {least} to {most}"}
    return Kind(check, schema, duration_text)


def matching(pattern: str, words: str, longest: int) -> Kind:
    """Text that fits a regular expression, which ``words`` say for people; ``longest`` is in characters."""
    compiled = re.compile(pattern)

    def check(value: object) -> str:
        if not isinstance(value, str):
            raise ValueError(f"must be text, not {shown(value)}; put it in quotes")
        if len(value) > longest:
            raise ValueError(f"has {len(value)} characters, more than the {longest} allowed")
        if not compiled.fullmatch(value):
            raise ValueError(f"{shown(value)} is not {words}")
        return value

    schema = {"type": "string", "pattern": f"^{pattern}$", "minLength": 1, "maxLength": longest, "title": words}
    return Kind(check, schema)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= NODES_MOST


def _nodes_or(word: Callable[[str], bool], otherwise: str) -> Callable[[object], int | str]:
    def check(value: object) -> int | str:
        if isinstance(value, str) and word(value):
            return value
        if isinstance(value, int) and _is_count(value):
            return value
        raise ValueError(f"must be a number of nodes (1 to {NODES_MOST}) or {otherwise}, not {shown(value)}")

    return check


_COUNT = {"type": "integer", "minimum": 1, "maximum": NODES_MOST}
NODES_OR_SHARE = Kind(
    _nodes_or(lambda text: _SHARE.fullmatch(text) is not None, "a share of the pool from 1% to 100%"),
    {"anyOf": [_COUNT, {"type": "string", "pattern": f"^{_SHARE.pattern}$"}], "title": "nodes, or 1% to 100%"},
)
NODES_OR_ALL = Kind(
    _nodes_or(lambda text: text == "all", "all"),
    {"anyOf": [_COUNT, {"const": "all"}], "title": "nodes, or all"},
)


_PARTS = re.compile(r"([0-9]{1,2}(\.[0-9]{1,3})?)%")


def share_of(value: object) -> float:
    """A share such as ``1%`` or ``0.5%`` as a number. Raises ValueError, with an example, for any other text."""
    match = _PARTS.fullmatch(value) if isinstance(value, str) else None
    share = float(match[1]) / 100 if match is not None else 0.0
    if not 0 < share <= 0.5:
        raise ValueError(f"must be a share from 0.001% to 50%, such as 1%, not {shown(value)}")
    return share


def share_text(share: float) -> str:
    """A share as people write it, of three digits after the point."""
    return f"{round(100 * share, 3):g}%"


SHARE = Kind(
    share_of, {"type": "string", "pattern": f"^{_PARTS.pattern}$", "title": "share, 0.001% to 50%"}, share_text
)


def _path(value: object) -> Path:
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError(f"must be the path of a file, not {shown(value)}")
    if value.startswith("~"):
        raise ValueError(f"{shown(value)} is taken as it stands; write the path out instead of ~")
    return Path(value)


PATH = Kind(_path, {"type": "string", "minLength": 1, "title": "path of a file"}, str)
