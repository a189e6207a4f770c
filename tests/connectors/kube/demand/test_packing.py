"""How many nodes pods need."""

from __future__ import annotations

from math import ceil, inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kube.demand.need import Request
from connectors.kube.demand.packing import KINDS_MOST, PORTS_MOST, _kinds, nodes_needed, share, shares, shown, too_large
from tests.connectors.kube.demand.made import GPU

SHAPE: Request = {"cpu": 8000, "memory": 32, GPU: 4, "pods": 10}


def test_a_share_is_the_scarcest_resource():
    assert share({"cpu": 2000, "memory": 4, GPU: 2}, SHAPE) == 0.5
    assert share({"cpu": 400}, SHAPE) == 0.1  # its place among the pods of a node
    assert share({"cpu": 400}, {"cpu": 8000}) == 0.05
    assert share({"fpga": 1}, SHAPE) == inf
    assert share({"hostport/80/TCP": 1}, SHAPE) == 1.0
    assert shares([({"cpu": 2000}, 3), ({"memory": 8}, 2)], SHAPE) == 0.75


@pytest.mark.parametrize("pods", [1, 2])
def test_ports_without_end_do_not_make_nodes_that_no_memory_holds(pods: int):
    """Each port that is heeded is a dimension of every pod; one that a single pod asks for keeps nobody off a node."""
    counts = [({"cpu": 4000, f"hostport/{port}/TCP": 1}, pods) for port in range(2000)]
    whole, kinds = _kinds(counts, {"cpu": 8000, "pods": 10})
    assert len(whole) <= PORTS_MOST + 2
    assert len(kinds) <= PORTS_MOST + 1
    assert nodes_needed(counts, {"cpu": 8000, "pods": 10}) == pods * 1000


LARGE: dict[str, tuple[Request, str]] = {
    "fits": ({"cpu": 8000, "memory": 32, GPU: 4}, ""),
    "more cpu": ({"cpu": 9500}, "it asks for 9.5 cpu, and a node offers 8 cpu"),
    "more GPUs": ({"cpu": 1, GPU: 5}, "it asks for 5 nvidia.com/gpu, and a node offers 4 nvidia.com/gpu"),
    "what no node has": ({"fpga": 1}, "it asks for 1 fpga, and a node offers 0 fpga"),
    "the worst is told": ({"cpu": 9000, GPU: 8}, "it asks for 8 nvidia.com/gpu"),
}


@pytest.mark.parametrize("name", LARGE)
def test_what_is_larger_than_a_node_says_why(name: str):
    request, why = LARGE[name]
    assert too_large(request, SHAPE).startswith(why)
    assert bool(too_large(request, SHAPE)) is bool(why)


def test_a_pod_larger_than_a_node_as_in_a_real_trace():
    shape = {"cpu": 64_000, "memory": 512 * 2**30}
    told = too_large({"cpu": 500, "memory": 2**40}, shape)
    assert told == "it asks for 1024 GiB of memory, and a node offers 512 GiB of memory"


def test_a_node_without_room_for_a_pod():
    assert too_large({}, {"cpu": 8, "pods": 0}) == "it asks for 1 pods, and a node offers 0 pods"


def test_amounts_for_people():
    assert [shown("cpu", 1500), shown("memory", 3 * 2**29), shown(GPU, 8)] == [
        "1.5 cpu",
        "1.5 GiB of memory",
        f"8 {GPU}",
    ]


PACKED: dict[str, tuple[list[tuple[Request, int]], int]] = {
    "none": ([], 0),
    "none of one": ([({"cpu": 1}, 0)], 0),
    "one small": ([({"cpu": 1}, 1)], 1),
    "two that fit": ([({"cpu": 4000}, 2)], 1),
    "two that do not": ([({"cpu": 4001}, 2)], 2),
    "different ones fill one": ([({"cpu": 6000}, 1), ({"cpu": 2000}, 1)], 1),
    "cpu here and memory there": ([({"cpu": 8000}, 1), ({"memory": 32}, 1)], 1),
    "the largest first": ([({"cpu": 2000}, 4), ({"cpu": 6000}, 4)], 4),
    "GPUs count": ([({"cpu": 100, GPU: 1}, 9)], 3),
    "places count": ([({"cpu": 1}, 21)], 3),
    "a port is taken once a node": ([({"cpu": 1, "hostport/80/TCP": 1}, 3), ({"cpu": 1}, 3)], 3),
    "two ports share a node": ([({"hostport/80/TCP": 1}, 2), ({"hostport/81/TCP": 1}, 2)], 2),
    "nothing asked for": ([({}, 25)], 3),
}


@pytest.mark.parametrize("name", PACKED)
def test_pods_are_packed(name: str):
    counts, nodes = PACKED[name]
    assert nodes_needed(counts, SHAPE) == nodes
    assert nodes_needed(counts[::-1], SHAPE) == nodes


def test_what_asks_for_nothing_takes_no_room_where_places_are_not_told():
    assert nodes_needed([({}, 1000)], {"cpu": 8000}) == 1


def test_a_pod_larger_than_a_node_cannot_be_packed():
    with pytest.raises(ValueError, match="9 cpu, and a node offers 8 cpu"):
        nodes_needed([({"cpu": 9000}, 1)], SHAPE)


REQUESTS = st.fixed_dictionaries(
    {}, optional={"cpu": st.integers(0, 8000), "memory": st.integers(0, 32), GPU: st.integers(0, 4)}
)
COUNTS = st.lists(st.tuples(REQUESTS, st.integers(1, 30)), max_size=12)


@given(COUNTS)
def test_never_fewer_nodes_than_the_scarcest_resource_takes_nor_more_than_pods(counts: list[tuple[Request, int]]):
    nodes = nodes_needed(counts, SHAPE)
    pods = sum(count for _, count in counts)
    assert ceil(shares(counts, SHAPE) - 1e-9) <= nodes <= pods
    assert nodes_needed(list(reversed(counts)), SHAPE) == nodes


@given(COUNTS)
def test_first_fit_leaves_at_most_one_node_half_empty_of_one_resource(counts: list[tuple[Request, int]]):
    cpu = [({"cpu": request.get("cpu", 0)}, count) for request, count in counts]
    nodes = nodes_needed(cpu, {"cpu": 8000})
    assert nodes <= max(1, ceil(2 * shares(cpu, {"cpu": 8000}))) or not cpu


def test_of_very_many_kinds_amounts_are_rounded_up():
    counts = [({"cpu": 1 + number, "memory": 1 + number % 32}, 1) for number in range(2 * KINDS_MOST)]
    shape = {"cpu": 8000, "memory": 3200}
    nodes = nodes_needed(counts, shape)
    assert ceil(shares(counts, shape)) <= nodes <= 2 * KINDS_MOST / 10
