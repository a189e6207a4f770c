"""What is wrong with a document, in our own words: where, what, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, get_args

from pydantic_core import ErrorDetails

from models.errors import shown
from models.fields import Contradiction, Part

Path = tuple[str | int, ...]

_WORDS = {
    "missing": "missing; add it",
    "model_type": "must be a mapping of keys to values, not {value}",
    "tuple_type": "must be a list, not {value}; begin each item with a dash",
    "literal_error": "must be {expected}, not {value}",
    "enum": "must be {expected}, not {value}",
    "float_type": "must be a number, not {value}",
    "finite_number": "must be a finite number, not {value}",
    "int_type": "must be a whole number, not {value}",
    "int_from_float": "must be a whole number, not {value}",
    "bool_type": "must be true or false, not {value}",
    "greater_than": "must be above {gt:g}, not {value}",
    "greater_than_equal": "must be {ge:g} or more, not {value}",
    "less_than": "must be below {lt:g}, not {value}",
    "less_than_equal": "must be {le:g} or less, not {value}",
    "too_short": "needs at least {min_length} item",
    "too_long": "may have at most {max_length} items, not {actual_length}",
}


def in_words(error: ErrorDetails, root: type[Part]) -> list[tuple[Path, str]]:
    """Each thing that one error of the validation says, with the path of keys to what is wrong.

    ``root`` is the declaration of the whole document, here and below.
    """
    path, value, context = error["loc"], error["input"], error.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, Contradiction):
        return [((*path, *further), what) for further, what in cause.found]
    if error["type"] == "extra_forbidden":
        return [(path, unknown_key(path, root))]
    if error["type"] == "too_short" and len(value) >= context["min_length"]:
        return []  # its items are wrong, and that is said for each
    if value is None:
        return [(path, "empty; give it a value, or remove the key")]
    if cause is not None:
        return [(path, str(cause))]
    words = _WORDS.get(error["type"], "{value} does not fit here; the reference page says what does")
    return [(path, words.format(**{**context, "value": shown(value)}))]


def dotted(path: Path) -> str:
    """A path as people write it: ``spec.pools[0].name``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            plain = step.isidentifier() and len(step) <= 60
            text += ("." if text else "") + (step if plain else shown(step))
    return text


def unknown_key(path: Path, root: type[Part]) -> str:
    """What to say about a key that nothing knows: the nearest one that is known, or where it belongs."""
    key, model = str(path[-1])[:60], model_at(path[:-1], root)
    if model is not None and key in model.REFUSED:
        return model.REFUSED[key]
    names = _names(model)
    plain = {name.lower(): name for name in names}
    if close := get_close_matches(key.lower().replace("_", "").replace("-", ""), plain, n=1):
        return f"unknown key; did you mean {plain[close[0]]}?"
    elsewhere = [place for place, name in _every_key(root) if name == key]
    if len(elsewhere) == 1:
        return f"unknown key here; it belongs in {elsewhere[0] or 'the document itself'}"
    return f"unknown key; the keys here are {', '.join(names)}"


def model_at(path: Path, root: type[Part]) -> type[Part] | None:
    """The part of the declaration that a path of keys leads to; None when it leads to a plain value."""
    model: type[Part] | None = root
    for step in path:
        if isinstance(step, str):
            fields = model.model_fields.values() if model else ()
            field = next((field for field in fields if field.alias == step), None)
            model = _model_in(field.annotation) if field else None
    return model


def _model_in(annotation: Any) -> type[Part] | None:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)


def _names(model: type[Part] | None) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _every_key(model: type[Part], place: str = "") -> Iterator[tuple[str, str]]:
    """Each key of the whole declaration, after the place where it belongs."""
    for field in model.model_fields.values():
        name = field.alias or ""
        yield place, name
        if inner := _model_in(field.annotation):
            yield from _every_key(inner, f"{place}.{name}" if place else name)
