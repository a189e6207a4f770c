"""What is known of the last reading saves work and changes nothing."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from connectors.slurm import jobs, wire
from connectors.slurm.jobs import KnownJobs, pieces
from tests.connectors.slurm.makers import NOW_S, POOL, job, number, one, running

FEW = replace(POOL, nodes=frozenset(("n01",)))


def told(ident: int, kind: str) -> wire.Job:
    """A job that may look like another one from one reading to the next."""
    shapes = {
        "waits": job(ident),
        "held": job(ident, hold=True),
        "later": job(ident, eligible_time=number(NOW_S + 50)),
        "runs": running(ident),
        "runs elsewhere": running(ident, nodes="n02"),
        "ended": job(ident, "COMPLETED", nodes="n01", start_time=number(NOW_S - 60), end_time=number(NOW_S)),
        "rest": job(ident, array_job_id=number(7), array_task_string="3-9%2", array_max_tasks=number(2)),
        "task": running(ident, array_job_id=number(7), array_task_id=number(ident)),
        "part": job(ident, het_job_id=number(4)),
    }
    return one(shapes[kind])


KINDS = ("waits", "held", "later", "runs", "runs elsewhere", "ended", "rest", "task", "part")
READINGS = st.lists(
    st.tuples(
        st.dictionaries(st.integers(1, 6), st.sampled_from(KINDS), max_size=6),
        st.sampled_from((POOL, FEW)),
        st.sampled_from((NOW_S - 100, NOW_S, NOW_S + 100)),
    ),
    min_size=2,
    max_size=5,
)


@given(READINGS)
def test_the_same_with_it_and_without(readings: list[tuple[dict[int, str], jobs.Pool, int]]):
    known = KnownJobs()
    for kinds, pool, now_s in readings:
        shown = [told(ident, kind) for ident, kind in kinds.items()]
        assert pieces(shown, pool, now_s, known) == pieces(shown, pool, now_s)


@given(st.lists(st.sampled_from([kind for kind in KINDS if kind not in ("rest", "task", "part")]), max_size=6))
def test_jobs_alike_come_to_the_same_as_each_alone(kinds: list[str]):
    shown = [told(ident, kind) for ident, kind in enumerate(kinds)]
    alone = [piece for job in shown for piece in pieces([job], POOL, NOW_S)]
    assert pieces(shown, POOL, NOW_S) == sorted(alone, key=lambda piece: piece.rank)


def test_a_job_with_nodes_is_not_like_one_without():
    """The first waits for a partition of no pool's; the second, in all else the same, has a node of it."""
    waits, runs = one(job(1, partition="other")), one(running(2, partition="other", tres_alloc_str=""))
    assert [piece.record.id for piece in pieces([waits, runs, waits], POOL, NOW_S)] == ["2"]


def test_what_did_not_change_is_not_worked_out_again():
    known, shown = KnownJobs(), [told(1, "waits"), told(2, "later"), told(3, "runs")]
    before = {piece.record.id: piece for piece in pieces(shown, POOL, NOW_S, known)}
    after = {piece.record.id: piece for piece in pieces(shown, POOL, NOW_S + 30, known)}
    assert after == before
    assert {ident for ident in before if after[ident] is before[ident]} == {"1", "3"}, "2 is another at its hour"
