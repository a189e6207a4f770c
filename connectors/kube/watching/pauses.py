"""How long to wait when a resource cannot be followed."""

from __future__ import annotations

from random import Random

FIRST_S, MOST_S = 1.0, 10.0  # short: a node may wait for what is told next
SPREAD = 0.1  # to either side, so that not all ask at once
ASKED_MOST_S = 60.0  # of what a server asks to wait
DENIED_S = (10.0, 30.0, 90.0, 270.0, 600.0)  # a server that has only begun may refuse what it allows a little later


class Pauses:
    """Of one resource: doubled with each time that the same happens. Who seeds none waits otherwise than all others."""

    def __init__(self, seed: int | None) -> None:
        self._random = Random(seed)  # noqa: S311 - not for secrets
        self._failures = self._circles = self._refusals = 0

    def failed(self, asked_s: float | None = None) -> float:
        """Nothing was answered, or that it cannot be now; ``asked_s`` is what the server asks to wait."""
        self._failures += 1
        return max(self._grown(self._failures), min(asked_s or 0.0, ASKED_MOST_S))

    def anew(self) -> float:
        """All has to be told anew: at once, but not in a circle, where every watch ends so."""
        self._circles += 1
        return 0.0 if self._circles == 1 else self._grown(self._circles - 1)

    def refused(self) -> float:
        """We may not, or there is no such thing."""
        self._refusals += 1
        return DENIED_S[min(self._refusals, len(DENIED_S)) - 1]

    def answered(self) -> None:
        """It was told."""
        self._failures = self._refusals = 0

    def works(self) -> None:
        """A watch went on until it was to end."""
        self._failures = self._circles = self._refusals = 0

    def _grown(self, times: int) -> float:
        spread = self._random.uniform(1 - SPREAD, 1 + SPREAD)
        return min(FIRST_S * 2.0 ** min(times - 1, 16) * spread, MOST_S)
