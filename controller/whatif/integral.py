"""The integral over time of what is constant between changes."""

from __future__ import annotations


class Integral:
    """The sum of value times seconds, the same in every bit however often the value is read between two changes."""

    __slots__ = ("_since_s", "_total", "value")

    def __init__(self) -> None:
        self.value: float = 0
        self._since_s = 0
        self._total: float = 0

    def read(self, value: float, now_s: int) -> None:
        """From ``now_s`` on it is ``value``."""
        if value != self.value:
            self._total += self.value * (now_s - self._since_s)
            self._since_s, self.value = now_s, value

    def until(self, now_s: int) -> float:
        """The integral up to ``now_s``, which is no earlier than the latest change."""
        return self._total + self.value * (now_s - self._since_s)
