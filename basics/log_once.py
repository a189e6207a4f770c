"""Trouble that lasts: logged when it begins and when it is over, not each time that it is met in between."""

from __future__ import annotations

import logging
import re

_NUMBERS = re.compile(r"[0-9]+")


class Trouble:
    """What is wrong with one thing, ``what`` in the log, for as long as it is."""

    def __init__(self, log: logging.Logger, what: str) -> None:
        self._log = log
        self._what = what
        self._said: str | None = None

    @property
    def lasts(self) -> bool:
        """Whether it was so when last looked at."""
        return self._said is not None

    def met(self, error: object) -> None:
        """It is so still, or now. Said when it is new, or for another reason than a number in it."""
        said = _NUMBERS.sub("", str(error))
        if said != self._said:
            self._log.warning("%s: %s", self._what, error)
        self._said = said

    def over(self) -> None:
        """It is not so, or not any more."""
        if self._said is not None:
            self._log.info("%s: no trouble any more", self._what)
        self._said = None
