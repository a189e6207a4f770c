"""Values of ours, most of which are dataclasses, some structs."""

from __future__ import annotations

from dataclasses import is_dataclass
from dataclasses import replace as replace_in_dataclass
from typing import Any, TypeVar

from msgspec import structs

Value = TypeVar("Value")


def replace(value: Value, **changes: Any) -> Value:
    """The value with these fields changed, of whichever sort it is."""
    known = replace_in_dataclass if is_dataclass(value) else structs.replace
    return known(value, **changes)
