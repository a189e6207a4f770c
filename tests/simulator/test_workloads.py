"""The generators: published statistics, loads that are met, and one seed, one workload."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import BadInput
from simulator.workloads.daily_cycle import DAY_S, DailyCycle, gamma_cdf
from simulator.workloads.diurnal import TrafficShape, diurnal_requests
from simulator.workloads.lublin import lublin_jobs
from simulator.workloads.lublin_model import ANUM, BNUM, POW2_PROB, SERIAL_PROB
from simulator.workloads.requested_times import POPULAR_S
from tests.patience import LONG_S

STEADY = TrafficShape(noise_sd=0, bursts_per_day=0)


def offered_load(jobs, procs, span_s):
    return sum(job.procs * job.run_s for job in jobs) / (procs * span_s)


# ---- Lublin and Feitelson ----


@pytest.fixture(scope="module")
def many():
    return lublin_jobs(procs=128, seed=7, jobs=40_000)


def test_sizes_have_the_published_shares(many):
    sizes = np.array([job.procs for job in many])
    assert np.mean(sizes == 1) == pytest.approx(SERIAL_PROB, abs=0.01)
    assert np.mean((sizes & (sizes - 1)) == 0) >= SERIAL_PROB + POW2_PROB - 0.01
    assert (sizes.min(), sizes.max()) == (1, 128)
    # Most parallel jobs are below 2^4.5 processors: UPROB of the two-stage uniform.
    assert np.mean(sizes[sizes > 1] < 2**4.5) == pytest.approx(0.86, abs=0.03)


def test_run_times_are_a_mixture_of_short_and_long(many):
    runs_s = np.array([job.run_s for job in many])
    sizes = np.array([job.procs for job in many])
    assert runs_s.min() >= 1
    assert runs_s.max() <= np.exp(12)
    # The long part has its middle at exp(312 * 0.03), 3.2 hours; its share grows with the size: 1 - (PA * size + PB).
    assert np.mean(runs_s[sizes == 1] > 3600) == pytest.approx(0.24, abs=0.04)
    assert np.mean(runs_s[sizes == 128] > 3600) == pytest.approx(0.91, abs=0.06)


def test_arrivals_follow_the_day(many):
    hours = np.bincount(np.array([job.submit_s for job in many]) % DAY_S // 3600, minlength=24) / len(many)
    assert 11 <= hours.argmax() <= 15
    assert 3 <= hours.argmin() <= 6
    assert hours.max() > 5 * hours.min()


def test_requested_times_are_popular_values_above_the_run_time(many):
    assert all(job.run_s <= job.limit_s for job in many)
    assert {job.limit_s for job in many} <= set(POPULAR_S.tolist())


def test_users_follow_zipf(many):
    names, counts = np.unique([job.user for job in many], return_counts=True)
    assert (names[0], names.size) == ("user00", 40)
    assert counts[0] / counts[1] == pytest.approx(2, rel=0.15)


@given(
    procs=st.integers(1, 5000),
    seed=st.integers(0, 2**63 - 1),
    jobs=st.integers(1, 400),
    load=st.none() | st.floats(0.01, 3),
)
@settings(derandomize=True, max_examples=60)
def test_a_number_of_jobs(procs, seed, jobs, load):
    made = lublin_jobs(procs=procs, seed=seed, jobs=jobs, load=load)
    assert [job.id for job in made] == list(range(1, jobs + 1))
    assert all(1 <= job.procs <= procs and 1 <= job.run_s <= job.limit_s for job in made)
    submits_s = [job.submit_s for job in made]
    assert submits_s == sorted(submits_s)
    if load is not None:
        span_s = sum(job.procs * job.run_s for job in made) / (procs * load)
        assert submits_s[-1] == pytest.approx(span_s, abs=1.01)


@given(procs=st.integers(2, 2000), seed=st.integers(0, 10**6), days=st.integers(10, 30), load=st.floats(0.5, 1.2))
@settings(derandomize=True, max_examples=25)
def test_days_under_a_load(procs, seed, days, load):
    jobs = lublin_jobs(procs=procs, seed=seed, days=days, load=load)
    largest = max(job.procs * job.run_s for job in jobs) / (procs * days * DAY_S)
    assert offered_load(jobs, procs, days * DAY_S) == pytest.approx(load, abs=max(largest, 0.05))
    assert 0 <= jobs[0].submit_s <= jobs[-1].submit_s < days * DAY_S


def test_days_at_the_models_own_pace():
    jobs = lublin_jobs(procs=128, seed=1, days=30)
    assert 50 < len(jobs) / 30 < 200
    assert jobs[-1].submit_s < 30 * DAY_S


def test_more_jobs_begin_with_the_same_ones():
    assert lublin_jobs(procs=64, seed=5, jobs=10_000)[:300] == lublin_jobs(procs=64, seed=5, jobs=300)


def test_the_machine_does_not_change_the_arrivals():
    small, large = (lublin_jobs(procs=procs, seed=5, jobs=300) for procs in (8, 800))
    assert [job.submit_s for job in small] == [job.submit_s for job in large]


def test_another_seed_gives_other_jobs():
    assert lublin_jobs(procs=64, seed=1, jobs=50) == lublin_jobs(procs=64, seed=1, jobs=50)
    assert lublin_jobs(procs=64, seed=1, jobs=50) != lublin_jobs(procs=64, seed=2, jobs=50)


def test_a_seed_means_the_same_in_every_process():
    program = (
        "import hashlib; from simulator.workloads.lublin import lublin_jobs;"
        "from simulator.workloads.diurnal import diurnal_requests;"
        "print(hashlib.sha256(repr(lublin_jobs(procs=128, seed=3, days=7, load=0.8)).encode()"
        " + diurnal_requests(days=7, seed=3, peak_per_s=50).per_s.tobytes()).hexdigest())"
    )

    def run(hash_seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        return subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, check=True, text=True, timeout=LONG_S
        ).stdout

    assert run("0") == run("12345")


def test_the_day_is_a_warp_and_its_inverse():
    cycle = DailyCycle(ANUM, BNUM)
    assert cycle.weights.mean() == pytest.approx(1)
    assert cycle.weights.min() > 0
    for time_s in (0.0, 1.0, 40_000.0, DAY_S - 1.0, DAY_S * 1.0, 10.5 * DAY_S):
        assert cycle.times_s(np.array([cycle.points_s(time_s)]))[0] == pytest.approx(time_s)


def test_the_gamma_distribution():
    assert gamma_cdf(0, 2, 1) == 0
    assert gamma_cdf(5, 1, 2) == pytest.approx(1 - np.exp(-2.5))
    assert gamma_cdf(5, 2, 1) == pytest.approx(1 - 6 * np.exp(-5))
    assert gamma_cdf(1000, 8, 4) == pytest.approx(1)


BAD_LUBLIN = {
    "no processors": {"procs": 0, "jobs": 1},
    "negative seed": {"seed": -1, "jobs": 1},
    "no users": {"users": 0, "jobs": 1},
    "neither jobs nor days": {},
    "both jobs and days": {"jobs": 1, "days": 1},
    "no jobs": {"jobs": 0},
    "too many jobs": {"jobs": 10**9},
    "no days": {"days": 0},
    "days not a number": {"days": float("nan")},
    "load 0": {"jobs": 1, "load": 0},
    "load infinite": {"jobs": 1, "load": float("inf")},
}


@pytest.mark.parametrize("fault", BAD_LUBLIN)
def test_jobs_that_cannot_be_made(fault):
    with pytest.raises(BadInput) as caught:
        lublin_jobs(**{"procs": 8, "seed": 1, **BAD_LUBLIN[fault]})
    assert caught.value.remedy


def test_a_span_that_would_need_too_many_jobs(monkeypatch):
    monkeypatch.setattr("simulator.workloads.lublin.JOBS_MAX", 4096)
    with pytest.raises(BadInput, match="more than 4096 jobs"):
        lublin_jobs(procs=128, seed=1, days=3000)


# ---- request rates ----


def test_the_steady_curve_peaks_where_it_should():
    requests = diurnal_requests(days=7, seed=1, peak_per_s=100, shape=STEADY)
    assert requests.times_s.tolist() == list(range(0, 7 * DAY_S, 600))
    per_day = requests.per_s.reshape(7, 144)
    assert per_day[:4].max(axis=1) == pytest.approx(100, rel=0.01)
    assert (per_day[0].argmax() + 0.5) / 6 == pytest.approx(15, abs=0.1)
    assert per_day[1].min() == pytest.approx(25, rel=0.01)
    assert per_day[5].max() == pytest.approx(60, rel=0.05)
    assert per_day[5:].mean() < 0.75 * per_day[:5].mean()


def test_there_is_no_jump_at_midnight():
    per_s = diurnal_requests(days=21, seed=1, peak_per_s=100, shape=STEADY).per_s
    assert np.abs(np.diff(per_s)).max() < 3


def test_the_week_begins_where_it_is_told():
    shape = TrafficShape(noise_sd=0, bursts_per_day=0, first_weekday=5)
    per_day = diurnal_requests(days=7, seed=1, peak_per_s=100, shape=shape).per_s.reshape(7, 144).mean(axis=1)
    assert set(np.argsort(per_day)[:2].tolist()) == {0, 1}


def test_the_noise_has_mean_one_and_its_memory():
    shape = TrafficShape(trough=1, weekend=1, bursts_per_day=0, noise_sd=0.2, noise_memory_s=6000)
    per_s = diurnal_requests(days=2000, seed=4, peak_per_s=1, shape=shape).per_s
    logs = np.log(per_s)
    assert per_s.mean() == pytest.approx(1, abs=0.01)
    assert logs.std() == pytest.approx(0.2, rel=0.03)
    assert np.corrcoef(logs[:-1], logs[1:])[0, 1] == pytest.approx(np.exp(-0.1), abs=0.01)


def test_bursts_come_as_often_and_as_long_as_told():
    shape = TrafficShape(trough=1, weekend=1, noise_sd=0, bursts_per_day=0.5, burst_height=1)
    per_s = diurnal_requests(days=1000, seed=4, peak_per_s=1, step_s=60, shape=shape).per_s
    above = per_s > 1
    starts = np.flatnonzero(above[1:] & ~above[:-1])
    assert starts.size == pytest.approx(500, rel=0.15)
    assert above.sum() * 60 / starts.size == pytest.approx(75 * 60, rel=0.1)
    assert per_s.min() == 1


@given(
    days=st.floats(0.1, 20),
    seed=st.integers(0, 2**63 - 1),
    peak=st.floats(0, 1e6),
    step_s=st.integers(60, 3600),
    shape=st.builds(
        TrafficShape,
        trough=st.floats(0, 1),
        weekend=st.floats(0, 2),
        noise_sd=st.floats(0, 2),
        bursts_per_day=st.floats(0, 20),
        burst_height=st.floats(0, 10),
        first_weekday=st.integers(0, 6),
    ),
)
@settings(derandomize=True, max_examples=60)
def test_a_rate_is_valid(days, seed, peak, step_s, shape):
    requests = diurnal_requests(days=days, seed=seed, peak_per_s=peak, step_s=step_s, shape=shape)
    assert requests.times_s.size == requests.per_s.size >= 2
    assert np.all(np.diff(requests.times_s) == step_s)
    assert requests.times_s[-1] < days * DAY_S <= requests.end_s
    assert np.all(np.isfinite(requests.per_s))
    assert np.all(requests.per_s >= 0)


def test_another_seed_gives_another_rate():
    one, same, other = (diurnal_requests(days=2, seed=seed, peak_per_s=10).per_s for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_bursts_leave_the_noise_as_it_is():
    calm, wild = (
        diurnal_requests(days=5, seed=1, peak_per_s=10, shape=TrafficShape(bursts_per_day=b)).per_s for b in (0, 3)
    )
    assert np.all(wild >= calm)
    assert np.mean(wild == calm) > 0.5


BAD_RATES = {
    "no days": {"days": 0},
    "one step": {"days": 1, "step_s": 86_400},
    "step 0": {"step_s": 0},
    "too many steps": {"days": 3000, "step_s": 1},
    "negative peak": {"peak_per_s": -1},
    "peak not a number": {"peak_per_s": float("nan")},
    "negative seed": {"seed": -1},
}


@pytest.mark.parametrize("fault", BAD_RATES)
def test_rates_that_cannot_be_made(fault):
    with pytest.raises(BadInput):
        diurnal_requests(**{"days": 2, "seed": 1, "peak_per_s": 1, **BAD_RATES[fault]})


@pytest.mark.parametrize(
    "shape", [{"trough": 1.1}, {"weekend": -1}, {"noise_sd": 9}, {"first_weekday": 7}, {"noise_memory_s": 0}]
)
def test_a_shape_out_of_range(shape):
    with pytest.raises(BadInput, match=next(iter(shape))):
        TrafficShape(**shape)
