"""What pods ask for: the rows of the Go helper's own tests and pods made at random, with what the Go helper tells.

The file of rows was written by a program around ``PodRequests`` of k8s.io/component-helpers 0.37.2, with the options
that the scheduler of 1.37 has by default, after the API server's defaults.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kube.demand.requests import added, offered, request_of, template_request
from connectors.kube.wire.pods import Pod

RECORDED = Path(__file__).parent / "recorded" / "pod_requests.jsonl"
ROWS = [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]


def pod(**told: Any) -> Pod:
    return msgspec.convert(told, Pod)


def asking(requests: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"name": "main", "resources": {"requests": requests or {}}} | more


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_a_pod_asks_for_what_the_go_helper_says(row: dict[str, Any]):
    assert dict(request_of(pod(**row["pod"]))) == row["request"]


def test_the_rows_are_there():
    assert len(ROWS) > 60


RESIZED = {"containerStatuses": [{"name": "main", "allocatedResources": {"cpu": "3"}}]}


@pytest.mark.parametrize(("node", "cpu"), [("n1", 3000), ("", 1000)])
def test_a_resize_counts_once_the_pod_has_a_node(node: str, cpu: int):
    assert request_of(pod(spec={"nodeName": node, "containers": [asking({"cpu": 1})]}, status=RESIZED))["cpu"] == cpu


SPECS: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "nothing": ({}, {}),
    "zeros": ({"containers": [asking({"cpu": "0", "memory": 0})]}, {}),
    "limits alone": ({"containers": [{"resources": {"limits": {"cpu": "2", "nvidia.com/gpu": 4}}}]},
                     {"cpu": 2000, "nvidia.com/gpu": 4}),
    "a limit beside a request of something else": (
        {"containers": [{"resources": {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "1"}}}]},
        {"cpu": 1000, "memory": 2**30},
    ),
    "a pod's limits alone": ({"resources": {"limits": {"cpu": "2"}}, "containers": [asking()]}, {"cpu": 2000}),
    "a pod's limits, and its containers' requests": (
        {"resources": {"limits": {"cpu": "2"}}, "containers": [asking({"cpu": "1"})]}, {"cpu": 1000}),
    "a pod's GPUs are its containers'": (
        {"resources": {"requests": {"nvidia.com/gpu": 9}}, "containers": [asking({"nvidia.com/gpu": 1})]},
        {"nvidia.com/gpu": 1}),
    "parts of a byte, rounded once": ({"containers": [asking({"memory": "500m"}), asking({"memory": "500m"})]},
                                      {"memory": 1}),
}  # fmt: skip


@pytest.mark.parametrize("name", SPECS)
def test_a_template_asks_for_what_its_pods_will(name: str):
    told, request = SPECS[name]
    assert dict(template_request(pod(spec=told).spec)) == request == dict(request_of(pod(spec=told)))


def test_an_amount_that_is_none_is_refused():
    with pytest.raises(ValueError, match="'two' is no quantity"):
        request_of(pod(spec={"containers": [asking({"cpu": "two"})]}))


def test_equal_requests_are_one_object():
    one, other = (request_of(pod(spec={"containers": [asking({"cpu": cpu})]})) for cpu in ("500m", "0.5"))
    assert one is other


def test_what_a_node_offers():
    assert dict(offered({"cpu": "63500m", "memory": "1Ki", "nvidia.com/gpu": "8", "example.org/none": "0"})) == {
        "cpu": 63_500, "memory": 1024, "nvidia.com/gpu": 8}  # fmt: skip
    assert dict(added([{"cpu": 1, "pods": 1}, {"cpu": 2}])) == {"cpu": 3, "pods": 1}


AMOUNTS = st.dictionaries(st.sampled_from(["cpu", "memory", "nvidia.com/gpu"]), st.integers(0, 5))
CONTAINERS = st.lists(st.tuples(AMOUNTS, st.booleans()), max_size=4)


@given(CONTAINERS, CONTAINERS, AMOUNTS, st.booleans())
def test_a_container_more_never_asks_for_less(
    containers: list[tuple[dict[str, int], bool]],
    starting: list[tuple[dict[str, int], bool]],
    more: dict[str, int],
    always: bool,
):
    def made(*added: dict[str, Any]) -> Pod:
        first = [asking(amounts, restartPolicy="Always" if stays else None) for amounts, stays in starting]
        return pod(spec={"containers": [asking(one) for one, _ in containers], "initContainers": [*first, *added]})

    before, after = request_of(made()), request_of(made(asking(more, restartPolicy="Always" if always else None)))
    assert all(after.get(name, 0) >= amount for name, amount in before.items())
