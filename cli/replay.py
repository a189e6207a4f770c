"""``tidegate replay``: what a policy would have done on real traces, against fixed splits, reacting, and perfect
foresight."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.bus.target import Settings
from cli.outputs import check_apart
from cli.replaying import given
from cli.replaying import parse as words
from cli.replaying.bus_path import usable_bus
from cli.replaying.comparison import run_and_tell
from cli.replaying.inputs import replay_task
from cli.replaying.options import POLICIES, Cut, Twin, audited
from cli.replaying.windows import run_windows_and_tell, window_tasks

DEFAULT_COMPARE = "static,static-before,reactive,predictive,oracle"


class Discipline(StrEnum):
    """How the plain simulation serves its queue."""

    FIFO = "fifo"
    EASY = "easy"


def replay(  # noqa: PLR0913, PLR0917 - one parameter for each option
    hpc: given.Hpc = None,
    procs_per_node: given.ProcsPerNode = 1,
    requests: given.Requests = None,
    rate_per_node: given.RatePerNode = None,
    pods: given.Pods = None,
    nodes: given.Nodes = None,
    node_shape: given.Shape = given.DEFAULT_SHAPE,
    policy: given.PolicyFile = None,
    start: given.Start = None,
    days: given.Days = None,
    seed: given.Seed = 0,
    handover: given.Handover = given.HANDOVER_MIN,
    max_job_nodes: given.MaxJobNodes = None,
    windows: Annotated[
        int,
        typer.Option(min=1, max=1000, help="Replay so many windows of --days each, and show the spread"),
    ] = 1,
    compare: Annotated[str, typer.Option(help="Policies to compare")] = DEFAULT_COMPARE,
    hpc_only: Annotated[
        bool, typer.Option("--hpc-only", help="Only the plain simulation of the HPC scheduler")
    ] = False,
    discipline: Annotated[Discipline, typer.Option(help="How --hpc-only serves its queue")] = Discipline.EASY,
    shared_cores: given.SharedCores = False,
    report: Annotated[Path | None, typer.Option(help="Write a report: one HTML file that needs nothing else")] = None,
    json: Annotated[Path | None, typer.Option(help="Write all figures as JSON")] = None,
    audit: Annotated[
        Path | None, typer.Option(help="Write the audit of one policy, predictive if it is compared: see handovers")
    ] = None,
    bus: Annotated[str | None, typer.Option(help=words.BUS_HELP)] = None,
    bus_settings: Settings = None,
    strict: given.Strict = False,
    quiet: given.Quiet = False,
) -> None:
    """Replay traces under several policies and compare what each would have cost."""
    cut = Cut(procs_per_node, rate_per_node, words.start_by_input(start) if start else {}, days, max_job_nodes)
    twin = Twin(words.node_shape(node_shape), round(handover * 60), seed, discipline.value, shared_cores)
    names = (discipline.value,) if hpc_only else words.policies_to_compare(compare, POLICIES)
    paths = {"hpc": hpc} if hpc_only else {"hpc": hpc, "requests": requests, "pods": pods}
    traces = {name: path for name, path in paths.items() if path is not None}
    _check_asked(traces, names, hpc_only=hpc_only, moving={"--audit": audit, "--bus": bus})
    outputs = {"--report": report, "--json": json, "--audit": audit}
    inputs = {"--hpc": hpc, "--requests": requests, "--pods": pods, "--policy": policy}
    check_apart(outputs, {**inputs, "--bus-settings": bus_settings}, bus)
    if windows > 1:
        _check_windows(cut, {"--report": report, "--audit": audit, "--bus": bus, "--hpc-only": hpc_only or None})
        tasks = window_tasks(traces, nodes, policy, cut, twin, names=names, strict=strict, count=windows)
        run_windows_and_tell(tasks, json_file=json, quiet=quiet)
        return
    through = usable_bus(bus, bus_settings, quiet=quiet)
    task = replay_task(traces, nodes, policy, cut, twin, names=names, strict=strict, hpc_only=hpc_only)
    run_and_tell(task, report=report, json_file=json, audit=audit, bus=through, quiet=quiet)


def _check_asked(
    traces: Mapping[str, Path], names: tuple[str, ...], *, hpc_only: bool, moving: Mapping[str, object]
) -> None:
    """Raises BadParameter without an input, and where an option needs a policy that moves nodes."""
    if not traces:
        wanted = "--hpc-only needs --hpc" if hpc_only else "nothing to replay: give --hpc, --requests or --pods"
        raise typer.BadParameter(wanted)
    for option, value in moving.items():
        if value is not None and audited(names) is None:
            raise typer.BadParameter(f"{option} needs a policy that moves nodes; static and --hpc-only move none")


def _check_windows(cut: Cut, of_one: Mapping[str, object]) -> None:
    """Raises BadParameter where several windows are asked for with what is of one, or without a length."""
    for option, value in of_one.items():
        if value is not None:
            raise typer.BadParameter(f"{option} is of one replay; leave it out with --windows")
    if cut.days is None:
        raise typer.BadParameter("--windows needs --days, the length of one")
