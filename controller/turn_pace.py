"""When the next turn is due: at the latest after a while, earlier when something matters, never too soon. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class TurnPace:
    """Turns of one pool, by a clock that nobody can set, in seconds.

    ``every_s`` is the longest pause between two turns and ``soonest_s`` the shortest; a turn that something wakes
    waits for ``debounce_s``, in which more of the same may come.
    """

    every_s: float
    soonest_s: float
    debounce_s: float
    last_s: float | None = None
    heard_s: float | None = None

    def hear(self, now_s: float) -> None:
        """Something has come that matters."""
        if self.heard_s is None:
            self.heard_s = now_s

    def turned(self, now_s: float) -> None:
        """A turn was taken, with all that had come until then."""
        self.last_s, self.heard_s = now_s, None

    def due_in_s(self, now_s: float) -> float:
        """How long until the next turn; 0 when it is due."""
        if self.last_s is None:
            return 0.0
        due_s = self.last_s + self.every_s
        if self.heard_s is not None:
            due_s = min(due_s, max(self.heard_s + self.debounce_s, self.last_s + min(self.soonest_s, self.every_s)))
        return max(0.0, due_s - now_s)
