"""Answers of slurmrestd, made by hand."""

from __future__ import annotations

import json
from typing import Any

from connectors.slurm import wire
from connectors.slurm.constraints import Kind
from connectors.slurm.pool import Pool
from connectors.slurm.read import Answers
from models.nodes import NodeShape

NOW_S = 1_000_000
SHAPE = NodeShape(cpu_milli=64_000, memory_mib=256_000, gpu_milli=4000)
EIGHT = tuple(f"n{number:02}" for number in range(1, 9))
KINDS = (Kind(frozenset(), "gpu:a100:4", frozenset(EIGHT)),)
POOL = Pool(frozenset(EIGHT), SHAPE, frozenset({"batch"}), frozenset(), frozenset(), frozenset(), KINDS)


def number(value: int | None, *, infinite: bool = False) -> dict[str, Any]:
    return {"set": value is not None, "infinite": infinite, "number": value or 0}


def node(name: str = "n01", *state: str, **more: Any) -> dict[str, Any]:
    told = {"name": name, "state": list(state or ("IDLE",)), "cpus": 64, "real_memory": 256_000, "gres": "gpu:a100:4"}
    return told | {"partitions": ["batch"]} | more


def job(ident: int = 1, *state: str, **more: Any) -> dict[str, Any]:
    """A pending job for one whole node, unless said otherwise."""
    told: dict[str, Any] = {
        "job_id": ident,
        "job_state": list(state or ("PENDING",)),
        "state_reason": "Resources",
        "partition": "batch",
        "shared": ["none"],
        "node_count": number(1),
        "priority": number(1),
        "tres_req_str": "cpu=1,mem=4000M,node=1,billing=1",
        "submit_time": number(NOW_S - 100),
        "eligible_time": number(NOW_S - 100),
        "time_limit": number(10),
        "user_name": "ada",
    }
    return told | more


def running(ident: int = 1, nodes: str = "n01", **more: Any) -> dict[str, Any]:
    """A job on whole nodes that started 60 s ago."""
    told = {"nodes": nodes, "start_time": number(NOW_S - 60), "end_time": number(NOW_S + 540)}
    return job(ident, "RUNNING") | told | {"tres_alloc_str": "cpu=64,mem=250G,node=1"} | more


def one(told: dict[str, Any]) -> wire.Job:
    return wire.decode(json.dumps({"jobs": [told]}).encode(), wire.Jobs).jobs[0]  # type: ignore[index]


def partition(name: str = "batch", nodes: str = "n[01-08]", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "nodes": {"configured": nodes},
        "partition": {"state": ["UP"]},
        "maximums": {"shares": 1},
    } | more


def diagnosis(now_s: int = NOW_S, since_s: int = 500_000) -> dict[str, Any]:
    return {"statistics": {"req_time": number(now_s), "req_time_start": number(since_s)}}


def answers(
    nodes: list[Any] | None = None,
    jobs: list[Any] | None = None,
    partitions: list[Any] | None = None,
    reservations: list[Any] | None = None,
) -> Answers:
    """All of a site, of eight idle nodes unless said otherwise."""
    return Answers(
        wire.decode(json.dumps(diagnosis()).encode(), wire.Diagnosis),
        _decoded("nodes", [node(name) for name in EIGHT] if nodes is None else nodes, wire.Nodes),
        _decoded("jobs", jobs or [], wire.Jobs),
        _decoded("partitions", [partition()] if partitions is None else partitions, wire.Partitions),
        _decoded("reservations", reservations or [], wire.Reservations),
    )


def _decoded(what: str, things: list[Any], shape: type[wire.Shape]) -> wire.Shape:
    return wire.decode(json.dumps({what: things, "errors": [], "warnings": []}).encode(), shape)
