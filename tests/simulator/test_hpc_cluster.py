"""The twin's HPC scheduler: drains, reservations, kinds of node, shared cores, and what must always hold."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.backfill import Easy, Fifo
from simulator.hpc import Batch, HpcCluster, NodeKind
from simulator.work import Job


class Bench:
    """A cluster, its scheduler, and a hand to push both."""

    def __init__(self, *kinds: NodeKind, shared: bool = False, scheduler: type[Easy] | type[Fifo] = Easy) -> None:
        self.cluster = HpcCluster(kinds, shared=shared)
        self.started: list[int] = []
        self.scheduler = scheduler(self.cluster, lambda batch: self.started.append(batch.id))
        self.arrived: list[Batch] = []

    def submit(self, number: int, procs: int, limit_s: int = 100, kind: str = "") -> Batch:
        batch = self.cluster.batch(Job(number, 0, limit_s, limit_s, procs, kind=kind))
        self.cluster.enqueue(batch)
        self.arrived.append(batch)
        return batch

    def schedule(self, now_s: int) -> list[int]:
        self.started.clear()
        arrived, self.arrived = self.arrived, []
        self.scheduler.schedule(now_s, arrived)
        check(self.cluster)
        return list(self.started)


def check(cluster: HpcCluster) -> None:
    """What must hold of a cluster at any time, counted from nothing but jobs, drains and reservations."""
    held: dict[int, dict[int, int]] = {node: {} for node in range(cluster.size)}
    for must_end_s, ident, batch in cluster.running:
        assert (must_end_s, ident) == (batch.must_end_s, batch.id)
        for node in batch.alloc:
            held[node][batch.id] = held[node].get(batch.id, 0) + (1 if batch.shared else cluster.cores_per_node)
    for node in range(cluster.size):
        assert sum(held[node].values()) <= cluster.cores_per_node
        assert cluster.shared or len(held[node]) <= 1
        assert cluster.free_cores[node] == cluster.cores_per_node - sum(held[node].values())
        assert set(cluster.jobs_on[node]) == set(held[node])
    assert cluster.busy_nodes == sum(bool(jobs) for jobs in held.values())
    pools = {
        name: [n for pool in getattr(cluster, name).values() for n in pool] for name in ("idle", "booked", "partial")
    }
    pooled = [node for pool in pools.values() for node in pool]
    assert len(pooled) == len(set(pooled))
    for node in range(cluster.size):
        closed = cluster.drained_by[node] is not None or cluster.absent[node]
        if closed or not cluster.free_cores[node]:
            wanted = None
        elif held[node]:
            wanted = "partial"
        else:
            wanted = "idle" if cluster.booking[node] is None else "booked"
        assert [name for name, pool in pools.items() if node in pool] == ([wanted] if wanted else [])
    closed_nodes = sum(cluster.drained_by[n] is not None or cluster.absent[n] for n in range(cluster.size))
    assert cluster.closed_nodes == closed_nodes
    assert cluster.bookings == sum(booking is not None for booking in cluster.booking)
    assert sum(cluster.waiting_sizes.values()) == len(cluster.queue)
    assert all(size > 0 for size in cluster.waiting_sizes.values())


# ---- drains ----


def test_a_drain_stops_new_work_and_lets_running_work_go_on():
    bench = Bench(NodeKind("", 2))
    batch = bench.submit(1, 2)
    assert bench.schedule(0) == [1]
    for node in range(2):
        bench.cluster.drain(node, "mark")
    bench.submit(2, 1)
    assert bench.schedule(10) == []
    assert bench.cluster.busy_nodes == 2
    assert batch in [running for _, _, running in bench.cluster.running]


def test_a_drained_node_stays_empty_when_its_job_ends_until_it_is_undrained():
    bench = Bench(NodeKind("", 1))
    batch = bench.submit(1, 1)
    bench.schedule(0)
    bench.cluster.drain(0, "mark")
    bench.submit(2, 1)
    bench.cluster.finish(batch)
    assert bench.schedule(50) == []
    assert bench.cluster.busy_nodes == 0
    bench.cluster.undrain(0)
    assert bench.schedule(60) == [2]


def test_a_drained_idle_node_is_not_counted_on_by_backfill():
    """Head needs 3; one of the running nodes is drained, so only two come back: the head waits without blocking."""
    bench = Bench(NodeKind("", 4))
    bench.submit(1, 3, limit_s=100)
    bench.schedule(0)
    bench.cluster.drain(bench.cluster.running[0][2].alloc[0], "mark")
    bench.submit(2, 4, limit_s=10)
    bench.submit(3, 1, limit_s=1000)
    assert bench.schedule(1) == [3]


def test_a_job_that_fitting_nodes_can_hold_again_is_served_before_younger_ones():
    bench = Bench(NodeKind("", 2))
    bench.cluster.drain(0, "mark")
    bench.submit(1, 2)
    bench.submit(2, 2)
    assert bench.schedule(0) == []
    bench.cluster.undrain(0)
    assert bench.schedule(5) == [1]


def test_an_absent_node_starts_nothing_although_nobody_drained_it():
    bench = Bench(NodeKind("", 1))
    bench.cluster.set_absent(0, True)
    bench.submit(1, 1)
    assert bench.schedule(0) == []
    bench.cluster.set_absent(0, False)
    assert bench.schedule(1) == [1]


# ---- reservations ----

RESERVED = {
    "it ends before the reservation": (99, True),
    "it ends with the beginning of the reservation": (100, True),
    "it would run into the reservation": (101, False),
}


@pytest.mark.parametrize(("limit_s", "starts"), RESERVED.values(), ids=RESERVED.keys())
@pytest.mark.parametrize("scheduler", [Easy, Fifo])
def test_a_reservation_is_respected(scheduler: type[Easy] | type[Fifo], limit_s: int, starts: bool):
    bench = Bench(NodeKind("", 1), scheduler=scheduler)
    bench.cluster.reserve(0, 100, "mark")
    bench.submit(1, 1, limit_s)
    assert bench.schedule(0) == ([1] if starts else [])


def test_a_released_node_serves_long_work_again():
    bench = Bench(NodeKind("", 1))
    bench.cluster.reserve(0, 100, "mark")
    bench.submit(1, 1, 5000)
    assert bench.schedule(0) == []
    bench.cluster.release(0)
    assert bench.schedule(1) == [1]


def test_short_work_takes_reserved_nodes_first_so_that_the_others_stay_for_long_work():
    bench = Bench(NodeKind("", 2))
    bench.cluster.reserve(0, 100, "mark")
    short = bench.submit(1, 1, 50)
    long = bench.submit(2, 1, 5000)
    assert bench.schedule(0) == [1, 2]
    assert (short.alloc, long.alloc) == ([0], [1])


# ---- kinds of node ----


def test_a_job_gets_nodes_of_its_kind_only():
    bench = Bench(NodeKind("fat", 1), NodeKind("thin", 2))
    fat = bench.submit(1, 1, kind="fat")
    thin = bench.submit(2, 2, kind="thin")
    other = bench.submit(3, 1, kind="fat")
    assert bench.schedule(0) == [1, 2]
    assert [bench.cluster.kind_of[n] for n in fat.alloc] == ["fat"]
    assert [bench.cluster.kind_of[n] for n in thin.alloc] == ["thin", "thin"]
    assert other.start_s == -1


def test_a_job_of_any_kind_may_span_kinds_and_one_of_too_many_is_never_possible():
    bench = Bench(NodeKind("fat", 1), NodeKind("thin", 2))
    anything = bench.submit(1, 3)
    assert bench.schedule(0) == [1]
    assert sorted(anything.alloc) == [0, 1, 2]
    assert not bench.cluster.could_ever_fit(bench.cluster.batch(Job(9, 0, 1, 1, 2, kind="fat")))
    assert not bench.cluster.could_ever_fit(bench.cluster.batch(Job(9, 0, 1, 1, 1, kind="unheard-of")))
    assert bench.cluster.could_ever_fit(bench.cluster.batch(Job(9, 0, 1, 1, 2, kind="thin")))


def test_a_blocked_head_of_one_kind_does_not_hold_up_the_other_kind():
    bench = Bench(NodeKind("fat", 1), NodeKind("thin", 1))
    bench.submit(1, 1, 1000, kind="fat")
    bench.submit(2, 1, 1000, kind="fat")
    bench.submit(3, 1, 5000, kind="thin")
    assert bench.schedule(0) == [1, 3]


def test_kinds_of_different_cores_are_refused():
    with pytest.raises(ValueError, match="same number of cores"):
        HpcCluster([NodeKind("a", 1, 2), NodeKind("b", 1, 4)])


# ---- shared cores ----


def test_shared_cores_fill_a_node_before_they_begin_the_next():
    bench = Bench(NodeKind("", 2, cores=4), shared=True)
    for number in range(1, 5):
        bench.submit(number, 1)
    assert bench.schedule(0) == [1, 2, 3, 4]
    assert bench.cluster.busy_nodes == 1
    wide = bench.submit(5, 4)
    assert bench.schedule(1) == [5]
    assert (bench.cluster.busy_nodes, len(set(wide.alloc))) == (2, 1)


def test_shared_cores_of_a_drained_node_are_not_given_out():
    bench = Bench(NodeKind("", 2, cores=4), shared=True)
    first = bench.submit(1, 2)
    bench.schedule(0)
    bench.cluster.drain(first.alloc[0], "mark")
    bench.submit(2, 5)
    bench.submit(3, 4)
    assert bench.schedule(1) == [3]


# ---- whatever is done to it ----


@settings(max_examples=60)
@given(
    seed=st.integers(0, 1 << 30),
    shared=st.booleans(),
    two_kinds=st.booleans(),
    scheduler=st.sampled_from([Easy, Fifo]),
)
def test_pools_and_counts_are_true_after_every_operation(  # noqa: C901 - one branch for each operation
    seed: int, shared: bool, two_kinds: bool, scheduler: type[Easy] | type[Fifo]
):
    dice = random.Random(seed)
    kinds = [NodeKind("a", 3, 4), NodeKind("b", 2, 4)] if two_kinds else [NodeKind("", 5, 4)]
    bench = Bench(*kinds, shared=shared, scheduler=scheduler)
    cluster, now_s, number = bench.cluster, 0, 0
    for _ in range(60):
        now_s += dice.randint(0, 30)
        for _, _, batch in [row for row in cluster.running if row[0] <= now_s]:
            cluster.finish(batch)
        node = dice.randrange(cluster.size)
        act = dice.choice(["submit", "submit", "submit", "end", "drain", "undrain", "absent", "reserve", "release"])
        if act == "submit":
            number += 1
            batch = cluster.batch(Job(number, now_s, 1, dice.randint(0, 200), dice.randint(1, 20)))
            kind = dice.choice(["", *cluster.kinds])
            batch.kind = kind
            if cluster.could_ever_fit(batch):
                cluster.enqueue(batch)
                bench.arrived.append(batch)
        elif act == "end" and cluster.running:
            cluster.finish(dice.choice(cluster.running)[2])
        elif act == "drain":
            cluster.drain(node, "mark")
        elif act == "undrain":
            cluster.undrain(node)
        elif act == "absent":
            cluster.set_absent(node, dice.random() < 0.5)
        elif act == "reserve":
            cluster.reserve(node, now_s + dice.randint(0, 300), "mark")
        elif act == "release":
            cluster.release(node)
        check(cluster)
        closed = {n for n in range(cluster.size) if not cluster.is_open(n)}
        before = {ident for _, ident, _ in cluster.running}
        bench.schedule(now_s)
        for must_end_s, ident, batch in cluster.running:
            if ident in before:
                continue
            assert not closed & set(batch.alloc)
            assert all(cluster.booking[n] is None or must_end_s <= cluster.booking[n][0] for n in batch.alloc)
            assert not batch.kind or {cluster.kind_of[n] for n in batch.alloc} == {batch.kind}
