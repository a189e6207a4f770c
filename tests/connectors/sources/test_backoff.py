"""How long to wait until Slurm is read again."""

from __future__ import annotations

import pytest

from connectors.sources.backoff import SPREAD, Backoff


def test_readings_are_as_far_apart_as_set_give_or_take_a_tenth():
    pace = Backoff(30.0)
    waits_s = [pace.after(0.1) for _ in range(200)]
    assert 27.0 <= min(waits_s) < 28.0
    assert 32.0 < max(waits_s) <= 33.0


def test_a_slow_slurm_is_asked_less_often():
    assert 54.0 <= Backoff(30.0).after(6.0) <= 66.0


@pytest.mark.parametrize(
    ("took_s", "expected_s"),
    [
        (0.1, [60, 60, 60]),  # slurmrestd refuses the connection
        (9.0, [60, 90, 90]),  # it cannot reach slurmctld
        (10.0, [60, 100, 100]),  # slurmctld hangs
        (30.0, [60, 120, 240, 300, 300]),  # the jobs are too many
    ],
)
def test_each_failure_doubles_the_wait_up_to_a_limit_and_a_success_ends_it(took_s: float, expected_s: list[float]):
    """What fails soon is tried again within a minute or two: it costs little, and slurmctld may be back."""
    pace = Backoff(30.0)
    waits_s = [pace.after(took_s, failed=True) for _ in expected_s]
    assert waits_s == pytest.approx(expected_s, rel=SPREAD)
    assert max(pace.after(took_s, failed=True) for _ in range(30)) <= expected_s[-1] * 1.1
    assert pace.after(0.1) <= 33.0


def test_a_slurmctld_that_was_started_anew_is_seen_before_what_was_read_is_too_old_to_act_on():
    assert Backoff(30.0).after(10.0, failed=True) <= 66.0, "the first request waited for its time-out"


def test_two_of_us_do_not_ask_at_the_same_times():
    """Those that hung with slurmctld go on at the same instant."""
    assert Backoff(30.0).after(0.1) != Backoff(30.0).after(0.1)


def test_an_interval_longer_than_the_limit_is_kept():
    assert Backoff(600.0).after(0.1, failed=True) >= 540.0
