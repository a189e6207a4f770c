"""One user with very much waiting work: it costs little, its sum is right, and what is of others stays as it is."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.slurm import jobs as under_test
from connectors.slurm.checkup.commands import crowd_findings
from connectors.slurm.jobs import KnownJobs, pieces
from models import pieces as model
from models.findings import Level
from models.pieces import USER_MOST, Piece, demand_of, waiting_of, with_unused
from models.work import WorkState
from tests.connectors.slurm.makers import NOW_S, POOL, job, number, one, running

HELD, ELIGIBLE, ENDED = WorkState.HELD, WorkState.ELIGIBLE, WorkState.ENDED
DONE = {"job_state": ["COMPLETED"]}
SMALL = {"shared": [], "tres_req_str": "cpu=16,mem=1G,node=1"}  # a quarter of a node


def single(ident: int, user: str = "bob", **more: Any) -> dict[str, Any]:
    return job(ident, "PENDING", user_name=user, **(SMALL | more))


def read(*told: dict[str, Any], known: KnownJobs | None = None) -> list[Piece]:
    return pieces([one(each) for each in told], POOL, NOW_S, known)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five in place of a thousand."""
    monkeypatch.setattr(under_test, "USER_MOST", 5)


def test_what_is_beyond_the_most_is_one_record_with_their_sum():
    others = single(100, "ada"), running(200)
    made = read(*(single(ident) for ident in range(1, 21)), *others)
    assert [piece.record.id for piece in made] == ["1", "2", "3", "4", "5", "rest_bob_eligible_2.5e-01", "100", "200"]
    rest = made[5]
    assert (rest.record.nodes, rest.size, rest.parts, rest.record.user) == (15 * 0.25, 0.25, 15, "bob")
    assert (demand_of(made, NOW_S, 8, 8).waiting, waiting_of(made, 8).sizes) == (21 * 0.25, (0.25,) * 21)


def test_the_first_are_those_that_slurm_would_start_first():
    last = [single(ident, priority=number(1000 - ident), hold=ident < 4) for ident in range(1, 13)]
    made = read(*reversed(last))
    assert {piece.record.id for piece in made} == {*"45678", "rest_bob_eligible_2.5e-01", "rest_bob_held_2.5e-01"}


@pytest.mark.parametrize(
    ("what", "told", "records"),
    [
        ("as many as there may be", [single(ident) for ident in range(5)], 5),
        ("some of each of many users", [single(ident, f"u{ident % 10}") for ident in range(50)], 50),
        ("they run", [running(ident) | {"user_name": "bob"} for ident in range(50)], 50),
        ("they have ended", [running(ident, end_time=number(NOW_S)) | DONE for ident in range(50)], 50),
        ("they ended and never ran", [single(ident) | {"job_state": ["CANCELLED"]} for ident in range(50)], 5),
        ("components of one job", [single(ident, het_job_id=number(1)) for ident in range(1, 51)], 1),
        ("for no node of the pool", [single(ident, partition="other") for ident in range(50)], 0),
        ("of two sizes", [single(ident, tres_req_str=f"cpu={16 * (1 + ident % 2)},node=1") for ident in range(50)], 7),
        ("arrays", [single(ident, array_job_id=number(ident), array_task_string="1-10") for ident in range(1, 51)], 6),
    ],
)  # fmt: skip
def test_how_many_records_come_of_many_jobs(what: str, told: list[dict[str, Any]], records: int):
    assert len(read(*told)) == records


def test_jobs_of_sizes_that_are_all_different_are_few_records_all_the_same():
    made = read(*(single(ident, tres_req_str=f"cpu={ident},node=1") for ident in range(1, 513)))
    assert len(made) < 5 + 90 * 3
    whole = sum(piece.record.nodes for piece in made)
    assert whole == pytest.approx(sum(max(1, ident) / 64 for ident in range(1, 513)))
    for piece in made[5:]:
        assert piece.size * piece.parts == pytest.approx(piece.record.nodes)


jobs = st.builds(
    lambda user, cpus, hold, priority, array, shared: (
        {
            "user_name": user,
            "tres_req_str": f"cpu={cpus},mem=1G,node=1",
            "hold": hold,
            "priority": number(0 if hold else priority),
            "shared": shared,
        }
        | ({"array_task_string": f"1-{array}"} if array else {})
    ),
    st.sampled_from(["ada", "bob", ""]),
    st.sampled_from([1, 16, 64, 640]),
    st.booleans(),
    st.integers(1, 9),
    st.sampled_from([0, 0, 1, 7]),
    st.sampled_from([[], ["none"], ["user"]]),
)


@settings(max_examples=150)
@given(st.lists(jobs, max_size=40), st.integers(1, 12))
def test_whatever_waits_demand_queue_and_oversize_are_as_without_a_limit(told: list[dict[str, Any]], most: int):
    told = [job(ident, "PENDING", **each) for ident, each in enumerate(told, 1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(under_test, "USER_MOST", most)
        some = with_unused(read(*told), 8)
        again = with_unused(read(*told, known=KnownJobs()), 8)
        patch.setattr(under_test, "USER_MOST", 1000)
        every = with_unused(read(*told), 8)
    assert some == again
    assert demand_of(some, NOW_S, 8, 8).waiting == pytest.approx(demand_of(every, NOW_S, 8, 8).waiting)
    queue, whole = waiting_of(some, 8), waiting_of(every, 8)
    assert queue.oversize == whole.oversize
    assert sum(queue.sizes) == pytest.approx(sum(whole.sizes))
    assert Counter(piece.record.user for piece in every).keys() == Counter(piece.record.user for piece in some).keys()
    single_ones = [piece for piece in every if piece.record.user == "ada"]
    assert len({piece.record.id for piece in some}) == len(some), "every record has a name of its own"
    if len(single_ones) <= most:
        assert [piece for piece in some if piece.record.user == "ada"] == single_ones


def test_a_hundred_thousand_are_remembered_as_a_thousand(monkeypatch: pytest.MonkeyPatch):
    """Each job costs a look at its owner and its place, and no record, no event and nothing that is remembered."""
    monkeypatch.setattr(under_test, "USER_MOST", USER_MOST)
    made = 0
    real = under_test._record

    def counted(*arguments: Any) -> Any:
        nonlocal made
        made += 1
        return real(*arguments)

    monkeypatch.setattr(under_test, "_record", counted)
    known = KnownJobs()
    like = one(single(1))
    many = [under_test.replace(like, job_id=ident) for ident in range(1, 100_001)]
    work = pieces(many, POOL, NOW_S, known)
    assert (len(work), len(known.jobs), made) == (USER_MOST + 1, USER_MOST, USER_MOST + 1)
    assert demand_of(work, NOW_S, 8, 8).waiting == 25_000


def test_doctor_names_those_of_whom_there_are_too_many():
    told = [one(single(ident)) for ident in range(USER_MOST + 1)] + [one(single(ident, "ada")) for ident in range(9)]
    (found,) = crowd_findings("slurm.commands", told)
    assert (found.level, found.check) == (Level.WARNING, "slurm.commands")
    assert found.what.startswith("1001 job records of user bob wait: beyond the first 1000")
    assert not list(crowd_findings("slurm.commands", told[1:]))
    assert model.USER_MOST == USER_MOST
