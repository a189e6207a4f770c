"""Reads what ``tidegate replay`` is given, and says what was left out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from cli.replaying.comparison import Task
from cli.replaying.options import Cut, Twin
from cli.report.left_out import sentence
from models.errors import BadInput
from models.policies import Policy, policy_of_replays
from models.unserved import UnservedReason
from service.policy_file import read_policy
from simulator.assemble import Assembled, Inputs, assemble
from simulator.hpc import NodeKind
from simulator.traces.jobs import read_jobs
from simulator.traces.pods import read_pods
from simulator.traces.rates import read_rates
from simulator.unserved import unserved_of
from simulator.work import ReadNotes
from simulator.world import World


def replay_task(
    paths: Mapping[str, Path],
    nodes: int | None,
    policy: Path | None,
    cut: Cut,
    twin: Twin,
    *,
    names: tuple[str, ...],
    strict: bool,
    hpc_only: bool,
) -> Task:
    """Read the inputs and set up the world that was asked for. Raises BadInput when they cannot be used."""
    inputs, notes = read_inputs(paths, strict=strict)
    return task_of(inputs, notes, paths, nodes, policy, cut, twin, names=names, hpc_only=hpc_only)


def task_of(  # noqa: PLR0913 - one parameter for each thing that makes a world
    inputs: Inputs,
    notes: tuple[str, ...],
    paths: Mapping[str, Path],
    nodes: int | None,
    policy: Path | None,
    cut: Cut,
    twin: Twin,
    *,
    names: tuple[str, ...],
    hpc_only: bool = False,
) -> Task:
    """The world of inputs that were read. Raises BadInput when they cannot be used."""
    size = size_of_machine(nodes, inputs, cut.procs_per_node)
    made = assemble(
        inputs,
        nodes=size,
        procs_per_node=cut.procs_per_node,
        rate_per_node=cut.rate_per_node,
        start_s=cut.start_s,
        days=cut.days,
        max_job_nodes=cut.max_job_nodes,
    )
    world = world_of(made, size, policy_for(policy, size), cut, twin)
    if made.before is None:
        names = tuple(name for name in names if name != "static-before")
    if not names:
        raise BadInput(
            "static-before needs a period as long as the replay before its start, in every input",
            remedy="choose a later --start, or fewer --days",
        )
    told = facts(paths, world, made.window.start_s, made.jobs_left_out)
    all_notes = (*notes, *made.notes, *notes_of_unserved(world), *(() if hpc_only else note_of_one_side(world)))
    return Task("What Tidegate would have done", world, names, told, all_notes, hpc_only)


def world_of(made: Assembled, size: int, policy: Policy, cut: Cut, twin: Twin) -> World:
    """The world of a workload on so many nodes."""
    return World(
        workload=made.workload,
        kinds=(NodeKind("", size, cut.procs_per_node),),
        shape=twin.shape,
        policy=policy,
        span_s=made.window.span_s,
        handover_s=twin.handover_s,
        seed=twin.seed,
        discipline=twin.discipline,
        shared_cores=twin.shared_cores,
        before=made.before,
    )


def read_inputs(paths: Mapping[str, Path], *, strict: bool) -> tuple[Inputs, tuple[str, ...]]:
    """Every input that is given, and a note on each thing that a reader left out or mended."""
    jobs = read_jobs(paths["hpc"], strict=strict) if "hpc" in paths else None
    rates = read_rates(paths["requests"], strict=strict) if "requests" in paths else None
    pods = read_pods(paths["pods"], strict=strict) if "pods" in paths else None
    read = {"hpc": jobs, "requests": rates, "pods": pods}
    notes = [note for name, trace in read.items() if trace is not None for note in notes_of(paths[name], trace.notes)]
    return Inputs(jobs, rates.requests if rates else None, pods.pods if pods else ()), tuple(notes)


def notes_of(path: Path, notes: ReadNotes) -> list[str]:
    """What a reader left out or mended, a line each."""
    told = [f"{path.name}: {remark}" for remark in notes.remarks]
    for counts, what in ((notes.passed, "left out"), (notes.mended, "mended")):
        told += [
            f"{path.name}: {count} of {notes.lines} {notes.unit} {what}: {why}" for why, count in sorted(counts.items())
        ]
    if notes.bad_lines:
        told.append(f"{path.name}: {notes.bad_lines} of {notes.lines} {notes.unit} left out, the first: {notes.bad[0]}")
    return told


def notes_of_unserved(world: World) -> list[str]:
    """What no policy can serve in this world, a line for each side and reason."""
    by_shape = (UnservedReason.NODE, UnservedReason.RESOURCE)
    return [
        f"{sentence(one)}{'; --node-shape says what a node has' if one.why in by_shape else ''}"
        for one in unserved_of(world)
    ]


def note_of_one_side(world: World) -> list[str]:
    """Where one side has no work there is nothing to weigh: whoever reads the table should know."""
    workload = world.workload
    if workload.jobs and not (workload.gangs or workload.rate_steps):
        return ["Kubernetes has no demand here, so policies have nothing to weigh: add --requests or --pods"]
    return [] if workload.jobs else ["HPC has no jobs here, so policies have nothing to weigh: add --hpc"]


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
    policy = read_policy(path) if path else policy_of_replays()
    try:
        policy.spec.pools[0].bounds(nodes)
    except ValueError as error:
        raise BadInput(str(error), where=str(path)) from None
    return policy


def facts(paths: Mapping[str, Path], world: World, start_s: Mapping[str, int], left_out: int) -> dict[str, object]:
    """What was replayed, ready for JSON: no path but the file's own name, so that reports can be handed on."""
    workload = world.workload
    return {
        **{name: path.name for name, path in paths.items()},
        "start_s": dict(start_s),
        "span_s": world.span_s,
        "nodes": world.nodes,
        "procs_per_node": world.kinds[0].cores,
        "node_shape": asdict(world.shape),
        "jobs": len(workload.jobs),
        "jobs_left_out": left_out,
        "pods": sum(len(gang) for gang in workload.gangs),
        "rate_per_node": workload.rate_per_node if workload.rate_steps else None,
        "handover_s": world.handover_s,
        "discipline": world.discipline,
        "shared_cores": world.shared_cores,
        "seed": world.seed,
    }
