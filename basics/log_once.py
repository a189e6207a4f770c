"""Trouble that lasts: logged when it begins and when it is over, not each time that it is met in between."""

from __future__ import annotations

import logging
import re

NUMBERS = re.compile(r"[0-9]+")


class Trouble:
    """What is wrong with one thing for as long as it is: in the log ``what``, a colon, and why; or only why.

    It is said again when the reason is another one but for what ``ignoring`` matches: by default the numbers in it.
    """

    def __init__(
        self, log: logging.Logger, what: str = "", *, over: str = "", ignoring: re.Pattern[str] | None = NUMBERS
    ) -> None:
        self._log = log
        self._what = what and f"{what}: "
        self._over = over or f"{what}: no trouble any more"
        self._ignoring = ignoring
        self._known: str | None = None
        self.text = ""  # the latest reason; empty when there is none

    @property
    def lasts(self) -> bool:
        """Whether it was so when last looked at."""
        return self._known is not None

    def met(self, error: object) -> None:
        """It is so still, or now."""
        alike = str(error) if self._ignoring is None else self._ignoring.sub("", str(error))
        if alike != self._known:
            self._log.warning("%s%s", self._what, error)
        self._known, self.text = alike, str(error)

    def over(self) -> None:
        """It is not so, or not any more."""
        if self._known is not None:
            self._log.info("%s", self._over)
        self._known, self.text = None, ""
