"""The past of demand from Prometheus: what is known of an instant in full counts, and nothing is made up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from connectors.prom.client import Prometheus
from connectors.prom.past import read_past
from connectors.prom.past_queries import PastQueries, past_queries
from models.demand import Demand
from models.errors import Unreachable
from models.nodes import Side
from models.past import PastPolicy
from tests.connectors.prom.fake_prometheus import Fake, prometheus

START_S = 1_796_000_100
TIMES_S = range(START_S, START_S + 3 * 300 + 1, 300)
OWN = PastQueries("running", "waiting")


@pytest.fixture
def fake() -> Iterator[Fake]:
    with prometheus() as one:
        one.series = {"running": lambda _: 5.0, "waiting": lambda _: 2.0}
        yield one


def read(fake: Fake, queries: PastQueries = OWN, times_s: range = TIMES_S) -> dict[int, Demand]:
    with closing(Prometheus(fake.settings)) as client:
        return dict(read_past(client, Side.HPC, queries, times_s))


def test_every_instant_has_its_demand(fake: Fake):
    assert read(fake) == {at_s: Demand(Side.HPC, at_s, 5.0, 2.0) for at_s in TIMES_S}


def test_without_a_query_for_it_nothing_waited(fake: Fake):
    assert {one.waiting for one in read(fake, PastQueries("running", None)).values()} == {0.0}


@pytest.mark.parametrize("name", ["running", "waiting"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="absent"),
        pytest.param(float("nan"), id="NaN"),
        pytest.param(float("inf"), id="infinite"),
        pytest.param(-1.0, id="negative"),
        pytest.param(1e7, id="more than any site has"),
    ],
)
def test_an_instant_of_which_something_is_unknown_is_left_out(fake: Fake, name: str, value: float | None):
    known = fake.series[name]
    fake.series[name] = lambda at_s: value if at_s == TIMES_S[1] else known(at_s)
    assert [*read(fake)] == [TIMES_S[0], TIMES_S[2], TIMES_S[3]]


def test_ninety_days_are_read_in_slices(fake: Fake):
    times_s = range(START_S, START_S + 25_919 * 300 + 1, 300)
    assert len(read(fake, times_s=times_s)) == 25_920
    assert len(fake.asked) == 6


def test_what_was_never_measured_is_told(fake: Fake):
    fake.series["waiting"] = lambda _: None
    with pytest.raises(Unreachable, match="no series"):
        read(fake)


# Which queries


def queries(side: Side, **past: object) -> PastQueries | None:
    return past_queries(PastPolicy.model_validate(past), side)


def test_slurms_own_metrics():
    found = queries(Side.HPC, hpc={"slurm": {"partition": "gpu"}})
    assert found is not None
    of = '{partition="gpu"}'
    assert found.running == (
        f"max(slurm_partition_nodes_cpus_alloc{of}) / (max(slurm_partition_cpus{of}) / max(slurm_partition_nodes{of}))"
    )
    assert f"max(slurm_partition_jobs_pending{of}) - max(slurm_partition_jobs_hold{of})" in (found.waiting or "")


@pytest.mark.parametrize(
    ("resource", "unit", "kueue"),
    [("cpu", "core", "cpu"), ("memory", "byte", "memory"), ("nvidia_com_gpu", "integer", "nvidia.com/gpu")],
)
def test_kube_state_metrics_and_kueue(resource: str, unit: str, kueue: str):
    told = {"resource": resource, "perNode": 8.0, "nodes": "gpu[0-9]+", "clusterQueue": "gpu"}
    found = queries(Side.KUBERNETES, kubernetes={"kubeStateMetrics": told})
    assert found is not None
    assert f'resource="{resource}", unit="{unit}", node=~"gpu[0-9]+"' in found.running
    assert f'kueue_cluster_queue_resource_pending{{cluster_queue="gpu", resource="{kueue}"}}' in (found.waiting or "")


def test_without_kueue_no_pod_is_known_to_have_waited():
    found = queries(Side.KUBERNETES, kubernetes={"kubeStateMetrics": {"perNode": 64.0}})
    assert found is not None
    assert found.waiting is None


def test_a_sites_own_queries():
    own = {"own": {"running": "a", "waiting": "b"}}
    assert queries(Side.HPC, hpc=own) == PastQueries("a", "b")
    assert queries(Side.KUBERNETES, kubernetes=own) == PastQueries("a", "b")


def test_a_side_that_is_not_named_has_no_past():
    assert queries(Side.HPC) is None
    assert queries(Side.KUBERNETES, hpc={"slurm": {"partition": "gpu"}}) is None


@pytest.mark.parametrize(
    ("past", "why"),
    [
        pytest.param({"hpc": {}}, "needs either slurm or own", id="neither"),
        pytest.param(
            {"hpc": {"slurm": {"partition": "a"}, "own": {"running": "b"}}}, "needs either slurm or own", id="both"
        ),
        pytest.param({"kubernetes": {}}, "needs either kubeStateMetrics or own", id="neither of Kubernetes"),
        pytest.param({"hpc": {"slurm": {"partition": 'a"} or vector(1)'}}}, "is not a name", id="more than a name"),
        pytest.param({"kubernetes": {"kubeStateMetrics": {"perNode": 0.0}}}, "greater than 0", id="no node"),
        pytest.param({"span": "1h"}, "must be from 1d to 90d", id="too little"),
    ],
)
def test_a_past_that_is_refused(past: dict[str, object], why: str):
    with pytest.raises(ValueError, match=why):
        PastPolicy.model_validate(past)
