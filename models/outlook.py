"""An outlook: what is known of a side's demand beyond its forecast, in so few numbers that it fits into a message."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from models.nodes import Side

DAY_S = 86_400
HORIZONS_MOST = 48  # every half hour to the end of the day ahead
LEVELS_MOST = 19  # every twentieth; what lies further out is known from too few days
RUN_SAMPLES_MOST = 512  # a share that is told from so many is within 4.4 points of the true one, 19 times in 20
ARRIVAL_STEP_S = 300
ARRIVALS_MOST = 7 * DAY_S // ARRIVAL_STEP_S


@dataclass(frozen=True, slots=True)
class Outlook:
    """One side's outlook, as made at ``made_at_s``.

    ``values`` are quantiles of its demand in nodes, a row for each of ``horizons_s`` (rising, a day at most), a column
    for each of ``levels`` (rising, within 0 and 1); no row falls. ``run_over_limit`` is of samples of ended work: how
    long each ran, as a share of its limit. ``arrivals`` are the node-equivalents of the work that came in each step
    of ``ARRIVAL_STEP_S`` of the last seven days, the oldest first; the last step ends at ``made_at_s``.
    """

    side: Side
    made_at_s: int
    horizons_s: tuple[int, ...] = ()
    levels: tuple[float, ...] = ()
    values: tuple[tuple[float, ...], ...] = ()
    run_over_limit: tuple[float, ...] = ()
    arrivals: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name, most in (
            ("horizons_s", HORIZONS_MOST),
            ("levels", LEVELS_MOST),
            ("run_over_limit", RUN_SAMPLES_MOST),
            ("arrivals", ARRIVALS_MOST),
        ):
            if len(getattr(self, name)) > most:
                raise ValueError(f"an outlook has at most {most} {name}, not {len(getattr(self, name))}")
        if not (rises(0, *self.horizons_s, DAY_S + 1) and rises(0.0, *self.levels, 1.0)):
            raise ValueError("an outlook's horizons must rise within a day, and its levels between 0 and 1")
        if [len(row) for row in self.values] != [len(self.levels)] * len(self.horizons_s):
            raise ValueError("an outlook's values must be horizons x levels")
        if not all(math.isfinite(n) and n >= 0 for n in (*sum(self.values, ()), *self.run_over_limit, *self.arrivals)):
            raise ValueError("an outlook must be finite and not negative")
        if any(low > high for row in self.values for low, high in pairwise(row)):
            raise ValueError("an outlook's quantiles must not cross")


def rises(*numbers: float) -> bool:
    """Whether each is greater than the one before."""
    return all(low < high for low, high in pairwise(numbers))
