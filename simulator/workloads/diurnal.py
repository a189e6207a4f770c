"""A request rate with days, weeks, noise and bursts. The model is ours; its parts are common in studies of web traffic.

The rate during the step that has its middle at time ``t``, hour ``h`` of the day, is::

    rate(t)   = peak_per_s * day(h) * week(t) * noise(t) * (1 + bursts(t))
    day(h)    = trough + (1 - trough) * (1 + cos(2 pi (h - peak_hour) / 24)) / 2
    week(t)   = 1 at the noon of a weekday, weekend at that of a Saturday or Sunday, linear in between
    noise(t)  = exp(x(t) - noise_sd^2 / 2), of mean 1; x is an AR(1) process of mean 0 and standard deviation noise_sd
                in which neighbouring steps correlate by exp(-step_s / noise_memory_s)
    bursts(t) = sum over bursts of height * sin(pi * age / duration), 0 < age < duration; they start as a Poisson
                process; duration is uniform in 30 to 120 min, height in 0.5 to 1.5 times burst_height

Steps longer than a burst see of it only what falls on their middle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from simulator.work import Requests
from simulator.workloads.bounds import SEED_MAX, check_bounds

DAY_S, HOUR_S, MINUTE_S = 86_400, 3600, 60
DAYS_MAX = 3660.0
STEPS_MAX = 2_000_000
PEAK_MAX_PER_S = 1e12
BURST_S = (30 * MINUTE_S, 120 * MINUTE_S)

_BOUNDS = {
    "trough": (0.0, 1.0),
    "peak_hour": (0.0, 24.0),
    "weekend": (0.0, 10.0),
    "noise_sd": (0.0, 2.0),
    "noise_memory_s": (1.0, 30.0 * DAY_S),
    "bursts_per_day": (0.0, 100.0),
    "burst_height": (0.0, 100.0),
    "first_weekday": (0, 6),
}


@dataclass(frozen=True, slots=True)
class TrafficShape:
    """The constants of the formula, as shares of the peak where no unit is named. Raises BadInput for one out of range.

    ``first_weekday`` is the day on which second 0 is midnight, Monday is 0.
    """

    trough: float = 0.25
    peak_hour: float = 15.0
    weekend: float = 0.6
    noise_sd: float = 0.08
    noise_memory_s: float = 2.0 * HOUR_S
    bursts_per_day: float = 1.0
    burst_height: float = 0.6
    first_weekday: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            check_bounds(field.name, getattr(self, field.name), *_BOUNDS[field.name])


_ORDINARY = TrafficShape()


def diurnal_requests(
    *, days: float, seed: int, peak_per_s: float, step_s: int = 600, shape: TrafficShape = _ORDINARY
) -> Requests:
    """A request rate from second 0, a midnight, in steps of ``step_s`` seconds over ``days`` days, at least two steps.

    ``peak_per_s`` is the rate at the busiest hour of a weekday, without noise and bursts. Noise and bursts are
    drawn apart: a change of one leaves the other as it is. Raises BadInput for arguments out of range.
    """
    check_bounds("seed", seed, 0, SEED_MAX)
    check_bounds("step_s", step_s, 1, DAY_S)
    check_bounds("peak_per_s", peak_per_s, 0, PEAK_MAX_PER_S)
    check_bounds("days", days, 2 * step_s / DAY_S, min(DAYS_MAX, STEPS_MAX * step_s / DAY_S))
    for_noise, for_bursts = (np.random.Generator(np.random.PCG64(s)) for s in np.random.SeedSequence(seed).spawn(2))
    times_s = np.arange(math.ceil(days * DAY_S / step_s), dtype=np.int64) * step_s
    middles_s = times_s.astype(np.float64) + step_s / 2
    per_s = peak_per_s * _day(middles_s, shape) * _week(middles_s, shape)
    per_s *= _noise(for_noise, times_s.size, step_s, shape)
    per_s *= 1 + _bursts(for_bursts, middles_s, days * DAY_S, shape)
    return Requests(times_s, per_s)


def _day(t_s: NDArray[np.float64], shape: TrafficShape) -> NDArray[np.float64]:
    angle = 2 * np.pi * (t_s / HOUR_S - shape.peak_hour) / 24
    return np.asarray(shape.trough + (1 - shape.trough) * (1 + np.cos(angle)) / 2)


def _week(t_s: NDArray[np.float64], shape: TrafficShape) -> NDArray[np.float64]:
    """Linear between the noons; the day before the first and the one after the last count too."""
    days = np.arange(-1, int(t_s[-1] // DAY_S) + 2)
    factors = np.where((shape.first_weekday + days) % 7 >= 5, shape.weekend, 1.0)
    return np.interp(t_s, (days + 0.5) * DAY_S, factors)


def _noise(stream: np.random.Generator, steps: int, step_s: int, shape: TrafficShape) -> NDArray[np.float64]:
    correlation = math.exp(-step_s / shape.noise_memory_s)
    shocks = stream.standard_normal(steps) * shape.noise_sd
    shocks[1:] *= math.sqrt(1 - correlation**2)
    level, levels = 0.0, []
    for shock in shocks.tolist():
        level = correlation * level + shock
        levels.append(level)
    return np.asarray(np.exp(np.array(levels) - shape.noise_sd**2 / 2))


def _bursts(
    stream: np.random.Generator, t_s: NDArray[np.float64], span_s: float, shape: TrafficShape
) -> NDArray[np.float64]:
    count = stream.poisson(shape.bursts_per_day * span_s / DAY_S)
    starts_s = stream.uniform(0, span_s, count)
    durations_s = stream.uniform(*BURST_S, count)
    heights = stream.uniform(0.5, 1.5, count) * shape.burst_height
    total = np.zeros(t_s.size)
    for start_s, duration_s, height in zip(starts_s, durations_s, heights, strict=True):
        first, last = np.searchsorted(t_s, [start_s, start_s + duration_s])
        total[first:last] += height * np.sin(np.pi * (t_s[first:last] - start_s) / duration_s)
    return total
