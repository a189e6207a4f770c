"""Windows by their names: what they are of, what was before, and what is said of a name or a trace that is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.scenarios.windows import FULL, QUICK, STUDIED, twice, window
from models.errors import BadInput
from simulator.work import Requests

TRACES = Path(__file__).resolve().parents[2].parent / "shared" / "traces"
HOUR_S, DAY_S = 3600, 86_400


def recorded(name: str):
    if not TRACES.is_dir():
        pytest.skip("the recorded traces are not there")
    return window(name, TRACES)


def test_the_sizes_hold_the_windows_once():
    assert len(STUDIED) == len(set(STUDIED)) == 23
    assert set(QUICK) < set(FULL)
    assert (len(QUICK), len(FULL)) == (8, len(set(FULL)))


@pytest.mark.parametrize("name", ["", "kth", "kth100-large-20", "kth100-small", "demo", "demo1-full", "kth1-mid-5 "])
def test_a_name_that_is_none_is_refused_with_examples(name: str, tmp_path: Path):
    with pytest.raises(BadInput, match=r"is no window.*kth100-small-20"):
        window(name, tmp_path)


@pytest.mark.parametrize(
    ("name", "missing"),
    [("kth100-small-20", "servegen_m_small"), ("openb118-kth118-20", "openb_pods"), ("kth80-mid-5", "servegen_m_mid")],
)
def test_a_trace_that_is_missing_is_named(name: str, missing: str, tmp_path: Path):
    with pytest.raises(BadInput, match=rf"{missing}\S* is not in .*--traces"):
        window(name, tmp_path)


def test_a_demo_needs_no_trace_and_was_another_week_before(tmp_path: Path):
    one, other = window("demo1", tmp_path), window("demo2", tmp_path)
    assert one.workload.jobs != other.workload.jobs
    assert one.workload.jobs != one.before.jobs
    assert one.workload.rate_per_node == one.before.rate_per_node
    assert (one.nodes, one.handover_s) == (64, 1200)


def test_the_world_of_a_window_has_its_weight_dice_and_beginning(tmp_path: Path):
    world = window("demo1", tmp_path).world(10, seed=2, first=17)
    assert (world.weights.hpc, world.weights.kubernetes, world.seed, world.first_split) == (1, 10, 2, 17)
    before = window("demo1", tmp_path).world_before(10)
    assert (before.span_s, before.nodes, before.weights) == (world.span_s, world.nodes, world.weights)


def test_a_rate_twice_goes_on_as_it_began():
    rates = Requests(np.array([0, 10, 20]), np.array([1.0, 2.0, 3.0]))
    doubled = twice(rates)
    assert doubled.times_s.tolist() == [0, 10, 20, 30, 40, 50]
    assert doubled.per_s.tolist() == [1, 2, 3, 1, 2, 3]
    assert doubled.end_s == 2 * rates.end_s


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "days", "handover_min", "most_procs"),
    [
        pytest.param("kth100-small-20", 10, 20, 30, id="ten days of small jobs"),
        pytest.param("kth200-mid-5-14", 14, 5, 30, id="fourteen days"),
        pytest.param("kth200-small-20-full", 10, 20, 100, id="jobs of all sizes"),
    ],
)
def test_a_window_of_recorded_jobs_and_requests(name: str, days: int, handover_min: int, most_procs: int):
    found = recorded(name)
    assert (found.span_s, found.handover_s, found.nodes) == (days * DAY_S, handover_min * 60, 100)
    for work in (found.workload, found.before):
        assert most_procs / 2 < max(job.procs for job in work.jobs) <= most_procs
        assert 0 <= work.jobs[0].submit_s < DAY_S
        assert days - 1 < work.jobs[-1].submit_s / DAY_S < days
        assert len(work.rate_steps) == days * 144
    assert max(found.workload.replicas_for(per_s) for _, per_s in found.workload.rate_steps) == 60


@pytest.mark.shared
def test_the_period_before_ends_where_the_window_begins():
    earlier, later = recorded("kth90-small-20"), recorded("kth100-small-20")
    assert later.before.jobs == earlier.workload.jobs
    assert later.before.rate_steps[4 * 144 :] != later.workload.rate_steps[: 6 * 144]
    assert [per_s for _, per_s in later.before.rate_steps[: 6 * 144]] == [
        per_s for _, per_s in later.workload.rate_steps[4 * 144 :]
    ]


@pytest.mark.shared
def test_pods_of_openb_have_no_requests_beside_them():
    found = recorded("openb118-kth118-20")
    assert found.workload.gangs
    assert found.before.gangs
    assert found.workload.gangs != found.before.gangs
    assert found.workload.rate_steps == ()
