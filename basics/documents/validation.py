"""Every mistake of a document at once, each at its place in the text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from basics.documents.messages import in_words, model_at
from basics.documents.tree import Mistake, Path, Tree, nearest
from models.fields import Contradiction, Part

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
        taken = [path for error in errors for path in _take_out(tree.data, error, root)]
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
            if error["type"] == "value_error" and any(one[: len(path)] == path for one in gone):
                continue  # what is said of a part may not hold with what was taken out of it
            if not any(path[:length] in tree.unread for length in range(len(path) + 1)):
                place = tree.keys.get(path) if error["type"] == "extra_forbidden" else None
                mistakes.append(Mistake(place or nearest(tree.places, path), path, what))
    return mistakes


def _take_out(data: Any, error: ErrorDetails, root: type[Part]) -> list[Path]:
    """Removes what is wrong and returns the paths of it: none when nothing can be taken out.

    Of a part that contradicts itself the keys go that it can do without, of one in a list only those that are named. A
    list of parts stays as it is: others refer to its items by name.
    """
    path: Path = error["loc"]
    model, cause = model_at(path, root), error.get("ctx", {}).get("error")
    if error["type"] == "missing" or not path:
        return []
    if model is None:
        while isinstance(path[-1], int):
            path = path[:-1]
    wrong = [path]
    if model is not None and isinstance(cause, Contradiction):
        needed = {field.alias for field in model.model_fields.values() if field.is_required()}
        spare = [(key,) for key in _at(data, path) if key not in needed]
        wrong = [(*path, *one) for one in ([named for named, _ in cause.found] if isinstance(path[-1], int) else spare)]
    elif model is not None and (isinstance(path[-1], int) or error["type"] in ("tuple_type", "too_short", "too_long")):
        return []
    gone = [one for one in wrong if one[-1] in _at(data, one[:-1])]
    for one in gone:
        del _at(data, one[:-1])[one[-1]]
    return gone


def _at(data: Any, path: Iterable[str | int]) -> Any:
    for step in path:
        data = data[step]
    return data
