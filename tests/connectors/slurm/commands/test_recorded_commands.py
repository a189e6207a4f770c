"""Real commands of two releases printed every kind of job and node; slurmrestd told the same in the same second."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from connectors.slurm import wire
from connectors.slurm.commands import jobs, nodes
from connectors.slurm.flags import flags_of
from connectors.slurm.jobs import pieces
from connectors.slurm.pool import Pool
from models.pieces import Piece
from tests.connectors.slurm.makers import POOL

RECORDED = Path(__file__).parents[3] / "recorded"
RELEASES = ("24.11", "26.05")
ALL = frozenset((*(f"n{n:02}" for n in range(1, 17)), "d01", "f01", "c01"))
WHERE = replace(POOL, nodes=ALL, partitions=frozenset(("batch", "gpu", "small", "secret", "closed")), kinds=())


def recorded(release: str, name: str) -> bytes:
    return (RECORDED / f"slurm-{release}" / "commands" / f"{name}.json").read_bytes()


def printed(release: str, name: str) -> bytes:
    text: str = json.loads(recorded(release, name))
    return text.encode()


def work(told: wire.Jobs, pool: Pool = WHERE) -> list[Piece]:
    assert told.jobs
    return pieces(told.jobs, pool, max(int(job.submit_time.number) for job in told.jobs))


@pytest.mark.parametrize("release", RELEASES)
def test_squeue_tells_the_same_work_as_slurmrestd(release: str):
    by_rest = wire.decode(recorded(release, "rest-jobs"), wire.Jobs)
    by_squeue = wire.Jobs(jobs=tuple(jobs.understood(printed(release, "squeue"), {}).values()))
    assert work(by_squeue) == work(by_rest)
    assert {piece.record.state.name for piece in work(by_rest)} == {"RUNNING", "ELIGIBLE", "HELD", "ENDED"}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("field", ["state_reason", "shared", "hold", "features", "excluded_nodes", "user_name"])
def test_squeue_tells_the_same_of_each_job(release: str, field: str):
    by_rest = wire.decode(recorded(release, "rest-jobs"), wire.Jobs).jobs or ()
    by_squeue = jobs.understood(printed(release, "squeue"), {}).values()
    assert {job.job_id: getattr(job, field) for job in by_squeue} == {j.job_id: getattr(j, field) for j in by_rest}


@pytest.mark.parametrize("release", RELEASES)
def test_scontrol_tells_the_same_nodes_as_slurmrestd(release: str):
    by_rest = wire.decode(recorded(release, "rest-nodes"), wire.Nodes).nodes or ()
    by_scontrol = nodes.understood(printed(release, "scontrol"), {}).values()
    assert [unordered(node) for node in by_scontrol] == [unordered(node) for node in by_rest]
    assert {node.name for node in by_rest} >= ALL - {"f01"}


def unordered(node: wire.Node) -> wire.Node:
    return msgspec.structs.replace(node, state=tuple(sorted(flags_of(node.state))))
