"""Lead times, learned: how long nodes took from empty on one side to open on the other, lately."""

from __future__ import annotations

from collections import deque

from models.handovers import Direction
from models.snapshot import LeadTime

REMEMBERED = 50  # hand-overs per direction: enough for a p90, few enough to follow a change of hardware
ENOUGH = 5  # below this the policy's expectation is still one of the voices


class LeadTimes:
    """The latest lead times of each direction; until there are some, what the policy expects."""

    def __init__(self, expected_s: int) -> None:
        self._expected_s = expected_s
        self._seen: dict[Direction, deque[int]] = {direction: deque(maxlen=REMEMBERED) for direction in Direction}
        self._now = {direction: LeadTime(expected_s, expected_s) for direction in Direction}

    def copy(self) -> LeadTimes:
        """The same, to be taught apart from this one."""
        other = LeadTimes(self._expected_s)
        for direction, seen in self._seen.items():
            other._seen[direction].extend(seen)
        other._now = dict(self._now)
        return other

    def learn(self, direction: Direction, seconds: int) -> None:
        """Take in one finished hand-over."""
        seen = self._seen[direction]
        seen.append(seconds)
        voices = sorted([*seen, *[self._expected_s] * max(0, ENOUGH - len(seen))])
        self._now[direction] = LeadTime(voices[len(voices) // 2], voices[(len(voices) * 9) // 10])

    def current(self) -> dict[Direction, LeadTime]:
        """Median and 90th percentile by direction."""
        return dict(self._now)
