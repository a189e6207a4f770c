"""How long to wait until Slurm is read again."""

from __future__ import annotations

from connectors.slurm.pacing import LONGEST_S, Pace


def test_readings_are_as_far_apart_as_set_give_or_take_a_tenth():
    pace = Pace(30.0)
    waits_s = [pace.after(0.1) for _ in range(200)]
    assert 27.0 <= min(waits_s) < 28.0
    assert 32.0 < max(waits_s) <= 33.0


def test_a_slow_slurm_is_asked_less_often():
    assert 54.0 <= Pace(30.0).after(6.0) <= 66.0


def test_each_failure_doubles_the_wait_up_to_a_limit_and_a_success_ends_it():
    pace = Pace(30.0)
    waits_s = [pace.after(0.1, failed=True) for _ in range(30)]
    assert 54.0 <= waits_s[0] <= 66.0
    assert 108.0 <= waits_s[1] <= 132.0
    assert all(LONGEST_S * 0.9 <= wait_s <= LONGEST_S * 1.1 for wait_s in waits_s[4:])
    assert pace.after(0.1) <= 33.0


def test_a_slurmctld_that_was_started_anew_is_seen_before_what_was_read_is_too_old_to_act_on():
    assert Pace(30.0).after(10.0, failed=True) <= 66.0, "the first request waited for its time-out"


def test_two_of_us_do_not_ask_at_the_same_times():
    assert [Pace(30.0, seed=1).after(0.1)] != [Pace(30.0, seed=2).after(0.1)]


def test_an_interval_longer_than_the_limit_is_kept():
    assert Pace(600.0).after(0.1, failed=True) >= 540.0
