"""What a pool is, and what nodes and bookings are called."""

from __future__ import annotations

import pytest

from connectors.slurm.names import booking_mark, booking_name, is_mark, is_node
from connectors.slurm.pool import pool_of
from connectors.slurm.read import pool_reading
from models.errors import BadInput
from models.handovers import of_tidegate
from models.nodes import NodeShape
from tests.connectors.slurm.makers import EIGHT, answers, job, node, partition


@pytest.mark.parametrize("name", ["n01", "gpu-1.example.org", "a_b", "x" * 253])
def test_names_of_nodes(name: str):
    assert is_node(name)


@pytest.mark.parametrize("name", ["", "..", ".", "n01/../..", "n 1", "n?x", "n#", "n%2f", "n\n", "n,m", "ñ", "x" * 254])
def test_what_no_node_is_called_comes_into_no_address(name: str):
    assert not is_node(name)


@pytest.mark.parametrize(
    ("node_name", "mark"),
    [("n01", "tidegate:1.p1"), ("a-b", "tidegate:a"), ("b", "tidegate:7.p3-b"), ("b", "tidegate:b")],
)
def test_our_reservation_tells_its_mark(node_name: str, mark: str):
    assert booking_mark(node_name, booking_name(node_name, mark)) == mark


@pytest.mark.parametrize("name", ["maintenance", "tidegate-", "tidegate-n01", "tidegate-x-n02", "root_1"])
def test_any_other_reservation_is_somebodys(name: str):
    assert booking_mark("n01", name) == name


def test_a_reservation_that_only_looks_like_ours_is_somebodys():
    assert not of_tidegate(booking_mark("n01", "tidegate:1.p1"))


@pytest.mark.parametrize("mark", ["", "tidegate:", "maintenance", "tidegate:a b", "tidegate:a/b", "tidegate:a:b"])
def test_what_is_no_mark(mark: str):
    assert not is_mark(mark)


def test_a_pool_has_the_shape_of_most_of_its_nodes_and_the_partitions_that_have_one_of_them():
    small = [node(name, cpus=8, real_memory=16_000, gres="") for name in EIGHT[:3]]
    told = answers(
        nodes=[*small, *(node(name) for name in EIGHT[3:])],
        partitions=[
            partition(),
            partition("other", "m[01-02]"),
            partition("night", "n[07-09]", partition={"state": ["DOWN"]}),
        ],
    )
    pool = pool_of(None, told.nodes.nodes or (), told.partitions.partitions or ())
    assert pool.shape == NodeShape(64_000, 256_000, 4000)
    assert (pool.partitions, pool.closed) == ({"batch", "night"}, {"night"})


def test_a_pool_of_which_slurm_knows_nothing_is_a_mistake():
    told = answers()
    with pytest.raises(BadInput, match="no node of the pool"):
        pool_of(frozenset({"m01"}), told.nodes.nodes or (), told.partitions.partitions or ())


def test_a_partition_that_only_its_nodes_tell_of_is_hidden_and_can_start_work():
    told = answers([node("n01", partitions=["batch", "secret"])], [job(1, partition="secret")])
    found = pool_reading(told, None, None)
    assert found.pool.partitions == {"batch", "secret"}
    assert found.demand.waiting == 1.0
