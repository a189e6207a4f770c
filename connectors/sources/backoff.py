"""How long to wait until Slurm is read again."""

from __future__ import annotations

from random import Random

INTERVAL_S = 30.0
LONGEST_S = 300.0
AWAY_S = 60.0
SPREAD = 0.1  # a tenth to either side, so that several of us do not ask at once
SHARE = 0.1  # the part of the time that slurmctld may be kept busy by our reading


class Backoff:
    """The time between two readings: as set, longer where a reading takes long, doubled with each that fails.

    Who seeds none has other waits than everybody else.
    """

    def __init__(self, interval_s: float = INTERVAL_S, *, seed: int | None = None) -> None:
        self._interval_s = interval_s
        self._random = Random(seed)  # noqa: S311 - not for secrets
        self._failures = 0

    def after(self, took_s: float, *, failed: bool = False) -> float:
        """Seconds to wait after a reading that took so long: LONGEST_S at most, or the interval if that is longer."""
        self._failures = self._failures + 1 if failed else 0
        slowly_s = took_s / SHARE
        if failed:  # mostly it waited: slurmctld was not busy with it for all that time
            wait_s = min(max(self._interval_s, took_s) * 2.0 ** min(self._failures, 16), max(AWAY_S, slowly_s))
        else:
            wait_s = slowly_s
        wait_s = max(self._interval_s, min(wait_s, LONGEST_S))
        return wait_s * self._random.uniform(1 - SPREAD, 1 + SPREAD)
