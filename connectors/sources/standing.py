"""A picture that stands: while a side cannot be read, what it last showed is what is known, and grows old."""

from __future__ import annotations

import logging
from typing import Generic

from basics.log_once import Trouble
from models.errors import Unreachable
from models.nodes import Side
from models.reading import Picture, Shown, Source

log = logging.getLogger("tidegate.sources")


class Standing(Generic[Shown]):
    """Another source, of which the last picture stands while it is away; the log says so once."""

    def __init__(self, source: Source[Shown], side: Side, pool: str = "") -> None:
        self._source: Source[Shown] = source
        self._last: Picture[Shown] | None = None
        self._trouble = Trouble(log, f"side {side} cannot be read" + (f" for pool {pool}" if pool else ""))

    @property
    def unread(self) -> bool:
        """Whether it could not be read when that was last tried."""
        return self._trouble.lasts

    @property
    def shown_s(self) -> int | None:
        """When the side was as the picture that stands shows it; None before the first."""
        return None if self._last is None else self._last.at_s

    def read(self) -> Picture[Shown]:
        """See the port. Raises Unreachable only before the first picture."""
        try:
            picture = self._source.read()
        except Unreachable as error:
            self._trouble.met(error)
            if self._last is None:
                raise
            return self._last
        self._trouble.over()
        self._last = picture
        return picture
