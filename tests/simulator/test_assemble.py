"""The period before a window: as long, cut from the same inputs, and only where all of them have it."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.assemble import Assembled, Inputs, Window, assemble, windows_after
from simulator.traces.swf import HeaderFacts, SwfTrace
from simulator.work import Job, Pod, ReadNotes, Requests

DAY_S = 86_400


def made(start: dict[str, float], days: float, inputs: tuple[str, ...] = ("hpc", "requests", "pods")) -> Assembled:
    """Eight days with a job, a rate of its number and a pod for each day, at noon; day 5's job is too large."""
    jobs = tuple(Job(n, n * DAY_S + DAY_S // 2, 60, 60, 9 if n == 5 else 2) for n in range(8))
    pods = tuple(Pod(f"p{n}", n * DAY_S + DAY_S // 2, 60, 1, 1, 0) for n in range(8))
    rates = Requests(np.arange(8) * DAY_S, np.arange(8.0) + 1)
    given = Inputs(
        SwfTrace(jobs, ReadNotes(), HeaderFacts()) if "hpc" in inputs else None,
        rates if "requests" in inputs else None,
        pods if "pods" in inputs else (),
    )
    start_s = {name: round(day * DAY_S) for name, day in start.items()}
    return assemble(given, nodes=10, start_s=start_s, days=days, max_job_nodes=4)


@pytest.mark.parametrize(
    ("start", "days", "inputs", "jobs", "rates"),
    [
        pytest.param({"hpc": 4, "requests": 4}, 2, ("hpc", "requests"), [2, 3], [3, 4], id="two days before"),
        pytest.param({"hpc": 6, "requests": 4}, 2, ("hpc", "requests"), [4], [3, 4], id="left out there, too"),
        pytest.param({"hpc": 3, "requests": 2}, 2, ("hpc", "requests"), [1, 2], [1, 2], id="each on its own clock"),
        pytest.param({"hpc": 4, "requests": 1}, 2, ("hpc", "requests"), None, None, id="one day of requests"),
        pytest.param({"hpc": 1, "requests": 4}, 2, ("hpc", "requests"), None, None, id="one day of jobs"),
        pytest.param({"requests": 4}, 2, ("requests",), [], [3, 4], id="requests alone"),
    ],
)
def test_the_period_before(
    start: dict[str, float], days: float, inputs: tuple[str, ...], jobs: list[int] | None, rates: list[float] | None
):
    found = made(start, days, inputs)
    if jobs is None or rates is None:
        assert found.before is None
        return
    assert found.before is not None
    assert [job.id for job in found.before.jobs] == jobs
    assert all(0 <= job.submit_s < days * DAY_S for job in found.before.jobs)
    assert [per_s for _, per_s in found.before.rate_steps] == rates
    assert found.before.rate_per_node == found.workload.rate_per_node


def test_pods_of_the_period_before():
    found = made({"hpc": 5, "pods": 4}, 2, ("hpc", "pods")).before
    assert found is not None
    assert [[pod.id for pod in gang] for gang in found.gangs] == [["p2"], ["p3"]]


def test_jobs_that_run_to_their_end_have_none():
    jobs = tuple(Job(n, n * DAY_S, 60, 60, 1) for n in range(4))
    inputs = Inputs(SwfTrace(jobs, ReadNotes(), HeaderFacts()))
    assert assemble(inputs, nodes=4, start_s={"hpc": 2 * DAY_S}).before is None


@pytest.mark.parametrize(
    ("start", "days", "count", "starts"),
    [
        pytest.param({"requests": 0}, 2, 3, [0, 2, 4], id="as many as asked"),
        pytest.param({"requests": 0}, 2, 9, [0, 2, 4, 6], id="as many as there are, the last to the end"),
        pytest.param({"requests": 1}, 2, 9, [1, 3, 5], id="a part of one is none"),
        pytest.param({"requests": 0, "hpc": 3}, 2, 9, [0, 2], id="the input that ends first tells"),
        pytest.param({"requests": 7}, 2, 9, [], id="not even one"),
    ],
)
def test_windows_one_after_another(start: dict[str, float], days: float, count: int, starts: list[float]):
    jobs = tuple(Job(n, n * DAY_S // 2, 60, 60, 1) for n in range(16))
    inputs = Inputs(
        SwfTrace(jobs, ReadNotes(), HeaderFacts()) if "hpc" in start else None,
        Requests(np.arange(8) * DAY_S, np.arange(8.0)),
    )
    first = Window({name: round(day * DAY_S) for name, day in start.items()}, round(days * DAY_S))
    found = windows_after(inputs, first, count)
    assert [one.start_s["requests"] / DAY_S for one in found] == starts
    for number, one in enumerate(found):
        assert one.span_s == first.span_s
        for name, at_s in one.start_s.items():
            assert at_s == first.start_s[name] + number * days * DAY_S
