"""How much of a pool a job takes, however Slurm tells of its GPUs, and how many whole nodes hold it."""

from __future__ import annotations

from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.slurm.read import pool_reading
from tests.connectors.slurm.makers import EIGHT, answers, job, node, number, running

CORE = "cpu=1,mem=4000M,node=1,billing=1"
GRES = "gpu:a100:4(S:0-1),shard:a100:16(S:0-1),mps:400"


def size(told: dict[str, Any], gres: str = GRES, **more: Any) -> float:
    """Of one job in a pool of eight nodes of 64 cores and 4 GPUs."""
    (record,) = pool_reading(answers([node(name, gres=gres, **more) for name in EIGHT], [told]), None, None).records
    return record.nodes


@pytest.mark.parametrize(
    ("told", "share"),
    [
        ({"tres_req_str": f"{CORE},gres/gpu=2"}, 0.5),
        ({"tres_req_str": f"{CORE},gres/gpu:a100=2"}, 0.5),
        ({"tres_req_str": f"{CORE},gres/gpu:a100=2,gres/gpu:h100=1"}, 0.75),
        ({"tres_req_str": f"{CORE},gres/gpu=2,gres/gpu:a100=2"}, 0.5),
        ({"tres_req_str": f"{CORE},gres/gpu=3,gres/gpu:a100=1"}, 0.75),
        ({"tres_req_str": f"{CORE},gres/shard=4"}, 0.25),
        ({"tres_req_str": f"{CORE},gres/shard:a100=4"}, 0.25),
        ({"tres_req_str": f"{CORE},gres/mps=50"}, 0.125),
        ({"tres_req_str": f"{CORE},gres/craynetwork=4"}, 1 / 64),
        ({"tres_per_node": "gres/gpu:a100:2"}, 0.5),
        ({"tres_per_node": "gres/gpu:a100:2,gres/gpu:a100:1"}, 0.75),
        ({"tres_per_node": "gres/gpu"}, 0.25),
        ({"tres_per_node": "gres/shard:8"}, 0.5),
        ({"tres_per_node": "gres/mps:100"}, 0.25),
        ({"tres_per_node": "gres/shard:a100:8"}, 0.5),
        ({"tres_per_job": "gres/gpu:12"}, 3.0),
        ({"tres_per_task": "gres/gpu:2", "tasks": number(3)}, 1.5),
        ({"tres_per_task": "cpu:2,gres/gpu:2", "tasks": number(3)}, 1.5),
        ({"tres_per_task": "gres/gpu:2"}, 0.5),
        ({"tres_per_socket": "gres/gpu:2"}, 1.0),
        ({"tres_per_socket": "gres/gpu:2", "sockets_per_node": number(1)}, 0.5),
        ({"tres_per_socket": "gres/gpu:2", "sockets_per_node": number(0)}, 1.0),
        ({"tres_per_socket": "gres/gpu:1", "sockets_per_node": number(None)}, 0.5),
        ({"tasks": number(8), "tasks_per_tres": number(4)}, 0.5),
        ({"tasks": number(9), "tasks_per_tres": number(4)}, 0.75),
        ({"tasks": number(8), "tasks_per_tres": number(0)}, 1 / 64),
        ({"tasks": number(8), "tasks_per_tres": number(None, infinite=True)}, 1 / 64),
        ({"tres_per_job": "gres/gpu:1", "tasks": number(8), "tasks_per_tres": number(2)}, 0.25),
        ({"tres_per_node": "gres/gpu:0"}, 1 / 64),
        ({"tres_req_str": "cpu=0.13K,mem=4000M,node=1"}, 2.08),
    ],
)
def test_gpus_count_however_they_are_asked_for(told: dict[str, Any], share: float):
    asked = {"shared": [], "tres_req_str": CORE} | told
    assert size(job(1, **asked)) == pytest.approx(share)
    if share <= 1:
        has = asked.pop("tres_req_str")
        assert size(running(1, **asked | {"tres_alloc_str": has})) == pytest.approx(share), "running, as waiting"


@pytest.mark.parametrize(("sockets", "share"), [(1, 0.25), (2, 0.5), (4, 1.0)])
def test_sockets_are_the_nodes_own_where_the_job_does_not_say(sockets: int, share: float):
    told = job(1, shared=[], tres_per_socket="gres/gpu:1")
    assert size(told, sockets=sockets) == pytest.approx(share)


@pytest.mark.parametrize(
    ("told", "nodes"),
    [
        ({}, 1),
        ({"tres_per_job": "gres/gpu:12"}, 3),
        ({"tres_per_job": "gres/gpu:a100:9"}, 3),
        ({"tres_req_str": f"{CORE},gres/gpu=12"}, 3),
        ({"tres_req_str": f"{CORE},gres/gpu:a100=12"}, 3),
        ({"tres_per_task": "gres/gpu:2", "tasks": number(3)}, 2),
        ({"tres_per_task": "gres/gpu:3", "tasks": number(4)}, 4),
        ({"tres_per_task": "gres/gpu:1", "tasks": number(4)}, 1),
        ({"tres_per_task": "gres/gpu:8", "tasks": number(2)}, 4),
        ({"tasks": number(20), "tasks_per_tres": number(2)}, 3),
        ({"tres_per_node": "gres/gpu:4", "node_count": number(2), "tres_req_str": "cpu=2,mem=8000M,node=2"}, 2),
        ({"tres_per_socket": "gres/gpu:2"}, 1),
        ({"tres_per_node": "gres/shard:16"}, 1),
        ({"tres_per_job": "gres/shard:20"}, 2),
        ({"tres_req_str": "cpu=65,mem=4000M,node=1"}, 2),
        ({"tres_req_str": "cpu=64,mem=4000M,node=1"}, 1),
        ({"tres_req_str": "cpu=64,mem=500G,node=1"}, 2),
        ({"tres_req_str": "cpu=64,mem=257000M,node=1"}, 1),
        ({"tres_req_str": "", "tres_per_job": "gres/gpu:12"}, 3),
        ({"tres_req_str": ""}, 1),
        ({"tres_req_str": f"{CORE},gres/gpu=1", "node_count": number(5)}, 1),
    ],
)
def test_a_job_with_its_nodes_to_itself_waits_for_as_many_as_hold_it(told: dict[str, Any], nodes: int):
    assert size(job(1, **{"shared": ["none"], "tres_req_str": CORE} | told)) == nodes


def test_once_it_runs_it_has_as_many_nodes_as_it_has():
    told = running(1, "n[01-02]", tres_per_job="gres/gpu:12", tres_alloc_str="cpu=128,mem=900G,node=2,gres/gpu=12")
    assert size(told) == 2


@given(gpus=st.integers(0, 32), cores=st.integers(1, 512), nodes=st.integers(1, 8))
def test_whole_nodes_hold_what_is_asked_for_and_one_less_would_not(gpus: int, cores: int, nodes: int):
    told = job(1, tres_req_str=f"cpu={cores},mem=1M,node={nodes},gres/gpu={gpus}", node_count=number(nodes))
    assert size(told) == max(nodes, ceil(gpus / 4), ceil(cores / 64))


def test_what_a_pool_without_gpus_is_asked_for_is_no_demand():
    told = job(1, shared=[], tres_per_socket="gres/gpu:1")
    assert not pool_reading(answers([node(name, gres="") for name in EIGHT], [told]), None, None).records
