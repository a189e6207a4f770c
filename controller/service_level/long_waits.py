"""What waits for too long, of demand that is seen now and then."""

from __future__ import annotations

from collections import deque

SEEN_MOST = 4096  # of earlier looks that are kept; the oldest goes first, and what it would have excused counts


class LongWaits:
    """Integrates the part of a waiting demand that has lasted for longer than ``bound_s``: the least of the last
    ``bound_s`` seconds, where what is seen holds until the next look. Before the first look nothing waited."""

    def __init__(self, bound_s: int, now_s: int, nodes: float) -> None:
        self.at_s = now_s
        self.nodes = nodes
        self._bound_s = bound_s
        self._earlier: deque[tuple[int, float]] = deque([(now_s, 0.0)], SEEN_MOST)  # until when it was so many; rising

    def look(self, now_s: int, nodes: float) -> float:
        """Node-seconds since the last look that had waited too long; ``nodes`` wait from now on."""
        earlier, at_s, total = self._earlier, self.at_s, 0.0
        while earlier and earlier[-1][1] >= self.nodes:
            earlier.pop()
        while earlier and at_s < now_s:
            ended_s, least = earlier[0]
            until_s = min(now_s, max(at_s, ended_s + self._bound_s))
            total += least * (until_s - at_s)
            at_s = until_s
            if ended_s + self._bound_s > now_s:
                break
            earlier.popleft()
        total += self.nodes * (now_s - at_s)
        earlier.append((now_s, self.nodes))
        self.at_s, self.nodes = now_s, nodes
        return total
