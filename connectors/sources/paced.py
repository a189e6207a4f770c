"""Reading at a pace: what several ask for is read once, and not before it is due."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from connectors.sources.backoff import SHARE, Backoff
from models.errors import Unreachable

LEAST_S = 1.0  # between two readings, however much anybody would like a newer one

T = TypeVar("T")


class Paced(Generic[T]):
    """What ``ask`` tells, asked again when ``backoff`` says so; in between its last answer or its last error stands."""

    def __init__(
        self, ask: Callable[[], T], backoff: Backoff, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._backoff = backoff
        self._monotonic = monotonic
        self._last: T | None = None
        self._error: Unreachable | None = None
        self._due_s: float | None = None
        self._soonest_s = 0.0

    @property
    def due_in_s(self) -> float:
        """Seconds until it is asked again; 0 when that is due."""
        return 0.0 if self._due_s is None else max(0.0, self._due_s - self._monotonic())

    def read(self) -> T:
        """What was told last, or now where it is due. Raises Unreachable for as long as the last try failed."""
        if self._due_s is None or self.due_in_s == 0.0:
            self._try()
        if self._error is not None:
            raise Unreachable(str(self._error)) from (self._error.__cause__ or self._error)
        assert self._last is not None  # noqa: S101 - else there is an error
        return self._last

    def hurry(self) -> None:
        """Somebody knows that there is news: it is due at once, unless that asks too much of whoever answers."""
        if self._error is None and self._due_s is not None:
            self._due_s = min(self._due_s, self._soonest_s)

    def _try(self) -> None:
        began_s = self._monotonic()
        try:
            self._last = self._ask()
        except Unreachable as error:
            self._error = error
        else:
            self._error = None
        now_s = self._monotonic()
        took_s = now_s - began_s
        self._soonest_s = now_s + max(LEAST_S, took_s / SHARE)
        self._due_s = now_s + self._backoff.after(took_s, failed=self._error is not None)
