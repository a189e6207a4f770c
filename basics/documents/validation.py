"""Every mistake of a document at once, each at its place in the text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from basics.documents.messages import in_words, model_at
from basics.documents.tree import Mistake, Path, Tree, nearest
from models.fields import Part

MISTAKES_MOST = 100  # more do not help anybody
_ROUNDS_MOST = 10  # each round mends something; three are enough for a policy as deep as ours

Model = TypeVar("Model", bound=Part)


def validated(tree: Tree, root: type[Model]) -> tuple[Model | None, list[Mistake]]:
    """The document that a tree holds, or None, and all that is wrong with it. Takes what is wrong out of the tree.

    Parts that contradict one another show only once each of them is right alone. So what is wrong is taken out and
    the rest is validated again, until nothing new comes up.
    """
    found = {(mistake.path, mistake.what): mistake for mistake in tree.mistakes}
    gone = set(tree.unread)
    for _ in range(_ROUNDS_MOST):
        try:
            return root.model_validate(tree.data, by_name=False), list(found.values())
        except ValidationError as error:
            errors = error.errors(include_url=False)
        for mistake in _new(errors, tree, gone, root, room=MISTAKES_MOST + 1 - len(found)):
            found.setdefault((mistake.path, mistake.what), mistake)
        taken = [path for error in errors if (path := _take_out(tree.data, error, root)) is not None]
        gone.update(taken)
        if not taken:
            break
    return None, list(found.values())


def _new(errors: list[ErrorDetails], tree: Tree, gone: set[Path], root: type[Part], room: int) -> list[Mistake]:
    """What the errors say, but for what is already told; at most ``room``."""
    mistakes: list[Mistake] = []
    for error in errors:
        if len(mistakes) >= room:
            break
        if error["type"] == "missing" and error["loc"] in gone:
            continue
        for path, what in in_words(error, root):
            if not any(path[:length] in tree.unread for length in range(len(path) + 1)):
                place = tree.keys.get(path) if error["type"] == "extra_forbidden" else None
                mistakes.append(Mistake(place or nearest(tree.places, path), path, what))
    return mistakes


def _take_out(data: Any, error: ErrorDetails, root: type[Part]) -> Path | None:
    """Removes the wrong value and returns its path, or returns None when nothing can be taken out.

    Of a part that contradicts itself only the keys go that it can do without. A list of parts stays as it is: others
    refer to its items by name.
    """
    path: Path = error["loc"]
    model = model_at(path, root)
    if error["type"] == "missing" or not path:
        return None
    if model is None:
        while isinstance(path[-1], int):
            path = path[:-1]
    elif error["type"] == "value_error":
        return path if _bare(_at(data, path), model) else None
    elif isinstance(path[-1], int) or error["type"] in ("tuple_type", "too_short", "too_long"):
        return None
    parent = _at(data, path[:-1])
    if path[-1] not in parent:
        return None
    del parent[path[-1]]
    return path


def _bare(part: Any, model: type[Part]) -> bool:
    """Leaves a part only the keys that it must have; False when there was nothing to remove."""
    needed = {field.alias for field in model.model_fields.values() if field.is_required()}
    spare = [key for key in part if key not in needed] if isinstance(part, dict) else []
    for key in spare:
        del part[key]
    return bool(spare)


def _at(data: Any, path: Iterable[str | int]) -> Any:
    for step in path:
        data = data[step]
    return data
