"""Who may be on a node beside a job, and what of its nodes nobody else can use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.slurm import read
from connectors.slurm.exclusive_nodes import NodeSharing, node_sharing
from tests.connectors.slurm.makers import POOL, answers, job, node, number, one, partition, running

OPEN = replace(POOL, partitions=frozenset({"batch", "users"}), of_users=frozenset({"users"}))
CORE = {"shared": ["user"], "tres_req_str": "cpu=1,mem=4000M,node=1"}
RUNS = {"shared": ["user"], "tres_alloc_str": "cpu=1,mem=4000M,node=1"}
SHARE = 1 / 64


@pytest.mark.parametrize(
    ("told", "who"),
    [
        ({}, NodeSharing.ANYBODY),
        ({"shared": ["none"]}, NodeSharing.NOBODY),
        ({"shared": ["topo"]}, NodeSharing.NOBODY),
        ({"shared": ["user"]}, NodeSharing.ITS_USER),
        ({"shared": ["mcs"]}, NodeSharing.ITS_USER),
        ({"shared": ["oversubscribe"]}, NodeSharing.ANYBODY),
        ({"submit_line": "sbatch --exclusive x.sh"}, NodeSharing.NOBODY),
        ({"submit_line": "sbatch x.sh --exclusive"}, NodeSharing.NOBODY),
        ({"submit_line": "sbatch --exclusive=user x.sh"}, NodeSharing.ITS_USER),
        ({"submit_line": "sbatch --exclusive=mcs x.sh"}, NodeSharing.ITS_USER),
        ({"submit_line": "sbatch --exclusive=topo x.sh"}, NodeSharing.NOBODY),
        ({"submit_line": "sbatch --exclusive-not x.sh"}, NodeSharing.ANYBODY),
        ({"partition": "users"}, NodeSharing.ITS_USER),
        ({"partition": "batch,users"}, NodeSharing.ITS_USER),
        ({"partition": "users", "submit_line": "sbatch --exclusive x.sh"}, NodeSharing.NOBODY),
    ],
)
def test_who_may_be_beside_a_job(told: dict[str, Any], who: NodeSharing):
    assert node_sharing(one(job(**{"shared": [], **told})), OPEN) is who


@pytest.mark.parametrize(("word", "whole", "of_users"), [("NO", 0, 0), ("NODE", 1, 0), ("TOPO", 1, 0), ("USER", 0, 1)])
def test_a_partition_of_users_does_not_give_its_jobs_whole_nodes(word: str, whole: int, of_users: int):
    """26.05 says both in one word."""
    pool = read.pool_reading(
        answers(partitions=[partition(partition={"state": ["UP"], "exclusive": word})]), None, None
    ).pool
    assert (len(pool.whole), len(pool.of_users)) == (whole, of_users)


def waiting(*jobs: dict[str, Any], most: int | None = None) -> tuple[list[float], float]:
    picture = read.pool_reading(answers(jobs=list(jobs)), None, most)
    return list(picture.waiting.sizes), picture.demand.waiting


def test_each_user_who_shares_with_nobody_waits_for_whole_nodes():
    users = ("ada", "ada", "ben", "ada", "cyd")
    sizes, demand = waiting(*(job(number_, user_name=user, **CORE) for number_, user in enumerate(users, 1)))
    assert demand == pytest.approx(3.0)
    assert sizes == pytest.approx([1 - 2 * SHARE, SHARE, 1.0, SHARE, 1.0]), "ada's three fit one node"


def test_jobs_that_anybody_may_be_beside_wait_for_their_share():
    plain = CORE | {"shared": []}
    assert waiting(job(1, user_name="ada", **plain), job(2, user_name="ben", **plain))[1] == pytest.approx(2 * SHARE)


def test_the_tasks_of_a_users_array_fit_together():
    told = job(1, array_job_id=number(1), array_task_string="0-63", **CORE)
    sizes, demand = waiting(told)
    assert demand == pytest.approx(1.0)
    assert len(sizes) == 64
    sizes, demand = waiting(told, job(2, **CORE))
    assert demand == pytest.approx(2.0)
    assert sum(sizes) == pytest.approx(2.0)


def test_what_is_oversize_brings_no_node_with_it():
    large = job(1, shared=["user"], node_count=number(3), tres_req_str="cpu=130,mem=4000M,node=3")
    sizes, demand = waiting(large, job(2, **CORE), most=2)
    assert sizes == pytest.approx([1.0])
    assert demand == pytest.approx(1.0)


def test_no_entry_of_the_queue_gets_larger_than_the_side_can():
    first = job(1, shared=["user"], tres_req_str="cpu=96,mem=4000M,node=1")
    sizes, demand = waiting(first, job(2, shared=["user"], tres_req_str="cpu=48,mem=4000M,node=1"), most=2)
    assert max(sizes) == 2.0
    assert demand == pytest.approx(3.0)


def test_what_runs_of_a_user_takes_the_nodes_that_it_is_on():
    jobs = [
        *(running(1, "n01", **RUNS), running(2, "n01", **RUNS), running(3, "n02", **RUNS)),
        running(4, "n03", user_name="ben", **RUNS),
    ]
    nodes = [node(name, "MIXED") for name in ("n01", "n02", "n03")] + [node("n04")]
    picture = read.pool_reading(answers(nodes=nodes, jobs=jobs), None, None)
    assert picture.demand.running == pytest.approx(3.0)
    assert [record.nodes for record in picture.records] == pytest.approx([SHARE] * 4), "jobs stay as large as they are"
