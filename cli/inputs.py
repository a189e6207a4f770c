"""Reads what ``tidegate replay`` is given, and says what was left out of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cli.policy_file import read_policy
from models.errors import BadInput
from models.policies import Policy
from simulator.assemble import Inputs
from simulator.traces.pods import read_pods
from simulator.traces.rates import read_rates
from simulator.traces.swf import read_swf
from simulator.work import ReadNotes
from simulator.world import World


def read_inputs(
    hpc: Path | None, requests: Path | None, pods: Path | None, *, strict: bool
) -> tuple[Inputs, tuple[str, ...]]:
    """Every input that is given, and a note on each thing that a reader left out or mended."""
    jobs = read_swf(hpc, strict=strict) if hpc else None
    rates = read_rates(requests, strict=strict) if requests else None
    pod_trace = read_pods(pods, strict=strict) if pods else None
    notes: list[str] = []
    for path, trace in ((hpc, jobs), (requests, rates), (pods, pod_trace)):
        if path is not None and trace is not None:
            notes += notes_of(path, trace.notes)
    return Inputs(jobs, rates.requests if rates else None, pod_trace.pods if pod_trace else ()), tuple(notes)


def notes_of(path: Path, notes: ReadNotes) -> list[str]:
    """What a reader left out or mended, a line each."""
    told = [
        f"{path.name}: {count} of {notes.lines} lines mended: {what}" for what, count in sorted(notes.mended.items())
    ]
    if notes.bad_lines:
        told.append(f"{path.name}: {notes.bad_lines} of {notes.lines} lines left out, the first: {notes.bad[0]}")
    return told


def size_of_machine(given: int | None, inputs: Inputs, procs_per_node: int) -> int:
    """The number of nodes: as given, else as the HPC trace's header says. Raises BadInput when neither tells."""
    if given is not None:
        return given
    header = inputs.hpc.header if inputs.hpc else None
    if header is not None and header.max_procs:
        return -(-header.max_procs // procs_per_node)
    if header is not None and header.max_nodes:
        return header.max_nodes
    raise BadInput("how many nodes the pool has is not known", remedy="give --nodes")


def policy_for(path: Path | None, nodes: int) -> Policy:
    """The policy of the file, or the defaults; its first pool must allow a split of so many nodes."""
    policy = read_policy(path) if path else Policy()
    try:
        policy.spec.pools[0].bounds(nodes)
    except ValueError as error:
        raise BadInput(str(error), where=str(path)) from None
    return policy


def facts(
    paths: Mapping[str, Path | None], world: World, start_s: Mapping[str, int], left_out: int
) -> dict[str, object]:
    """What was replayed, ready for JSON: no path but the file's own name, so that reports can be handed on."""
    workload = world.workload
    return {
        **{name: path.name for name, path in paths.items() if path is not None and name in start_s},
        "start_s": dict(start_s),
        "span_s": world.span_s,
        "nodes": world.nodes,
        "procs_per_node": world.kinds[0].cores,
        "node_shape": {
            "cpu_milli": world.shape.cpu_milli,
            "memory_mib": world.shape.memory_mib,
            "gpu_milli": world.shape.gpu_milli,
        },
        "jobs": len(workload.jobs),
        "jobs_left_out": left_out,
        "pods": sum(len(gang) for gang in workload.gangs),
        "rate_per_node": workload.rate_per_node if workload.rate_steps else None,
        "handover_s": world.handover_s,
        "discipline": world.discipline,
        "shared_cores": world.shared_cores,
        "seed": world.seed,
    }
