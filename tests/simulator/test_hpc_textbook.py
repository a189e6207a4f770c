"""The twin's schedulers against first come first served and EASY as a textbook has them, written apart."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.nodes import NodeShape
from simulator.hpc import NodeKind
from simulator.machine import Machine, Workload
from simulator.work import Job

SHAPE = NodeShape(1000, 1000, 0)


def job(number: int, submit_s: int, nodes: int, run_s: int, limit_s: int | None = None) -> Job:
    return Job(number, submit_s, run_s, run_s if limit_s is None else limit_s, nodes)


def twin(jobs: list[Job], nodes: int, discipline: str) -> tuple[dict[int, int], Machine]:
    """When each job starts in the twin, with the whole machine."""
    starts: dict[int, int] = {}
    machine = Machine(Workload(tuple(jobs)), [NodeKind("", nodes)], SHAPE, discipline=discipline)
    machine.split(0)
    while machine.agenda:
        machine.advance()
        for _, _, batch in machine.hpc.running:
            starts.setdefault(batch.id, batch.start_s)
    return starts, machine


def lasts_s(job: Job) -> int:
    return min(job.run_s, job.limit_s)


def textbook_fifo(jobs: list[Job], nodes: int) -> dict[int, int]:
    """Each job in its turn starts as soon as enough nodes are free, and not before its predecessor."""
    placed: list[tuple[int, int, int]] = []  # start, end, nodes
    starts: dict[int, int] = {}
    previous_s = 0
    for job in jobs:
        if job.procs > nodes:
            continue
        earliest_s = max(job.submit_s, previous_s)
        for at_s in sorted({earliest_s, *(end_s for _, end_s, _ in placed if end_s > earliest_s)}):
            held = sum(count for start_s, end_s, count in placed if start_s <= at_s < end_s)
            if held + job.procs <= nodes:
                break
        previous_s = starts[job.id] = at_s
        placed.append((at_s, at_s + lasts_s(job), job.procs))
    return starts


def textbook_easy(jobs: list[Job], nodes: int) -> dict[int, int]:
    """Wake at every submission and every end; let the ended go, admit the new, then one naive pass over the queue."""
    coming = [job for job in jobs if job.procs <= nodes]
    running: list[tuple[Job, int]] = []
    waiting: list[Job] = []
    starts: dict[int, int] = {}
    while coming or running:
        now_s = min([job.submit_s for job in coming] + [start_s + lasts_s(job) for job, start_s in running])
        running = [(job, start_s) for job, start_s in running if start_s + lasts_s(job) > now_s]
        waiting += [job for job in coming if job.submit_s == now_s]
        coming = [job for job in coming if job.submit_s > now_s]
        for job in one_pass(waiting, running, nodes, now_s):
            starts[job.id] = now_s
        waiting = [job for job in waiting if job.id not in starts]
    return starts


def one_pass(waiting: list[Job], running: list[tuple[Job, int]], nodes: int, now_s: int) -> list[Job]:
    """What starts now; it is added to ``running``. The reservation is made anew for every single candidate."""
    begun: list[Job] = []
    for job in waiting:
        free = nodes - sum(other.procs for other, _ in running)
        ahead = [earlier for earlier in waiting if earlier not in begun]
        if job.procs > free:
            continue
        if job is not ahead[0] and not leaves_the_head_alone(job, ahead[0], running, nodes, now_s):
            continue
        running.append((job, now_s))
        begun.append(job)
    return begun


def leaves_the_head_alone(job: Job, head: Job, running: list[tuple[Job, int]], nodes: int, now_s: int) -> bool:
    def free_at(at_s: int, holders: list[tuple[Job, int]]) -> int:
        return nodes - sum(other.procs for other, start_s in holders if start_s + other.limit_s > at_s)

    ends = sorted({start_s + other.limit_s for other, start_s in running})
    shadow_s = next(end_s for end_s in ends if free_at(end_s, running) >= head.procs)
    return free_at(shadow_s, [*running, (job, now_s)]) >= head.procs


@st.composite
def machines_and_jobs(draw: st.DrawFn, shortest_s: int = 0) -> tuple[int, list[Job]]:
    nodes = draw(st.integers(1, 8))
    count = draw(st.integers(0, 14))
    submit_s, jobs = 0, []
    for number in range(1, count + 1):
        submit_s += draw(st.integers(0, 8))
        run_s = draw(st.integers(shortest_s, 20))
        limit_s = max(shortest_s, run_s + draw(st.integers(-4, 15)))
        jobs.append(job(number, submit_s, draw(st.integers(1, nodes + 1)), run_s, max(0, limit_s)))
    return nodes, jobs


@settings(max_examples=150)
@given(machines_and_jobs())
def test_fifo_starts_every_job_when_the_textbook_does(case: tuple[int, list[Job]]):
    nodes, jobs = case
    starts, machine = twin(jobs, nodes, "fifo")
    assert starts == textbook_fifo(jobs, nodes)
    assert sorted(machine.counts.waits_s) == sorted(starts[j.id] - j.submit_s for j in jobs if j.id in starts)


@settings(max_examples=300)
@given(machines_and_jobs(shortest_s=1))
def test_easy_starts_every_job_when_the_textbook_does(case: tuple[int, list[Job]]):
    nodes, jobs = case
    starts, machine = twin(jobs, nodes, "easy")
    assert starts == textbook_easy(jobs, nodes)
    assert machine.counts.jobs_finished == len(starts)


@settings(max_examples=100)
@given(machines_and_jobs(shortest_s=1))
def test_easy_never_delays_the_head_beyond_its_first_reservation_when_limits_are_exact(case: tuple[int, list[Job]]):
    """With exact limits nothing ends early, so the oldest waiting job starts when it was first promised to."""
    nodes, jobs = case
    exact = [job(j.id, j.submit_s, j.procs, j.run_s) for j in jobs]
    starts, _ = twin(exact, nodes, "easy")
    for head in exact:
        if head.id not in starts:
            continue
        before = [other for other in exact if other.id < head.id and other.id in starts]
        if any(starts[other.id] > head.submit_s for other in before):
            continue  # it was not at the head when it came
        held = [o for o in exact if o.id in starts and starts[o.id] <= head.submit_s and o.id < head.id]
        times = sorted({head.submit_s, *(starts[o.id] + o.run_s for o in held)})
        promised_s = next(
            at_s
            for at_s in times
            if at_s >= head.submit_s
            and nodes - sum(o.procs for o in held if starts[o.id] + o.run_s > at_s) >= head.procs
        )
        assert starts[head.id] <= promised_s


# Each case: nodes, jobs, start of each job by number. Worked out by hand.
EASY_CASES = {
    "a short job fills the hole before the head's shadow": (
        4,
        [job(1, 0, 3, 100), job(2, 1, 4, 10), job(3, 2, 1, 98)],
        {1: 0, 2: 100, 3: 2},
    ),
    "one second longer and it would delay the head": (
        4,
        [job(1, 0, 3, 100), job(2, 1, 4, 10), job(3, 2, 1, 99)],
        {1: 0, 2: 100, 3: 110},
    ),
    "a long job on nodes that the head does not need": (
        4,
        [job(1, 0, 3, 100), job(2, 1, 3, 10), job(3, 2, 1, 1000)],
        {1: 0, 2: 100, 3: 2},
    ),
    "the second long job finds the extra nodes used up": (
        5,
        [job(1, 0, 3, 100), job(2, 1, 4, 10), job(3, 2, 1, 1000), job(4, 3, 1, 1000)],
        {1: 0, 2: 100, 3: 2, 4: 110},
    ),
    "room that comes free at the very shadow time counts as extra": (
        4,
        [job(1, 0, 2, 50), job(2, 0, 1, 50), job(3, 1, 3, 10), job(4, 2, 1, 1000)],
        {1: 0, 2: 0, 3: 50, 4: 2},
    ),
    "a job is killed at its limit": (
        2,
        [job(1, 0, 2, 500, 60), job(2, 1, 2, 10)],
        {1: 0, 2: 60},
    ),
    "an early end lets the head start early": (
        2,
        [job(1, 0, 2, 20, 100), job(2, 1, 2, 10)],
        {1: 0, 2: 20},
    ),
    "backfill goes by the limit, not by the run time": (
        4,
        [job(1, 0, 3, 100), job(2, 1, 4, 10), job(3, 2, 1, 5, 200)],
        {1: 0, 2: 100, 3: 110},
    ),
    "a job of no run time ends at once": (
        1,
        [job(1, 0, 1, 0), job(2, 0, 1, 5)],
        {1: 0, 2: 0},
    ),
    "equal submit times are served in the order of the trace": (
        1,
        [job(7, 5, 1, 10), job(3, 5, 1, 10), job(9, 5, 1, 10)],
        {7: 5, 3: 15, 9: 25},
    ),
    "a job larger than the machine blocks nobody": (
        2,
        [job(1, 0, 3, 10), job(2, 0, 2, 10)],
        {2: 0},
    ),
    "what ends makes room for what comes in the same second": (
        2,
        [job(1, 0, 2, 10), job(2, 10, 2, 10)],
        {1: 0, 2: 10},
    ),
}


@pytest.mark.parametrize(("nodes", "jobs", "starts"), EASY_CASES.values(), ids=EASY_CASES.keys())
def test_easy_by_hand(nodes: int, jobs: list[Job], starts: dict[int, int]):
    assert twin(jobs, nodes, "easy")[0] == starts


def test_a_job_larger_than_the_machine_is_refused_and_counted():
    _, machine = twin([job(1, 0, 3, 10), job(2, 0, 2, 10)], 2, "easy")
    counts = machine.counts
    assert (counts.jobs_in, counts.jobs_refused, counts.jobs_finished, len(machine.hpc.queue)) == (2, 1, 1, 0)


def test_fifo_lets_nobody_pass_a_blocked_head():
    jobs = [job(1, 0, 3, 100), job(2, 1, 4, 10), job(3, 2, 1, 5)]
    assert twin(jobs, 4, "fifo")[0] == {1: 0, 2: 100, 3: 110}


def test_procs_are_rounded_up_to_whole_nodes():
    machine = Machine(Workload((Job(1, 0, 10, 10, 9),)), [NodeKind("", 3, cores=4)], SHAPE)
    machine.split(0)
    machine.advance()
    assert machine.hpc.busy_nodes == 3
