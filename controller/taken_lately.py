"""What moves have lately taken from service: their node-seconds of the last 24 hours, by when each began."""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Iterable, Iterator

HOUR_S, DAY_S = 3600, 86_400


class TakenLately:
    """A sum that forgets what began a day ago. It begins with ``taken``: seconds, and node-seconds taken then."""

    def __init__(self, taken: Iterable[tuple[int, int]] = ()) -> None:
        self._taken = deque(sorted(taken))
        self._sum = sum(node_s for _, node_s in self._taken)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """When something was taken, and how much, in order."""
        return iter(self._taken)

    def add(self, at_s: int, node_s: int) -> None:
        """Count one move."""
        insort(self._taken, (at_s, node_s))
        self._sum += node_s

    def lately_s(self, now_s: int) -> int:
        """Node-seconds taken in the last 24 hours; what is older is forgotten."""
        while self._taken and now_s - self._taken[0][0] >= DAY_S:
            self._sum -= self._taken.popleft()[1]
        return self._sum
