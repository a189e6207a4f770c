"""``--set KEY=VALUE`` and ``--vary KEY=VALUES``: a policy with some values of its document replaced."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import typer

from basics.documents.messages import dotted
from basics.documents.reader import read_tree
from basics.documents.tree import Path, Place, Tree, Unreadable
from basics.documents.validation import validated
from models.errors import BadInput
from models.policies import Policy

EXAMPLE = "spec.moves.minGain=0.8"
_STEP = re.compile(r"([A-Za-z][A-Za-z0-9]*)((?:\[[0-9]{1,4}\])*)")


class Setting(NamedTuple):
    """One key of the policy by its path in the document, the value that it gets, and both as a person typed them."""

    path: Path
    value: Any
    typed: str


def setting(text: str, option: str = "--set") -> Setting:
    """``spec.moves.minGain=0.8`` as a value; the value is read as YAML. Raises BadParameter."""
    key, equals, value = text.partition("=")
    if not equals or not value:
        raise typer.BadParameter(f"{text!r} in {option} is not KEY=VALUE; for example {EXAMPLE}")
    return Setting(_path(key, option), _value(key, value, option), text)


def settings_of(text: str, option: str = "--vary") -> list[Setting]:
    """``spec.moves.minGain=0.2,0.8`` as one setting for each value, in their order; commas within brackets belong to
    a value. Raises BadParameter."""
    key, equals, values = text.partition("=")
    parts = re.split(r",(?![^\[{]*[\]}])", values) if equals else []
    found = [setting(f"{key}={part.strip()}", option) for part in parts]
    if not found or len({one.typed for one in found}) < len(found):
        example = "spec.moves.minGain=0.2,0.35,0.8"
        raise typer.BadParameter(f"{text!r} in {option} is not KEY=VALUE,VALUE, each once; for example {example}")
    return found


def with_settings(document: dict[str, Any], settings: Iterable[Setting], option: str = "--set") -> Policy:
    """The policy of a document (as ``model_dump`` by alias gives it), with the settings put in, validated as a file is;
    of two for one key the later counts.

    Raises BadInput with what is wrong, and a key that is close where one is not known.
    """
    last = {one.path: one for one in settings}
    data, told = _copy(document), {path: one.typed for path, one in last.items()}
    for one in last.values():
        _put(data, one.path, one.value, f"{option} {one.typed}")
    policy, mistakes = validated(Tree(data, {(): Place(1, 1)}, {}, [], set()), Policy)
    if policy is None or mistakes:
        lines = [f"{_whose(mistake.path, told, option)}{mistake.what}" for mistake in mistakes]
        raise BadInput("; ".join(dict.fromkeys(lines)))
    return policy


def _whose(at: Path, told: dict[Path, str], option: str) -> str:
    """Which setting a mistake at a path is about, and the path where that says more."""
    for path, typed in told.items():
        shared = min(len(path), len(at))
        if path[:shared] == at[:shared]:
            further = "" if at == path else f"{dotted(at)}: "
            return f"{option} {typed}: {further}"
    return f"{dotted(at)}: "


def _path(key: str, option: str) -> Path:
    path: list[str | int] = []
    for step in key.strip().split("."):
        match = _STEP.fullmatch(step)
        if match is None:
            raise typer.BadParameter(f"{key!r} in {option} is no key of a policy; for example {EXAMPLE}")
        path.append(match[1])
        path += [int(number) for number in re.findall(r"[0-9]+", match[2])]
    return tuple(path)


def _value(key: str, text: str, option: str) -> Any:
    if text.strip() in {"null", "~"}:
        return None
    try:
        tree = read_tree(text)
    except Unreadable as error:
        raise typer.BadParameter(f"the value of {key} in {option} cannot be read: {error}") from None
    if tree.mistakes:
        raise typer.BadParameter(f"the value of {key} in {option} cannot be read: {tree.mistakes[0].what}")
    return tree.data


def _put(data: Any, path: Path, value: Any, said: str) -> None:
    """Put a value into nested mappings and lists, making the mappings that are not there yet."""
    for number, step in enumerate(path):
        if (why := _why_not(data, step)) is not None:
            raise BadInput(f"{said}: {dotted(path[:number]) or 'a policy'} {why}")
        if number == len(path) - 1:
            data[step] = value
        elif isinstance(step, str) and data.get(step) is None:
            data[step] = {}
        data = data[step]


def _why_not(data: Any, step: str | int) -> str | None:
    """Why there is no such step from a value, in words."""
    if isinstance(step, str):
        is_list = "is a list; write which item, as [0]" if isinstance(data, list) else "has no keys"
        return None if isinstance(data, dict) else is_list
    if not isinstance(data, list):
        return "is no list"
    return None if step < len(data) else f"has no item [{step}]; it has {len(data)}, counted from 0"


def _copy(value: Any) -> Any:
    """A copy of plain data that may be changed."""
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value
