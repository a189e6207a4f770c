"""What an API server that has too much to do asks of those who look at nodes and write to them: to come back later."""

from __future__ import annotations

import threading
from collections.abc import Callable

from connectors.kube.access.api import Answer, Busy

MOST_S = 60.0  # of what a server asks to wait

_BUSY = (429, 503)


class RetryAfter:
    """Until when a server wants to be left alone, for any number of threads. Lists and watches wait by themselves."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._until_s: float | None = None

    def check(self) -> None:
        """Raises Busy while the server wants to be left alone."""
        with self._lock:
            wait_s = 0.0 if self._until_s is None else self._until_s - self._monotonic()
        if wait_s > 0:
            raise Busy(f"the API server asked to be left alone for {wait_s:.0f} s more", wait_s)

    def heard(self, answer: Answer) -> Answer:
        """Take in what an answer asks, and give it back."""
        if answer.status in _BUSY and answer.retry_after_s is not None:
            with self._lock:
                self._until_s = self._monotonic() + min(answer.retry_after_s, MOST_S)
        return answer
