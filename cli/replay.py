"""``tidegate replay``: what a policy would have done on real traces, against a fixed split, reacting, and perfect
foresight."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.bus.target import Settings
from cli.outputs import check_apart
from cli.replaying import parse as words
from cli.replaying.bus_path import usable_bus
from cli.replaying.comparison import run_and_tell
from cli.replaying.inputs import replay_task
from cli.replaying.options import POLICIES, Cut, Twin, audited

DEFAULT_COMPARE = "static,reactive,predictive,oracle"


class Discipline(StrEnum):
    """How the plain simulation serves its queue."""

    FIFO = "fifo"
    EASY = "easy"


def replay(  # noqa: PLR0913, PLR0917 - one parameter for each option
    hpc: Annotated[
        Path | None, typer.Option(help="HPC jobs: Standard Workload Format, sacct -P or sacct --json; plain or gz")
    ] = None,
    procs_per_node: Annotated[int, typer.Option(min=1, help="Processors of one node")] = 1,
    requests: Annotated[Path | None, typer.Option(help="Request rate: CSV of seconds,requests_per_second")] = None,
    rate_per_node: Annotated[
        float | None,
        typer.Option(min=1e-9, max=1e12, help="Requests per second that one node serves; else scaled to the peak"),
    ] = None,
    pods: Annotated[Path | None, typer.Option(help="Pods: CSV with requests and times")] = None,
    nodes: Annotated[int | None, typer.Option(min=1, max=100_000, help="Nodes of the pool")] = None,
    node_shape: Annotated[str, typer.Option(help="What one node offers to pods")] = words.DEFAULT_SHAPE,
    policy: Annotated[Path | None, typer.Option(help="Policy file; without one the defaults hold")] = None,
    start: Annotated[str | None, typer.Option(help="Where each input starts, for example hpc=100d,pods=90d")] = None,
    days: Annotated[float | None, typer.Option(min=0.001, max=36_500, help="How many days to replay")] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random")] = 0,
    handover: Annotated[
        float, typer.Option(min=0, max=10_080, help="Median minutes between empty on one side and open on the other")
    ] = 10.0,
    max_job_nodes: Annotated[int | None, typer.Option(min=1, help="Leave larger jobs out, and count them")] = None,
    compare: Annotated[str, typer.Option(help="Policies to compare")] = DEFAULT_COMPARE,
    hpc_only: Annotated[
        bool, typer.Option("--hpc-only", help="Only the plain simulation of the HPC scheduler")
    ] = False,
    discipline: Annotated[Discipline, typer.Option(help="How --hpc-only serves its queue")] = Discipline.EASY,
    shared_cores: Annotated[
        bool, typer.Option("--shared-cores", help="Jobs share nodes by cores instead of having them alone")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="Write a report: one HTML file that needs nothing else")] = None,
    json: Annotated[Path | None, typer.Option(help="Write all figures as JSON")] = None,
    audit: Annotated[
        Path | None, typer.Option(help="Write the audit of one policy, predictive if it is compared: see handovers")
    ] = None,
    bus: Annotated[str | None, typer.Option(help=words.BUS_HELP)] = None,
    bus_settings: Settings = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse an input at its first bad line")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors")] = False,
) -> None:
    """Replay traces under several policies and compare what each would have cost."""
    cut = Cut(procs_per_node, rate_per_node, words.start_by_input(start) if start else {}, days, max_job_nodes)
    twin = Twin(words.node_shape(node_shape), round(handover * 60), seed, discipline.value, shared_cores)
    names = (discipline.value,) if hpc_only else words.policies_to_compare(compare, POLICIES)
    paths = {"hpc": hpc} if hpc_only else {"hpc": hpc, "requests": requests, "pods": pods}
    given = {name: path for name, path in paths.items() if path is not None}
    if not given:
        wanted = "--hpc-only needs --hpc" if hpc_only else "nothing to replay: give --hpc, --requests or --pods"
        raise typer.BadParameter(wanted)
    for option, value in (("--audit", audit), ("--bus", bus)):
        if value is not None and audited(names) is None:
            raise typer.BadParameter(f"{option} needs a policy that moves nodes; static and --hpc-only move none")
    outputs = {"--report": report, "--json": json, "--audit": audit}
    inputs = {"--hpc": hpc, "--requests": requests, "--pods": pods, "--policy": policy}
    check_apart(outputs, {**inputs, "--bus-settings": bus_settings}, bus)

    through = usable_bus(bus, bus_settings, quiet=quiet)

    task = replay_task(given, nodes, policy, cut, twin, names=names, strict=strict, hpc_only=hpc_only)
    run_and_tell(task, report=report, json_file=json, audit=audit, bus=through, quiet=quiet)
