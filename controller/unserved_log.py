"""The log of what nobody can serve: each side and reason once when it begins and once when it is over."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from models.nodes import Side
from models.unserved import Unserved, UnservedReason


class UnservedLog:
    """What of one pool's work no move can serve, as its last plan told; ``pool`` goes before each line of the log."""

    def __init__(self, log: logging.Logger, pool: str = "") -> None:
        self.now: tuple[Unserved, ...] = ()
        self._log = log
        self._prefix = pool and f"pool {pool}: "
        self._known: dict[tuple[Side, UnservedReason], Unserved] = {}

    def tell(self, unserved: Iterable[Unserved]) -> None:
        """Take in what there is now; what stays so for good is warned of, the rest is only noted."""
        self.now = tuple(unserved)
        known, self._known = self._known, {(one.side, one.why): one for one in self.now}
        for key, one in self._known.items():
            if key not in known:
                level = logging.WARNING if one.why.for_good else logging.INFO
                self._log.log(level, "%s%s; no move can help", self._prefix, one.text)
        for key, one in known.items():
            if key not in self._known:
                self._log.info("%sno longer so: %s", self._prefix, one.text)
