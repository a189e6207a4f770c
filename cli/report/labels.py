"""Where the names of points stand in a drawing, so that no two lie upon one another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

LETTER, LINE = 7.5, 15.0  # what one letter takes, and one line; a little more than most fonts do
BESIDE = 8.0  # from the point
TRIES = 6  # lines above and below the point


@dataclass(frozen=True, slots=True)
class Label:
    """A text whose line ends, or begins, at x, and stands on y."""

    x: float
    y: float
    text: str
    ends: bool = False

    def meets(self, other: Label) -> bool:
        """Whether the two would lie upon one another."""
        return abs(self.y - other.y) < LINE and self.left < other.right and other.left < self.right

    @property
    def left(self) -> float:
        """Where it begins."""
        return self.x - LETTER * len(self.text) if self.ends else self.x

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.x if self.ends else self.x + LETTER * len(self.text)


@dataclass(slots=True)
class Labels:
    """Labels in a drawing of this width and height; each finds a place that none before it has, if there is one."""

    wide: float
    high: float
    taken: list[Label] = field(default_factory=list)

    def beside(self, x: float, y: float, text: str, *, first: float) -> Label:
        """A label for a point, ``first`` below it if there is room."""
        places = list(self._places(x, y, text, first)) or [Label(x + BESIDE, y + first, text)]
        found = next((one for one in places if not any(map(one.meets, self.taken))), places[0])
        self.taken.append(found)
        return found

    def _places(self, x: float, y: float, text: str, first: float) -> Iterator[Label]:
        """All places within the drawing, the best ones first: to the right, to the left, then in lines further up and
        down."""
        for number in range(TRIES):
            for lower in (first - number * LINE, first + number * LINE):
                for one in (Label(x + BESIDE, y + lower, text), Label(x - BESIDE, y + lower, text, ends=True)):
                    if one.left >= 0 and one.right <= self.wide and (number == 0 or LINE <= one.y <= self.high):
                        yield one
