"""What was read from a YAML text: plain data, the line and column of every value, and the mistakes on the way."""

from __future__ import annotations

from typing import Any, NamedTuple

Path = tuple[str | int, ...]


class Place(NamedTuple):
    """Where something begins in the text; both count from 1."""

    line: int
    column: int


class Mistake(NamedTuple):
    """Something wrong with the text: where, at which path of keys, what and what to do."""

    place: Place
    path: Path
    what: str


class Tree(NamedTuple):
    """What a text holds.

    ``places`` are those of the values and ``keys`` those of their keys, by path. ``unread`` are the paths whose
    mistake is already told: what else is wrong with their values is of no interest.
    """

    data: Any
    places: dict[Path, Place]
    keys: dict[Path, Place]
    mistakes: list[Mistake]
    unread: set[Path]


class Unreadable(ValueError):
    """The text could not be read to its end; ``mistakes`` are those found until then."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes
        super().__init__("; ".join(mistake.what for mistake in mistakes))


def nearest(places: dict[Path, Place], path: Path) -> Place:
    """The place of a value, or of the part of the document that should have held it."""
    return next(places[path[:length]] for length in range(len(path), -1, -1) if path[:length] in places)
