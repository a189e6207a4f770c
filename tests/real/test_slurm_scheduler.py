"""The conformance suite on real Slurm, both releases; and sentence by sentence what its time could not pass for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from connectors.slurm.rest.transport import RestTransport
from models.acts import Outcome
from models.work import WorkState
from tests.conformance.test_hpc_scheduler import *  # noqa: F403 - the suite
from tests.conformance.test_hpc_scheduler import MARK, OTHER, keep_free, look
from tests.real.slurm.cluster import Cluster
from tests.real.slurm_bench import SlurmBench, client

pytestmark = pytest.mark.both_releases("data parsers: each tells of nodes and jobs in its own way")
OTHERWISE = {
    "test_what_runs_is_told_with_when_it_must_have_ended": "limits are whole minutes: see below",
    "test_demand_is_what_runs_and_what_waits": "its clock goes on between two questions: see below",
}


@pytest.fixture
def bench(request: pytest.FixtureRequest, slurm: Cluster, tmp_path: Path) -> Iterator[SlurmBench]:
    if why := OTHERWISE.get(request.node.originalname):
        pytest.skip(why)
    transport = RestTransport(client(slurm, tmp_path))
    try:
        one = SlurmBench(slurm, transport)
        yield one
        one.clear()
    finally:
        transport.close()


def test_what_runs_is_told_with_the_minute_it_must_have_ended(bench: SlurmBench):
    node, began_s = bench.nodes[0], bench.now_s
    bench.occupy(node, run_s=120)
    shown = look(bench, node)
    assert shown.busy
    assert shown.frees_at_s is not None
    assert 0 <= shown.frees_at_s - began_s - 120 <= 10
    bench.end_job(node)
    assert (look(bench, node).busy, look(bench, node).frees_at_s) == (False, None)


def test_demand_is_what_runs_and_what_waits_at_slurms_own_time(bench: SlurmBench):
    keep_free(bench, *bench.nodes[:2])
    for _ in range(5):
        bench.submit_job(limit_s=100)
    picture = bench.port.read()
    demand, waiting = picture.demand, picture.waiting
    assert (demand.running, demand.waiting) == (2.0, 3.0)
    assert abs(demand.at_s - bench.now_s) <= 5
    assert (waiting.sizes, waiting.nodes, waiting.oversize) == ((1.0, 1.0, 1.0), 3.0, 0)
    bench.pass_time(100)
    demand = bench.port.read().demand
    assert (demand.running, demand.waiting) == (2.0, 1.0)


def test_from_a_near_hour_on_no_work_starts(bench: SlurmBench):
    """The hour is past at once: running work goes on, and nothing more starts."""
    node = bench.nodes[0]
    keep_free(bench, node)
    bench.occupy(node, run_s=300)
    assert bench.port.reserve(node, start_s=bench.now_s, mark=MARK) is Outcome.DONE
    bench.submit_job(limit_s=60)
    assert (look(bench, node).busy, bench.port.read().waiting.sizes) == (True, (1.0,))
    bench.end_job(node)
    bench.pass_time(10)
    assert (look(bench, node).busy, bench.port.read().waiting.sizes) == (False, (1.0,))
    assert look(bench, node).booked_by == MARK
    assert bench.port.release(node, mark=OTHER) is Outcome.REFUSED
    assert bench.port.release(node, mark=MARK) is Outcome.DONE
    bench.pass_time(10)
    assert look(bench, node).busy, "what waited starts"


def test_many_are_drained_at_once_and_given_back(bench: SlurmBench):
    bench.foreign_drain(bench.nodes[0])
    outcomes = bench.port.drain(bench.nodes, mark=MARK)
    assert list(outcomes.values()).count(Outcome.DONE) == 3
    assert outcomes[bench.nodes[0]] is Outcome.REFUSED
    assert [look(bench, node).drained for node in bench.nodes] == [True] * 4
    outcomes = {node: bench.port.undrain(node, mark=MARK) for node in bench.nodes}
    assert list(outcomes.values()).count(Outcome.DONE) == 3
    assert [look(bench, node).drain_reason for node in bench.nodes] == ["maintenance", None, None, None]


def test_every_kind_of_job_counts_as_what_it_is(bench: SlurmBench):
    """B17, with all nodes drained: what waits for nodes is demand, and nothing else."""
    keep_free(bench)
    submit = bench.cluster.submit
    pool = ("--exclude=n[01-04]", "--exclusive")
    kinds = {
        "whole": submit(*pool),
        "two nodes": submit(*pool, nodes=2),
        "cores": submit("--exclude=n[01-04]", "--ntasks=1", "--cpus-per-task=16"),
        "array": submit(*pool, "--array=1-1000"),
        "limited": submit(*pool, "--array=1-1000%2"),
        "steps": submit(*pool, "--array=" + ",".join(str(index) for index in range(1, 100, 3))),
        "held": submit(*pool, "--hold"),
        "later": submit(*pool, "--begin=now+1hour"),
    }
    kinds["after"] = submit(*pool, f"--dependency=afterok:{kinds['held']}")
    held, eligible = WorkState.HELD, WorkState.ELIGIBLE
    expected = {
        "whole": (eligible, 1.0),
        "two nodes": (eligible, 2.0),
        "cores": (eligible, 0.25),
        "array": (eligible, 1000.0),
        "limited": (eligible, 2.0),
        "steps": (eligible, 33.0),
        "held": (held, 1.0),
        "later": (held, 1.0),
        "after": (held, 1.0),
    }

    def told() -> dict[str, tuple[WorkState, float]]:
        seen = {record.id: (record.state, record.nodes) for record in bench.port.read().records}
        return {
            name: seen[ident]
            for name, number in kinds.items()
            for ident in (str(number), f"{number}_rest")
            if ident in seen
        }

    with suppress(RuntimeError):
        bench.cluster.wait(lambda: told() == expected, "Slurm has looked at all of them", timeout_s=15)
    assert told() == expected
    seen = {record.id: record.nodes for record in bench.port.read().records if record.state is held}
    assert seen[f"{kinds['limited']}_limited"] == 998.0
