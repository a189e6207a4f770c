"""Batch jobs after the model of Lublin and Feitelson, for any machine, number of jobs or days, and load.

The distributions and their source are in :mod:`simulator.workloads.lublin_model`. Arrivals follow the time of day and
not the day of the week; second 0 is a midnight. Requested times and users are not part of the published model.
"""

from __future__ import annotations

import numpy as np

from models.errors import BadInput
from simulator.work import Job
from simulator.workloads.bounds import SEED_MAX, check_bounds
from simulator.workloads.daily_cycle import DAY_S, DailyCycle
from simulator.workloads.lublin_model import ANUM, BNUM, Draws, Whole

PROCS_MAX = 10_000_000
JOBS_MAX = 2_000_000
DAYS_MIN, DAYS_MAX = 1 / 24, 3660.0
LOAD_MIN, LOAD_MAX = 0.001, 10.0
USERS_MAX = 100_000


def lublin_jobs(
    *,
    procs: int,
    seed: int,
    jobs: int | None = None,
    days: float | None = None,
    load: float | None = None,
    users: int = 40,
) -> tuple[Job, ...]:
    """Jobs for a machine of ``procs`` processors, by submit time: either ``jobs`` of them or those of ``days`` days.

    ``load`` stretches or shrinks all gaps alike, before the cycle of the day is laid over them, so that the sum of
    size * run time, divided by ``procs`` * span, is that value; at 1 the machine could just do it all. With ``jobs``
    the span ends with the last submit time and the value is met up to the rounding of times; with ``days`` the span
    is those days and it is met up to half a job. Without ``load`` the gaps are the model's own, about 100 jobs a day
    whatever the machine.

    ``users`` names are given out by Zipf's law (ours). The first jobs of one seed do not depend on how many are
    asked for, unless ``load`` is given. Raises BadInput for arguments out of range.
    """
    check_bounds("processors", procs, 1, PROCS_MAX)
    check_bounds("users", users, 1, USERS_MAX)
    check_bounds("seed", seed, 0, SEED_MAX)
    if load is not None:
        check_bounds("load", load, LOAD_MIN, LOAD_MAX)
    draws = Draws(procs, seed, users)
    cycle = DailyCycle(ANUM, BNUM)
    busy = None if load is None else procs * load
    if days is None and jobs is not None:
        check_bounds("jobs", jobs, 1, JOBS_MAX)
        submits_s = _submits_of_number(draws, cycle, jobs, busy)
    elif jobs is None and days is not None:
        check_bounds("days", days, DAYS_MIN, DAYS_MAX)
        submits_s = _submits_of_span(draws, cycle, days * DAY_S, busy)
    else:
        raise BadInput("a workload has either a number of jobs or a number of days", remedy="give one of the two")
    return _as_jobs(draws, submits_s, users)


def _as_jobs(draws: Draws, submits_s: Whole, users: int) -> tuple[Job, ...]:
    width = len(str(users - 1))
    names = [f"user{number:0{width}d}" for number in range(users)]
    columns = (submits_s, draws.runs_s, draws.limits_s, draws.sizes, draws.users)
    rows = zip(*(column[: submits_s.size].tolist() for column in columns), strict=True)
    return tuple(
        Job(number, submit_s, run_s, limit_s, procs, names[user])
        for number, (submit_s, run_s, limit_s, procs, user) in enumerate(rows, start=1)
    )


def _submits_of_number(draws: Draws, cycle: DailyCycle, jobs: int, busy: float | None) -> Whole:
    """Submit times of so many jobs; ``busy`` is how many processors they are to keep busy until the last of them."""
    while draws.gaps.size < jobs:
        draws.extend()
    points_s = np.cumsum(draws.gaps[:jobs])
    if busy is not None:
        span_s = float(draws.sizes[:jobs] @ draws.runs_s[:jobs]) / busy
        points_s *= cycle.points_s(span_s) / points_s[-1]
    return cycle.times_s(points_s).astype(np.int64)


def _submits_of_span(draws: Draws, cycle: DailyCycle, span_s: float, busy: float | None) -> Whole:
    """Submit times before ``span_s``; ``busy`` is how many processors their work is to keep busy for that long."""
    if busy is None:
        limit = cycle.points_s(span_s)
        while draws.gaps.sum() < limit:
            _extend_within_limit(draws)
        points_s = np.cumsum(draws.gaps)
        return cycle.times_s(points_s[points_s < limit]).astype(np.int64)
    work = busy * span_s
    while float(draws.sizes @ draws.runs_s) < work or draws.gaps.size < 2:
        _extend_within_limit(draws)
    done = np.cumsum((draws.sizes * draws.runs_s).astype(np.float64))
    over = int(np.searchsorted(done, work))
    count = over if over and work - done[over - 1] < done[over] - work else over + 1
    if draws.gaps.size <= count:
        _extend_within_limit(draws)
    points_s = np.cumsum(draws.gaps[: count + 1])
    # The first job that is left out would come at the very end of the span.
    return cycle.times_s(points_s[:count] * (cycle.points_s(span_s) / points_s[-1])).astype(np.int64)


def _extend_within_limit(draws: Draws) -> None:
    if draws.gaps.size >= JOBS_MAX:
        raise BadInput(f"more than {JOBS_MAX} jobs are needed", remedy="ask for fewer days or a lower load")
    draws.extend()
