"""A reservation made ahead, on Slurm's real backfill scheduler: long jobs keep off the node, short ones run there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.slurm.names import booking_name
from connectors.slurm.rest.transport import RestTransport
from connectors.slurm.scheduler import SlurmScheduler
from models.acts import Outcome
from tests.real.slurm.cluster import Cluster
from tests.real.slurm_bench import client, tells

NODE, MARK = "n05", "tidegate:9.p1"
AHEAD_S = 600
LONG, SHORT = 20, 2  # minutes that a job may run: until after the hour, and until before it
SHORTS, ROUNDS = 6, 3


@pytest.fixture
def port(slurm: Cluster, tmp_path: Path) -> Iterator[SlurmScheduler]:
    rest = client(slurm, tmp_path)
    try:
        one = SlurmScheduler(RestTransport(rest), NODE)
        slurm.wait(lambda: tells(one), "slurmctld tells since when it runs")
        yield one
    finally:
        slurm.run("scancel", "--user=root")
        slurm.wait(lambda: slurm.flags(NODE) == {"IDLE"}, "the node is as it was")
        rest.close()


def reserve(cluster: Cluster, port: SlurmScheduler) -> None:
    """By the port; 24.11 can only do it by command."""
    start_s = int(time.time()) + AHEAD_S
    if cluster.release.name != "24.11":
        assert port.reserve(NODE, start_s=start_s, mark=MARK) is Outcome.DONE
        return
    start = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(start_s))
    asked = [f"reservationname={booking_name(NODE, MARK)}", f"starttime={start}", "duration=10080", f"nodes={NODE}"]
    cluster.run("scontrol", "create", "reservation", *asked, "users=root", "flags=ignore_jobs")


def release(cluster: Cluster, port: SlurmScheduler) -> None:
    if cluster.release.name != "24.11":
        assert port.release(NODE, mark=MARK) is Outcome.DONE
    else:
        cluster.run("scontrol", "delete", f"reservation={booking_name(NODE, MARK)}")


def statistics(cluster: Cluster) -> dict[str, Any]:
    told: dict[str, Any] = cluster.ask("GET", "diag").body["statistics"]
    return told


def submit(cluster: Cluster, minutes: int, seconds: float) -> int:
    return cluster.submit("--exclusive", f"--nodelist={NODE}", minutes=minutes, wrap=f"sleep {seconds}")


def state(cluster: Cluster, number: int) -> str:
    return cluster.job(number)["JobState"]


@pytest.mark.both_releases("the older one cannot reserve over REST")
def test_until_the_hour_the_real_backfill_fills_the_node_with_short_jobs_and_starts_no_long_one(
    slurm: Cluster, port: SlurmScheduler
):
    before = statistics(slurm)
    reserve(slurm, port)
    try:
        shown = port.look(NODE)
        assert shown is not None
        assert (shown.booked_by, shown.open) == (MARK, True)
        long, began_s = submit(slurm, LONG, 1), time.monotonic()
        shorts = [submit(slurm, SHORT, 0.5) for _ in range(SHORTS)]
        for number in shorts:
            slurm.wait(lambda number=number: state(slurm, number) == "COMPLETED", "a short job behind the long one ran")
        took_s = time.monotonic() - began_s
        seen = statistics(slurm)["bf_cycle_counter"]
        slurm.wait(lambda: statistics(slurm)["bf_cycle_counter"] >= seen + ROUNDS, "it has had its chances")
        assert state(slurm, long) == "PENDING"
        held_s = time.monotonic() - began_s
    finally:
        release(slurm, port)
    slurm.wait(lambda: state(slurm, long) == "COMPLETED", "the long job runs once the reservation is gone")
    after = statistics(slurm)
    assert after["bf_cycle_counter"] > before["bf_cycle_counter"]
    filled = after["bf_backfilled_jobs"] - before["bf_backfilled_jobs"]
    print(
        f"\n{slurm.release.name}: {SHORTS} short in {took_s:.1f} s, long kept off {held_s:.1f} s, backfilled {filled}"
    )
