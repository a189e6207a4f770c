"""Every kind of job, and what it counts as."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.slurm import jobs
from connectors.slurm.constraints import Kind
from connectors.slurm.jobs import pieces, state_of
from models.errors import Unreachable
from models.pieces import NEVER_S, Piece
from models.work import WorkState
from tests.connectors.slurm.makers import EIGHT, KINDS, NOW_S, POOL, job, number, one, running

HELD, ELIGIBLE, RUNNING, ENDED = WorkState.HELD, WorkState.ELIGIBLE, WorkState.RUNNING, WorkState.ENDED

OTHER_REASONS = (
    *("PartitionNodeLimit", "PartitionTimeLimit", "PartitionDown", "PartitionInactive", "Licenses", "Reservation"),
    *("QOSMaxCpuPerUserLimit", "AssocGrpCpuLimit", "AssocMaxJobsLimit", "MaxJobsPerUser", "JobArrayTaskLimit"),
    *("BadConstraints", "DependencyNeverSatisfied", "BurstBufferResources", "SomethingNew"),
)


def seen(*told: dict[str, Any], pool: Any = POOL) -> list[Piece]:
    return pieces([one(each) for each in told], pool, NOW_S)


@pytest.mark.parametrize(
    ("what", "told", "state"),
    [
        ("running", running(), RUNNING),
        ("its nodes are being prepared", job(1, "RUNNING", "CONFIGURING"), RUNNING),
        ("suspended", job(1, "SUSPENDED"), RUNNING),
        ("stopped by a signal", job(1, "RUNNING", "STOPPED"), RUNNING),
        ("staging out", job(1, "RUNNING", "STAGE_OUT"), RUNNING),
        ("its epilog runs", job(1, "COMPLETED", "COMPLETING"), ENDED),
        ("cancelled, its epilog stuck", job(1, "CANCELLED", "COMPLETING"), ENDED),
        ("only completing is said", job(1, "COMPLETING"), ENDED),
        ("preempted", job(1, "PREEMPTED"), ENDED),
        ("out of time", job(1, "TIMEOUT"), ENDED),
        ("its node died", job(1, "NODE_FAIL"), ENDED),
        ("waits for nodes", job(), ELIGIBLE),
        ("behind others", job(state_reason="Priority"), ELIGIBLE),
        ("just submitted", job(state_reason="None"), ELIGIBLE),
        ("its nodes are drained", job(state_reason="ReqNodeNotAvail"), ELIGIBLE),
        ("requeued and eligible again", job(1, "PENDING", "REQUEUED"), ELIGIBLE),
        ("held by its user", job(hold=True, state_reason="JobHeldUser"), HELD),
        ("held by a person", job(hold=True, state_reason="JobHeldAdmin"), HELD),
        ("held, and no reason yet", job(hold=True, state_reason="None"), HELD),
        ("waits for another job", job(state_reason="Dependency", eligible_time=number(0)), HELD),
        ("its hour has not come", job(state_reason="BeginTime", eligible_time=number(NOW_S + 3600)), HELD),
        ("its hour has not come, no reason yet", job(state_reason="None", eligible_time=number(NOW_S + 1)), HELD),
        ("requeued, still completing", job(1, "PENDING", "COMPLETING", state_reason="None"), HELD),
        ("requeued and held", job(1, "PENDING", "REQUEUE_HOLD", state_reason="None"), HELD),
        ("special exit", job(1, "PENDING", "SPECIAL_EXIT", state_reason="None"), HELD),
        ("its reservation was deleted", job(1, "PENDING", "RESV_DEL_HOLD", state_reason="None"), HELD),
        *((reason, job(state_reason=reason), HELD) for reason in OTHER_REASONS),
    ],
)  # fmt: skip
def test_where_a_job_stands(what: str, told: dict[str, Any], state: WorkState):
    assert state_of(one(told), NOW_S) is state


def test_a_job_in_no_known_state_is_not_guessed_at():
    with pytest.raises(Unreachable, match="job 7 in a state that is not known here: TELEPORTING"):
        seen(job(7, "TELEPORTING"))


def test_a_running_job_without_a_start_is_not_guessed_at():
    with pytest.raises(Unreachable, match="no time when it started"):
        seen(job(7, "RUNNING", nodes="n01"))


@pytest.mark.parametrize(
    ("what", "told", "size"),
    [
        ("one whole node", job(), 1.0),
        ("whole nodes", job(tres_req_str="cpu=8,mem=32000M,node=8"), 8.0),
        ("cores of a node", job(shared=[], tres_req_str="cpu=16,mem=64000M,node=1"), 0.25),
        ("memory of a node", job(shared=[], tres_req_str="cpu=1,mem=200G,node=1"), 0.8),
        ("cores of nodes that are needed at once", job(shared=[], tres_req_str="cpu=3,mem=12000M,node=3"), 3.0),
        ("more cores than one node has", job(shared=[], tres_req_str="cpu=130,mem=520000M,node=1"), 130 / 64),
        ("three to five nodes", job(shared=[], tres_req_str="cpu=1,mem=4000M,node=3", node_count=number(5)), 3.0),
        ("GPUs by node", job(shared=[], tres_per_node="gres/gpu:2"), 0.5),
        ("GPUs of a type by node", job(shared=[], tres_per_node="gres/gpu:a100:3"), 0.75),
        ("GPUs by job", job(shared=[], tres_per_job="gres/gpu:2"), 0.5),
        ("GPUs by task", job(shared=[], tres_per_task="gres/gpu:1", tasks=number(4)), 1.0),
        ("GPUs that the accounting counts", job(shared=[], tres_req_str="cpu=1,mem=4000M,node=1,gres/gpu=1"), 0.25),
        ("whole, by the line of its submission", job(shared=[], submit_line="sbatch -N1 --exclusive x.sh"), 1.0),
        ("no size is told", job(shared=[], tres_req_str="", node_count=number(4)), 4.0),
        ("running on whole nodes", running(nodes="n[01-02]", tres_alloc_str="cpu=128,mem=500G,node=2"), 2.0),
        ("running on cores", running(shared=[], tres_alloc_str="cpu=4,mem=16000M,node=1"), 0.0625),
    ],
)  # fmt: skip
def test_how_large_a_job_is(what: str, told: dict[str, Any], size: float):
    assert seen(told)[0].record.nodes == pytest.approx(size)


def test_where_a_partition_gives_whole_nodes_every_job_has_them():
    pool = replace(POOL, whole=frozenset({"batch"}))
    assert seen(job(shared=[]), pool=pool)[0].size == 1.0


def test_a_record_says_when_and_whose():
    record = seen(running(4711))[0].record
    assert (record.id, record.user, record.submitted_s, record.started_s, record.limit_s, record.ended_s) == (
        "4711", "ada", NOW_S - 100, NOW_S - 60, 600, None,
    )  # fmt: skip
    ended = seen(running(4711) | {"job_state": ["COMPLETED"], "end_time": number(NOW_S - 5)})[0].record
    assert (ended.state, ended.started_s, ended.ended_s) == (ENDED, NOW_S - 60, NOW_S - 5)


# ---- arrays ----


def array(text: str, limit: int = 0, **more: Any) -> dict[str, Any]:
    return job(8, array_job_id=number(8), array_task_string=text, array_max_tasks=number(limit), **more)


def task(index: int, **more: Any) -> dict[str, Any]:
    return running(100 + index, f"n0{index}", array_job_id=number(8), array_task_id=number(index), **more)


def test_a_huge_array_is_counted_and_not_expanded():
    found = seen(array("0-99999"))
    assert [(piece.record.id, piece.record.nodes, piece.parts, piece.size) for piece in found] == [
        ("8_rest", 100_000.0, 100_000, 1.0)
    ]


def test_of_an_array_with_a_limit_only_so_many_tasks_are_demand():
    found = {piece.record.id: piece.record for piece in seen(array("1-40%3", 3))}
    assert (found["8_rest"].state, found["8_rest"].nodes) == (ELIGIBLE, 3.0)
    assert (found["8_limited"].state, found["8_limited"].nodes) == (HELD, 37.0)


def test_tasks_that_run_count_against_the_limit_of_their_array():
    found = {piece.record.id: piece.record for piece in seen(array("4-40%3", 3), task(1), task(2))}
    assert (found["8_rest"].nodes, found["8_limited"].nodes) == (1.0, 36.0)
    assert (found["8_1"].state, found["8_2"].state) == (RUNNING, RUNNING)
    at_the_limit = {piece.record.id for piece in seen(array("4-40%3", 3), task(1), task(2), task(3))}
    assert at_the_limit == {"8_limited", "8_1", "8_2", "8_3"}


def test_a_held_array_is_held_as_a_whole():
    assert [(piece.record.id, piece.record.state) for piece in seen(array("1-9%3", 3, hold=True))] == [("8_rest", HELD)]


# ---- what begins at its hour ----

LATER = {"state_reason": "BeginTime", "eligible_time": number(NOW_S + 3600)}


@pytest.mark.parametrize(
    ("what", "told", "begins"),
    [
        ("its hour has not come", [job(**LATER)], [3600]),
        ("no reason yet", [job(**{**LATER, "state_reason": "None"})], [3600]),
        ("it waits for nodes", [job()], [None]),
        ("a user holds it, too", [job(hold=True, **LATER)], [None]),
        ("it is held after an earlier run", [job(1, "PENDING", "REQUEUE_HOLD", **LATER)], [None]),
        ("it waits for another job, too", [job(**{**LATER, "state_reason": "Dependency"})], [None]),
        ("as many tasks of an array as may run", [array("1-9%2", 2, **LATER)], [3600, None]),
        (
            "a heterogeneous job",
            [job(13, het_job_id=number(13), **LATER), job(14, het_job_id=number(13), **LATER)],
            [3600],
        ),
        (
            "one of which a component is held",
            [job(13, het_job_id=number(13), **LATER), job(14, het_job_id=number(13), hold=True)],
            [None],
        ),
    ],
)
def test_when_a_job_begins_that_waits_for_its_hour_alone(what: str, told: list[Any], begins: list[int | None]):
    found = [None if piece.begins_s is None else piece.begins_s - NOW_S for piece in seen(*told)]
    assert found == begins, what


# ---- heterogeneous jobs ----


def test_the_components_of_a_heterogeneous_job_are_one_piece():
    first = job(13, het_job_id=number(13), tres_req_str="cpu=2,mem=8000M,node=1")
    second = job(14, het_job_id=number(13), tres_req_str="cpu=2,mem=8000M,node=2")
    assert [(piece.record.id, piece.record.nodes, piece.parts) for piece in seen(first, second)] == [("13", 3.0, 1)]


def test_a_heterogeneous_job_of_which_a_component_is_held_is_held():
    first, second = job(13, het_job_id=number(13)), job(14, het_job_id=number(13), state_reason="Dependency")
    assert seen(first, second)[0].record.state is HELD


def test_a_component_that_has_no_nodes_does_not_say_when_the_others_end():
    """slurmctld reckons when a waiting job will end, too."""
    first = running(13, "n01", het_job_id=number(13))
    second = job(14, het_job_id=number(13), end_time=number(NOW_S + 9000))
    (told,) = seen(first, second)
    assert (told.record.state, told.nodes, told.ends_s) == (RUNNING, ("n01",), NOW_S + 540)


def test_a_heterogeneous_job_runs_until_its_last_component_has_ended():
    first = running(13, het_job_id=number(13)) | {"job_state": ["COMPLETED"]}
    second = running(14, "n02", het_job_id=number(13))
    piece = seen(first, second)[0]
    assert (piece.record.state, piece.record.nodes, piece.nodes) == (RUNNING, 1.0, ("n02",))


# ---- what is the pool's ----


@pytest.mark.parametrize(
    ("what", "told", "counts"),
    [
        ("another partition", job(partition="other"), False),
        ("several partitions, one of them here", job(partition="other,batch"), True),
        ("insists on a node of the pool", job(required_nodes="n02"), True),
        ("insists on a node elsewhere", job(required_nodes="n02,m01"), False),
        ("runs elsewhere", running(nodes="m01"), False),
    ],
)
def test_only_work_that_the_pool_could_run_counts(what: str, told: dict[str, Any], counts: bool):
    assert bool(seen(told)) is counts


def test_what_waits_for_a_closed_partition_alone_is_no_work_of_the_pool():
    pool = replace(POOL, partitions=frozenset({"batch", "night"}), closed=frozenset({"night"}))
    assert not seen(job(partition="night"), pool=pool)
    assert seen(job(partition="night,batch"), pool=pool)


def test_of_a_job_that_reaches_over_the_pool_only_what_is_in_it_counts():
    piece = seen(running(nodes="n01,m[01-03]", tres_alloc_str="cpu=256,mem=1000G,node=4"))[0]
    assert (piece.record.nodes, piece.nodes) == (1.0, ("n01",))


def test_a_job_that_wants_gpus_is_not_of_a_pool_without_any():
    pool = replace(POOL, kinds=(replace(KINDS[0], gres=""),))
    assert not seen(job(tres_per_node="gres/gpu:1"), pool=pool)
    assert not seen(job(tres_per_job="gres/gpu:1"), pool=pool)


def test_where_a_few_nodes_of_a_pool_have_gpus_a_job_may_want_them():
    mixed = (replace(KINDS[0], nodes=frozenset(EIGHT[:2])), Kind(frozenset(), "", frozenset(EIGHT[2:])))
    pool = replace(POOL, shape=replace(POOL.shape, gpu_milli=0), kinds=mixed)
    assert seen(job(tres_per_node="gres/gpu:1"), pool=pool)
    assert not seen(job(tres_per_node="gres/gpu:1", node_count=number(3)), pool=pool)


# ---- when nodes get free ----


@pytest.mark.parametrize(
    ("what", "told", "ends_s"),
    [
        ("by its limit", running(), NOW_S + 540),
        ("without a limit", running(time_limit=number(None, infinite=True)), NEVER_S),
        ("suspended", running() | {"job_state": ["SUSPENDED"]}, NEVER_S),
    ],
)
def test_when_a_job_must_have_ended(what: str, told: dict[str, Any], ends_s: int):
    assert seen(told)[0].ends_s == ends_s


def test_the_queue_is_in_the_order_of_priority():
    told = [job(1, priority=number(5)), job(2, priority=number(9)), job(3, priority=number(9))]
    assert [piece.record.id for piece in seen(*told)] == ["2", "3", "1"]


def test_the_pool_of_these_tests_has_eight_nodes():
    assert POOL.nodes == set(EIGHT)
    assert jobs.NEVER_S > NOW_S
