"""A real Prometheus: what it answers is read as it is meant, its limits hold, and the shipped queries give nodes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.prom.checkup import prometheus_findings
from connectors.prom.client import Prometheus as Client
from connectors.prom.following import FollowedSignals
from connectors.prom.past import read_past
from connectors.prom.past_queries import PastQueries, past_queries
from connectors.prom.settings import PrometheusSettings
from connectors.prom.slices import POINTS_MOST, slices
from models.errors import Unreachable
from models.findings import Level
from models.nodes import Side
from models.past import PastPolicy
from models.pools import PoolPolicy
from models.signals import Signal, SignalPolicy
from tests.patience import until
from tests.real.exposed import Exposed
from tests.real.prometheus import Prometheus

DAY_S = 86_400
STEP_S = 15
END_S = int(time.time()) // STEP_S * STEP_S - 4 * 3600  # of the past: older than what is still in memory
TIMES_S = range(END_S - 2 * DAY_S, END_S + 1, STEP_S)  # 11,521 points, of which one answer has 11,000

SLURM = {"nodes": 8.0, "cpus": 512.0, "nodes_cpus_alloc": 160.0, "jobs_pending": 9.0, "jobs_hold": 2.0}
PODS = """
kube_pod_info{namespace="a",pod="one",node="gpu1"} 1
kube_pod_info{namespace="a",pod="done",node="gpu1"} 1
kube_pod_status_phase{namespace="a",pod="one",phase="Running"} 1
kube_pod_status_phase{namespace="a",pod="one",phase="Succeeded"} 0
kube_pod_status_phase{namespace="a",pod="done",phase="Running"} 0
kube_pod_status_phase{namespace="a",pod="done",phase="Succeeded"} 1
kube_pod_status_phase{namespace="a",pod="waits",phase="Pending"} 1
kube_pod_container_resource_requests{namespace="a",pod="one",container="x",node="gpu1",resource="cpu",unit="core"} 24
kube_pod_container_resource_requests{namespace="a",pod="one",container="y",node="gpu1",resource="cpu",unit="core"} 8
kube_pod_container_resource_requests{namespace="a",pod="done",container="x",node="gpu1",resource="cpu",unit="core"} 64
kube_pod_container_resource_requests{namespace="a",pod="waits",container="x",node="",resource="cpu",unit="core"} 64
kube_pod_container_resource_requests{namespace="a",pod="one",container="x",node="gpu1",resource="memory",unit="byte"} 9
"""


def demand_at(at_s: int) -> float | None:
    """What was in use; nothing is known of the sixth hour of each day."""
    return None if at_s % DAY_S // 3600 == 5 else 10.0 + at_s // 3600 % 24


def past_text() -> str:
    lines = ["# TYPE demand gauge"]
    for at_s in TIMES_S:
        value = demand_at(at_s)
        lines += [] if value is None else [f"demand {value} {at_s}"]
    return "\n".join([*lines, "# EOF\n"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """One with two days of past, that scrapes Slurm's and Kubernetes' metrics as they are written here."""
    slurm = "\n".join(f'slurm_partition_{name}{{partition="gpu"}} {value}' for name, value in SLURM.items())
    largest = 'slurm_partition_jobs_min_job_nodes_nohold{partition="gpu"} 12'
    kueue = 'kueue_pending_workloads{cluster_queue="gpu",status="active"} 3\n'
    text = f"{slurm}\n{largest}{PODS}{kueue}not_known NaN\nwithout_end +Inf\nhalf_bytes 0.5\n"
    with closing(Exposed(text)) as exposed:
        one = Prometheus(tmp_path_factory.mktemp("prometheus"), exposed.target)
        one.remember(past_text())
        try:
            one.start()
            yield one
        finally:
            one.stop()


@pytest.fixture
def client(server: Prometheus) -> Iterator[Client]:
    with closing(Client(PrometheusSettings(url=server.url))) as one:
        until(lambda: bool(one.at("half_bytes").series))
        yield one


@pytest.mark.parametrize(
    ("query", "values"),
    [
        pytest.param("half_bytes * 2", [1.0], id="a value"),
        pytest.param("not_known", [None], id="NaN"),
        pytest.param("without_end", [None], id="infinite"),
        pytest.param("vector(0) / 0", [None], id="nothing by nothing"),
        pytest.param("never_heard_of", [], id="absent"),
        pytest.param("absent(never_heard_of)", [1.0], id="that it is absent"),
        pytest.param("vector(0)", [0.0], id="zero"),
    ],
)
def test_what_is_known_and_what_is_not(client: Client, query: str, values: list[float | None]):
    answer = client.at(query)
    assert [value for points in answer.series.values() for value in points.values()] == values


@pytest.mark.parametrize(
    ("query", "why"),
    [
        pytest.param("1", r"a scalar, not series by their labels; write vector\(...\)", id="scalar"),
        pytest.param('"a"', "a string, not series", id="string"),
        pytest.param("up[1m]", "a range of each series", id="range"),
        pytest.param("up{", "status 400: bad_data: .*parse error", id="half a query"),
        pytest.param("up * on () kube_pod_info", "status 422: execution: .*many-to-one|duplicate", id="no match"),
    ],
)
def test_what_is_no_answer(client: Client, query: str, why: str):
    with pytest.raises(Unreachable, match=why):
        client.at(query)


def test_a_past_of_more_points_than_one_answer_has_is_whole(client: Client):
    assert len(TIMES_S) > POINTS_MOST
    assert len([*slices(TIMES_S[0], TIMES_S[-1], STEP_S)]) == 2
    past = read_past(client, Side.HPC, PastQueries("last_over_time(demand[10s])", None), TIMES_S)
    assert {at_s: one.running for at_s, one in past.items()} == {
        at_s: value for at_s in TIMES_S if (value := demand_at(at_s)) is not None
    }


def test_prometheus_itself_refuses_one_point_more_than_we_ask_for(client: Client):
    """So that we hear of it when that changes: a step of a range more than 11,000 is refused there."""
    asked = client._server
    first, last = (datetime.fromtimestamp(at_s, UTC) for at_s in (0, POINTS_MOST * 60))
    assert len(asked.custom_query_range("vector(1)", first, last, "60s")[0]["values"]) == POINTS_MOST + 1
    with pytest.raises(Unreachable, match="11,000 points"):
        asked.custom_query_range("vector(1)", first, last + timedelta(seconds=60), "60s")


def test_the_shipped_queries_give_nodes(client: Client):
    told = {
        "hpc": {"slurm": {"partition": "gpu"}},
        "kubernetes": {"kubeStateMetrics": {"perNode": 64.0, "nodes": "gpu[0-9]+", "clusterQueue": "gpu"}},
    }
    found = {}
    for side in Side:
        queries = past_queries(PastPolicy.model_validate(told), side)
        assert queries is not None
        assert queries.waiting is not None
        found[side] = [
            value
            for query in (queries.running, queries.waiting)
            for points in client.at(query).series.values()
            for value in points.values()
        ]
    assert found == {Side.HPC: [2.5, 12.0], Side.KUBERNETES: [0.5, 3.0]}


@pytest.mark.parametrize(("nodes", "values"), [("gpu9", [0.0]), ("gpu1", [0.5])])
def test_no_pod_on_the_pools_nodes_is_zero_where_pods_are_known(client: Client, nodes: str, values: list[float]):
    shipped = {"kubernetes": {"kubeStateMetrics": {"perNode": 64.0, "nodes": nodes}}}
    queries = past_queries(PastPolicy.model_validate(shipped), Side.KUBERNETES)
    assert queries is not None
    assert [value for points in client.at(queries.running).series.values() for value in points.values()] == values


def test_no_partition_is_unknown_and_not_zero(client: Client):
    queries = past_queries(PastPolicy.model_validate({"hpc": {"slurm": {"partition": "none"}}}), Side.HPC)
    assert queries is not None
    assert queries.waiting is not None
    assert client.at(queries.running).series == client.at(queries.waiting).series == {}


def test_the_checkup_tells_a_value_its_age_and_its_unit(server: Prometheus, client: Client):
    signals = [
        SignalPolicy(name="half", query="half_bytes", unit="bytes"),
        SignalPolicy(name="scaled", query="half_bytes", unit="GiB"),
        SignalPolicy(name="nothing", query="not_known", unit="jobs"),
        SignalPolicy(name="many", query="kube_pod_info", unit="pods"),
    ]
    pool = PoolPolicy(name="gpu", signals=tuple(signals))
    found = list(prometheus_findings(PrometheusSettings(url=server.url), [pool], time.time))
    assert [one.level for one in found] == [
        Level.OK,
        Level.OK,
        Level.WARNING,
        Level.OK,
        Level.ERROR,
        Level.ERROR,
    ]
    assert found[1].what.startswith("signal half of pool gpu is 0.5 bytes")
    assert "2 series, kube_pod_info{" in found[5].what


def test_signals_outlive_a_prometheus_that_goes_until_they_are_too_old(tmp_path: Path):
    exposed = Exposed("held 3\n")
    one = Prometheus(tmp_path, exposed.target)
    held = SignalPolicy(name="held", query="held", unit="jobs", max_age="1m")
    now_s = int(time.time())
    followed = FollowedSignals(Client(PrometheusSettings(url=one.url)), [held], clock=lambda: now_s, every_s=1000.0)
    try:
        one.start()

        def known() -> bool:
            nonlocal now_s
            now_s = int(time.time())
            followed.read()
            return bool(followed.at([held], now_s))

        until(known)
        one.stop()
        followed.read()
        assert followed.at([held], now_s + 30) == (Signal("held", 3.0, "jobs"),)
        assert followed.at([held], now_s + 31) == ()
    finally:
        followed.close()
        one.stop()
        exposed.close()
